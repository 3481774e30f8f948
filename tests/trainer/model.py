"""A small decoder-only transformer with a mixture of experts in every layer.

Weights are kept in ``dtype`` (bfloat16 or float32); arithmetic is in float32, which a processor without bfloat16 units
does faster.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional

from experts import ExpertLayer
from placed import Placed
from world import World


@dataclasses.dataclass(frozen=True)
class Shape:
    """The model's sizes."""

    vocabulary: int = 512
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    experts: int = 8
    top_k: int = 2
    inner: int = 256
    length: int = 32
    dropout: float = 0.1
    dtype: torch.dtype = torch.bfloat16


class Dropout:
    """Dropout from a generator of its own, whose state is part of the training state."""

    def __init__(self, probability: float, seed: int):
        self._probability = probability
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        if self._probability == 0:
            return values
        kept = torch.rand(values.shape, generator=self.generator) >= self._probability
        return values * kept / (1 - self._probability)


class _Attention(nn.Module):
    def __init__(self, shape: Shape, generator: torch.Generator):
        super().__init__()
        self._heads = shape.heads
        self.qkv = _weight((shape.hidden, 3 * shape.hidden), generator, shape.dtype)
        self.out = _weight((shape.hidden, shape.hidden), generator, shape.dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, hidden = x.shape
        q, k, v = (x @ self.qkv.float()).view(batch, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        mixed = functional.softmax(scores.masked_fill(future, float("-inf")), dim=-1) @ v
        return mixed.transpose(1, 2).reshape(batch, length, hidden) @ self.out.float()


class _Layer(nn.Module):
    def __init__(self, shape: Shape, world: World, generator: torch.Generator, seed: int):
        super().__init__()
        self.attention_norm = nn.Parameter(torch.ones(shape.hidden, dtype=shape.dtype))
        self.attention = _Attention(shape, generator)
        self.moe_norm = nn.Parameter(torch.ones(shape.hidden, dtype=shape.dtype))
        self.moe = ExpertLayer(
            shape.hidden, shape.inner, shape.experts, shape.top_k, world.expert, seed, shape.dtype
        )

    def forward(self, x: torch.Tensor, dropout: Dropout) -> tuple[torch.Tensor, torch.Tensor]:
        x = x + dropout(self.attention(_norm(x, self.attention_norm)))
        mixture, balance = self.moe(_norm(x, self.moe_norm).flatten(0, 1))
        return x + dropout(mixture.view(x.shape)), balance


class Transformer(nn.Module):
    """The model: this rank's part of the experts, and all of the rest."""

    _BALANCE_WEIGHT = 0.01

    def __init__(self, shape: Shape, world: World, seed: int):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self._world = world
        self.dropout = Dropout(shape.dropout, seed + 7919 * (world.rank + 1))
        self.embedding = _weight((shape.vocabulary, shape.hidden), generator, shape.dtype)
        self.position = _weight((shape.length, shape.hidden), generator, shape.dtype)
        self.layers = nn.ModuleList(
            _Layer(shape, world, generator, seed + 100_003 * (i + 1)) for i in range(shape.layers)
        )
        self.norm = nn.Parameter(torch.ones(shape.hidden, dtype=shape.dtype))
        self.head = _weight((shape.hidden, shape.vocabulary), generator, shape.dtype)

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of predicting ``targets``; both are [batch, length]."""
        x = self.embedding.float()[inputs] + self.position.float()[: inputs.shape[1]]
        balance = torch.zeros(())
        for layer in self.layers:
            x, uneven = layer(x, self.dropout)
            balance = balance + uneven
        logits = _norm(x, self.norm) @ self.head.float()
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return loss + self._BALANCE_WEIGHT * balance / len(self.layers)

    def expert_parameters(self) -> list[nn.Parameter]:
        """The parameters that are [experts, …] slices."""
        return [parameter for layer in self.layers for parameter in (layer.moe.up, layer.moe.down)]

    def dense_parameters(self) -> list[nn.Parameter]:
        """The parameters that all ranks have alike."""
        experts = {id(parameter) for parameter in self.expert_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in experts]

    def state(self) -> dict[str, Placed]:
        """All parameters with their places in the model as a whole."""
        experts = {id(parameter) for parameter in self.expert_parameters()}
        return {
            name: self._expert_slice(parameter.data)
            if id(parameter) in experts
            else Placed.replicated(parameter.data, self._world.all.ranks)
            for name, parameter in self.named_parameters()
        }

    def _expert_slice(self, local: torch.Tensor) -> Placed:
        group = self._world.expert
        return Placed(
            local,
            (local.shape[0] * group.size, *local.shape[1:]),
            (local.shape[0] * group.index, *(0,) * (local.dim() - 1)),
            tuple(self._world.replica.ranks),
        )


def _norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + 1e-6) * weight.float()


def _weight(shape: tuple[int, int], generator: torch.Generator, dtype: torch.dtype) -> nn.Parameter:
    return nn.Parameter((torch.randn(shape, generator=generator) * 0.05).to(dtype))
