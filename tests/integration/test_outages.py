"""The run goes on while parts of the system are away, and nothing that was acknowledged is lost."""

import os

from cluster import PATIENCE_S, wait_for
from store_reader import Checkpoint, key
from support import IntegrationTest, bytes_of

SMALL_BYTES = (1 << 20) + 5


class OutageTests(IntegrationTest):
    def ledger_steps(self):
        return [entry["report"]["step"] for entry in self.cluster.items(self.run_name, "ledger")]

    def incidents(self, *kinds):
        return [item for item in self.cluster.items(self.run_name, "incidents") if item["kind"] in kinds]

    def assert_stored_as_saved(self, step, attempt=1, ranks=2, size=SMALL_BYTES):
        found = Checkpoint(self.cluster.store, self.run_name, step, attempt)
        self.assertEqual(len(found.shards), ranks)
        for rank, shard in enumerate(found.shards):
            tensors = shard.tensors()
            self.assertTrue(tensors["model.w"] == bytes_of(rank, step, size), f"rank {rank} of {step}")
            self.assertEqual(tensors["rng"], bytes(bytes_of(rank, -step, 17)))

    def test_service_away(self):
        ranks = self.start_fresh("a", "b", size=SMALL_BYTES)
        self.train(ranks, 1, 4)
        self.save_and_commit(ranks, 4, size=SMALL_BYTES)
        self.cluster.service.kill()
        self.train(ranks, 5, 9)
        tickets = ranks.save(9, size=SMALL_BYTES)
        self.train(ranks, 10, 12)
        for ticket in tickets:
            self.assertEqual(ticket.wait("sealed", PATIENCE_S), "sealed", ticket.error)
        self.cluster.start()
        self.assert_durable(tickets)
        self.assert_committed(9)
        wait_for("the ledger to catch up", lambda: self.ledger_steps()[-1:] == [12])
        self.assertEqual(self.ledger_steps(), list(range(1, 13)))
        self.assertEqual(self.incidents("ledger_gap", "step_repeated", "replay_divergence"), [])
        self.assert_stored_as_saved(9)

    def train(self, ranks, first, last):
        for step in range(first, last + 1):
            for session in ranks.sessions:
                session.report(step, loss=1 / step)

    def test_store_away(self):
        ranks = self.start_fresh("a", "b", size=SMALL_BYTES)
        self.save_and_commit(ranks, 1, size=SMALL_BYTES)
        # Where the packs of the next steps belong lie files: no folder can be made there, as on a store gone bad.
        packs = os.path.join(self.cluster.store, "runs", self.run_name, "packs")
        blocks = [os.path.join(packs, key(step, 1)) for step in range(2, 6)]
        for block in blocks:
            with open(block, "wb"):
                pass
        tickets = ranks.save(2, size=SMALL_BYTES)
        for ticket in tickets:
            self.assertEqual(ticket.wait("sealed", PATIENCE_S), "sealed", ticket.error)
        # Snapshots whose drain waits for the store keep their slots: what does not fit is refused, by name.
        for step in (3, 4, 5):
            self.train(ranks, step, step)
            for ticket in ranks.save(step, size=SMALL_BYTES):
                if not ticket.ok:
                    self.assertEqual(ticket.error.code, "slot_busy")
        self.assertEqual([ticket.refresh() for ticket in tickets], ["sealed"] * 2)
        for block in blocks:
            os.remove(block)
        self.assert_durable(tickets)
        self.assert_committed(2)
        self.assert_stored_as_saved(2)

        def ended():
            items = self.cluster.items(self.run_name, "checkpoints")
            return items if all(item["state"] in ("committed", "abandoned") for item in items) else None

        for item in wait_for("every checkpoint to end", ended):
            self.assertTrue(item["state"] == "committed" or item.get("reason"), item)
        self.save_and_commit(ranks, 6, size=SMALL_BYTES)
        self.assert_stored_as_saved(6)

    def save_until_committed(self, ranks, step, tries=3):
        """After trouble a save or two may find the slots still held; then one must go through. Gives its step."""
        for last in range(step, step + tries):
            self.train(ranks, last, last)
            tickets = ranks.save(last, size=SMALL_BYTES)
            if all(ticket.wait("durable", PATIENCE_S) == "durable" for ticket in tickets):
                self.assert_committed(last)
                return last
        raise AssertionError(f"None of {tries} saves went through: {tickets}")

    def test_steps_that_a_dead_agent_missed_do_not_hold_up_later_ones(self):
        ranks = self.start_fresh("a", "b", size=SMALL_BYTES)
        self.save_and_commit(ranks, 1, size=SMALL_BYTES)
        self.cluster.agents["b"].kill()
        mine, other = ranks.save(2, size=SMALL_BYTES)
        self.assertEqual(mine.wait("sealed", PATIENCE_S), "sealed", mine.error)
        self.assertFalse(other.ok)
        # One of rank 0's slots holds the newest step that all have, the other one that rank 1 will never have.
        self.cluster.start()
        self.save_until_committed(ranks, 3)
        checkpoint = self.cluster.ended(self.run_name, 2)
        self.assertEqual(checkpoint["state"], "abandoned")
        self.assertEqual(checkpoint["missing_ranks"], [1])
        self.assertIn("rank 1", checkpoint["reason"])
