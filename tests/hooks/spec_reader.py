"""A reader of layouts written from formats/SPEC.md alone: nothing of the package is used here."""

import json
import zlib

SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
         "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}  # fmt: skip


class Fault(Exception):
    """A rule of the page that the bytes break, by its name there."""


def _unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise Fault("DuplicateKey")
    return dict(pairs)


def _expect(condition, fault):
    if not condition:
        raise Fault(fault)


def _whole_numbers(value, fault):
    _expect(isinstance(value, list) and len(value) <= 16, fault)
    _expect(all(type(n) is int and n >= 0 for n in value), fault)
    return value


class LayoutText:
    """The tensors, placements, image length and stored prefix that a layout's bytes describe."""

    def __init__(self, header: bytes):
        _expect(len(header) <= 64 << 20, "TooLarge")
        _expect(header[:1] == b"{", "NotJson")
        try:
            value = json.loads(header.decode("utf-8"), object_pairs_hook=_unique)
        except UnicodeDecodeError:
            raise Fault("NotUtf8") from None
        except ValueError:
            raise Fault("NotJson") from None
        metadata = value.pop("__metadata__", {})
        self.order = list(value)
        self.tensors = value
        for name, tensor in value.items():
            self._check_tensor(name, tensor)
        self.image_bytes = self._check_offsets()
        self.placements = self._read_placements(metadata)
        spans = {name: tensor["data_offsets"] for name, tensor in value.items()}
        self.stored_bytes = max((e for n, (b, e) in spans.items() if self.is_stored(n) and b < e), default=0)
        for name, tensor in value.items():
            begin, end = tensor["data_offsets"]
            if begin < end and not self.is_stored(name):
                _expect(begin >= self.stored_bytes, "StoredAfterNotStored")

    def is_stored(self, name):
        return self.placements.get(name, {}).get("stored", True)

    def _check_tensor(self, name, tensor):
        _expect(1 <= len(name.encode()) <= 1024, "NameInvalid")
        _expect(not any(c < " " or "\x7f" <= c <= "\x9f" for c in name), "NameInvalid")
        _expect(isinstance(tensor, dict) and set(tensor) == {"dtype", "shape", "data_offsets"}, "TensorMalformed")
        _expect(tensor["dtype"] in SIZES, "DTypeUnknown")
        size = SIZES[tensor["dtype"]]
        for dimension in _whole_numbers(tensor["shape"], "ShapeInvalid"):
            size *= dimension
        begin, end = _whole_numbers(tensor["data_offsets"], "OffsetsInvalid")
        _expect(begin <= end, "OffsetsInvalid")
        _expect(end - begin == size, "SizeMismatch")

    def _check_offsets(self):
        at = 0
        for begin, end in sorted(t["data_offsets"] for t in self.tensors.values()):
            _expect(begin <= at, "Hole")
            _expect(begin >= at, "Overlap")
            at = end
        return at

    def _read_placements(self, metadata):
        _expect(isinstance(metadata, dict) and all(isinstance(v, str) for v in metadata.values()), "MetadataMalformed")
        if "checkpointer" not in metadata:
            return {}
        value = json.loads(metadata["checkpointer"], object_pairs_hook=_unique)
        _expect(set(value) == {"version", "placements"}, "PlacementMalformed")
        _expect(value["version"] == 1, "PlacementVersionUnknown")
        for name, place in value["placements"].items():
            _expect(name in self.tensors, "PlacementOfUnknownTensor")
            _expect(set(place) <= {"global_shape", "offsets", "replicas", "stored"}, "PlacementMalformed")
            shape = self.tensors[name]["shape"]
            whole = _whole_numbers(place["global_shape"], "PlacementMalformed")
            offsets = _whole_numbers(place["offsets"], "PlacementMalformed")
            _expect(len(whole) == len(offsets) == len(shape), "PlacementDimensionsMismatch")
            _expect(all(o + s <= w for o, s, w in zip(offsets, shape, whole)), "PlacementOutOfBounds")
            replicas = place.get("replicas", [0])
            _expect(replicas and all(a < b for a, b in zip(replicas, replicas[1:])), "ReplicasInvalid")
            _expect(place.get("stored", True) or len(place.get("replicas", [])) >= 2, "NotStoredWithoutReplica")
        return value["placements"]

    def check_writer_rules(self, rank):
        """What a writer promises beyond what a reader may rely on: the order, and who stores a replica."""
        keys = [(not self.is_stored(n), -SIZES[self.tensors[n]["dtype"]], n.encode()) for n in self.order]
        _expect(keys == sorted(keys), "order")
        for name, place in self.placements.items():
            if "replicas" in place:
                chosen = place["replicas"][zlib.crc32(name.encode()) % len(place["replicas"])]
                _expect(place["stored"] == (chosen == rank), f"owner of {name}")
