"""The name that all ranks of one rendezvous share and no other rendezvous has.

torchrun's restart count cannot serve: it differs between nodes that survived and nodes that are new.
"""

from __future__ import annotations

import re
import secrets
import sys

from .errors import JoinError

_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def resolve(given: str | None, rank: int, world_size: int) -> str:
    """``given`` if there is one; else random bytes of rank 0 by torch.distributed; else, for one rank, a fresh one."""
    if given:
        if not _PATTERN.fullmatch(given):
            raise ValueError(f"The incarnation {given!r} is not 1 to 128 of letters, digits, '.', '_', '-', ':'.")
        return given
    distributed = process_group()
    if distributed is not None and distributed.get_world_size() > 1:
        return _broadcast(distributed, rank, world_size)
    if world_size == 1:
        return secrets.token_hex(16)
    raise JoinError(
        "incarnation_unknown",
        f"{world_size} ranks need a common name for this rendezvous: call torch.distributed.init_process_group() "
        "before checkpointer.connect(), or set CHECKPOINTER_INCARNATION to a value that is the same on all ranks and "
        "new at every restart of the job.",
    )


def process_group():
    """torch.distributed if this process has loaded and initialised it, else None. Never imports torch."""
    torch = sys.modules.get("torch")
    distributed = getattr(torch, "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed


def _broadcast(distributed, rank: int, world_size: int) -> str:
    import torch

    if distributed.get_world_size() != world_size or distributed.get_rank() != rank:
        raise JoinError(
            "world_mismatch",
            f"connect() was told rank {rank} of {world_size}, torch.distributed says "
            f"{distributed.get_rank()} of {distributed.get_world_size()}.",
        )
    # Raw bytes in a tensor: broadcast_object_list would pickle. NCCL and HCCL know only device tensors.
    backend = str(distributed.get_backend()).lower()
    device = "cuda" if "nccl" in backend and "gloo" not in backend else "npu" if "hccl" in backend else "cpu"
    name = torch.tensor(list(secrets.token_bytes(16)), dtype=torch.uint8, device=device)
    distributed.broadcast(name, src=0)
    return bytes(name.tolist()).hex()
