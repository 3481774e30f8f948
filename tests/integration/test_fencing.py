"""A process that was replaced changes nothing any more, whatever it was in the middle of."""

import json
import os
import signal
import uuid

from cluster import fetch, wait_for
from rank_process import SIZE_BYTES, RankProcess
from store_reader import committed
from support import IntegrationTest, together


def stale_writes(attempt):
    """What agents would send for an attempt, by the path that they would post it to."""
    image = {"layout": "0" * 64, "image_bytes": 1, "root": "0" * 32, "nan_count": 0, "inf_count": 0,
             "non_finite_tensors": []}  # fmt: skip
    shared = {"attempt": attempt, "rank": 0}
    return {
        "reports": {"attempt": attempt, "reports": [{"step": 5, "loss": 9.0}]},
        "snapshots": {**shared, "step": 6, "node": "a", "outcome": "sealed", "durable": True, "image": image},
        "shards": {**shared, "checkpoint": {"step": 5, "attempt": attempt}, "index_sha256": "0" * 64, "index_bytes": 200,
                   "image": image, "stored_bytes": 1, "pack_bytes": 113, "drain_ms": 1},
        "restores": {**shared, "node": "a", "checkpoint": {"step": 5, "attempt": attempt}, "succeeded": True,
                     "local_memory_bytes": 1, "peer_memory_bytes": 0, "storage_bytes": 0, "restore_ms": 1, "faults": []},
    }  # fmt: skip


class FencingTests(IntegrationTest):
    def what_everyone_sees(self):
        """Everything that the service tells of the run, and what the store holds committed."""
        seen = {what: self.cluster.items(self.run_name, what) for what in ("checkpoints", "ledger", "attempts", "incidents")}
        return {**seen, "run": self.cluster.run(self.run_name), "store": committed(self.cluster.store, self.run_name)}

    def test_a_zombie_changes_nothing(self):
        incarnation = uuid.uuid4().hex
        zombies = [RankProcess(self.cluster, self.run_name, rank, "ab", incarnation) for rank in range(2)]
        for zombie in zombies:
            self.addCleanup(zombie.kill)
        self.assertEqual([zombie.answer() for zombie in zombies], [1, 1])
        together([lambda z=z: z.ask("restore") for z in zombies])
        for step in (1, 2, 3):
            zombies[0].ask("report", step)
        self.assertEqual(together([lambda z=z: z.ask("save_durable", 3) for z in zombies]), ["durable"] * 2)
        self.assert_committed(3)
        # Rank 1 seals step 5; rank 0 is frozen with the bytes of step 5 in its slot, the seal not sent.
        zombies[0].ask("report", 4)
        zombies[0].ask("stop_before_seal")
        zombies[0].tell("save", 5)
        wait_for("the zombie to stop", zombies[0].is_stopped)
        zombies[1].ask("save", 5)
        wait_for("rank 1's half of step 5", lambda: self.cluster.checkpoint(self.run_name, 5))
        os.kill(zombies[1].process.pid, signal.SIGSTOP)

        ranks = self.start("a", "b")
        self.assertEqual(ranks.attempt, 2)
        self.assert_restored(ranks, 3, SIZE_BYTES)
        ranks.sessions[0].report(4, loss=0.25)
        self.save_and_commit(ranks, 4, size=SIZE_BYTES)
        wait_for("the report", lambda: self.cluster.run(self.run_name).get("ledger_step") == 4)
        self.assertEqual(self.cluster.ended(self.run_name, 5)["state"], "abandoned")
        before = self.what_everyone_sees()

        for zombie in zombies:
            os.kill(zombie.process.pid, signal.SIGCONT)
        frozen = zombies[0].answer()
        self.assertEqual(frozen, {"fenced": "stale_attempt"})
        for zombie in zombies:
            self.assertEqual(zombie.ask("save", 6), {"fenced": "stale_attempt"})
            self.assertEqual(zombie.ask("report", 7), {"fenced": "stale_attempt"})
            self.assertTrue(zombie.ask("fenced"))
            zombie.ask("close")
        self.assert_refused_by_the_service(before["attempts"][0])
        self.assertEqual(self.what_everyone_sees(), before)

        self.save_and_commit(ranks, 5, size=SIZE_BYTES)
        self.assertEqual(committed(self.cluster.store, self.run_name), [(3, 1), (4, 2), (5, 2)])
        ranks.close()
        self.assert_restored(self.start("b", "a"), 5, SIZE_BYTES)

    def assert_refused_by_the_service(self, old):
        """What an agent cut off from the news would send for the old attempt."""
        bodies = stale_writes(old["attempt"])
        for path, body in bodies.items():
            status, text = fetch(self.cluster.service.port, f"/v1/runs/{self.run_name}/{path}", "POST", body)
            self.assertEqual((status, json.loads(text).get("code")), (409, "stale_attempt"), f"{path}: {text}")

    def test_ranks_of_a_replaced_start_cannot_join_again(self):
        first = uuid.uuid4().hex
        self.start_fresh("a", incarnation=first)
        self.start("a")
        with self.assertRaises(Exception) as caught:
            self.start("a", incarnation=first)
        self.assertEqual(caught.exception.code, "incarnation_superseded")
