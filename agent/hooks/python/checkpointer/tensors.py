"""The leaves of a state: what each kind of tensor is in a layout, and how its bytes get into an image and out of it.

PyTorch and NumPy are used if the process has loaded them, never imported for their own sake. Anything else with a
writable C-contiguous buffer of a known format (``array.array``, ``bytearray``, ``memoryview``) is a leaf too.
"""

from __future__ import annotations

import ctypes
import sys

from .errors import StateTypeError

#: Bytes of an element, by the dtype's name in a layout.
ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4,
    "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip

_NAMES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "int16": "I16", "uint16": "U16", "float16": "F16", "bfloat16": "BF16",
    "int32": "I32", "uint32": "U32", "float32": "F32",
    "int64": "I64", "uint64": "U64", "float64": "F64",
}  # fmt: skip
_BUFFER_KINDS = {"?": "BOOL", "e": "F16", "f": "F32", "d": "F64"}
_SUPPORTED = "supported are " + ", ".join(sorted(ITEM_BYTES))

_torch_dtypes: dict = {}


def torch_module():
    """PyTorch if this process has loaded it."""
    return sys.modules.get("torch")


def numpy_module():
    """NumPy if this process has loaded it."""
    return sys.modules.get("numpy")


class Leaf:
    """One tensor of a state, of any kind.

    ``dtype`` is its name in the layout, ``shape`` a tuple, ``size_bytes`` its length in the image. ``address`` is where
    its bytes lie, in the image's order, if they lie in host memory so; else None: then :meth:`copy_to` and
    :meth:`copy_from` go through the framework.
    """

    #: The accelerator it lives on, or None for host memory.
    device = None
    address: int | None = None

    def __init__(self, dtype: str, shape: tuple):
        self.dtype = dtype
        self.shape = shape
        count = 1
        for dimension in shape:
            count *= dimension
        self.count = count
        self.size_bytes = count * ITEM_BYTES[dtype]

    def copy_to(self, buffer, offset: int, asynchronous: bool = False) -> None:
        """Copies the tensor's bytes into ``buffer`` (a writable buffer object) at ``offset``."""
        raise NotImplementedError  # only leaves without an address are asked

    def copy_from(self, buffer, offset: int) -> None:
        """Fills the tensor from ``buffer`` at ``offset``."""
        raise NotImplementedError

    def why_not_writable(self) -> str | None:
        """Why it cannot be restored into, or None."""
        return None

    def version(self) -> int | None:
        """A number that in-place operations raise, if the framework keeps one."""
        return None


class _BufferLeaf(Leaf):
    """``array.array``, ``bytearray``, ``memoryview`` and their like."""

    def __init__(self, name: str, value):
        view = memoryview(value)
        kind = view.format.lstrip("@=<")
        dtype = _BUFFER_KINDS.get(kind)
        if dtype is None and len(kind) == 1 and kind in "bBhHiIlLqQnN":
            dtype = ("U" if kind.isupper() else "I") + str(8 * view.itemsize)
        if dtype is None or (view.format[0] == ">" and view.itemsize > 1):
            raise StateTypeError(f"'{name}' is a buffer of format {view.format!r}; {_SUPPORTED}, little-endian.")
        if view.readonly or not view.c_contiguous:
            raise StateTypeError(f"'{name}' is a buffer that is read-only or not C-contiguous.")
        super().__init__(dtype, tuple(view.shape))
        self._value = value
        if self.size_bytes:
            # Not held: an exported array.array could not grow any more. The trainer must not resize it meanwhile.
            self.address = ctypes.addressof(ctypes.c_char.from_buffer(view.cast("B")))


class _NumpyLeaf(Leaf):
    def __init__(self, name: str, array):
        little = array.dtype.newbyteorder("<")
        dtype = _NAMES.get(array.dtype.name)  # those of ml_dtypes too: bfloat16, float8_e4m3fn, …
        if dtype is None:
            raise StateTypeError(f"'{name}' is a NumPy array of {array.dtype}; {_SUPPORTED}.")
        super().__init__(dtype, array.shape)
        self._array = array
        self._little = little
        if self.size_bytes and array.flags.c_contiguous and array.dtype == little:
            self.address = array.__array_interface__["data"][0]

    def _view(self, buffer, offset):
        numpy = numpy_module()
        return numpy.frombuffer(buffer, self._little, self.count, offset).reshape(self.shape)

    def copy_to(self, buffer, offset, asynchronous=False):
        numpy_module().copyto(self._view(buffer, offset), self._array)

    def copy_from(self, buffer, offset):
        numpy_module().copyto(self._array, self._view(buffer, offset))

    def why_not_writable(self):
        if not self._array.flags.writeable:
            return "the NumPy array is read-only"
        if self.count and any(stride == 0 and size > 1 for stride, size in zip(self._array.strides, self.shape)):
            return "the NumPy array is broadcast: several elements share memory"
        return None


