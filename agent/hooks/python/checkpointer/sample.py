"""A sample of what a state held when a save was asked for, to find out that it was written to while it was copied.

PyTorch counts the writes to a tensor, but not those through ``.data``, NumPy, or a kernel that was given the address, such as
some fused optimizers do. An optimizer changes nearly every element, so that a few bytes of each tensor are enough to see it.
"""

from __future__ import annotations

import ctypes
import random

_PIECE_BYTES = 64
#: One piece for each tensor, and one more for each of its first so many MiB.
_MORE_PIECES = 7
#: A state of more tensors is sampled in part, another part each step: 2,048 pieces take about a millisecond.
_MOST_PIECES = 2048


class Sample:
    """Pieces of the tensors in host memory of ``leaves``; where they lie differs from step to step."""

    def __init__(self, leaves: list, step: int):
        draw = random.Random(step)
        places = []
        for item in leaves:
            leaf = item.leaf
            if leaf.address is None or not leaf.size_bytes:
                continue
            for _ in range(1 + min(_MORE_PIECES, leaf.size_bytes >> 20)):
                at = draw.randrange(0, max(1, leaf.size_bytes - _PIECE_BYTES + 1))
                places.append((item, at, min(_PIECE_BYTES, leaf.size_bytes)))
        if len(places) > _MOST_PIECES:
            places = draw.sample(places, _MOST_PIECES)
        self._pieces = [(item, at, ctypes.string_at(item.leaf.address + at, length)) for item, at, length in places]

    def changed(self, layout, mapping) -> str | None:
        """Name of a tensor that does not hold, or was not copied with, what it held then; None if none is seen."""
        for item, at, before in self._pieces:
            copied = mapping.address + mapping.data_offset + layout.offsets[item.name] + at
            if ctypes.string_at(copied, len(before)) != before:
                return item.name
            if ctypes.string_at(item.leaf.address + at, len(before)) != before:
                return item.name
        return None
