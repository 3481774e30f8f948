"""A restore is bit-identical, whatever is left to restore from."""

import math

import checkpointer
from store_reader import Checkpoint
from support import IntegrationTest, needs_torch, state_of, torch


def sharded_rows(step, rank, world, rows=24, columns=7):
    """A tensor cut by rows, and one that all ranks hold."""
    count = rows // world
    values = torch.arange(rows * columns, dtype=torch.float32).reshape(rows, columns) * step
    both = (torch.arange(33, dtype=torch.float32) / 3 + step).to(torch.bfloat16)
    cut = values[rank * count : (rank + 1) * count].clone()
    place = checkpointer.Sharded
    return {"w": place(cut, (rows, columns), (rank * count, 0)), "n": place(both, (33,), (0,), list(range(world)))}


class RestoringTests(IntegrationTest):
    @needs_torch
    def test_every_kind_of_tensor_comes_back_from_the_store_alone(self):
        def state(fill):
            generator = torch.Generator().manual_seed(5)
            whole = torch.randn(64, 48, generator=generator)
            tensors = {
                "f32": whole,
                "bf16": whole.to(torch.bfloat16),
                "f16": whole.to(torch.float16),
                "f64": whole.to(torch.float64),
                "odd": torch.tensor([0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45]),
                "i64": torch.arange(-9, 9),
                "i32": torch.arange(11, dtype=torch.int32),
                "u8": torch.get_rng_state(),
                "bool": whole > 0,
                "none": torch.empty(3, 0, 2),
                "scalar": torch.tensor(7.5),
                "columns": torch.randn(40, 30, generator=generator).t(),
                "every_third": torch.randn(300, generator=generator)[::3],
            }
            if not fill:
                for tensor in tensors.values():
                    tensor.zero_()
            return {"model": tensors, "optim": [{"step": torch.tensor(3.0 if fill else 0.0)}]}

        def raw(tensor):
            flat = tensor.contiguous().reshape(-1)
            if flat.dtype == torch.bool:
                flat = flat.to(torch.uint8)
            return bytes(flat.view(torch.uint8)) if flat.numel() else b""

        extra = {"cursor": [1, 2, {"shard": "å"}], "lr": 1e-4, "none": None}
        ranks = self.start("a")
        self.assertIsNone(ranks.restore([state(fill=False)])[0])
        self.save_and_commit(ranks, 3, states=[state(fill=True)], extra=extra)
        ranks.close()
        self.cluster.kill()
        self.cluster.forget_memory()
        self.cluster.start()

        found = state(fill=False)
        told = self.start("b").restore([found])[0]
        wanted = state(fill=True)
        for name, tensor in wanted["model"].items():
            self.assertEqual(raw(found["model"][name]), raw(tensor), name)
        self.assertEqual(raw(found["optim"][0]["step"]), raw(wanted["optim"][0]["step"]))
        self.assertEqual((told.step, told.attempt, told.tier, told.extra), (3, 1, "storage", extra))
        self.assertEqual((told.local_memory_bytes, told.peer_memory_bytes), (0, 0))

    def test_memory_is_used_where_it_is_left(self):
        ranks = self.start_fresh("a", "b")
        self.save_and_commit(ranks, 4)
        size = sum(len(part) for part in (state_of(0, 4)["model"]["w"], state_of(0, 4)["rng"]))

        with self.subTest("each rank where it was, agents killed and back"):
            self.cluster.kill_agents()
            self.cluster.start()
            told = self.assert_restored(self.start("a", "b"), 4)
            self.assertEqual([t.tier for t in told], ["local_memory"] * 2)
            self.assertEqual([t.local_memory_bytes for t in told], [size] * 2)

        with self.subTest("ranks that changed nodes"):
            told = self.assert_restored(self.start("b", "a"), 4)
            # From the other node, or from the copy that it has made here meanwhile.
            self.assertEqual([t.peer_memory_bytes + t.local_memory_bytes for t in told], [size] * 2)

        with self.subTest("all nodes lost their memory"):
            self.cluster.kill_agents()
            self.cluster.forget_memory()
            self.cluster.start()
            told = self.assert_restored(self.start("a", "b"), 4)
            self.assertEqual([t.storage_bytes for t in told], [size] * 2)

        with self.subTest("one rank from memory, the other from what is left"):
            self.cluster.agents["b"].kill()
            self.cluster.forget_memory("b")
            self.cluster.start()
            told = self.assert_restored(self.start("a", "b"), 4)
            # From the peer's copy if that was made in time, else from storage.
            self.assertEqual(told[0].tier, "local_memory")
            self.assertIn(told[1].tier, ("peer_memory", "storage"))
        restores = self.cluster.items(self.run_name, "attempts")[-1]["restores"]
        self.assertTrue(restores and all(r["succeeded"] and not r["faults"] for r in restores), restores)

    def test_a_step_that_was_never_stored_is_resumed_from_memory(self):
        ranks = self.start_fresh("a", "b")
        self.save_and_commit(ranks, 1)
        for ticket in ranks.save(2, durable=False):
            self.assertEqual(ticket.wait("sealed", 30), "sealed", ticket.error)
        ranks.close()
        told = self.assert_restored(self.start("a", "b"), 2)
        self.assertEqual([t.tier for t in told], ["local_memory"] * 2)

    @needs_torch
    def test_another_number_of_ranks_takes_over(self):
        ranks = self.start("a", "a", "b", "b")
        self.assertEqual(ranks.restore([sharded_rows(0, rank, 4) for rank in range(4)]), [None] * 4)
        self.save_and_commit(ranks, 6, states=[sharded_rows(6, rank, 4) for rank in range(4)])
        ranks.close()
        stored = Checkpoint(self.cluster.store, self.run_name, 6, 1)
        self.assertEqual(stored.stored_bytes, 24 * 7 * 4 + 33 * 2, "a replicated tensor is stored once")
        self.assertEqual(sum("n" in shard.tensors() for shard in stored.shards), 1)
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()

        for world, nodes in ((2, "ab"), (1, "b"), (3, "aba")):
            with self.subTest(world=world):
                states = [sharded_rows(0, rank, world) for rank in range(world)]
                told = self.start(*nodes).restore(states)
                for rank, state in enumerate(states):
                    wanted = sharded_rows(6, rank, world)
                    for name in wanted:
                        self.assertTrue(torch.equal(state[name].tensor, wanted[name].tensor), f"{name} of {rank}")
                self.assertEqual({t.step for t in told}, {6})