class _TorchLeaf(Leaf):
    def __init__(self, name: str, tensor):
        torch = torch_module()
        dtype = _torch_dtype_name(torch, tensor.dtype)
        if dtype is None:
            raise StateTypeError(f"'{name}' is a tensor of {tensor.dtype}; {_SUPPORTED}.")
        if tensor.layout is not torch.strided:
            raise StateTypeError(f"'{name}' is a {tensor.layout} tensor; convert it to a dense one.")
        if tensor.device.type == "meta":
            raise StateTypeError(f"'{name}' is a meta tensor, which has no bytes.")
        if hasattr(tensor, "to_local") or hasattr(tensor, "local_shards"):
            raise StateTypeError(
                f"'{name}' is a {type(tensor).__name__}; give its local part with its place: "
                "checkpointer.Sharded(tensor.to_local(), global_shape=…, offsets=…)."
            )
        super().__init__(dtype, tuple(tensor.shape))
        self._tensor = tensor.detach()
        if tensor.device.type != "cpu":
            self.device = tensor.device
        elif self.size_bytes and tensor.is_contiguous() and not tensor.is_neg():
            self.address = tensor.data_ptr()

    def _view(self, buffer, offset):
        """A tensor over the buffer, or None where its elements would not be aligned."""
        if offset % ITEM_BYTES[self.dtype]:
            return None
        torch = torch_module()
        return torch.frombuffer(buffer, dtype=self._tensor.dtype, count=self.count, offset=offset).view(self.shape)

    def _bytes(self, buffer, offset):
        torch = torch_module()
        return torch.frombuffer(buffer, dtype=torch.uint8, count=self.size_bytes, offset=offset)

    def copy_to(self, buffer, offset, asynchronous=False):
        torch = torch_module()
        with torch.no_grad():
            view = self._view(buffer, offset)
            if view is not None:
                view.copy_(self._tensor, non_blocking=asynchronous)
            else:
                raw = self._tensor.resolve_neg().contiguous().reshape(-1).view(torch.uint8)
                self._bytes(buffer, offset).copy_(raw, non_blocking=asynchronous)

    def copy_from(self, buffer, offset):
        torch = torch_module()
        with torch.no_grad():
            view = self._view(buffer, offset)
            if view is None:
                aligned = self._bytes(buffer, offset).clone()
                view = aligned.view(self._tensor.dtype).view(self.shape)
            self._tensor.copy_(view)

    def why_not_writable(self):
        if self.count and any(stride == 0 and size > 1 for stride, size in zip(self._tensor.stride(), self.shape)):
            return "the tensor is expanded: several elements share memory"
        return None

    def version(self):
        try:
            return self._tensor._version
        except RuntimeError:
            return None  # inference tensors keep none


def _torch_dtype_name(torch, dtype):
    if not _torch_dtypes:
        for attribute, name in _NAMES.items():
            if hasattr(torch, attribute):  # older releases lack fp8 and the wider unsigned ones
                _torch_dtypes[getattr(torch, attribute)] = name
    return _torch_dtypes.get(dtype)


def leaf_of(name: str, value) -> Leaf:
    """The leaf that ``value`` is; raises :class:`StateTypeError` naming it otherwise."""
    torch = torch_module()
    if torch is not None and isinstance(value, torch.Tensor):
        return _TorchLeaf(name, value)
    numpy = numpy_module()
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _NumpyLeaf(name, value)
    if not isinstance(value, (bytes, str)):
        try:
            memoryview(value).release()
        except TypeError:
            pass
        else:
            if not (numpy is not None and isinstance(value, numpy.generic)):
                return _BufferLeaf(name, value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        advice = "plain values belong into extra (JSON), as in save(step, state, extra={…})"
    elif hasattr(value, "state_dict"):
        advice = "give its state_dict()"
    else:
        advice = "a state holds torch tensors, NumPy arrays and checkpointer.Sharded in dicts, lists and tuples"
    raise StateTypeError(f"'{name}' is a {kind}, no tensor: {advice}.")
