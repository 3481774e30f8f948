"""Accelerator tensors: straight from the device into the arena, on a side stream.

Works for CUDA and, through ``torch.npu``, for Ascend: both have streams and events of the same shape. A slot is
registered as pinned memory once per mapping; where that is impossible the copies still work, staged by the driver.
"""

from __future__ import annotations

from .log import LOGGER
from .tensors import torch_module


class PinnedRange:
    """Host memory registered with the CUDA driver, so that copies run by DMA."""

    def __init__(self, runtime, address: int):
        self._runtime = runtime
        self._address = address

    def release(self) -> None:
        """Unregisters; must come before the memory is unmapped."""
        self._runtime.cudaHostUnregister(self._address)


def pin(mapping) -> None:
    """Registers ``mapping`` as pinned memory if a CUDA device is in use and it isn't yet."""
    torch = torch_module()
    if mapping.pinned is not None or torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return
    runtime = torch.cuda.cudart()
    status = runtime.cudaHostRegister(mapping.address, mapping.length, 0)
    if int(status) == 0:
        mapping.pinned = PinnedRange(runtime, mapping.address)
    else:
        LOGGER.warning("cudaHostRegister of %s failed (%s): copies are staged", mapping.location.path, status)


def _accelerator(device):
    torch = torch_module()
    return torch.npu if device.type == "npu" else torch.cuda


class DeviceFence:
    """What the trainer had queued on its streams when it called ``save``: the copies wait for it, on the device."""

    def __init__(self, leaves: list):
        self._events = {}
        for device in {item.leaf.device for item in leaves if item.leaf.device is not None}:
            accelerator = _accelerator(device)
            event = accelerator.Event()
            event.record(accelerator.current_stream(device))
            self._events[device] = event

    def event(self, device):
        """The event of ``device``."""
        return self._events[device]


class SideStreams:
    """One copy stream a device, made at the first use. Used by one thread at a time."""

    def __init__(self):
        self._streams = {}

    def copy(self, leaves: list, fence: DeviceFence, buffer, place) -> list:
        """Queues the copies of ``leaves`` into ``buffer`` at ``place(item)``; gives events that follow them."""
        done = []
        for device in {item.leaf.device for item in leaves}:
            accelerator = _accelerator(device)
            if device not in self._streams:
                self._streams[device] = accelerator.Stream(device=device)
            stream = self._streams[device]
            stream.wait_event(fence.event(device))
            with accelerator.stream(stream):
                for item in leaves:
                    if item.leaf.device == device:
                        item.leaf.copy_to(buffer, place(item), asynchronous=True)
                event = accelerator.Event()
                event.record(stream)
            done.append(event)
        return done
