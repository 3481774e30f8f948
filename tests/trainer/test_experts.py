import unittest

from requirements import needs_torch

with needs_torch():
    import torch
    from torch.nn import functional

    from experts import ExpertLayer
    from ranks import run_ranks
    from world import World

HIDDEN, INNER, EXPERTS, TOP_K, SEED, TOKENS = 16, 24, 8, 2, 5, 40


def _layer(world):
    return ExpertLayer(HIDDEN, INNER, EXPERTS, TOP_K, world.expert, SEED, torch.float32)


def _tokens(rank):
    return torch.randn(TOKENS, HIDDEN, generator=torch.Generator().manual_seed(100 + rank))


def _run_sharded(world):
    layer = _layer(world)
    tokens = _tokens(world.rank).requires_grad_()
    mixture, balance = layer(tokens)
    mixture.pow(2).sum().backward()
    return {
        "first": layer.first_expert,
        "up": layer.up.detach().numpy(),
        "mixture": mixture.detach().numpy(),
        "balance": balance.item(),
        "tokens": tokens.grad.numpy(),
        "router": layer.router.grad.numpy(),
        "up_grad": layer.up.grad.numpy(),
        "down_grad": layer.down.grad.numpy(),
    }


def _run_reference(_):
    """Every token through its experts one by one, all experts on one rank; gradients are sums over both batches."""
    layer = _layer(World(1))
    mixtures, gradients = [], []
    for rank in range(2):
        tokens = _tokens(rank).requires_grad_()
        rows = []
        for token in tokens:
            shares = functional.softmax(token @ layer.router, dim=-1)
            top = sorted(range(EXPERTS), key=lambda e: -shares[e].item())[:TOP_K]
            total = sum(shares[e] for e in top)
            rows.append(sum(shares[e] / total * (functional.gelu(token @ layer.up[e]) @ layer.down[e]) for e in top))
        mixture = torch.stack(rows)
        mixture.pow(2).sum().backward()
        mixtures.append(mixture.detach().numpy())
        gradients.append(tokens.grad.numpy())
    return {
        "up": layer.up.detach().numpy(),
        "mixtures": mixtures,
        "tokens": gradients,
        "router": layer.router.grad.numpy(),
        "up_grad": layer.up.grad.numpy(),
        "down_grad": layer.down.grad.numpy(),
    }


class ExpertLayerTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sharded = run_ranks(2, 2, _run_sharded)
        (cls.reference,) = run_ranks(1, 1, _run_reference)

    def _close(self, expected, got):
        torch.testing.assert_close(torch.as_tensor(got), torch.as_tensor(expected), rtol=1e-4, atol=1e-5)

    def test_each_rank_holds_its_slice_of_the_global_experts_bit_for_bit(self):
        self.assertEqual([0, EXPERTS // 2], [rank["first"] for rank in self.sharded])
        for rank in self.sharded:
            expected = self.reference["up"][rank["first"] : rank["first"] + EXPERTS // 2]
            self.assertEqual(expected.tobytes(), rank["up"].tobytes())

    def test_the_mixture_is_that_of_unsharded_experts(self):
        for rank, expected in zip(self.sharded, self.reference["mixtures"]):
            self._close(expected, rank["mixture"])

    def test_gradients_of_tokens_are_those_of_unsharded_experts(self):
        for rank, expected in zip(self.sharded, self.reference["tokens"]):
            self._close(expected, rank["tokens"])

    def test_gradients_of_experts_sum_the_tokens_of_all_ranks(self):
        for name in ("up_grad", "down_grad"):
            joined = [row for rank in self.sharded for row in rank[name]]
            self._close(self.reference[name], torch.stack([torch.as_tensor(row) for row in joined]))

    def test_gradients_of_the_router_sum_to_the_unsharded_one(self):
        self._close(self.reference["router"], sum(rank["router"] for rank in self.sharded))

    def test_an_even_load_has_balance_one_and_no_load_is_below(self):
        for rank in self.sharded:
            self.assertGreaterEqual(rank["balance"], 0.9)
            self.assertLess(rank["balance"], EXPERTS)


class RoutingTests(unittest.TestCase):
    def test_experts_without_tokens_and_ranks_without_rows_do_no_harm(self):
        def work(world):
            layer = _layer(world)
            with torch.no_grad():
                layer.router.zero_()
                layer.router[:, 0] = 10.0
                layer.router[:, 1] = 5.0
            tokens = _tokens(world.rank).abs()
            layer(tokens)[0].sum().backward()
            return layer.up.grad.abs().flatten(1).sum(dim=1).tolist()

        first, second = run_ranks(2, 2, work)
        self.assertTrue(first[0] > 0 and first[1] > 0, first)
        self.assertEqual([0.0] * (EXPERTS - 2), first[2:] + second)


if __name__ == "__main__":
    unittest.main()
