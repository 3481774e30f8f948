"""What a world that died amid its saves left in the store goes away; what was committed stays, bit by bit."""

import glob
import os
import re
import time

from cluster import fetch, wait_for
from store_reader import Checkpoint, committed, key
from support import LARGE_BYTES, IntegrationTest, bytes_of

GRACE_S = 2


class SweepTests(IntegrationTest):
    cluster_options = {"service_arguments": ["--sweep-interval", "00:00:01", "--sweep-grace", f"00:00:0{GRACE_S}"]}

    def packs(self, step, attempt=1):
        return glob.glob(os.path.join(self.cluster.store, "runs", self.run_name, "packs", key(step, attempt), "*"))

    def folders(self, what):
        found = os.path.join(self.cluster.store, "runs", self.run_name, what)
        return sorted(os.listdir(found)) if os.path.isdir(found) else []

    def sweeps(self):
        found = re.findall(r"^checkpointer_sweep_duration_seconds_count\{.*\} (\d+)", self.metrics(), re.MULTILINE)
        return sum(map(int, found))

    def metrics(self):
        return fetch(self.cluster.service.port, "/metrics")[1]

    def sweep_all_that_is_there(self):
        """Waits until everything in the store is older than the grace, and then for a sweep that began after that."""
        old = time.time() + GRACE_S
        wait_for("the grace to pass", lambda: time.time() > old)
        before = self.sweeps()
        wait_for("two more sweeps", lambda: self.sweeps() >= before + 2)

    def assert_stored_as_saved(self, step, attempt):
        found = Checkpoint(self.cluster.store, self.run_name, step, attempt)
        for rank, shard in enumerate(found.shards):
            self.assertTrue(shard.tensors()["model.w"] == bytes_of(rank, step, LARGE_BYTES), f"rank {rank} of {step}")

    def test_world_killed_amid_a_drain(self):
        ranks = self.start_fresh("a", "b")
        self.save_and_commit(ranks, 1)
        self.train(ranks, 1, 2)
        # The agents die when the first pack of the step is in the store: b's at its first, a's before its index.
        for node, point in (("a", "drain.packs_put"), ("b", "drain.pack_put")):
            agent = self.cluster.agents[node]
            agent.kill()
            agent.environment["CHECKPOINTER_CRASH_AT"] = point
        self.cluster.start()
        ranks.save(2)
        for agent in self.cluster.agents.values():
            wait_for(f"{agent.name} to die", lambda agent=agent: agent.process.poll() is not None)
            del agent.environment["CHECKPOINTER_CRASH_AT"]
        self.assertTrue(self.packs(2))
        # The nodes are lost with what they held, so nobody can go on with that step.
        self.cluster.forget_memory()
        self.cluster.start()
        again = self.start("a", "b")
        self.assert_restored(again, 1)
        self.assertEqual(again.attempt, 2)

        wait_for("the garbage to be swept", lambda: not self.packs(2))
        self.save_and_commit(again, 2)
        self.save_and_commit(again, 3)
        self.sweep_all_that_is_there()
        self.assertEqual(self.folders("packs"), [key(1, 1), key(2, 2), key(3, 2)])
        self.assertEqual(self.folders("checkpoints"), [key(1, 1), key(2, 2), key(3, 2)])
        self.assertEqual(len(committed(self.cluster.store, self.run_name)), 3)
        for step, attempt in ((1, 1), (2, 2), (3, 2)):
            self.assert_stored_as_saved(step, attempt)
        metrics = self.metrics()
        self.assertIn('reason="Abandoned"', metrics)
        self.assertIn("checkpointer_sweep_objects", metrics)
        self.assertIn("uncommitted objects", self.cluster.service.log())
