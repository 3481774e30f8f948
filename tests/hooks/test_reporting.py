"""Step reports: never in the way, in order, none lost when the agent restarts."""

import math
import threading
import time

from checkpointer.reporter import Reporter
from checkpointer.counters import CounterBook
from fake_server import Problem
from support import AgentTest, make_state


class ReportingTests(AgentTest):
    def reported(self):
        return [report for _, report in self.agent.service.ledger]

    def test_reports_arrive_in_order_with_every_field(self):
        session = self.connect()
        session.report(1, loss=0.1, grad_norm=2.5, skipped=True, data_cursor={"shard": 3}, rng_digest="ab", step_ms=7)
        for step in range(2, 500):
            session.report(step, loss=1 / step)
        session.close()
        self.assertEqual(self.agent.service.steps, list(range(1, 500)))
        self.assertEqual(
            self.reported()[0],
            {"step": 1, "loss": 0.1, "grad_norm": 2.5, "skipped": True, "data_cursor": {"shard": 3}, "rng_digest": "ab",
             "step_ms": 7},
        )  # fmt: skip
        self.assertEqual([r["loss"] for r in self.reported()[1:]], [1 / step for step in range(2, 500)])
        self.assertTrue(all(r["step_ms"] >= 0 for r in self.reported()[1:]))

    def test_the_hold_of_a_save_is_reported_once_with_the_step_after_it(self):
        session, state = self.connect(), make_state()
        session.report(1)
        session.save(1, state).wait("captured")
        session.report(2)
        session.report(3)
        session.close()
        stalls = [report.get("stall_ms") for report in self.reported()]
        self.assertEqual([stall is None for stall in stalls], [True, False, True])
        self.assertGreater(stalls[1], 0)

    def test_values_that_are_no_numbers_travel_as_the_ledger_writes_them(self):
        session = self.connect()
        session.report(1, loss=math.nan, grad_norm=math.inf)
        session.report(2, loss=-math.inf)
        session.close()
        self.assertEqual([r.get("loss") for r in self.reported()], ["NaN", "-Infinity"])
        self.assertEqual(self.reported()[0]["grad_norm"], "Infinity")

    def test_a_cursor_is_read_when_it_is_reported(self):
        session = self.connect()
        cursor = {"at": 1}
        session.report(1, data_cursor=cursor)
        cursor["at"] = 2
        session.close()
        self.assertEqual(self.reported()[0]["data_cursor"], {"at": 1})

    def test_report_does_not_wait_for_an_agent_that_hangs(self):
        session = self.connect()
        self.agent.fault("reports", "hang")
        started = time.monotonic()
        for step in range(1, 2000):
            session.report(step, loss=1.0)
        self.assertLess(time.monotonic() - started, 5.0)

    def test_a_steps_report_is_sent_before_its_snapshot(self):
        session = self.connect()
        for step in range(1, 20):
            session.report(step, loss=1.0)
            ticket = session.save(step, make_state(), durable=False)
            self.assertEqual(self.agent.service.steps, list(range(1, step + 1)))
            self.assertTrue(ticket.ok, ticket.error)
        calls = [c for c in self.agent.calls if c.endswith(("/reports", "/snapshots"))]
        self.assertEqual(calls[0][-8:], "/reports")

    def test_no_snapshot_without_the_reports_before_it(self):
        session = self.connect()
        session.save(1, make_state())
        self.agent.fault("reports", Problem(503, "service_unavailable", "outbox full", transient=True), times=50)
        session.report(2, loss=1.0)
        ticket = session.save(2, make_state())
        self.assertEqual((ticket.state, ticket.error.code), ("failed", "service_unavailable"))
        self.agent.faults.clear()
        self.assertTrue(session.save(3, make_state()).ok)
        self.assertEqual(self.agent.service.steps, [2])

    def test_unacknowledged_reports_are_repeated_to_a_new_agent(self):
        self.agent.service.acknowledges = False
        session = self.connect()
        for step in range(1, 11):
            session.report(step, loss=float(step))
        self.agent.wait_for(lambda: len(self.agent.service.ledger) == 10)
        first = list(self.agent.service.ledger)
        self.agent.service.ledger.clear()  # the agent dies with them in memory
        self.agent.service.acknowledges = True
        self.agent.restart()
        session.report(11, loss=11.0)
        self.agent.wait_for(lambda: self.agent.service.steps == list(range(1, 12)))
        self.assertEqual(self.agent.service.ledger[:10], first)
        self.assertEqual(session.counters.reports_resent, 10)
        self.assertEqual(session.counters.rejoins, 1)

    def test_acknowledged_reports_are_not_repeated(self):
        session = self.connect()
        for step in range(1, 6):
            session.report(step)
            self.agent.wait_for(lambda step=step: self.agent.service.ledger_step == step)
        session._parts.reporter.flush(30)
        self.agent.restart()
        session.report(6)
        self.agent.wait_for(lambda: self.agent.service.ledger_step == 6)
        self.assertEqual(self.agent.service.steps, [1, 2, 3, 4, 5, 6])

    def test_a_save_after_a_restart_comes_after_the_repeated_reports(self):
        self.agent.service.acknowledges = False
        session = self.connect()
        session.report(1)
        self.assertTrue(session.save(1, make_state()).ok)
        self.agent.service.ledger.clear()
        self.agent.restart()
        del self.agent.calls[:]
        ticket = session.save(2, make_state())
        self.assertTrue(ticket.ok, ticket.error)
        kinds = [c.rsplit("/", 1)[1] for c in self.agent.calls if c.startswith(("POST", "PUT"))]
        self.assertEqual(kinds, ["join", "reports", "layout", "snapshots", "seal"])
        self.assertEqual(self.agent.service.steps, [1])

    def test_a_lost_connection_repeats_the_report(self):
        session = self.connect()
        self.agent.fault("reports", "drop")
        session.report(1)
        session.report(2)
        self.agent.wait_for(lambda: 2 in self.agent.service.steps)
        self.assertEqual(self.agent.service.steps, [1, 2])
        self.assertEqual(session.counters.rejoins, 0)

    def test_one_refused_report_does_not_hold_up_the_others(self):
        session = self.connect()
        self.agent.fault("reports", "drop")  # so that all three wait and go together
        original = self.agent.service.take_reports

        def refuse_two(attempt, reports):
            if any(report["step"] == 2 for report in reports):
                raise Problem(409, "step_repeated", "with another loss")
            original(attempt, reports)

        self.agent.service.take_reports = refuse_two
        for step in (1, 2, 3):
            session.report(step)
        self.agent.wait_for(lambda: 3 in self.agent.service.steps)
        self.assertEqual(self.agent.service.steps, [1, 3])
        self.assertEqual(session.counters.reports_dropped, 1)

    def test_misuse_raises_at_the_first_report_then_never(self):
        session = self.connect()
        misuses = ({"loss": "high"}, {"data_cursor": {1: 2}}, {"rng_digest": "x" * 129}, {"data_cursor": "x" * 4095})
        for misuse in misuses:
            with self.assertRaises((TypeError, ValueError)):
                session.report(1, **misuse)
        with self.assertRaises(ValueError):
            session.report(0)
        session.report(1, data_cursor="x" * 4094, rng_digest="x" * 128)
        session.report(2, loss="high")
        session.report(3)
        session.close()
        self.assertEqual(self.agent.service.steps, [1, 3])
        self.assertEqual(session.counters.reports_dropped, 1)

    def test_close_waits_until_the_ledger_has_the_last_report(self):
        self.agent.service.acknowledges = False
        session = self.connect(close_timeout_s=5.0)
        session.report(1)
        self.agent.wait_for(lambda: self.agent.service.steps == [1])

        def acknowledge(answer):
            return {**answer, "ledger_step": 1}

        self.agent.fault("reports", lambda answer: answer)
        self.agent.fault("reports", acknowledge)
        session.close()
        self.assertEqual(len(self.agent.called("reports")), 3)
        self.assertEqual(self.agent.service.steps, [1])

    def test_close_hands_the_last_reports_to_an_agent_that_restarted(self):
        self.agent.service.acknowledges = False
        session = self.connect(close_timeout_s=20.0)
        session.report(1)
        self.agent.wait_for(lambda: self.agent.service.steps == [1])
        session._parts.reporter.flush(30)

        def restart(answer):
            # It dies with what it had in memory; the next one knows no rank.
            self.agent.service.ledger.clear()
            self.agent.service.acknowledges = True
            self.agent.ranks.clear()
            return answer

        self.agent.fault("reports", restart)
        session.close()
        self.assertEqual(self.agent.service.steps, [1])
        self.assertEqual(session.counters.reports_resent, 1)

    def test_close_says_what_the_ledger_does_not_hold_yet(self):
        self.agent.service.acknowledges = False
        session = self.connect(close_timeout_s=0.3)
        session.report(1)
        self.agent.wait_for(lambda: self.agent.service.steps == [1])
        session._parts.reporter.flush(30)
        with self.assertLogs("checkpointer", "ERROR") as logs:
            session.close()
        self.assertIn("the last 1 step reports", logs.output[0])
        self.assertEqual(session.counters.reports_dropped, 0)

    def test_close_ends_in_time_without_an_agent(self):
        session = self.connect(close_timeout_s=0.3)
        self.agent.stop()
        session.report(1)
        started = time.monotonic()
        session.close()
        self.assertLess(time.monotonic() - started, 8.0)
        self.assertEqual(session.counters.reports_dropped, 1)

    def test_what_waits_is_bounded(self):
        counters = CounterBook()
        session = self.connect()
        self.agent.stop()
        reporter = Reporter(session._client, counters, session._log, True, max_kept=3)
        for step in range(1, 6):
            reporter.add({"step": step})
        self.assertEqual([entry.step for entry in reporter._entries], [3, 4, 5])
        self.assertEqual(counters.values.reports_dropped, 2)
        reporter.close(0)

    def test_other_ranks_keep_nothing(self):
        self.agent.service.acknowledges = False
        sessions = {}

        def join(rank):
            sessions[rank] = self.connect(rank=rank, world_size=2, incarnation="i")

        threads = [threading.Thread(target=join, args=(rank,)) for rank in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for session in sessions.values():
            session.report(1)
            session._parts.reporter.flush(30)
        self.assertEqual(len(sessions[0]._parts.reporter._entries), 1)
        self.assertEqual(len(sessions[1]._parts.reporter._entries), 0)
