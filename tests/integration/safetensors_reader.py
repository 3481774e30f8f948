"""A reader of .safetensors files, written from that format's public description: nothing of the product is used here.

A file is: 8 bytes, the header's length as an unsigned little-endian integer; the header, JSON in UTF-8 that begins with
``{``; the data. The header maps a tensor's name to its dtype, shape and data_offsets, which count from the data's first
byte; ``__metadata__`` may map strings to strings. The tensors cover the data without holes and do not overlap.
"""

import json
import math
import struct

DTYPE_BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
               "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8}  # fmt: skip
MAX_HEADER_BYTES = 100_000_000


def read(file_bytes):
    """(tensors, metadata): name -> (dtype, shape, bytes)."""
    (length,) = struct.unpack_from("<Q", file_bytes)
    if not 2 <= length <= min(MAX_HEADER_BYTES, len(file_bytes) - 8):
        raise ValueError(f"a header of {length} bytes in a file of {len(file_bytes)}")
    text = file_bytes[8 : 8 + length]
    if text[:1] != b"{":
        raise ValueError(f"a header that begins with {text[:1]!r}")
    header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_repeats)
    data = file_bytes[8 + length :]
    metadata = header.pop("__metadata__", {})
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata that is no text")
    at, tensors = 0, {}
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if begin != at or end < begin:
            raise ValueError(f"a hole or an overlap before {name}: {at}, {begin}")
        if end - begin != DTYPE_BYTES[entry["dtype"]] * math.prod(entry["shape"]):
            raise ValueError(f"{name} has {end - begin} bytes, and {entry['dtype']} {entry['shape']}")
        tensors[name] = (entry["dtype"], entry["shape"], data[begin:end])
        at = end
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes after the last tensor")
    return tensors, metadata


def _without_repeats(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found
