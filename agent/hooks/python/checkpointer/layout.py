"""The layout of an image: the exact bytes of a safetensors header, as formats/SPEC.md has them."""

from __future__ import annotations

import hashlib
import json
import zlib

from .errors import StateValueError
from .tensors import ITEM_BYTES

VERSION = 1
MAX_HEADER_BYTES = 64 << 20
MAX_TENSORS = 1_000_000
MAX_NAME_BYTES = 1024
MAX_DIMENSIONS = 16
MAX_TENSOR_BYTES = 1 << 61
MAX_IMAGE_BYTES = 1 << 42


class Layout:
    """An image's description. Immutable.

    ``header`` are its bytes, ``digest`` their SHA-256 in hex, ``offsets`` maps each name to where its bytes begin.
    """

    __slots__ = ("header", "digest", "image_bytes", "offsets")

    def __init__(self, header: bytes, image_bytes: int, offsets: dict):
        self.header = header
        self.digest = hashlib.sha256(header).hexdigest()
        self.image_bytes = image_bytes
        self.offsets = offsets


def owner(name: str, replicas: tuple) -> int:
    """Which of the ranks that hold a slice stores it: spread by name, the same on every rank."""
    return replicas[zlib.crc32(name.encode("utf-8")) % len(replicas)]


def build(leaves: list, rank: int) -> Layout:
    """The layout of ``leaves`` (:class:`~checkpointer.state.NamedLeaf`) on ``rank``.

    Stored tensors first, so that what a rank stores is a prefix of its image; then larger elements first, so that all
    are aligned; then by name, so that the same state has the same layout in every process.
    """
    if len(leaves) > MAX_TENSORS:
        raise StateValueError(f"The state has {len(leaves)} tensors; at most {MAX_TENSORS} fit a layout.")
    ordered = sorted(
        ((not _is_stored(item, rank), -ITEM_BYTES[item.leaf.dtype], _name_bytes(item.name), item) for item in leaves),
        key=lambda row: row[:3],
    )
    header: dict = {}
    placements: dict = {}
    offsets: dict = {}
    end = 0
    for not_stored, _, _, item in ordered:
        leaf = item.leaf
        _check_size(item.name, leaf.dtype, leaf.shape)
        begin, end = end, end + leaf.size_bytes
        offsets[item.name] = begin
        header[item.name] = {"dtype": leaf.dtype, "shape": list(leaf.shape), "data_offsets": [begin, end]}
        if item.place is not None:
            placements[item.name] = _placement(item, leaf.dtype, not not_stored)
    if end > MAX_IMAGE_BYTES:
        raise StateValueError(f"The state has {end} bytes; an image has at most {MAX_IMAGE_BYTES}.")
    facts = _json({"version": VERSION, "placements": placements})
    text = _json({"__metadata__": {"checkpointer": facts}, **header}).encode("utf-8")
    if len(text) > MAX_HEADER_BYTES:
        raise StateValueError(f"The layout has {len(text)} bytes; at most {MAX_HEADER_BYTES} fit.")
    return Layout(text, end, offsets)


def _is_stored(item, rank: int) -> bool:
    replicas = item.place.replicas if item.place is not None else None
    return not replicas or len(replicas) == 1 or owner(item.name, replicas) == rank


def _placement(item, dtype: str, stored: bool) -> dict:
    place = item.place
    _check_size(f"{item.name} (as a whole)", dtype, place.global_shape)
    result = {"global_shape": list(place.global_shape), "offsets": list(place.offsets)}
    if place.replicas is not None:
        result["replicas"] = list(place.replicas)
    result["stored"] = stored
    return result


def _check_size(name: str, dtype: str, shape: tuple) -> None:
    if len(shape) > MAX_DIMENSIONS:
        raise StateValueError(f"'{name}' has {len(shape)} dimensions; at most {MAX_DIMENSIONS} fit a layout.")
    size = ITEM_BYTES[dtype]
    for dimension in shape:
        size *= max(1, dimension)
    if size > MAX_TENSOR_BYTES:
        raise StateValueError(f"'{name}' of shape {shape} is larger than {MAX_TENSOR_BYTES} bytes.")


def _name_bytes(name: str) -> bytes:
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        raise StateValueError(f"The name {name!r} is no Unicode text (a lone surrogate).") from None
    if not 1 <= len(encoded) <= MAX_NAME_BYTES:
        raise StateValueError(f"The name {name[:80]!r} has {len(encoded)} bytes; names have 1 to {MAX_NAME_BYTES}.")
    if any(c < "\x20" or "\x7f" <= c <= "\x9f" for c in name):
        raise StateValueError(f"The name {name!r} has a control character.")
    if name == "__metadata__":
        raise StateValueError("The name '__metadata__' belongs to the layout itself; call the tensor something else.")
    return encoded


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
