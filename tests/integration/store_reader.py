"""A reader of checkpoints written from formats/SPEC.md alone: nothing of the product is used here.

XXH128 is not in the standard library, so chunk hashes are not checked: tests compare the bytes with what was saved.
"""

import hashlib
import json
import os
import struct

RAW, ELSEWHERE = 0, 255


def key(step, attempt):
    return f"{step:012}.{attempt:06}"


def expect(condition, what):
    if not condition:
        raise AssertionError(f"The store breaks its format: {what}")


class Shard:
    """What one rank stored: its layout, its stored prefix and its extra."""

    def __init__(self, store, run, step, attempt, rank):
        base = os.path.join(store, "runs", run)
        with open(os.path.join(base, "checkpoints", key(step, attempt), f"{rank:06}.index"), "rb") as file:
            index = self.index = file.read()
        expect(index[:8] == b"CKPTINDX", "the index's magic")
        version, length = struct.unpack_from("<II", index, 8)
        expect((version, length) == (1, len(index)), "the index's version or length")
        identity = struct.unpack_from("<QII", index, 16)
        expect(identity == (step, attempt, rank), f"the index's identity {identity}")
        self.world_size, self.chunk_bytes, self.image_bytes, self.stored_bytes = struct.unpack_from("<IIQQ", index, 32)
        self.layout_digest = index[56:88].hex()
        self.root = index[88:104].hex()
        packs, chunks, extra_bytes = struct.unpack_from("<III", index, 104)
        expect(length == 128 + 32 * packs + 32 * chunks + extra_bytes + 16, "the index's parts")
        expect(chunks == -(-self.image_bytes // self.chunk_bytes), "the number of chunks")
        with open(os.path.join(base, "layouts", f"{self.layout_digest}.json"), "rb") as file:
            self.layout_text = file.read()
        expect(hashlib.sha256(self.layout_text).hexdigest() == self.layout_digest, "the layout's digest")
        self.layout = json.loads(self.layout_text)
        self.packs = [self._pack(base, index, 128 + 32 * number) for number in range(packs)]
        at = 128 + 32 * packs
        self.prefix = b"".join(self._chunks(index, at, chunks))[: self.stored_bytes]
        extra = index[at + 32 * chunks : at + 32 * chunks + extra_bytes]
        self.extra = json.loads(extra) if extra else None

    @staticmethod
    def _pack(base, index, at):
        step, attempt, rank, number, _, length = struct.unpack_from("<QIIIIQ", index, at)
        path = os.path.join(base, "packs", key(step, attempt), f"{rank:06}-{number:06}.pack")
        with open(path, "rb") as file:
            pack = file.read()
        expect(pack[:8] == b"CKPTPACK" and len(pack) == length, f"pack {path}")
        expect(struct.unpack_from("<QIII", pack, 16) == (step, attempt, rank, number), f"the identity of {path}")
        return pack

    def _chunks(self, index, at, count):
        for number in range(count):
            begin = number * self.chunk_bytes
            pack, offset, length, codec = struct.unpack_from("<IIIB", index, at + 32 * number + 16)
            if codec == ELSEWHERE:
                expect(begin >= self.stored_bytes, "a chunk of the stored prefix is elsewhere")
                continue
            expect(codec == RAW, f"codec {codec}")
            expect(length == min(self.chunk_bytes, self.image_bytes - begin), "a chunk's length")
            yield self.packs[pack][offset : offset + length]

    def safetensors(self):
        """The shard as a .safetensors file; of one that stores its whole image."""
        expect(self.stored_bytes == self.image_bytes, "the shard is only a part of its image")
        return struct.pack("<Q", len(self.layout_text)) + self.layout_text + self.prefix

    def tensors(self):
        """The bytes of each stored tensor, by name."""
        placements = json.loads(self.layout.get("__metadata__", {}).get("checkpointer", '{"placements":{}}'))
        found = {}
        for name, tensor in self.layout.items():
            if name == "__metadata__" or not placements["placements"].get(name, {}).get("stored", True):
                continue
            begin, end = tensor["data_offsets"]
            found[name] = self.prefix[begin:end]
            expect(len(found[name]) == end - begin, f"tensor {name}")
        return found


class Checkpoint:
    """A checkpoint: it exists because its manifest does."""

    def __init__(self, store, run, step, attempt):
        self.path = os.path.join(store, "runs", run, "checkpoints", key(step, attempt), "MANIFEST.json")
        with open(self.path, "rb") as file:
            manifest = self.manifest = json.load(file)
        expect((manifest["format"], manifest["version"]) == ("checkpointer.manifest", 1), "the manifest's format")
        expect((manifest["run"], manifest["step"], manifest["attempt"]) == (run, step, attempt), "its identity")
        expect([shard["rank"] for shard in manifest["shards"]] == list(range(manifest["world_size"])), "its ranks")
        self.shards = [Shard(store, run, step, attempt, shard["rank"]) for shard in manifest["shards"]]
        for said, shard in zip(manifest["shards"], self.shards):
            expect(said["index_sha256"] == hashlib.sha256(shard.index).hexdigest(), "an index's digest")
            expect(said["layout"] == shard.layout_digest and said["root"] == shard.root, "a shard's layout or root")
            expect(said["stored_bytes"] == shard.stored_bytes, "a shard's stored bytes")
        self.stored_bytes = sum(shard.stored_bytes for shard in self.shards)
        expect(manifest["stored_bytes"] == self.stored_bytes, "the sum of stored bytes")


def committed(store, run):
    """(step, attempt) of each checkpoint that has a manifest, oldest first."""
    folder = os.path.join(store, "runs", run, "checkpoints")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    found = [name for name in names if os.path.exists(os.path.join(folder, name, "MANIFEST.json"))]
    return [tuple(int(part) for part in name.split(".")) for name in found]


def pack_paths(store, run, step, attempt):
    folder = os.path.join(store, "runs", run, "packs", key(step, attempt))
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
