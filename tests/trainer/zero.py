"""ZeRO stage 1: AdamW whose state (float32 master weights and two moments) is split over the ranks that share a weight.

Parameters form a matrix [rows, columns]: one row for dense ones, a row for each local expert for experts. Its columns
are split over the group. So each rank's piece is a rectangle of a global matrix, whatever the number of ranks.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import nn

from placed import Placed
from world import Group

# Columns are padded to a multiple of this, not of the group's size, so that the global shape is the same for every
# group whose size divides it.
_PADDING = 64


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Learning rate by step: linear warm-up, then a cosine down to a tenth."""

    peak: float = 3e-3
    warm_up: int = 10
    decay: int = 1000

    def rate(self, step: int) -> float:
        """The rate of ``step``, from 1."""
        if step <= self.warm_up:
            return self.peak * step / self.warm_up
        done = min(1.0, (step - self.warm_up) / self.decay)
        return self.peak * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


@dataclasses.dataclass(frozen=True)
class Adam:
    """AdamW's constants."""

    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.01


class Shard:
    """One group of parameters and this rank's columns of their optimizer state.

    ``first_row`` of ``global_rows``: where the rows lie among all ranks' rows (experts). ``terms`` is how many ranks'
    losses a summed gradient has in it: gradients are their mean.
    """

    def __init__(
        self, parameters: list[nn.Parameter], rows: int, first_row: int, global_rows: int, group: Group, terms: int
    ):
        self._parameters = parameters
        self._rows = rows
        self._group = group
        self._terms = terms
        used = sum(parameter.numel() for parameter in parameters) // rows
        self._columns = -(-used // _PADDING) * _PADDING
        if self._columns % group.size:
            raise ValueError(f"{self._columns} columns can't be split over {group.size} ranks.")
        width = self._columns // group.size
        self._place = ((global_rows, self._columns), (first_row, group.index * width))
        self.master = self._split([parameter.data for parameter in parameters])[group.index].clone()
        self.first_moment = torch.zeros_like(self.master)
        self.second_moment = torch.zeros_like(self.master)
        self.gradient = torch.zeros_like(self.master)

    def reduce(self) -> float:
        """Averages the gradients into ``gradient``; returns the sum of its squares."""
        gradients = [parameter.grad for parameter in self._parameters]
        self.gradient = self._group.reduce_scatter(self._split(gradients)) / self._terms
        return self.gradient.double().pow(2).sum().item()

    def update(self, step: int, rate: float, scale: float, adam: Adam) -> None:
        """One AdamW update with ``scale`` times the gradient, then everyone's new weights."""
        gradient = self.gradient * scale
        self.first_moment.mul_(adam.beta1).add_(gradient, alpha=1 - adam.beta1)
        self.second_moment.mul_(adam.beta2).addcmul_(gradient, gradient, value=1 - adam.beta2)
        mean = self.first_moment / (1 - adam.beta1**step)
        spread = (self.second_moment / (1 - adam.beta2**step)).sqrt_().add_(adam.epsilon)
        self.master.mul_(1 - rate * adam.weight_decay).addcdiv_(mean, spread, value=-rate)
        self._publish()

    def state(self) -> dict[str, Placed]:
        """The optimizer state with its place in the matrix of all ranks. Nobody else has it."""
        tensors = {"master": self.master, "first_moment": self.first_moment, "second_moment": self.second_moment}
        return {name: Placed(tensor, *self._place) for name, tensor in tensors.items()}

    def _split(self, tensors: list[torch.Tensor]) -> torch.Tensor:
        """Tensors shaped as the parameters → float32 [members, rows, columns of each]."""
        matrix = torch.zeros(self._rows, self._columns)
        start = 0
        for tensor in tensors:
            piece = tensor.reshape(self._rows, -1)
            matrix[:, start : start + piece.shape[1]] = piece
            start += piece.shape[1]
        return matrix.view(self._rows, self._group.size, -1).transpose(0, 1).contiguous()

    def _publish(self) -> None:
        dtype = self._parameters[0].dtype
        matrix = torch.cat(self._group.all_gather(self.master.to(dtype)), dim=1)
        start = 0
        for parameter in self._parameters:
            width = parameter.numel() // self._rows
            parameter.data.copy_(matrix[:, start : start + width].reshape(parameter.shape))
            start += width


class ZeroOptimizer:
    """AdamW over several :class:`Shard` with one gradient norm for all."""

    def __init__(self, shards: dict[str, Shard], everyone: Group, schedule: Schedule, adam: Adam, clip: float):
        self._shards = shards
        self._everyone = everyone
        self._schedule = schedule
        self._adam = adam
        self._clip = clip

    def reduce(self) -> float:
        """Averages gradients over ranks; returns the global norm."""
        return math.sqrt(self._everyone.sum(sum(shard.reduce() for shard in self._shards.values())))

    def update(self, step: int, norm: float) -> None:
        """Clips to ``clip`` by ``norm`` and applies update ``step`` (from 1)."""
        scale = min(1.0, self._clip / (norm + 1e-6))
        for shard in self._shards.values():
            shard.update(step, self._schedule.rate(step), scale, self._adam)

    def state(self) -> dict[str, dict[str, Placed]]:
        """All optimizer state of this rank."""
        return {name: shard.state() for name, shard in self._shards.items()}
