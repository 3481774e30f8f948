"""Every kind of tensor goes into an image and comes out of one, bit for bit."""

import array
import contextlib
import threading
from unittest import mock

import checkpointer
import spec_reader
from checkpointer import device, tensors
from support import AgentTest, needs_numpy, needs_torch, numpy, torch


class TensorTest(AgentTest):
    def round_trip(self, state, empty, step=1):
        """Saves ``state``, restores into ``empty``; the image's pieces by name."""
        session = self.connect()
        ticket = session.save(step, state)
        self.assertEqual(ticket.wait("durable", 30), "durable", ticket.error)
        session.close()
        self.resume(ticket)
        self.assertEqual(self.connect().restore(empty).step, step)
        header, image, _, _ = self.image_of(ticket)
        read = spec_reader.LayoutText(header)
        return {n: (t["dtype"], image[slice(*t["data_offsets"])]) for n, t in read.tensors.items()}

    def refused(self, state, text):
        with self.assertRaisesRegex(TypeError, text):
            self.connect().save(1, state)


class BufferTests(TensorTest):
    def test_every_format(self):
        formats = "bBhHiIqQfd"
        names = ["I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "F32", "F64"]
        state = {f: array.array(f, [1, 2, 3]) for f in formats}
        empty = {f: array.array(f, [0, 0, 0]) for f in formats}
        pieces = self.round_trip(state, empty)
        self.assertEqual(empty, state)
        self.assertEqual([pieces[f][0] for f in formats], names)

    def test_shapes_and_no_elements(self):
        state = [memoryview(bytearray(range(12))).cast("B", (3, 4)), bytearray()]
        empty = [memoryview(bytearray(12)).cast("B", (3, 4)), bytearray()]
        pieces = self.round_trip(state, empty)
        self.assertEqual(empty[0].tobytes(), bytes(range(12)))
        self.assertEqual(pieces["1"], ("U8", b""))

    def test_many_small_and_a_large_one_on_several_threads(self):
        large = bytearray(random_bytes(40 << 20))
        state = {"large": large, "small": [bytearray([i % 256]) * (i % 7) for i in range(3000)]}
        empty = {"large": bytearray(len(large)), "small": [bytearray(len(s)) for s in state["small"]]}
        with mock.patch("os.sched_getaffinity", lambda _: {0, 1, 2}):
            self.round_trip(state, empty)
        self.assertEqual(empty, state)


def random_bytes(count):
    import random

    return random.Random(7).randbytes(count)


@needs_numpy
class NumpyTests(TensorTest):
    def test_every_dtype(self):
        names = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
                 "float64"]  # fmt: skip
        state = {n: numpy.arange(6).reshape(2, 3).astype(n) for n in names}
        empty = {n: numpy.zeros((2, 3), n) for n in names}
        pieces = self.round_trip(state, empty)
        for name in names:
            numpy.testing.assert_array_equal(empty[name], state[name])
            self.assertEqual(pieces[name][1], state[name].tobytes())

    def test_any_strides_and_byte_order(self):
        base = numpy.arange(24, dtype="float32").reshape(4, 6)
        state = {"t": base.T, "step": base[:, ::2], "f": numpy.asfortranarray(base), "be": base.astype(">f4"),
                 "s": numpy.array(3.0), "e": numpy.zeros((0, 3))}  # fmt: skip
        backing = numpy.zeros((4, 6), "float32")
        empty = {"t": numpy.zeros((6, 4), "float32"), "step": backing[:, 1::2], "f": numpy.zeros((4, 6), "float32"),
                 "be": numpy.zeros((4, 6), "float32"), "s": numpy.zeros(()), "e": numpy.ones((0, 3))}  # fmt: skip
        pieces = self.round_trip(state, empty)
        for name in ("t", "step", "f", "be", "s"):
            numpy.testing.assert_array_equal(empty[name], state[name])
        numpy.testing.assert_array_equal(backing[:, ::2], 0)
        self.assertEqual(pieces["t"][1], base.T.tobytes())

    def test_what_cannot_be_kept_is_refused(self):
        for wrong in (numpy.zeros(2, "complex64"), numpy.array(["x"]), numpy.array([None]), numpy.zeros(2, "M8[s]")):
            self.refused({"w": wrong}, "'w'.*supported are")
        self.refused({"w": numpy.float32(1)}, "'w' is a numpy.float32")

    def test_an_array_that_cannot_be_written_is_not_restored_into(self):
        frozen = numpy.zeros(3)
        frozen.setflags(write=False)
        for wrong, why in ((frozen, "read-only"), (numpy.broadcast_to(numpy.zeros(1), (3,)), "read-only")):
            with self.assertRaisesRegex(checkpointer.RestoreError, f"'w'.*{why}"):
                self.connect().restore({"w": wrong})


