"""Copying: tensors into an image, and an image back into tensors. One copy each way, none in between."""

from __future__ import annotations

import concurrent.futures
import ctypes
import itertools
import os

from . import device

#: Piece of a copy that one thread takes at a time.
_PIECE_BYTES = 8 << 20
#: Below this, one thread is as fast.
_PARALLEL_FROM_BYTES = 32 << 20
#: Up to here a copy keeps the interpreter's lock: giving it up can cost a switch interval (5 ms) to get back.
_LOCKED_UP_TO_BYTES = 256 << 10
_MAX_THREADS = 64

_move_types = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_move = ctypes.CDLL(None).memmove
_move.argtypes, _move.restype = _move_types, None
_move_locked = ctypes.PyDLL(None).memmove
_move_locked.argtypes, _move_locked.restype = _move_types, None


class Copier:
    """Moves the bytes. One copy at a time; not thread-safe.

    :param threads: threads for host memory; None: the processors this process may use, at most 4, since a few
        saturate the memory of a node that other ranks share.
    """

    def __init__(self, threads: int | None = None):
        if threads is None:
            threads = min(4, len(os.sched_getaffinity(0)))
        if not 1 <= threads <= _MAX_THREADS:
            raise ValueError(f"copy_threads is {threads}; it must be 1 to {_MAX_THREADS}.")
        self._threads = threads
        self._pool = None
        self._streams = device.SideStreams()

    def capture(self, leaves: list, layout, mapping, fence, parallel: bool) -> None:
        """Fills the image in ``mapping``; returns when every byte is there."""

        def place(item) -> int:
            return mapping.data_offset + layout.offsets[item.name]

        on_device, others, moves = [], [], []
        for item in leaves:
            leaf = item.leaf
            if not leaf.size_bytes:
                continue
            if leaf.device is not None:
                on_device.append(item)
            elif leaf.address is not None:
                moves.append((mapping.address + place(item), leaf.address, leaf.size_bytes))
            else:
                others.append(item)
        done = []
        if on_device:
            device.pin(mapping)
            done = self._streams.copy(on_device, fence, mapping.buffer, place)
        self._run(moves, parallel)
        for item in others:
            item.leaf.copy_to(mapping.buffer, place(item))
        for event in done:
            event.synchronize()

    def fill(self, leaves: list, layout, mapping) -> None:
        """Fills the tensors from the image in ``mapping``."""
        moves = []
        for item in leaves:
            leaf = item.leaf
            offset = mapping.data_offset + layout.offsets[item.name]
            if not leaf.size_bytes:
                continue
            if leaf.address is not None:
                moves.append((leaf.address, mapping.address + offset, leaf.size_bytes))
            else:
                leaf.copy_from(mapping.buffer, offset)
        self._run(moves, parallel=True)

    def close(self) -> None:
        """Ends the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _run(self, moves: list, parallel: bool) -> None:
        threads = self._threads if parallel else 1
        if threads == 1 or sum(size for _, _, size in moves) < _PARALLEL_FROM_BYTES:
            _work(iter(moves))
            return
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(threads - 1, "checkpointer-copy")
        shared = _pieces(moves)
        others = [self._pool.submit(_work, shared) for _ in range(threads - 1)]
        _work(shared)
        for other in others:
            other.result()


def _pieces(moves: list):
    """``moves`` cut up, as an iterator that threads can share: a list's is atomic, a generator's is not."""
    cut = (
        [(to + at, source + at, min(_PIECE_BYTES, size - at)) for at in range(0, size, _PIECE_BYTES)]
        for to, source, size in moves
    )
    return iter(list(itertools.chain.from_iterable(cut)))


def _work(moves) -> None:
    for to, source, size in moves:
        (_move if size > _LOCKED_UP_TO_BYTES else _move_locked)(to, source, size)
