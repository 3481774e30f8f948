"""The ranks, their groups, and collectives whose bits depend on nothing but their input."""

from __future__ import annotations

import datetime
import os

import torch
import torch.distributed as dist

# A peer that died closes its connections, which ends a collective at once; this is for one that hangs.
_TIMEOUT = datetime.timedelta(seconds=60)


def be_deterministic() -> None:
    """The same bits on every run: one thread (the split of a sum follows their number), no nondeterministic kernels."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def join_process_group() -> None:
    """Joins the other ranks as torchrun's variables say.

    torchrun names the master by its host's name, which need not resolve; TRAINER_MASTER_ADDR overrides it.
    """
    if address := os.environ.get("TRAINER_MASTER_ADDR"):
        os.environ["MASTER_ADDR"] = address
    dist.init_process_group("gloo", timeout=_TIMEOUT)


class Group:
    """Some ranks in rising order, this one among them."""

    def __init__(self, ranks: list[int], rank: int, handle=None):
        self.ranks = ranks
        self.size = len(ranks)
        self.index = ranks.index(rank)
        self._handle = handle

    def all_to_all(self, rows: torch.Tensor, sent: list[int], received: list[int]) -> torch.Tensor:
        """Sends ``sent[i]`` rows to the i-th member, in order; returns the ``received[i]`` rows of each, in order."""
        if self.size == 1:
            return rows.clone()
        result = rows.new_empty((sum(received), *rows.shape[1:]))
        dist.all_to_all_single(result, rows.contiguous(), received, sent, group=self._handle)
        return result

    def all_gather(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        """Everyone's ``tensor``, in the order of ranks. As bytes, since gloo knows no bfloat16."""
        if self.size == 1:
            return [tensor.clone()]
        raw = tensor.contiguous().view(-1).view(torch.uint8)
        results = [torch.empty_like(raw) for _ in self.ranks]
        dist.all_gather(results, raw, group=self._handle)
        return [result.view(tensor.dtype).view(tensor.shape) for result in results]

    def reduce_scatter(self, parts: torch.Tensor) -> torch.Tensor:
        """``parts[i]`` is this rank's term for the i-th member; returns the sum of the terms for this one.

        Added in the order of ranks, which a backend's own reduction does not promise.
        """
        ones = [1] * self.size
        terms = self.all_to_all(parts, ones, ones)
        total = terms[0].clone()
        for term in terms[1:]:
            total += term
        return total

    def sum(self, value: float) -> float:
        """The float64 sum of everyone's ``value``, added in the order of ranks."""
        total = 0.0
        for term in self.all_gather(torch.tensor([value], dtype=torch.float64)):
            total += term.item()
        return total


class World:
    """All ranks, as a grid: neighbours share the experts among them, every such neighbourhood is a replica.

    With 4 ranks and ``expert_parallel`` 2: experts are split over {0, 1} and over {2, 3}; {0, 2} and {1, 3} hold the
    same experts. Everything else is the same on all ranks. Each rank trains on data of its own.
    """

    def __init__(self, expert_parallel: int, rank: int = 0, size: int = 1):
        if size % expert_parallel:
            raise ValueError(f"{size} ranks can't be split into neighbourhoods of {expert_parallel}.")
        self.rank = rank
        self.size = size
        ranks = range(size)
        everyone = [list(ranks)]
        neighbourhoods = [list(ranks[i : i + expert_parallel]) for i in range(0, size, expert_parallel)]
        replicas = [list(ranks[i::expert_parallel]) for i in range(expert_parallel)]
        self.all = self._group(everyone)
        self.expert = self._group(neighbourhoods)
        self.replica = self._group(replicas)

    @classmethod
    def of_process_group(cls, expert_parallel: int) -> World:
        """The grid of the ranks of torch.distributed."""
        return cls(expert_parallel, dist.get_rank(), dist.get_world_size())

    def _group(self, partition: list[list[int]]) -> Group:
        mine = None
        for ranks in partition:
            # Every rank makes every group, also those that it is not in: torch.distributed wants it so.
            handle = dist.new_group(ranks, timeout=_TIMEOUT) if len(ranks) > 1 else None
            if self.rank in ranks:
                mine = Group(ranks, self.rank, handle)
        return mine