@needs_torch
class TorchTests(TensorTest):
    def test_every_dtype(self):
        names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
        names += [n for n in ("float8_e4m3fn", "float8_e5m2", "uint16", "uint32", "uint64") if hasattr(torch, n)]
        state = {n: torch.arange(6).reshape(2, 3).to(getattr(torch, n)) for n in names}
        empty = {n: torch.zeros(2, 3).to(getattr(torch, n)) for n in names}
        pieces = self.round_trip(state, empty)
        for name in names:
            self.assertTrue(torch.equal(empty[name].float(), state[name].float()), name)
        self.assertEqual(pieces["bfloat16"][0], "BF16")

    def test_any_strides_parameters_and_views(self):
        base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
        state = {
            "t": base.t(), "step": base[:, ::2], "expanded": base[:1].expand(3, 6), "scalar": torch.tensor(2.5),
            "parameter": torch.nn.Parameter(base.clone()), "none": torch.zeros(0, 3),
            "neg": (torch.ones(1, dtype=torch.cfloat) * 1j).conj().imag,
        }  # fmt: skip
        self.assertTrue(state["neg"].is_neg() and state["neg"].is_contiguous())  # its memory holds the opposite
        backing = torch.zeros(4, 6)
        empty = {
            "t": torch.zeros(6, 4), "step": backing[:, 1::2], "expanded": torch.zeros(3, 6), "scalar": torch.zeros(()),
            "parameter": torch.nn.Parameter(torch.zeros(4, 6)), "none": torch.ones(0, 3), "neg": torch.zeros(1),
        }  # fmt: skip
        self.round_trip(state, empty)
        for name in state:
            self.assertTrue(torch.equal(empty[name], state[name]), name)
        self.assertTrue(torch.equal(backing[:, ::2], torch.zeros(4, 3)))
        self.assertTrue(empty["parameter"].requires_grad)

    def test_elements_that_are_not_aligned_in_the_image(self):
        name = next(n for n in (f"w{i}" for i in range(9)) if checkpointer.layout.owner(n, (0, 1)) == 1)
        values = torch.arange(12, dtype=torch.float32).reshape(3, 4)

        def state(tensor):
            return {name: checkpointer.Sharded(tensor, [4, 3], [0, 0], replicas=[0, 1]), "odd": bytearray(b"abc")}

        target = torch.zeros(3, 4).t()
        pieces = self.round_trip(state(values.t()), state(target))
        self.assertTrue(torch.equal(target, values.t()))
        self.assertEqual(list(pieces), ["odd", name])
        self.assertIsNone(tensors.leaf_of("w", values)._view(bytearray(64), 3))

    def test_bits_of_nan_are_kept(self):
        bits = torch.tensor([0x7FC00001, 0x7F800001, -1], dtype=torch.int32)
        target = torch.zeros(2, 3)[:, 0:1].expand(2, 1).reshape(-1)[:1].repeat(3)
        self.round_trip({"w": bits.view(torch.float32)}, {"w": target})
        self.assertTrue(torch.equal(target.view(torch.int32), bits))

    def test_what_cannot_be_kept_is_refused(self):
        self.refused({"w": torch.zeros(2, dtype=torch.cfloat)}, "'w'.*complex64.*supported are")
        self.refused({"w": torch.zeros(2, 2).to_sparse()}, "'w'.*sparse")
        self.refused({"w": torch.zeros(2, device="meta")}, "'w'.*meta")
        self.refused({"model": torch.nn.Linear(1, 1)}, "'model'.*state_dict")

    def test_an_expanded_tensor_is_not_restored_into(self):
        with self.assertRaisesRegex(checkpointer.RestoreError, "'w'.*expanded"):
            self.connect().restore({"w": torch.zeros(1).expand(3)})

    def test_a_loss_may_be_a_tensor(self):
        session = self.connect()
        session.report(1, loss=torch.tensor(0.5, requires_grad=True), grad_norm=torch.tensor([2.0]))
        session.close()
        report = self.agent.service.ledger[0][1]
        self.assertEqual((report["loss"], report["grad_norm"]), (0.5, 2.0))

    def test_a_write_during_an_overlapped_copy_is_noticed_and_never_sealed(self):
        session = self.connect()
        weight = torch.zeros(8)
        self.assertTrue(session.save(1, {"w": weight}).ok)
        copying, changed = threading.Event(), threading.Event()
        original = session._parts.copier.capture

        def capture(*arguments, **options):
            original(*arguments, **options)
            copying.set()
            changed.wait(30)

        session._parts.copier.capture = capture
        ticket = session.save(2, {"w": weight}, overlap=True)
        copying.wait(30)
        weight.add_(1)  # an optimizer step without before_update
        changed.set()
        self.assertEqual(ticket.wait("sealed", 30), "failed")
        self.assertEqual(ticket.error.code, "state_changed")
        self.assertNotIn((0, 2, 1), self.agent.service.images)
        session._parts.copier.capture = original
        self.assertTrue(session.save(3, {"w": weight}).ok)

    def test_writes_that_pytorch_does_not_count_are_noticed_too(self):
        def through_data(weight):
            weight.data.add_(1)

        def through_numpy(weight):
            weight.numpy()[:] += 1

        session, step = self.connect(), 0
        weight, large = torch.zeros(8), torch.zeros(1 << 20)
        original = session._parts.copier.capture
        for write in (through_data, through_numpy):
            for tensor in (weight, large):
                for when in ("before", "after"):
                    step += 1

                    def capture(*arguments, **options):
                        if when == "before":
                            write(tensor)
                        original(*arguments, **options)
                        if when == "after":
                            write(tensor)

                    session._parts.copier.capture = capture
                    ticket = session.save(step, {"w": weight, "l": large}, overlap=True)
                    session.before_update()
                    with self.subTest(write=write.__name__, size=tensor.numel(), when=when):
                        self.assertEqual(ticket.wait("sealed", 30), "failed")
                        self.assertEqual(ticket.error.code, "state_changed")
                        self.assertIn("'w'" if tensor is weight else "'l'", str(ticket.error))
                        self.assertNotIn((0, step, 1), self.agent.service.images)
        session._parts.copier.capture = original
        ticket = session.save(step + 1, {"w": weight, "l": large}, overlap=True)
        session.before_update()
        self.assertIn(ticket.wait("sealed", 30), ("sealed", "durable"), ticket.error)

    def test_updates_after_before_update_are_not_in_the_image(self):
        session = self.connect()
        weight = torch.zeros(1 << 16)
        for step in range(1, 9):
            ticket = session.save(step, {"w": weight}, overlap=True, durable=False)
            session.before_update()
            weight.add_(1)
            self.assertEqual(ticket.wait("sealed", 30), "sealed", ticket.error)
            self.assertEqual(set(self.image_of(ticket)[1]), set(torch.tensor([step - 1.0]).numpy().tobytes()))


