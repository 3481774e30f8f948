"""Failures of real processes become incidents that name rank, node and card, and reach who subscribed."""

import os
import signal
import tempfile
import time
import uuid
from unittest import mock

from cluster import wait_for
from incident_receiver import EventStream, WebhookReceiver, documented_check
from rank_process import RankProcess
from support import IntegrationTest

SECRET = b"a secret of the tests"


class DetectionTest(IntegrationTest):
    def setUp(self):
        self.webhook = WebhookReceiver()
        self.webhook.start()
        self.addCleanup(self.webhook.stop)
        with tempfile.NamedTemporaryFile(delete=False) as secret:
            secret.write(SECRET + b"\n")
        self.addCleanup(os.remove, secret.name)
        self.cluster_options = {"service_arguments": (
            "--webhook", f"http://127.0.0.1:{self.webhook.port}/hook", "--webhook-secret-file", secret.name)}  # fmt: skip
        super().setUp()

    def stream(self, *arguments):
        stream = EventStream(*arguments)
        self.addCleanup(stream.close)
        return stream

    def start_ranks(self, *nodes):
        incarnation = uuid.uuid4().hex
        with mock.patch.dict(os.environ):
            ranks = []
            for rank in range(len(nodes)):
                os.environ["CHECKPOINTER_CARD"] = f"card-{rank}"
                ranks.append(RankProcess(self.cluster, self.run_name, rank, nodes, incarnation))
        for rank in ranks:
            self.addCleanup(rank.process.stdout.close)
            self.addCleanup(rank.process.stdin.close)
            self.addCleanup(rank.process.wait)
            self.addCleanup(rank.process.kill)
        for rank in ranks:
            rank.answer()
        for rank in ranks:
            rank.ask("restore")
        return ranks

    def train_all(self, ranks, first, last):
        for step in range(first, last + 1):
            for rank in ranks:
                rank.ask("report", step)

    def incidents(self, kind=None):
        return [item for item in self.cluster.items(self.run_name, "incidents") if kind in (None, item["kind"])]

    def incident(self, kind, timeout_s=60):
        return wait_for(f"an incident {kind}", lambda: self.incidents(kind), timeout_s)[0]

    def test_killed_rank_is_named_within_a_second_and_pushed_signed(self):
        ranks = self.start_ranks("a", "b")
        self.train_all(ranks, 1, 3)
        stream = self.stream(self.cluster.service.port, "/v1/incidents/stream")
        time_before = time.monotonic()
        ranks[1].process.kill()
        _, pushed = stream.incident("rank_died")
        took_s = time.monotonic() - time_before
        died = pushed["incident"]
        self.assertEqual((self.run_name, [1], "b", "card-1", 1),
                         (pushed["run"], died["ranks"], died["node"], died["card"], died["attempt"]))  # fmt: skip
        self.assertIn(str(ranks[1].process.pid), died["evidence"])
        self.assertLess(took_s, 1.5)

        # The other one ends of it: no incident of its own.
        ranks[0].process.kill()
        wait_for("the agent to see the second", lambda: "rank 0 of attempt 1 ended" in self.cluster.agents["a"].log())
        self.assertEqual(died, self.webhook.notice("rank_died")["incident"])
        signature, body = self.webhook.received[0]
        is_genuine = documented_check()
        self.assertTrue(is_genuine(SECRET, signature, body))
        self.assertFalse(is_genuine(SECRET, signature, body + b" "))
        self.assertFalse(is_genuine(SECRET + b"x", signature, body))
        self.assertEqual(1, len(self.incidents()))
        self.assertNotIn(SECRET.decode(), self.cluster.service.log())

        # A start of all ranks, an end of all: nothing.
        again = self.start_ranks("a", "b")
        self.train_all(again, 1, 2)
        for rank in again:
            rank.ask("close")
        self.assertEqual(1, len(self.incidents()))

    def test_stopped_rank_is_the_one_that_hangs(self):
        ranks = self.start_ranks("a", "a", "b")
        self.train_all(ranks, 1, 6)
        os.kill(ranks[1].process.pid, signal.SIGSTOP)
        hung = self.incident("rank_hung")
        self.assertEqual(([1], "a", "card-1", 6), (hung["ranks"], hung["node"], hung["card"], hung["step"]))
        self.assertIn("No sign of life of rank 1", hung["evidence"])
        self.assertEqual(["rank_hung"], [item["kind"] for item in self.incidents()])

    def test_killed_agent_is_lost_and_what_the_webhook_missed_comes_later(self):
        ranks = self.start_ranks("a", "b")
        self.train_all(ranks, 1, 2)
        wait_for("the first heartbeats", lambda: len(self.cluster.service.get("/v1/agents")["items"]) == 2)
        self.webhook.stop()
        self.cluster.agents["b"].kill()
        lost = self.incident("agent_lost")
        self.assertEqual(([1], "b", "card-1"), (lost["ranks"], lost["node"], lost["card"]))
        self.assertIn("refuses connections", lost["evidence"])
        self.assertIsNone(ranks[1].process.poll())

        wait_for("a try in vain", lambda: "did not take incident 1" in self.cluster.service.log())
        self.cluster.service.kill()
        self.cluster.start()
        self.webhook.status = 500
        self.webhook.start()
        wait_for("a try that failed", lambda: self.webhook.received)
        self.webhook.status = 204
        self.assertEqual(lost, self.webhook.notice("agent_lost")["incident"])
        wait_for("an acknowledged one", lambda: len(self.webhook.received) >= 2)

        # Back again, it tells of its ranks, and a stream goes on behind what was seen.
        stream = self.stream(self.cluster.service.port, f"/v1/runs/{self.run_name}/incidents/stream", "0")
        seen, _ = stream.incident("agent_lost")
        wait_for("the rank to be known again", lambda: ranks[1].ask("report", 3) is None)
        rest = self.stream(self.cluster.service.port, "/v1/incidents/stream", seen)
        ranks[0].process.kill()
        rest.incident("rank_died")
        self.assertEqual(["rank_died"], [data["incident"]["kind"] for _, data in rest.events])


if __name__ == "__main__":
    import unittest

    unittest.main()
