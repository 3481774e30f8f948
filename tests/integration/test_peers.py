"""A node dies, and its ranks go on from the copies that another node's agent holds: no step lost that was protected, no storage read."""

from cluster import wait_for
from support import IntegrationTest


class PeerTests(IntegrationTest):
    nodes = ("a", "b", "c")

    def protected(self, step):
        def is_protected():
            run = self.cluster.run(self.run_name)
            return (run.get("protected") or {}).get("step", 0) >= step

        wait_for(f"step {step} to lie on two nodes", is_protected)

    def lose(self, node):
        """kill -9 of an agent, and what a reboot does to its memory."""
        self.cluster.agents[node].kill()
        self.cluster.forget_memory(node)

    def start_saving(self):
        ranks = self.start_fresh("a", "b")
        for step in (1, 2, 3, 4):
            self.train(ranks, step, step)
            for ticket in ranks.save(step, durable=False):
                self.assertEqual(ticket.wait("sealed", 30), "sealed", ticket.error)
            self.protected(step)
        return ranks

    def test_a_node_that_dies_costs_no_step_and_no_storage_read(self):
        ranks = self.start_saving()
        self.lose("b")
        ranks.close()

        # The spare takes its place. Nothing was ever stored, so nothing but memory can have it.
        again = self.start("a", "c")
        told = self.assert_restored(again, 4)
        self.assertEqual([restored.tier for restored in told], ["local_memory", "peer_memory"])
        self.assertEqual(again.attempt, 2)
        self.assertEqual(self.cluster.items(self.run_name, "checkpoints"), [])

        # What was restored is on two nodes again, so the next loss costs no more; and the run goes on.
        self.train(again, 5, 5)
        for ticket in again.save(5, durable=False):
            self.assertEqual(ticket.wait("sealed", 30), "sealed", ticket.error)
        self.protected(5)
        self.lose("a")
        again.close()
        self.cluster.start()
        last = self.start("b", "c")
        self.assert_restored(last, 5)

    def test_an_agent_killed_and_started_again_still_has_the_copies(self):
        ranks = self.start_saving()
        self.cluster.agents["b"].kill()
        self.lose("a")
        ranks.close()
        self.cluster.start()
        told = self.assert_restored(self.start("a", "b"), 4)
        self.assertEqual([restored.tier for restored in told], ["peer_memory", "local_memory"])
