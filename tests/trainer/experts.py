"""A mixture of experts whose experts are split over a group of ranks.

Every token goes to its ``top_k`` experts, wherever they live: rows are sorted by expert, exchanged, computed, sent back
and mixed. No token is dropped, so the result is that of all experts on one rank, but for the order of additions.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from world import Group


class _Exchange(torch.autograd.Function):
    """All-to-all of rows; its gradient travels the other way."""

    @staticmethod
    def forward(ctx, rows, group, sent, received):
        ctx.group, ctx.sent, ctx.received = group, sent, received
        return group.all_to_all(rows, sent, received)

    @staticmethod
    def backward(ctx, gradient):
        return ctx.group.all_to_all(gradient, ctx.received, ctx.sent), None, None, None


class ExpertLayer(nn.Module):
    """Router plus this rank's experts. ``up`` and ``down`` are slices of [experts, …] tensors, from ``first_expert``."""

    def __init__(
        self, hidden: int, inner: int, experts: int, top_k: int, group: Group, seed: int, dtype: torch.dtype
    ):
        super().__init__()
        if experts % group.size:
            raise ValueError(f"{experts} experts can't be split over {group.size} ranks.")
        self._group = group
        self._top_k = top_k
        self.experts = experts
        self.local_experts = experts // group.size
        self.first_expert = group.index * self.local_experts
        self.router = nn.Parameter(_normal((hidden, experts), hidden, seed, dtype))
        # Seeded one by one, so that an expert is the same wherever it lives.
        mine = range(self.first_expert, self.first_expert + self.local_experts)
        self.up = nn.Parameter(torch.stack([_normal((hidden, inner), hidden, seed + 1 + 2 * e, dtype) for e in mine]))
        self.down = nn.Parameter(torch.stack([_normal((inner, hidden), inner, seed + 2 + 2 * e, dtype) for e in mine]))

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """[tokens, hidden] → the experts' mixture, and the loss that keeps their load even (1 where it is)."""
        shares = functional.softmax(tokens @ self.router.float(), dim=-1)
        weights, chosen = shares.topk(self._top_k, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)

        flat = chosen.reshape(-1)
        order = torch.sort(flat, stable=True).indices
        counts = torch.zeros(self.experts, dtype=torch.int64).index_add_(0, flat, torch.ones_like(flat))
        rows = tokens.repeat_interleave(self._top_k, dim=0).index_select(0, order)
        results = self._remote(rows, counts)
        unsorted = results.index_select(0, _inverse(order)).view(len(tokens), self._top_k, -1)

        load = counts.float() / len(flat)
        balance = self.experts * (load * shares.mean(dim=0)).sum()
        return (unsorted * weights.unsqueeze(-1)).sum(dim=1), balance

    def _remote(self, rows: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        """Rows sorted by expert → what their experts make of them, in the same order."""
        members, here = self._group.size, self.local_experts
        arriving = self._group.all_to_all(counts, [here] * members, [here] * members).view(members, here)
        sent = counts.view(members, here).sum(dim=1).tolist()
        received = arriving.sum(dim=1).tolist()
        inbox = _Exchange.apply(rows, self._group, sent, received)

        # The inbox is sorted by sender, then expert; experts want it by expert, then sender.
        owners = torch.arange(here).repeat(members).repeat_interleave(arriving.reshape(-1))
        order = torch.sort(owners, stable=True).indices
        pieces = inbox.index_select(0, order).split(arriving.sum(dim=0).tolist())
        weights = zip(self.up.float().unbind(), self.down.float().unbind())
        outputs = torch.cat([functional.gelu(piece @ up) @ down for piece, (up, down) in zip(pieces, weights)])
        return _Exchange.apply(outputs.index_select(0, _inverse(order)), self._group, received, sent)


def _inverse(order: torch.Tensor) -> torch.Tensor:
    inverse = torch.empty_like(order)
    inverse[order] = torch.arange(len(order))
    return inverse


def _normal(shape: tuple[int, ...], fan_in: int, seed: int, dtype: torch.dtype) -> torch.Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return (values / math.sqrt(fan_in)).to(dtype)
