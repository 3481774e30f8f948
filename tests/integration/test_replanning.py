"""A copy that is not what was sealed costs another source, or for all ranks an older step; never a restart, never wrong bytes."""

import glob
import os

import checkpointer
from store_reader import pack_paths
from support import IntegrationTest, empty_state, state_of, together


class ReplanningTests(IntegrationTest):
    def setUp(self):
        super().setUp()
        ranks = self.start_fresh("a", "b")
        for step in (1, 2):
            self.train(ranks, step, step)
            self.save_and_commit(ranks, step)
        ranks.close()

    def flip_in_memory(self, rank, step):
        """Flips a bit of the rank's image of that step, wherever an arena holds it."""
        sample = bytes(state_of(rank, step)["model"]["w"][:256])
        found = 0
        for path in glob.glob(os.path.join(self.cluster.arenas, "*", self.run_name, f"{rank}-*.arena")):
            with open(path, "r+b") as file:
                at = file.read().find(sample)
                if at >= 0:
                    file.seek(at + 100)
                    file.write(bytes([sample[100] ^ 4]))
                    found += 1
        self.assertGreater(found, 0, "no arena holds the image")

    def flip_in_store(self, rank, step):
        paths = [p for p in pack_paths(self.cluster.store, self.run_name, step, 1) if f"/{rank:06}-" in p]
        for path in paths:
            os.chmod(path, 0o600)
            with open(path, "r+b") as file:
                at = os.path.getsize(path) // 2
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 4]))
        self.assertTrue(paths)

    def incidents(self, kind):
        return [item for item in self.cluster.items(self.run_name, "incidents") if item["kind"] == kind]

    def test_a_bad_copy_in_memory_costs_another_source(self):
        self.flip_in_memory(0, 2)
        ranks = self.start("a", "b")
        told = self.assert_restored(ranks, 2)
        self.assertEqual([restored.tier for restored in told], ["storage", "local_memory"])
        self.assertEqual(ranks.attempt, 2)
        bad = self.incidents("corrupt_copy")
        self.assertEqual([incident["ranks"] for incident in bad], [[0]])
        self.assertEqual(self.incidents("plan_replaced"), [])

    def test_no_good_copy_of_one_rank_takes_all_ranks_to_the_same_older_step(self):
        self.flip_in_memory(1, 2)
        self.flip_in_store(1, 2)
        ranks = self.start("a", "b")
        self.assert_restored(ranks, 1)

        # In the attempt that was granted: nobody was started again.
        self.assertEqual(ranks.attempt, 2)
        attempts = self.cluster.items(self.run_name, "attempts")
        self.assertEqual(len(attempts), 2)
        self.assertEqual(attempts[-1]["resumed_from"], {"step": 1, "attempt": 1})
        self.assertEqual([r["plan"] for r in attempts[-1]["restores"]], [2, 2])
        self.assertTrue(all(r["succeeded"] for r in attempts[-1]["restores"]))
        self.assertIn([1], [incident["ranks"] for incident in self.incidents("corrupt_copy")])
        replaced = self.incidents("plan_replaced")
        self.assertEqual(len(replaced), 1, replaced)
        self.assertIn("all ranks restore 1.1 instead", replaced[0]["message"])

        # And the run goes on from there: step 2 of the new lineage beside the bad one.
        self.train(ranks, 2, 2)
        self.save_and_commit(ranks, 2)
        ranks.close()
        told = self.assert_restored(self.start("a", "b"), 2)
        self.assertEqual([restored.attempt for restored in told], [2, 2])

    def test_nothing_good_left_is_said_to_every_rank(self):
        for step in (1, 2):
            self.flip_in_store(1, step)
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()
        ranks = self.start("a", "b")
        self.assertEqual(self.restore_errors(ranks), ["restore_impossible"] * 2)
        self.assertEqual(self.cluster.run(self.run_name)["attempt"], 2)
        self.assertIn("nothing older", self.incidents("plan_replaced")[-1]["message"])

    @staticmethod
    def restore_errors(ranks):
        def code(session):
            try:
                session.restore(empty_state())
            except checkpointer.RestoreError as error:
                return error.code
            return None

        return together([lambda session=session: code(session) for session in ranks.sessions])
