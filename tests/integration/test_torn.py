"""A checkpoint that is not whole is never committed, is told of by name, and does not hold up the next."""

import checkpointer
from store_reader import Checkpoint, committed
from support import IntegrationTest, bytes_of, state_of

SIZE_BYTES = (1 << 20) + 7


class TornTests(IntegrationTest):
    def assert_abandoned(self, step, ranks, attempt=1):
        checkpoint = self.cluster.ended(self.run_name, step, attempt)
        self.assertEqual(checkpoint["state"], "abandoned", checkpoint)
        self.assertEqual(checkpoint["missing_ranks"], ranks, checkpoint)
        return checkpoint["reason"]

    def test_a_rank_that_skips_a_save(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        ranks.save(1, states=[state_of(0, 1, SIZE_BYTES), None])
        self.save_and_commit(ranks, 2, size=SIZE_BYTES)
        self.assertIn("rank 1", self.assert_abandoned(1, [1]))
        self.assertEqual(committed(self.cluster.store, self.run_name), [(2, 1)])

    def test_saves_that_come_faster_than_slots_are_free(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        refused = []
        for step in range(1, 9):
            ranks.sessions[0].report(step, loss=1 / step)
            # Rank 1 stays away at first, so that rank 0's slots fill up with what never completes.
            took = [state_of(0, step, SIZE_BYTES), state_of(1, step, SIZE_BYTES) if step > 6 else None]
            refused += [t for t in ranks.save(step, states=took) if t and not t.ok]
        self.assertTrue(refused)
        self.assertEqual({ticket.error.code for ticket in refused}, {"slot_busy"})
        self.save_until_committed(ranks, 9, size=SIZE_BYTES)
        for step in range(1, 7):
            self.assertNotIn((step, 1), committed(self.cluster.store, self.run_name))

    def test_slices_that_leave_a_hole(self):
        ranks = self.start("a", "b")

        def states(step, offset):
            place = checkpointer.Sharded
            return [
                {"experts": place(memoryview(bytes_of(0, step, 64)).cast("B", (2, 32)), (4, 32), (0, 0))},
                {"experts": place(memoryview(bytes_of(1, step, 64)).cast("B", (2, 32)), (4, 32), (offset, 0))},
            ]

        self.assertEqual(ranks.restore(states(0, 2)), [None, None])
        ranks.save(1, states=states(1, 1))
        checkpoint = self.cluster.ended(self.run_name, 1)
        self.assertEqual(checkpoint["state"], "abandoned", checkpoint)
        self.assertIn("experts", checkpoint["reason"])
        kinds = {item["kind"] for item in self.cluster.items(self.run_name, "incidents")}
        self.assertIn("checkpoint_incoherent", kinds)
        self.assertEqual(committed(self.cluster.store, self.run_name), [])
        tickets = ranks.save(2, states=states(2, 2))
        self.assert_durable(tickets)
        self.assert_committed(2)

    def test_two_runs_at_once(self):
        runs = {name: self.start_fresh("a", "b", run=name, size=SIZE_BYTES) for name in ("one", "two")}
        for step in range(1, 4):
            tickets = {name: ranks.save(step, size=SIZE_BYTES) for name, ranks in runs.items()}
            for name, of_run in tickets.items():
                self.assert_durable(of_run)
                self.assert_committed(step, run=name)
        # The second run starts again; the first one does not notice.
        again = self.start("b", "a", run="two")
        self.assert_restored(again, 3, SIZE_BYTES)
        self.save_and_commit(runs["one"], 4, size=SIZE_BYTES)
        self.save_and_commit(again, 4, size=SIZE_BYTES)
        self.assertEqual([committed(self.cluster.store, name)[-1] for name in runs], [(4, 1), (4, 2)])
        self.assertEqual(self.cluster.run("one")["incidents"], 0)
        for name, attempt in (("one", 1), ("two", 2)):
            for rank, shard in enumerate(Checkpoint(self.cluster.store, name, 4, attempt).shards):
                self.assertTrue(shard.tensors()["model.w"] == bytes_of(rank, 4, SIZE_BYTES))
