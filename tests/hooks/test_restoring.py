"""Restores: exact, or an error."""

import os
import signal
import threading
import time

import checkpointer
from fake_server import Problem
from support import AgentTest, make_state


class RestoringTests(AgentTest):
    def saved(self, state, step=40, **options):
        session = self.connect()
        ticket = session.save(step, state, **options)
        self.assertEqual(ticket.wait("durable", 30), "durable", ticket.error)
        session.close()
        self.resume(ticket)

    def test_a_fresh_run_restores_nothing(self):
        state = make_state(1.0)
        session = self.connect()
        self.assertIsNone(session.restore(state))
        self.assertEqual(state, make_state(1.0))
        self.assertEqual(session.attempt, 1)

    def test_a_new_attempt_has_every_byte_again(self):
        self.saved(make_state(2.5), extra={"cursor": 7})
        session, state = self.connect(), make_state(0.0)
        restored = session.restore(state)
        self.assertEqual(state, make_state(2.5))
        self.assertEqual((restored.step, restored.attempt, restored.extra), (40, 1, {"cursor": 7}))
        self.assertEqual(restored.tier, "storage")
        self.assertEqual((restored.storage_bytes, session.attempt), (64 * 8 + 13, 2))
        self.assertTrue(session.save(41, state).ok)

    def test_the_tier_is_the_farthest_that_gave_bytes(self):
        self.saved(make_state())
        for sizes, tier in (((9, 0, 0), "local_memory"), ((9, 9, 0), "peer_memory"), ((9, 9, 1), "storage")):
            names = ("local_memory_bytes", "peer_memory_bytes", "storage_bytes")
            self.agent.fault("restore", lambda answer, sizes=sizes: {**answer, **dict(zip(names, sizes))})
            self.assertEqual(self.connect().restore(make_state()).tier, tier)

    def assert_refused(self, state, code, text):
        with self.assertRaisesRegex(checkpointer.RestoreError, text) as caught:
            self.connect().restore(state)
        self.assertEqual(caught.exception.code, code)

    def test_a_tensor_that_is_not_there_is_named(self):
        self.saved(make_state())
        self.assert_refused({**make_state(), "new": bytearray(4)}, "layout_mismatch", "'new'")

    def test_a_tensor_of_another_shape_is_named(self):
        self.saved(make_state())
        self.assert_refused(make_state(count=65), "layout_mismatch", "'model.w'")

    def test_no_copy_is_an_error(self):
        self.saved(make_state())
        self.agent.service.images.clear()
        self.assert_refused(make_state(), "restore_impossible", "no copy")

    def test_an_agent_that_forgets_the_plan_does_not_make_a_fresh_run(self):
        self.saved(make_state())
        self.agent.fault("restore", lambda answer: {"done": True})
        self.assert_refused(make_state(), "restore_impossible", "plan")

    def test_another_step_than_the_plans_is_refused(self):
        self.saved(make_state())
        self.agent.fault("restore", lambda answer: {**answer, "checkpoint": {"step": 39, "attempt": 1}})
        self.assert_refused(make_state(), "restore_impossible", "39")

    def test_another_plan_that_all_ranks_got_is_followed(self):
        self.saved(make_state(2.5))
        self.agent.fault("restore", lambda answer: {**answer, "plan": 2, "checkpoint": {"step": 39, "attempt": 1}})
        session, state = self.connect(), make_state(0.0)
        self.assertEqual(session.restore(state).step, 39)
        self.assertEqual(state, make_state(2.5))
        self.assertTrue(session.save(41, state).ok)

    def test_a_timeout_says_for_which_ranks_it_waits(self):
        self.saved(make_state())
        answer = {"done": False, "waiting_for": [3, 5]}
        self.agent.fault("restore", lambda _: answer, times=1000)
        with self.assertRaisesRegex(checkpointer.RestoreError, "ranks 3, 5 have not yet"):
            self.connect(restore_timeout_s=0.5).restore(make_state())

    def test_a_truncated_slot_is_an_error_not_a_crash(self):
        self.saved(make_state(count=1 << 16))

        def cut(answer):
            os.truncate(answer["slot"]["path"], 8192)
            return answer

        self.agent.fault("restore", cut)
        self.assert_refused(make_state(count=1 << 16), "arena_invalid", "8192")

    def test_a_slot_replaced_during_the_copy_is_an_error(self):
        self.saved(make_state())
        session = self.connect()
        original = session._parts.copier.fill

        def fill(*arguments):
            original(*arguments)
            for slot in self.agent.slots[0]:
                self.agent.replace(slot, 64 * 8 + 13)

        session._parts.copier.fill = fill
        with self.assertRaisesRegex(checkpointer.RestoreError, "replaced"):
            session.restore(make_state())

    def test_a_restore_waits_while_the_image_is_rebuilt(self):
        self.saved(make_state(3.0))
        self.agent.fault("restore", lambda answer: {"done": False}, times=3)
        state = make_state(0.0)
        self.assertEqual(self.connect().restore(state).step, 40)
        self.assertEqual(state, make_state(3.0))

    def test_a_restore_outlasts_faults_and_a_restart(self):
        self.saved(make_state(3.0))
        self.agent.fault("restore", "drop")
        self.agent.fault("restore", "garbage")
        self.agent.fault("restore", Problem(503, "storage_unavailable", "later", transient=True))
        session, state = self.connect(), make_state(0.0)
        self.agent.restart()
        self.assertEqual(session.restore(state).step, 40)
        self.assertEqual(state, make_state(3.0))
        self.assertEqual(session.counters.rejoins, 1)

    def test_a_restore_that_takes_too_long_is_an_error(self):
        self.saved(make_state())
        self.agent.fault("restore", lambda answer: {"done": False}, times=1000)
        session = self.connect(restore_timeout_s=0.3)
        with self.assertRaisesRegex(checkpointer.RestoreError, "rebuilt"):
            session.restore(make_state())


