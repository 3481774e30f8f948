"""The agent's slots, mapped into this process.

The agent owns the files; this side maps them shared and writes images. What could kill the trainer is checked first: a
file shorter than the mapping, or one whose pages do not exist while shared memory is full, would be a SIGBUS.
"""

from __future__ import annotations

import ctypes
import dataclasses
import mmap
import os
import re
import stat
import threading

from .errors import AgentUnavailable, ArenaError

_PAGE_BYTES = 4096
_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14: makes page table entries, changes no byte
_POPULATE_STRIDE_BYTES = 64 << 20
_GENERATION = re.compile(r"[0-9a-f]{16}")
_MAX_BYTES = (1 << 42) + (1 << 30)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


@dataclasses.dataclass(frozen=True)
class SlotLocation:
    """Where a slot's bytes are, as the agent says."""

    slot: int
    path: str
    generation: str
    data_offset: int
    data_bytes: int

    @staticmethod
    def read(value) -> SlotLocation:
        """From the agent's JSON; an :class:`AgentUnavailable` if it is no location."""
        try:
            location = SlotLocation(*(value[f.name] for f in dataclasses.fields(SlotLocation)))
        except (TypeError, KeyError) as error:
            raise AgentUnavailable(f"The agent answered a slot without {error}.") from None
        numbers = (location.slot, location.data_offset, location.data_bytes)
        if (
            any(type(n) is not int or not 0 <= n <= _MAX_BYTES for n in numbers)
            or location.data_offset < _PAGE_BYTES
            or location.data_offset % _PAGE_BYTES
            or not isinstance(location.path, str)
            or not os.path.isabs(location.path)
            or not isinstance(location.generation, str)
            or not _GENERATION.fullmatch(location.generation)
        ):
            raise AgentUnavailable(f"The agent answered a slot that makes no sense: {location}.")
        return location


class Mapping:
    """One slot's file, mapped. ``buffer`` is the whole file; the image begins at ``data_offset``."""

    def __init__(self, location: SlotLocation):
        self.location = location
        self.data_offset = location.data_offset
        self.pinned = None  # set by checkpointer.device
        length = location.data_offset + location.data_bytes
        try:
            descriptor = os.open(location.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise ArenaError(f"Slot file {location.path} cannot be opened: {error.strerror}.") from error
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise ArenaError(f"Slot file {location.path} is no regular file.")
            if facts.st_size < length:
                raise ArenaError(f"Slot file {location.path} has {facts.st_size} bytes, {length} were promised.")
            self._identity = (facts.st_dev, facts.st_ino)
            if facts.st_blocks * 512 < length:
                # Not yet pre-faulted: fails here rather than by a signal at the first touch.
                os.posix_fallocate(descriptor, 0, length)
            self.buffer = mmap.mmap(descriptor, length)
        except OSError as error:
            raise ArenaError(f"Slot file {location.path} cannot be mapped: {error.strerror}.") from error
        finally:
            os.close(descriptor)
        self.length = length
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))

    @property
    def data_address(self) -> int:
        """Where the image begins in this process."""
        return self.address + self.data_offset

    def is_current(self) -> bool:
        """Whether :meth:`check` passes."""
        try:
            self.check()
        except ArenaError:
            return False
        return True

    def check(self) -> None:
        """Fails unless the path still names the file that is mapped, at its full length."""
        try:
            facts = os.stat(self.location.path)
        except OSError as error:
            raise ArenaError(f"Slot file {self.location.path} is gone: {error.strerror}.") from error
        if (facts.st_dev, facts.st_ino) != self._identity:
            raise ArenaError(f"Slot file {self.location.path} was replaced while it was used.")
        if facts.st_size < self.length:
            raise ArenaError(f"Slot file {self.location.path} was cut to {facts.st_size} bytes.")

    def populate(self) -> bool:
        """Makes the page table entries, so that the first copy does not; False where the kernel cannot."""
        for begin in range(0, self.length, _POPULATE_STRIDE_BYTES):
            stride = min(_POPULATE_STRIDE_BYTES, self.length - begin)
            # Through ctypes because mmap.madvise would hold the interpreter's lock all the while.
            if _libc.madvise(self.address + begin, stride, _POPULATE_WRITE) != 0:
                return False
        return True

    def close(self) -> None:
        """Unmaps, as soon as no tensor views it any more."""
        if self.pinned is not None:
            self.pinned.release()
            self.pinned = None
        try:
            self.buffer.close()
        except BufferError:
            pass  # a view is still alive; the memory goes with the last of them


class Arena:
    """The mappings of this rank's slots, one per slot file.

    Thread-safe, but :meth:`map` may replace a mapping: no other copy may be going on then.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._mappings: dict[str, Mapping] = {}

    def map(self, location: SlotLocation) -> Mapping:
        """The mapping of ``location``: the one there is, unless the file is of another generation or length."""
        with self._lock:
            known = self._mappings.get(location.path)
            if known is not None and known.location == location and known.is_current():
                return known
            if known is not None:
                del self._mappings[location.path]
                known.close()
            mapping = Mapping(location)
            self._mappings[location.path] = mapping
            return mapping

    def touch(self, location: SlotLocation) -> None:
        """Maps ``location`` ahead of its use, with page table entries. Never replaces a mapping: it may be in use."""
        with self._lock:
            mapping = self._mappings.get(location.path)
            if mapping is None:
                mapping = self._mappings[location.path] = Mapping(location)
        mapping.populate()

    def forget(self, location: SlotLocation) -> None:
        """Unmaps ``location`` if its file is gone: else its memory would stay taken until the next one of that name."""
        with self._lock:
            mapping = self._mappings.get(location.path)
            if mapping is not None and not mapping.is_current():
                del self._mappings[location.path]
                mapping.close()

    def close(self) -> None:
        """Unmaps everything."""
        with self._lock:
            for mapping in self._mappings.values():
                mapping.close()
            self._mappings.clear()
