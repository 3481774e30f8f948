"""Saves: what the agent gets, when the trainer goes on, and what misuse comes to."""

import array
import threading
import time
from unittest import mock

import checkpointer
import spec_reader
from support import AgentTest, make_state


class SavingTests(AgentTest):
    def test_the_image_has_every_tensor_where_its_layout_says(self):
        state = make_state(2.5)
        session = self.connect()
        self.assertIsNone(session.restore(state))
        ticket = session.save(1, state, extra={"cursor": [1, 2]})
        self.assertEqual(ticket.wait("durable", 30), "durable")
        header, image, extra, durable = self.image_of(ticket)
        layout = spec_reader.LayoutText(header)
        self.assertEqual(image[slice(*layout.tensors["model.w"]["data_offsets"])], state["model"]["w"].tobytes())
        self.assertEqual(image[slice(*layout.tensors["rng"]["data_offsets"])], bytes(state["rng"]))
        self.assertEqual((extra, durable, ticket.ok, ticket.error), ({"cursor": [1, 2]}, True, True, None))
        self.assertEqual(session.counters.saves_captured, 1)
        self.assertEqual(session.counters.captured_bytes, len(image))

    def test_a_save_that_returned_holds_the_values_of_that_moment(self):
        state = make_state(1.0)
        session = self.connect()
        for step in range(1, 6):
            state["model"]["w"][:] = array.array("d", [float(step)] * 64)
            ticket = session.save(step, state, durable=False)
            state["model"]["w"][0] = -1.0
            self.assertEqual(ticket.wait("sealed", 30), "sealed", ticket.error)
            self.assertEqual(self.image_of(ticket)[1][:8], array.array("d", [step]).tobytes())

    def test_a_save_in_memory_only_ends_sealed(self):
        session = self.connect()
        ticket = session.save(1, make_state(), durable=False)
        self.assertEqual(ticket.wait("durable", 30), "sealed")
        self.assertFalse(self.image_of(ticket)[3])
        self.assertEqual(len(ticket.root), 32)

    def test_an_overlapped_save_returns_before_the_agent_has_answered(self):
        session = self.connect()
        session.save(1, make_state())
        gate = threading.Event()
        self.agent.fault("POST .*/snapshots$", lambda answer: (gate.wait(30), answer)[1])
        ticket = session.save(2, make_state(3.0), overlap=True)
        self.assertEqual(ticket.state, "open")
        gate.set()
        session.before_update()
        self.assertEqual(ticket.wait("sealed", 30), "durable" if ticket.state == "durable" else ticket.state)
        self.assertEqual(self.image_of(ticket)[1][:8], array.array("d", [3.0]).tobytes())

    def test_before_update_waits_for_the_copy(self):
        session = self.connect()
        copied = threading.Event()
        original = session._parts.copier.capture

        def slow(*arguments, **options):
            time.sleep(0.1)  # stands for a big state
            original(*arguments, **options)
            copied.set()

        session._parts.copier.capture = slow
        session.save(1, make_state(), overlap=True)
        session.before_update()
        self.assertTrue(copied.is_set())
        self.assertGreater(session.counters.last_stall_s, 0.05)

    def test_before_update_gives_a_save_up_that_got_no_slot(self):
        session = self.connect()
        session.save(1, make_state())
        self.agent.fault("POST .*/snapshots$", "hang")
        state = make_state()
        ticket = session.save(2, state, overlap=True)
        started = time.monotonic()
        with mock.patch("checkpointer.saving.BEGIN_GRACE_S", 0.2):
            session.before_update()
        self.assertLess(time.monotonic() - started, 8.0)
        state["model"]["w"][0] = 7.0
        self.agent.stop()
        self.assertEqual(ticket.wait("sealed", 30), "failed")

    def test_the_next_save_waits_for_an_overlapped_one(self):
        session = self.connect()
        first = session.save(1, make_state(1.0), overlap=True)
        second = session.save(2, make_state(2.0))
        for ticket, value in ((first, 1.0), (second, 2.0)):
            self.assertEqual(ticket.wait("durable", 30), "durable", ticket.error)
            self.assertEqual(self.image_of(ticket)[1][:8], array.array("d", [value]).tobytes())

    def test_a_layout_is_registered_once(self):
        session = self.connect()
        for step in range(1, 4):
            session.save(step, make_state()).wait("durable", 30)
        self.assertEqual(len(self.agent.called("PUT .*/layout")), 1)
        session.save(4, make_state(count=65)).wait("durable", 30)
        self.assertEqual(len(self.agent.called("PUT .*/layout")), 2)


class MisuseTests(AgentTest):
    def test_misuse_raises_until_the_first_good_save_then_never(self):
        session = self.connect()
        misuses = [
            (TypeError, lambda s: session.save(s, {"lr": 0.1})),
            (TypeError, lambda s: session.save(s, make_state(), extra=[1])),
            (TypeError, lambda s: session.save(s, make_state(), extra={"x": object()})),
            (TypeError, lambda s: session.save(1.5, make_state())),
            (ValueError, lambda s: session.save(0, make_state())),
            (ValueError, lambda s: session.save(-1, make_state())),
            (ValueError, lambda s: session.save(s, {})),
            (ValueError, lambda s: session.save(s, make_state(), extra={"x": float("nan")})),
            (ValueError, lambda s: session.save(s, make_state(), extra={"x": "y" * (256 << 10)})),
        ]
        for kind, misuse in misuses:
            with self.assertRaises(kind):
                misuse(1)
        self.assertTrue(session.save(1, make_state()).ok)
        for i, (_, misuse) in enumerate(misuses):
            ticket = misuse(2 + i)
            self.assertEqual((ticket.state, ticket.error.code), ("failed", "state_invalid"))

    def test_an_attempt_that_resumes_must_restore_first(self):
        session = self.connect()
        ticket = session.save(5, make_state())
        session.close()
        self.resume(ticket)
        with self.assertRaisesRegex(ValueError, "restore"):
            self.connect().save(6, make_state())

    def test_extra_may_be_exactly_as_long_as_the_contract_says(self):
        session = self.connect()
        extra = {"x": "y" * ((256 << 10) - len('{"x":""}'))}
        ticket = session.save(1, make_state(), extra=extra)
        self.assertTrue(ticket.ok, ticket.error)
        self.assertEqual(self.image_of(ticket)[2], extra)

    def test_after_close_there_are_only_failed_tickets(self):
        session = self.connect()
        session.close()
        session.close()
        self.assertEqual(session.save(1, make_state()).error.code, "session_closed")
        session.report(1, loss=1.0)
        with self.assertRaises(checkpointer.RestoreError):
            session.restore(make_state())