class JoiningTests(AgentTest):
    def test_every_rank_waits_for_all_and_gets_the_same_attempt(self):
        sessions = []
        threads = [
            threading.Thread(target=lambda r=r: sessions.append(self.connect(rank=r, world_size=3, incarnation="i")))
            for r in range(3)
        ]
        for thread in threads[:2]:
            thread.start()
        self.agent.wait_for(lambda: len(self.agent.service.joined["i"]) == 2)
        self.assertEqual(sessions, [])
        threads[2].start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(sorted((s.rank, s.attempt, s.world_size) for s in sessions), [(0, 1, 3), (1, 1, 3), (2, 1, 3)])

    def test_ranks_that_never_come_are_told(self):
        with self.assertRaisesRegex(checkpointer.JoinError, "1 of 2"):
            self.connect(world_size=2, incarnation="i", join_timeout_s=0.2)

    def test_an_agent_that_comes_late_is_waited_for(self):
        self.agent.stop()
        starter = threading.Timer(0.3, self.agent.start)
        starter.start()
        self.assertEqual(self.connect().attempt, 1)
        starter.join()

    def test_no_agent_is_an_error(self):
        self.agent.stop()
        started = time.monotonic()
        with self.assertRaisesRegex(checkpointer.JoinError, "cannot be reached"):
            self.connect(join_timeout_s=0.2)
        self.assertLess(time.monotonic() - started, 8.0)

    def test_a_superseded_incarnation_is_told_at_once(self):
        self.connect(incarnation="old")
        self.connect(incarnation="new")
        with self.assertRaises(checkpointer.JoinError) as caught:
            self.connect(incarnation="old")
        self.assertEqual(caught.exception.code, "incarnation_superseded")

    def test_a_join_answer_without_sense_is_asked_again(self):
        self.agent.fault("join", lambda answer: {**answer, "attempt": "7"})
        self.agent.fault("join", "garbage")
        self.agent.fault("join", "drop")
        self.assertEqual(self.connect().attempt, 1)

    def test_parameters_come_from_the_environment(self):
        values = {"CHECKPOINTER_RUN": "from-env", "CHECKPOINTER_AGENT_SOCKET": self.agent.socket, "RANK": "0",
                  "WORLD_SIZE": "1", "CHECKPOINTER_INCARNATION": "env-1"}  # fmt: skip
        from unittest import mock

        with mock.patch.dict(os.environ, values), checkpointer.connect() as session:
            self.assertEqual((session.run, session.rank, session.world_size), ("from-env", 0, 1))
        self.assertIn("env-1", self.agent.service.attempts)

    def test_parameters_without_sense_are_refused(self):
        for wrong in (
            {"run": "Upper"}, {"run": "-x"}, {"run": "a/../b"}, {"run": "x" * 64}, {"rank": 1}, {"rank": -1},
            {"world_size": 0}, {"incarnation": "a b"}, {"socket": "/" + "x" * 107}, {"copy_threads": 0},
            {"call_timeout_s": 0},
        ):  # fmt: skip
            with self.assertRaises(ValueError, msg=wrong):
                self.connect(**wrong)

    def test_several_ranks_need_a_common_name(self):
        with self.assertRaises(checkpointer.JoinError) as caught:
            self.connect(rank=0, world_size=2)
        self.assertEqual(caught.exception.code, "incarnation_unknown")

    def test_a_forked_child_disturbs_nothing(self):
        session = self.connect()
        session.save(1, make_state())
        held, done = threading.Event(), threading.Event()

        def hold():  # as if the fork came while other threads were at work
            with session._lock, session._parts.reporter._changed, session._log._lock, session._counters._lock:
                held.set()
                done.wait(30)

        holder = threading.Thread(target=hold)
        holder.start()
        held.wait(30)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            code = 1
            try:
                session.report(9)
                session.before_update()
                ticket = session.save(9, make_state())
                try:
                    session.restore(make_state())
                except checkpointer.RestoreError:
                    code = 0 if ticket.error.code == "session_closed" else 2
                session.close()
            finally:
                os._exit(code)
        done.set()
        holder.join()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        session.report(2)
        self.assertEqual(session.save(2, make_state()).wait("durable", 30), "durable")
        self.assertEqual(self.agent.service.steps, [2])
