"""Saves that go wrong: the ticket says so, and nothing raises into the loop."""

import array
import os
import threading
import time
from unittest import mock

import checkpointer
from checkpointer import Ticket
from fake_server import Problem
from support import AgentTest, make_state


class SavingTroubleTests(AgentTest):
    def assert_failed(self, ticket, code):
        self.assertEqual((ticket.state, ticket.ok, ticket.error.code), ("failed", False, code))
        self.assertEqual(ticket.wait("durable", 1), "failed")

    def test_refusals_are_the_tickets(self):
        session = self.connect()
        codes = {"slot_busy": 409, "memory_budget_exceeded": 507, "step_out_of_order": 409, "service_unavailable": 503}
        for step, (code, status) in enumerate(codes.items(), 1):
            self.agent.fault("POST .*/snapshots$", Problem(status, code, "no"))
            self.assert_failed(session.save(step, make_state()), code)
        self.assertEqual(session.save(9, make_state()).wait("durable", 30), "durable")
        self.assertEqual(session.counters.saves_failed, 4)

    def test_a_layout_that_the_agent_lost_is_registered_again(self):
        session = self.connect()
        self.assertTrue(session.save(1, make_state()).ok)
        self.agent.layouts.clear()
        self.assertEqual(session.save(2, make_state()).wait("durable", 30), "durable")

    def test_two_slots_that_are_both_taken_are_slot_busy(self):
        self.agent.slot_count = 1
        session = self.connect()
        self.assertTrue(session.save(1, make_state()).ok)
        self.assert_failed(session.save(2, make_state()), "slot_busy")

    def test_an_agent_that_is_gone_fails_the_ticket_at_once(self):
        session = self.connect()
        session.save(1, make_state())
        self.agent.stop()
        started = time.monotonic()
        self.assert_failed(session.save(2, make_state()), "agent_unavailable")
        self.assertLess(time.monotonic() - started, 5.0)

    def test_an_agent_that_hangs_costs_one_timeout_and_then_nothing(self):
        session = self.connect(call_timeout_s=0.3)
        session.save(1, make_state())
        self.agent.fault("POST .*/snapshots$", "hang")
        started = time.monotonic()
        self.assert_failed(session.save(2, make_state()), "agent_unavailable")
        self.assertLess(time.monotonic() - started, 5.0)
        started = time.monotonic()
        for step in range(3, 23):
            self.assert_failed(session.save(step, make_state()), "agent_unavailable")
        self.assertLess(time.monotonic() - started, 3.0)

    def test_answers_without_sense_fail_the_ticket(self):
        session = self.connect()
        session.save(1, make_state())
        wrong = [
            "garbage",
            lambda answer: [1],
            lambda answer: {},
            lambda answer: {**answer, "path": "relative"},
            lambda answer: {**answer, "generation": "x"},
            lambda answer: {**answer, "data_offset": 17},
            lambda answer: {**answer, "data_bytes": True},
        ]
        for step, action in enumerate(wrong, 2):
            self.agent.fault("POST .*/snapshots$", action, times=3)
            self.assert_failed(session.save(step, make_state()), "agent_unavailable")
            self.agent.faults.clear()

    def test_a_truncated_slot_file_fails_the_ticket_instead_of_the_process(self):
        session = self.connect()
        session.save(1, make_state(count=1 << 16))

        def cut(answer):
            os.truncate(answer["path"], answer["data_offset"] + 4096)
            return answer

        self.agent.fault("POST .*/snapshots$", cut)
        self.assert_failed(session.save(2, make_state(count=1 << 16)), "arena_invalid")

    def test_a_slot_file_that_is_gone_or_a_link_fails_the_ticket(self):
        session = self.connect()
        session.save(1, make_state())
        self.agent.fault("POST .*/snapshots$", lambda answer: {**answer, "path": answer["path"] + ".gone"})
        self.assert_failed(session.save(2, make_state()), "arena_invalid")

        def link(answer):
            os.symlink(answer["path"], answer["path"] + ".link")
            return {**answer, "path": answer["path"] + ".link"}

        self.agent.fault("POST .*/snapshots$", link)
        self.assert_failed(session.save(3, make_state()), "arena_invalid")

    def test_a_slot_too_small_for_the_image_fails_the_ticket(self):
        session = self.connect()
        session.save(1, make_state())
        self.agent.fault("POST .*/snapshots$", lambda answer: {**answer, "data_bytes": answer["data_bytes"] - 1})
        self.assert_failed(session.save(2, make_state()), "arena_invalid")

    def test_a_new_generation_is_mapped_anew(self):
        session = self.connect()
        state = make_state(1.0)
        for step in (1, 2):
            session.save(step, state).wait("durable", 30)
        for slot in self.agent.slots[0]:
            self.agent.replace(slot, 64 * 8 + 13)
        state["model"]["w"][0] = 42.0
        ticket = session.save(3, state)
        self.assertEqual(ticket.wait("durable", 30), "durable")
        self.assertEqual(self.image_of(ticket)[1][:8], array.array("d", [42.0]).tobytes())

    def test_a_slot_replaced_during_the_copy_is_never_sealed(self):
        session = self.connect()
        original = session._parts.copier.capture

        def capture(*arguments, **options):
            original(*arguments, **options)
            for slot in self.agent.slots[0]:
                self.agent.replace(slot, 64 * 8 + 13)

        session._parts.copier.capture = capture
        self.assert_failed(session.save(1, make_state()), "arena_invalid")
        self.assertEqual(self.agent.service.images, {})

    def test_a_copy_that_fails_does_not_keep_the_slot(self):
        self.agent.slot_count = 1
        session = self.connect()
        original = session._parts.copier.capture

        def capture(*arguments, **options):
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

        session._parts.copier.capture = capture
        self.assert_failed(session.save(1, make_state()), "internal")
        session._parts.copier.capture = original
        self.assertEqual(session.save(2, make_state()).wait("durable", 30), "durable")

    def test_a_copy_that_fails_is_given_up_at_once(self):
        session = self.connect()
        original = session._parts.copier.capture

        def capture(*arguments, **options):
            raise RuntimeError("CUDA error")

        session._parts.copier.capture = capture
        self.assert_failed(session.save(1, make_state()), "internal")
        self.assertEqual(self.agent.called("snapshots/1"), ["DELETE /v1/runs/r/ranks/0/snapshots/1"])
        self.assertEqual(self.agent.snapshots[0, 1]["state"], "failed")
        # Nothing keeps the memory of the file that is gone.
        mapped = [mapping for mapping in session._parts.arena._mappings.values() if not mapping.is_current()]
        self.assertEqual(mapped, [])
        session._parts.copier.capture = original
        self.assertEqual(session.save(2, make_state()).wait("durable", 30), "durable")
        self.assertEqual(self.agent.called("DELETE"), ["DELETE /v1/runs/r/ranks/0/snapshots/1"])

    def test_a_give_up_that_fails_too_is_only_logged(self):
        session = self.connect()
        original = session._parts.copier.capture

        def capture(*arguments, **options):
            self.agent.stop()
            raise RuntimeError("CUDA error")

        session._parts.copier.capture = capture
        self.assert_failed(session.save(1, make_state()), "internal")
        session._parts.copier.capture = original
        self.agent.start()
        self.assertEqual(session.save(2, make_state()).wait("durable", 30), "durable")

    def test_an_agent_that_restarts_during_the_copy_fails_that_save_only(self):
        session = self.connect()
        session.save(1, make_state())
        original = session._parts.copier.capture

        def capture(*arguments, **options):
            original(*arguments, **options)
            self.agent.restart()

        session._parts.copier.capture = capture
        ticket = session.save(2, make_state())
        self.assert_failed(ticket, "snapshot_not_open")
        session._parts.copier.capture = original
        self.assertIn((0, 1, 1), self.agent.service.images)
        self.assertEqual(session.save(3, make_state()).wait("durable", 30), "durable")

    def test_a_lost_answer_to_the_seal_is_found_out(self):
        session = self.connect()
        self.agent.fault("seal", "drop_answer")
        self.assertEqual(session.save(1, make_state()).wait("durable", 30), "durable")
        self.agent.fault("seal", "drop")
        self.assertEqual(session.save(2, make_state()).wait("durable", 30), "durable")

    def test_an_interrupted_save_leaves_nobody_waiting(self):
        session = self.connect()

        def capture(*arguments, **options):
            raise KeyboardInterrupt

        session._parts.copier.capture = capture
        tickets = []
        with mock.patch("checkpointer.session.Ticket", lambda *a: tickets.append(Ticket(*a)) or tickets[-1]):
            with self.assertRaises(KeyboardInterrupt):
                session.save(1, make_state())
        self.assertEqual(tickets[0].wait("durable", 30), "failed")

    def test_a_lost_answer_to_the_begin_is_asked_again(self):
        session = self.connect()
        self.agent.fault("POST .*/snapshots$", "drop_answer")
        self.assertEqual(session.save(1, make_state()).wait("durable", 30), "durable")

    def test_a_snapshot_that_is_given_up_later_fails_the_ticket(self):
        self.agent.seal_at_once = False
        session = self.connect()
        ticket = session.save(1, make_state())
        self.assertEqual(ticket.wait("sealed", 0.1), "captured")
        self.agent.advance(0, 1, "failed", error="storage_full", message="no room")
        self.assertEqual(ticket.wait("durable", 30), "failed")
        self.assertEqual((ticket.error.code, ticket.error.message), ("storage_full", "no room"))

    def test_waiting_outlasts_a_restart_of_the_agent(self):
        self.agent.durable_at_once = False
        session = self.connect()
        ticket = session.save(1, make_state())
        self.assertEqual(ticket.wait("sealed", 30), "sealed")
        states = []
        waiter = threading.Thread(target=lambda: states.append(ticket.wait("durable", 10)))
        waiter.start()
        self.agent.wait_for(lambda: len(self.agent.called("GET .*/snapshots/1")) >= 2)
        self.agent.restart()
        waiter.join(30)
        self.assertEqual(states, ["durable"])
        self.assertEqual(session.counters.rejoins, 1)

    def test_waiting_at_an_agent_that_forgot_us_joins_again(self):
        session = self.connect()
        ticket = session.save(1, make_state())
        self.agent.ranks.clear()
        self.assertEqual(ticket.wait("durable", 30), "durable")
        self.assertEqual(session.counters.rejoins, 1)

    def test_a_snapshot_that_the_agent_lost_fails_the_ticket(self):
        self.agent.seal_at_once = False
        session = self.connect()
        ticket = session.save(1, make_state())
        self.agent.snapshots.clear()
        self.assertEqual(ticket.wait("durable", 30), "failed")
        self.assertEqual(ticket.error.code, "not_found")

    def test_wait_ends_with_its_time(self):
        self.agent.seal_at_once = False
        session = self.connect()
        ticket = session.save(1, make_state())
        started = time.monotonic()
        self.assertEqual(ticket.wait("durable", 0.2), "captured")
        self.assertLess(time.monotonic() - started, 8.0)
        self.agent.stop()
        started = time.monotonic()
        self.assertEqual(ticket.wait("durable", 0.3), "captured")
        self.assertLess(time.monotonic() - started, 8.0)
        self.assertTrue(ticket.ok)
        with self.assertRaises(ValueError):
            ticket.wait("done")

    def test_a_rollback_is_met_by_reports_and_ends_a_loop_that_saves_nothing(self):
        session = self.connect()
        session.report(1)
        session._parts.reporter.flush(30)
        session.before_update()
        self.agent.service.newest_attempt += 1
        session.report(2)
        deadline = time.monotonic() + 30
        while not session.fenced and time.monotonic() < deadline:
            time.sleep(0.01)
        with self.assertRaisesRegex(checkpointer.Fenced, "stale_attempt"):
            session.before_update()

    def test_a_rollback_meets_an_overlapped_save_at_the_next_update(self):
        session = self.connect()
        session.save(1, make_state())
        self.agent.service.newest_attempt += 1
        ticket = session.save(2, make_state(), overlap=True)
        with self.assertRaises(checkpointer.Fenced):
            session.before_update()
        self.assert_failed(ticket, "stale_attempt")

    def test_a_fenced_out_trainer_saves_and_reports_nothing_more(self):
        session = self.connect()
        session.save(1, make_state())
        newer = self.connect()
        self.assertEqual(newer.attempt, 2)
        with self.assertRaises(checkpointer.Fenced) as caught:
            session.save(2, make_state())
        self.assertEqual(caught.exception.code, "stale_attempt")
        self.assertTrue(session.fenced)
        before = len(self.agent.calls)
        for call in (
            lambda: session.save(3, make_state()),
            lambda: session.save(3, make_state(), overlap=True),
            lambda: session.report(3),
            lambda: session.restore(make_state()),
            session.before_update,
        ):
            with self.assertRaises(checkpointer.Fenced):
                call()
        session.close()
        self.assertEqual(len(self.agent.calls), before)
        session.before_update()
        self.assertEqual(newer.save(2, make_state()).wait("durable", 30), "durable")