class FakeEvent:
    def __init__(self, log):
        self._log = log

    def record(self, stream):
        self._log.append(("record", stream))

    def synchronize(self):
        self._log.append(("synchronize",))


class FakeStream(str):
    log: list

    def wait_event(self, event):
        self.log.append(("wait", self))


@needs_torch
class DeviceTests(TensorTest):
    """The accelerator's path with an accelerator that only takes notes: order of streams, events and pinning."""

    def test_copies_run_on_a_side_stream_behind_the_trainers_work(self):
        log = []
        FakeStream.log = log
        accelerator = mock.Mock()
        accelerator.current_stream = lambda _: FakeStream("current")
        accelerator.Event = lambda: FakeEvent(log)
        accelerator.Stream = lambda device: FakeStream("side")

        @contextlib.contextmanager
        def use(stream):
            log.append(("enter", stream))
            yield

        accelerator.stream = use
        original = tensors._TorchLeaf.copy_to

        def copy_to(leaf, buffer, offset, asynchronous=False):
            log.append(("copy", asynchronous))
            original(leaf, buffer, offset, asynchronous)

        def on_device(name, value):
            leaf = original_leaf_of(name, value)
            if isinstance(leaf, tensors._TorchLeaf):
                leaf.device, leaf.address = "fake:0", None
            return leaf

        original_leaf_of = tensors.leaf_of
        runtime = mock.Mock()
        runtime.cudaHostRegister.return_value = 0
        cuda = mock.Mock(is_available=lambda: True, is_initialized=lambda: True, cudart=lambda: runtime)
        with mock.patch.object(device, "_accelerator", lambda _: accelerator), mock.patch.object(
            tensors._TorchLeaf, "copy_to", copy_to
        ), mock.patch("checkpointer.state.leaf_of", on_device), mock.patch.object(torch, "cuda", cuda):
            session = self.connect()
            ticket = session.save(1, {"w": torch.full((4,), 5.0), "host": bytearray(b"abcd")})
            session.close()
        self.assertTrue(ticket.ok, ticket.error)
        self.assertEqual(
            log,
            [("record", "current"), ("wait", "side"), ("enter", "side"), ("copy", True), ("record", "side"),
             ("synchronize",)],
        )  # fmt: skip
        self.assertEqual(self.image_of(ticket)[1], torch.full((4,), 5.0).numpy().tobytes() + b"abcd")
        runtime.cudaHostRegister.assert_called_once()
        runtime.cudaHostUnregister.assert_called_once()
