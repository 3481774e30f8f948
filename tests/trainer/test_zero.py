import unittest

from requirements import needs_torch

with needs_torch():
    import torch
    from torch import nn

    from ranks import run_ranks
    from world import World
    from zero import Adam, Schedule, Shard, ZeroOptimizer

RANKS, EXPERTS, STEPS, CLIP = 4, 4, 5, 0.5
SCHEDULE = Schedule(peak=0.01, warm_up=2, decay=10)


def _random(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _gradients(rank, step):
    """What each rank finds: a matrix and a vector of dense weights, and a slice of experts of its neighbourhood."""
    seed = 1000 * step + 10 * rank
    return _random(seed, 7, 5), _random(seed + 1, 11), _random(seed + 2, EXPERTS, 3, 13)


def _run_zero(world):
    dense = [nn.Parameter(_random(1, 7, 5)), nn.Parameter(_random(2, 11))]
    local = EXPERTS // world.expert.size
    mine = slice(local * world.expert.index, local * (world.expert.index + 1))
    experts = nn.Parameter(_random(3, EXPERTS, 3, 13)[mine])
    optimizer = ZeroOptimizer(
        {
            "dense": Shard(dense, 1, 0, 1, world.all, RANKS),
            "experts": Shard([experts], local, mine.start, EXPERTS, world.replica, RANKS),
        },
        world.all, SCHEDULE, Adam(), CLIP,
    )
    neighbourhood = 0 if world.rank < 2 else 2
    norms = []
    for step in range(1, STEPS + 1):
        dense[0].grad, dense[1].grad, _ = _gradients(world.rank, step)
        # The gradient of an expert already sums its neighbourhood's tokens.
        experts.grad = sum(_gradients(neighbourhood + i, step)[2] for i in range(2))[mine]
        norms.append(optimizer.reduce())
        optimizer.update(step, norms[-1])
    parameters = [p.detach().numpy() for p in (*dense, experts)]
    places = {name: {k: (v.offsets, tuple(v.tensor.shape), v.global_shape) for k, v in shard.items()}
              for name, shard in optimizer.state().items()}  # fmt: skip
    return norms, parameters, places


def _run_plain(_):
    shapes = ((7, 5), (11,), (EXPERTS, 3, 13))
    parameters = [nn.Parameter(_random(i + 1, *shape)) for i, shape in enumerate(shapes)]
    adam = Adam()
    optimizer = torch.optim.AdamW(
        parameters, betas=(adam.beta1, adam.beta2), eps=adam.epsilon, weight_decay=adam.weight_decay
    )
    norms = []
    for step in range(1, STEPS + 1):
        for i, parameter in enumerate(parameters):
            parameter.grad = sum(_gradients(rank, step)[i] for rank in range(RANKS)) / RANKS
        norms.append(nn.utils.clip_grad_norm_(parameters, CLIP).item())
        for group in optimizer.param_groups:
            group["lr"] = SCHEDULE.rate(step)
        optimizer.step()
    return norms, [p.detach().numpy() for p in parameters]


class ZeroTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ranks = run_ranks(RANKS, 2, _run_zero)
        ((cls.norms, cls.plain),) = run_ranks(1, 1, _run_plain)

    def test_the_gradient_norm_is_that_of_the_whole_model_and_clips(self):
        for norms, _, _ in self.ranks:
            torch.testing.assert_close(torch.tensor(norms), torch.tensor(self.norms), rtol=1e-5, atol=0)
        self.assertGreater(min(self.norms), CLIP)

    def test_all_ranks_have_the_same_norm_and_dense_weights_bit_for_bit(self):
        self.assertEqual(1, len({tuple(norms) for norms, _, _ in self.ranks}))
        for i in range(2):
            self.assertEqual(1, len({parameters[i].tobytes() for _, parameters, _ in self.ranks}))

    def test_dense_weights_are_those_of_plain_adam(self):
        for i in range(2):
            torch.testing.assert_close(
                torch.as_tensor(self.ranks[0][1][i]), torch.as_tensor(self.plain[i]), rtol=1e-5, atol=1e-6
            )

    def test_experts_are_those_of_plain_adam(self):
        for rank, (_, parameters, _) in enumerate(self.ranks):
            start = 2 * (rank % 2)
            expected = torch.as_tensor(self.plain[2][start : start + 2])
            torch.testing.assert_close(torch.as_tensor(parameters[2]), expected, rtol=1e-5, atol=1e-6)

    def test_the_pieces_cover_the_global_matrix_exactly_once(self):
        for name in ("dense", "experts"):
            for tensor in ("master", "first_moment", "second_moment"):
                places = [places[name][tensor] for _, _, places in self.ranks]
                covered = torch.zeros(places[0][2])
                for (row, column), (rows, columns), _ in places:
                    covered[row : row + rows, column : column + columns] += 1
                self.assertTrue((covered == 1).all(), f"{name}.{tensor}: {places}")


class ScheduleTests(unittest.TestCase):
    def test_it_warms_up_to_the_peak_and_ends_at_a_tenth(self):
        self.assertEqual([0.005, 0.01], [SCHEDULE.rate(1), SCHEDULE.rate(2)])
        self.assertAlmostEqual(0.001, SCHEDULE.rate(12))
        self.assertAlmostEqual(0.001, SCHEDULE.rate(500))
        rates = [SCHEDULE.rate(step) for step in range(2, 13)]
        self.assertEqual(sorted(rates, reverse=True), rates)


class CollectiveTests(unittest.TestCase):
    def test_reduce_scatter_adds_in_the_order_of_ranks(self):
        # In float32 these sum to 0, 1 or 2, depending on the order.
        terms = [1.0, 1e8, -1e8, 1.0]

        def work(world):
            return world.all.reduce_scatter(torch.full((RANKS, 3), terms[world.rank])).tolist()

        expected = 0.0
        for term in terms:
            expected = (torch.tensor(expected) + torch.tensor(term)).item()
        self.assertEqual([[expected] * 3] * RANKS, run_ranks(RANKS, 2, work))

    def test_ranks_that_do_not_fill_neighbourhoods_are_refused(self):
        with self.assertRaises(ValueError):
            World(2, rank=0, size=3)


if __name__ == "__main__":
    unittest.main()
