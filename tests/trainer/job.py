"""One rank's training job: model, optimizer, data and generator, and their state."""

from __future__ import annotations

import dataclasses
import hashlib

import torch

from data import TokenStream
from model import Shape, Transformer
from placed import tensors_of
from world import World
from zero import Adam, Schedule, Shard, ZeroOptimizer


@dataclasses.dataclass(frozen=True)
class StepResult:
    """What a step came to, the same on all ranks."""

    loss: float
    grad_norm: float


class Job:
    """Trains step by step. Its state is :meth:`state` (tensors) and :meth:`extra` (JSON); no step needs more."""

    def __init__(
        self,
        shape: Shape,
        world: World,
        seed: int,
        batch: int,
        schedule: Schedule | None = None,
        clip: float = 1.0,
    ):
        self._world = world
        self._model = Transformer(shape, world, seed)
        self._data = TokenStream(seed, shape.vocabulary, shape.length, batch, world.rank, world.size)
        self._generator_state = self._model.dropout.generator.get_state()
        local, group = shape.experts // world.expert.size, world.expert
        shards = {
            "dense": Shard(self._model.dense_parameters(), 1, 0, 1, world.all, world.size),
            "experts": Shard(
                self._model.expert_parameters(), local, local * group.index, shape.experts, world.replica, world.size
            ),
        }
        self._optimizer = ZeroOptimizer(shards, world.all, schedule or Schedule(), Adam(), clip)

    @property
    def cursor(self) -> int:
        """Number of the first sequence of the next step."""
        return self._data.cursor

    def step(self, step: int, before_update=lambda: None) -> StepResult:
        """Trains step ``step``, from 1. ``before_update`` is called before the first tensor of the state is written."""
        for parameter in self._model.parameters():
            parameter.grad = None
        loss = self._model(*self._data.next())
        loss.backward()
        norm = self._optimizer.reduce()
        mean = self._world.all.sum(loss.item()) / self._world.size
        before_update()
        self._optimizer.update(step, norm)
        return StepResult(mean, norm)

    def state(self) -> dict:
        """All tensors of this rank, the same objects at every call; tensors that others have too are ``Placed``.

        The generator's state is no tensor of PyTorch's own: it is copied here, and :meth:`resume` copies it back.
        """
        self._generator_state.copy_(self._model.dropout.generator.get_state())
        return {
            "model": self._model.state(),
            "optimizer": self._optimizer.state(),
            "generator": {"dropout": self._generator_state},
        }

    def extra(self) -> dict:
        """The part of the state that is plain values."""
        return {"data_cursor": self._data.cursor}

    def resume(self, extra: dict) -> None:
        """Goes on from tensors that were filled in place, and the ``extra`` saved with them."""
        self._model.dropout.generator.set_state(self._generator_state)
        self._data.cursor = extra["data_cursor"]

    def digest(self) -> str:
        """SHA-256 of the whole state of all ranks; the same on all of them."""
        mine = hashlib.sha256(str(self._data.cursor).encode())
        for name, tensor in sorted(tensors_of(self.state())):
            mine.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            mine.update(memoryview(tensor.contiguous().view(-1).view(torch.uint8).numpy()))
        everyone = self._world.all.all_gather(torch.tensor(list(mine.digest()), dtype=torch.uint8))
        return hashlib.sha256(bytes(torch.cat(everyone).tolist())).hexdigest()
