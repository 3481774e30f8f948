"""Layouts: byte for byte what formats/SPEC.md says, checked with a reader written from that page."""

import array
import hashlib
import os
import unittest

import spec_reader
from checkpointer import Sharded, layout, state, tensors

GOLDEN = os.path.join(os.path.dirname(__file__), "..", "Formats", "Golden", "layout.v1.json")


class Described(tensors.Leaf):
    """A tensor without bytes: only what a layout says of it."""


def leaf(name, dtype, shape, place=None):
    return state.NamedLeaf(name, Described(dtype, shape), place)


def build(leaves, rank=0):
    built = layout.build(leaves, rank)
    read = spec_reader.LayoutText(built.header)
    read.check_writer_rules(rank)
    return built, read


class LayoutTests(unittest.TestCase):
    def test_the_golden_layout_comes_out_byte_for_byte(self):
        with open(GOLDEN, "rb") as file:
            golden = file.read()
        leaves = [
            leaf("rng", "U8", (13,)),
            leaf("step", "I64", ()),
            leaf("norm.é", "F32", (96,), Sharded(None, [96], [0], replicas=[0, 1])),
            leaf("model.weight", "BF16", (64, 96), Sharded(None, [128, 96], [64, 0])),
            leaf("empty", "F64", (0, 7)),
            leaf("optimizer.exp_avg", "F32", (64, 96), Sharded(None, [128, 96], [64, 0])),
        ]
        rank = 1 - layout.owner("norm.é", (0, 1))
        built = layout.build(leaves, rank)
        self.assertEqual(built.header.decode(), golden.decode())
        self.assertEqual(built.digest, hashlib.sha256(golden).hexdigest())
        self.assertEqual(built.image_bytes, 37_269)

    def test_order_does_not_depend_on_the_states(self):
        dtypes = {"b": "F32", "a": "F32", "c": "F64", "d": "U8", "Z": "BF16"}
        leaves = [leaf(name, dtype, (3,)) for name, dtype in dtypes.items()]
        built, read = build(leaves)
        self.assertEqual(read.order, ["c", "a", "b", "Z", "d"])
        self.assertEqual(layout.build(leaves[::-1], 0).header, built.header)
        self.assertEqual(read.image_bytes, 3 * (8 + 4 + 4 + 2 + 1))

    def test_names_sort_by_their_bytes(self):
        _, read = build([leaf(name, "U8", (1,)) for name in ("\U0001f600", "\ufb01", "z", "Z")])
        self.assertEqual(read.order, ["Z", "z", "\ufb01", "\U0001f600"])

    def test_exactly_one_replica_stores_a_slice_and_all_agree_which(self):
        place = Sharded(None, [8], [0], replicas=[1, 4, 6])
        owners = set()
        for name in (f"norm.{i}" for i in range(30)):
            stored = []
            for rank in (1, 4, 6):
                _, read = build([leaf(name, "F32", (8,), place), leaf("own", "U8", (5,))], rank)
                if read.is_stored(name):
                    stored.append(rank)
                else:
                    self.assertEqual(read.stored_bytes, 5)
            self.assertEqual(len(stored), 1)
            owners.update(stored)
        self.assertEqual(owners, {1, 4, 6})

    def test_a_single_replica_stores_itself(self):
        _, read = build([leaf("w", "F32", (8,), Sharded(None, [8], [0], replicas=[5]))], rank=5)
        self.assertTrue(read.is_stored("w"))

    def test_scalars_and_empty_tensors_have_their_place(self):
        shapes = {"s": ("F32", ()), "e": ("F32", (0, 3)), "e8": ("F64", (2, 0)), "b": ("BOOL", (1,))}
        _, read = build([leaf(name, *described) for name, described in shapes.items()])
        self.assertEqual(read.tensors["s"]["data_offsets"], [0, 4])
        self.assertEqual(read.tensors["e8"]["data_offsets"], [0, 0])
        self.assertEqual(read.image_bytes, 5)

    def test_limits_are_the_pages(self):
        build([leaf("n" * 1024, "U8", (1,) * 16)])
        build([leaf("w", "U8", (1 << 42,))])
        build([leaf("w", "F64", (0, 1 << 58))])
        for wrong in (
            leaf("n" * 1025, "U8", (1,)),
            leaf("é" * 513, "U8", (1,)),
            leaf("", "U8", (1,)),
            leaf("a\nb", "U8", (1,)),
            leaf("a\x85b", "U8", (1,)),
            leaf("\ud800", "U8", (1,)),
            leaf("__metadata__", "U8", (1,)),
            leaf("w", "U8", (1,) * 17),
            leaf("w", "U8", ((1 << 42) + 1,)),
            leaf("w", "F64", (0, (1 << 58) + 1)),
            leaf("w", "F64", (1,), Sharded(None, [1 << 60], [0])),
        ):
            with self.assertRaises(ValueError, msg=wrong.name[:20]):
                layout.build([wrong], 0)


class StateTests(unittest.TestCase):
    def names(self, value, rank=0):
        return [item.name for item in state.flatten(value, rank)]

    def test_names_are_paths(self):
        t = bytearray(1)
        self.assertEqual(
            self.names({"model": {"w": t, 3: t}, "list": [t, {"x": t}], "pair": (t,)}),
            ["model.w", "model.3", "list.0", "list.1.x", "pair.0"],
        )

    def test_two_ways_to_one_name_are_refused(self):
        t = bytearray(1)
        for twice in ({"a.b": t, "a": {"b": t}}, {1: t, "1": t}):
            with self.assertRaisesRegex(ValueError, "Two tensors"):
                state.flatten(twice, 0)

    def test_plain_values_are_sent_to_extra(self):
        for value in (1, 0.5, True, None, "text", b"bytes"):
            with self.assertRaisesRegex(TypeError, "'opt.lr' .*extra"):
                state.flatten({"opt": {"lr": value}}, 0)

    def test_what_is_no_state_is_refused(self):
        t = bytearray(1)
        loop = {}
        loop["loop"] = loop
        for kind, wrong in (
            (TypeError, t), (TypeError, {"x": object()}), (TypeError, {(1, 2): t}), (TypeError, {True: t}),
            (TypeError, Sharded(t, [1], [0])), (ValueError, {}), (ValueError, [[], {}]), (ValueError, loop),
            (TypeError, {"x": memoryview(b"read-only")}), (TypeError, {"x": memoryview(bytearray(4))[::2]}),
        ):  # fmt: skip
            with self.assertRaises(kind, msg=repr(wrong)):
                state.flatten(wrong, 0)

    def test_places_are_checked(self):
        t = array.array("f", [0] * 4)
        state.flatten({"w": Sharded(t, [8], [4], replicas=[0, 2])}, 2)
        for kind, make in (
            (ValueError, lambda: Sharded(t, [8], [5])),
            (ValueError, lambda: Sharded(t, [8, 1], [0, 0])),
            (ValueError, lambda: Sharded(t, [8], [-1])),
            (ValueError, lambda: Sharded(t, [8], [0], replicas=[])),
            (ValueError, lambda: Sharded(t, [8], [0], replicas=[2, 1])),
            (ValueError, lambda: Sharded(t, [8], [0], replicas=[0, 0])),
            (ValueError, lambda: Sharded(t, [8], [0], replicas=[0, 1_000_000])),
            (ValueError, lambda: Sharded(t, [8], [0], replicas=[1, 2])),
            (TypeError, lambda: Sharded(t, [8.0], [0])),
            (TypeError, lambda: Sharded(t, 8, [0])),
        ):
            with self.assertRaises(kind):
                state.flatten({"w": make()}, 0)
