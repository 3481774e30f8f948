"""The run goes on while parts of the system are away, and nothing that was acknowledged is lost."""

import os
import random
import threading

from cluster import PATIENCE_S, wait_for
from store_reader import Checkpoint, Shard, committed, key
from support import IntegrationTest, bytes_of, state_of

SMALL_BYTES = (1 << 20) + 5


class OutageTests(IntegrationTest):
    def ledger_steps(self):
        return [entry["report"]["step"] for entry in self.cluster.items(self.run_name, "ledger")]

    def wait_for_progress(self, name, step):
        def reached():
            progress = self.cluster.service.get(f"/v1/runs/{self.run_name}/progress")
            return (progress.get(name) or {}).get("step") == step

        wait_for(f"{name} to be {step}", reached)

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

    def test_service_away_for_more_snapshots_than_there_are_slots(self):
        ranks = self.start_fresh("a", "b", size=SMALL_BYTES)
        self.train(ranks, 1, 4)
        self.save_and_commit(ranks, 4, size=SMALL_BYTES)
        self.cluster.service.kill()
        for step in range(5, 12):
            self.train(ranks, step, step)
            for ticket in ranks.save(step, durable=False, size=SMALL_BYTES):
                self.assertEqual(ticket.wait("sealed", PATIENCE_S), "sealed", ticket.error)
        self.cluster.start()
        self.wait_for_progress("globally_sealed", 11)
        wait_for("the ledger to catch up", lambda: self.ledger_steps()[-1:] == [11])
        self.assertEqual(self.ledger_steps(), list(range(1, 12)))
        ranks.close()
        self.assert_restored(self.start("a", "b"), 11, size=SMALL_BYTES)

    def test_store_away(self):
        ranks = self.start_fresh("a", "b", size=SMALL_BYTES)
        self.save_and_commit(ranks, 1, size=SMALL_BYTES)
        # Where the packs of the next steps belong lie files: no folder can be made there, as on a store gone bad.
        packs = os.path.join(self.cluster.store, "runs", self.run_name, "packs")
        blocks = [os.path.join(packs, key(step, 1)) for step in range(2, 20)]
        for block in blocks:
            with open(block, "wb"):
                pass
        tickets = ranks.save(2, size=SMALL_BYTES)
        for ticket in tickets:
            self.assertEqual(ticket.wait("sealed", PATIENCE_S), "sealed", ticket.error)
        # Memory snapshots go on: an older one that waits for the store gives way to a newer one that every rank has.
        # (On a busy machine the begin of a save may not see a drain end in time; then that one save is refused.)
        step, taken = 2, []
        while len(taken) < 3 and step < 19:
            step += 1
            self.train(ranks, step, step)
            tickets = ranks.save(step, size=SMALL_BYTES)
            if all(ticket.wait("sealed", PATIENCE_S) == "sealed" for ticket in tickets):
                self.wait_for_progress("globally_sealed", step)
                taken.append(step)
            else:
                self.assertEqual({ticket.error.code for ticket in tickets if ticket.error}, {"slot_busy"})
        self.assertEqual(len(taken), 3)
        for block in blocks:
            os.remove(block)
        self.assert_durable(tickets)
        self.assert_committed(step)
        self.assert_stored_as_saved(step)

        def ended():
            items = self.cluster.items(self.run_name, "checkpoints")
            return items if all(item["state"] in ("committed", "abandoned") for item in items) else None

        states = {}
        for item in wait_for("every checkpoint to end", ended):
            states[item["checkpoint"]["step"]] = item["state"]
            self.assertTrue(item["state"] == "committed" or item["reason"], item)
        self.assertEqual((states[1], states[2], states[step]), ("committed", "abandoned", "committed"))
        self.save_and_commit(ranks, step + 1, size=SMALL_BYTES)
        self.assert_stored_as_saved(step + 1)

    def test_kills_at_random_moments(self):
        seed = int(os.environ.get("CHECKPOINTER_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
        with self.subTest(seed=seed):
            self.kill_at_random(random.Random(seed))

    def kill_at_random(self, chance, kills=10):
        ranks = self.start_fresh("a", "b", size=SMALL_BYTES)
        over, is_over, tickets, errors = threading.Event(), threading.Event(), ([], []), []
        # Decided once a step for both ranks, while both wait.
        steps = threading.Barrier(2, action=lambda: over.is_set() and is_over.set())
        loops = [
            threading.Thread(target=self.train_until, args=(session, is_over, steps, tickets[session.rank], errors), daemon=True)
            for session in ranks.sessions
        ]
        for loop in loops:
            loop.start()
        seen_committed = set()
        for _ in range(kills):
            over.wait(chance.uniform(0.05, 0.6))
            victim = chance.choice(self.cluster.daemons)
            if self.cluster.service.process.poll() is None:
                seen_committed |= self.committed_by_service()
            victim.kill()
            over.wait(chance.choice((0, 0, 0.3)))
            victim.start()
            for daemon in self.cluster.daemons:
                wait_for(f"{daemon.name} to be back", daemon.is_live)
        over.set()
        for loop in loops:
            loop.join(PATIENCE_S)
            self.assertFalse(loop.is_alive())
        self.assertEqual(errors, [])
        self.cluster.start()
        last = self.save_until_committed(ranks, 1 + tickets[0][-1].step, size=SMALL_BYTES)
        for rank in range(2):
            for step in (ticket.step for ticket in tickets[rank] if ticket.state == "durable"):
                shard = Shard(self.cluster.store, self.run_name, step, 1, rank)
                self.assertTrue(shard.tensors()["model.w"] == bytes_of(rank, step, SMALL_BYTES), f"{step} of {rank}")
        in_store = committed(self.cluster.store, self.run_name)
        for step, attempt in in_store:
            self.assert_stored_as_saved(step, attempt)
        self.assertEqual(set(in_store), self.committed_by_service())
        self.assertLessEqual(seen_committed, set(in_store))
        wait_for("the ledger to catch up", lambda: self.ledger_steps()[-1:] == [last])
        self.assertEqual(self.ledger_steps(), list(range(1, last + 1)))
        ranks.close()
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()
        self.assert_restored(self.start("b", "a"), last, size=SMALL_BYTES)

    def committed_by_service(self):
        items = self.cluster.items(self.run_name, "checkpoints")
        return {tuple(i["checkpoint"].values()) for i in items if i["state"] == "committed"}

    @staticmethod
    def train_until(session, is_over, steps, tickets, errors):
        """A rank's loop, in step with the other as by an all-reduce: nothing may raise, whatever is killed."""
        step, goes_on = 0, True
        try:
            while goes_on:
                step += 1
                session.report(step, loss=1 / step)
                tickets.append(session.save(step, state_of(session.rank, step, SMALL_BYTES), extra={"step": step}))
                tickets[-1].wait("durable", 0.1)
                is_over.wait(0.03)  # a step's work: a loop that does nothing else saves faster than anyone answers
                steps.wait(PATIENCE_S)
                goes_on = not is_over.is_set()
        except BaseException as error:
            errors.append(error)
            steps.abort()

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
