"""The presence: that the agent learns of a death at once, of a normal end nothing but a goodbye, and the loop of neither."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import types
import unittest
from unittest import mock

import support
from checkpointer import presence

class PresenceTest(support.AgentTest):
    def lines(self, holds, rank=0):
        """The rank's lines, as soon as they are as wanted."""
        deadline = time.monotonic() + 20
        with self.agent.changed:
            while not holds(self.agent.presence[rank]):
                self.assertLess(time.monotonic(), deadline, f"still {self.agent.presence[rank]}")
                self.agent.changed.wait(0.1)
            return list(self.agent.presence[rank])

    def child(self, body):
        """A trainer of its own process that runs ``body`` with a session; killed at the latest when the test ends."""
        program = textwrap.dedent("""
            import sys, os, time, checkpointer
            session = checkpointer.connect(run="r", rank=0, world_size=1, socket=sys.argv[1], close_timeout_s=0.5)
        """) + textwrap.dedent(body)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        trainer = subprocess.Popen(
            [sys.executable, "-c", program, self.agent.socket], env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        self.addCleanup(trainer.wait, 20)
        self.addCleanup(trainer.stdin.close)
        self.addCleanup(trainer.kill)
        return trainer

    def test_session_tells_who_it_is_how_far_it_is_and_takes_leave(self):
        session = self.connect()
        self.lines(len)
        session.report(7, loss=1.0)
        self.lines(lambda lines: lines[-1].get("step") == 7)
        session.close()
        lines = self.lines(lambda lines: lines[-1].get("goodbye"))
        self.assertEqual((1, os.getpid()), (lines[0]["attempt"], lines[0]["pid"]))
        self.assertNotIn("error", lines[-1])

    def test_killed_process_ends_without_goodbye(self):
        trainer = self.child("time.sleep(60)")
        self.lines(len)
        trainer.send_signal(signal.SIGKILL)
        self.lines(lambda lines: lines[-1] is None)

    def test_forked_worker_does_not_keep_a_killed_trainer_alive(self):
        trainer = self.child("""
            if os.fork() == 0:
                sys.stdin.read()
                os._exit(0)
            session.report(1)
            time.sleep(60)
        """)
        self.lines(lambda lines: lines and lines[-1].get("step") == 1)
        trainer.send_signal(signal.SIGKILL)
        self.lines(lambda lines: lines[-1] is None)

    def test_uncaught_exception_is_told(self):
        self.child("raise RuntimeError('loss exploded')")
        lines = self.lines(lambda lines: lines and (lines[-1] is None or lines[-1].get("goodbye")))
        self.assertEqual("RuntimeError: loss exploded", lines[-1]["error"])

    def test_exception_inside_with_is_told_and_interrupts_are_not(self):
        with self.assertRaises(ZeroDivisionError), self.connect():
            1 / 0
        lines = self.lines(lambda lines: lines and lines[-1].get("goodbye"))
        self.assertIn("ZeroDivisionError", lines[-1]["error"])
        self.assertIsNone(presence.ending_error(KeyboardInterrupt()))
        self.assertIsNone(presence.ending_error(support.checkpointer.Fenced("stale_attempt", "rolled back")))

    def test_agent_that_restarts_is_told_again(self):
        session = self.connect()
        self.lines(len)
        session.report(3)
        self.agent.stop()
        self.lines(lambda lines: lines[-1] is None)
        self.agent.start()
        lines = self.lines(lambda lines: lines[-1] is not None)
        self.assertEqual(1, lines[lines.index(None) + 1]["attempt"])

    def test_card_is_the_named_one_or_the_device_in_use(self):
        with mock.patch.dict(os.environ, {"CHECKPOINTER_CARD": "npu-7"}):
            self.assertEqual("npu-7", presence.card())
        with mock.patch.dict(os.environ):
            os.environ.pop("CHECKPOINTER_CARD", None)
            cuda = types.SimpleNamespace(
                is_initialized=lambda: True, current_device=lambda: 2,
                get_device_properties=lambda index: types.SimpleNamespace(uuid=f"GPU-{index}"))  # fmt: skip
            with mock.patch("checkpointer.presence.torch_module", lambda: types.SimpleNamespace(cuda=cuda)):
                self.assertEqual("cuda:2 GPU-2", presence.card())
            with mock.patch("checkpointer.presence.torch_module", lambda: None):
                self.assertIsNone(presence.card())


if __name__ == "__main__":
    unittest.main()
