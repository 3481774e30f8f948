"""A tensor of the state with its place in the model as a whole."""

from __future__ import annotations

import dataclasses

import torch


@dataclasses.dataclass(frozen=True)
class Placed:
    """What checkpointer.Sharded says, without needing the package (``--no-checkpointer``)."""

    tensor: torch.Tensor
    global_shape: tuple[int, ...]
    offsets: tuple[int, ...]
    replicas: tuple[int, ...] | None = None

    @classmethod
    def replicated(cls, tensor: torch.Tensor, ranks: list[int]) -> Placed:
        """The whole tensor, the same on ``ranks``."""
        return cls(tensor, tuple(tensor.shape), (0,) * tensor.dim(), tuple(ranks))


def tensors_of(state, prefix: str = ""):
    """Names and tensors of a nested state, in its order."""
    for name, value in state.items():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(value, dict):
            yield from tensors_of(value, path)
        else:
            yield path, value.tensor if isinstance(value, Placed) else value


def convert(state, sharded):
    """The state with each :class:`Placed` made by ``sharded(tensor, global_shape, offsets, replicas=)``."""
    if isinstance(state, dict):
        return {name: convert(value, sharded) for name, value in state.items()}
    if isinstance(state, Placed):
        return sharded(state.tensor, state.global_shape, state.offsets, replicas=state.replicas)
    return state
