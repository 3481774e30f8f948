"""How a training process gets its session."""

from __future__ import annotations

import os
import re

from . import crash_points
from . import incarnation as incarnations
from .agent import AgentClient
from .capture import Copier
from .counters import CounterBook
from .log import RateLimitedLog
from .presence import Presence
from .session import Session
from .state import MAX_RANKS
from .transport import Transport

#: Where the agent listens unless told otherwise.
DEFAULT_SOCKET = "/run/checkpointer/agent.sock"

_RUN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def connect(
    run: str | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    socket: str | None = None,
    incarnation: str | None = None,
    join_timeout_s: float = 600.0,
    call_timeout_s: float = 5.0,
    restore_timeout_s: float = 3600.0,
    close_timeout_s: float = 10.0,
    copy_threads: int | None = None,
) -> Session:
    """Joins the run and waits until all its ranks have: every rank of the job calls this once, at its start.

    :param run: the run's name, a DNS label; default ``CHECKPOINTER_RUN``.
    :param rank: this process's rank; default ``RANK``, else what torch.distributed says, else 0 of 1.
    :param world_size: number of ranks; default as for ``rank``, with ``WORLD_SIZE``.
    :param socket: path of the agent's socket; default ``CHECKPOINTER_AGENT_SOCKET``, else ``DEFAULT_SOCKET``.
    :param incarnation: what all ranks of this start share and no other start has; default
        ``CHECKPOINTER_INCARNATION``, else made and broadcast with torch.distributed, else (one rank) made up.
    :param join_timeout_s: how long to wait for the agent, the service and the other ranks.
    :param call_timeout_s: how long the agent may take for one answer; a ``save`` waits no longer for a slot.
    :param restore_timeout_s: how long a restore may take in all.
    :param close_timeout_s: how long ``close`` may take to deliver the last reports.
    :param copy_threads: threads that copy host memory; default the usable processors, at most 4.

    Raises :class:`JoinError` if no attempt is granted: a process without one must not train, since it cannot know
    where to start. Raises ``ValueError`` or ``TypeError`` for parameters that make no sense.
    """
    run = run or os.environ.get("CHECKPOINTER_RUN")
    if not run:
        raise ValueError("No run: pass run= or set CHECKPOINTER_RUN.")
    if not _RUN.fullmatch(run):
        raise ValueError(f"The run {run!r} is no DNS label: 1 to 63 of a-z, 0-9 and '-', no '-' first or last.")
    rank, world_size = _place(rank, world_size)
    for name, value in (("join", join_timeout_s), ("call", call_timeout_s), ("restore", restore_timeout_s)):
        if not 0 < value < 1e8:
            raise ValueError(f"{name}_timeout_s is {value}; it must be above 0.")
    if not 0 <= close_timeout_s < 1e8:
        raise ValueError(f"close_timeout_s is {close_timeout_s}; it must not be negative.")
    socket = socket or os.environ.get("CHECKPOINTER_AGENT_SOCKET") or DEFAULT_SOCKET
    name = incarnations.resolve(incarnation or os.environ.get("CHECKPOINTER_INCARNATION"), rank, world_size)
    copier = Copier(copy_threads)
    counters = CounterBook()
    log = RateLimitedLog(f"run {run}, rank {rank}")
    client = AgentClient(Transport(socket), run, rank, world_size, name, call_timeout_s, counters, log)
    try:
        crash_points.reach(crash_points.JOINING)
        client.join(join_timeout_s)
    except BaseException:
        client.close()
        raise
    log.info(f"attempt {client.attempt} of {world_size} ranks, resumes from {client.resume_from}")
    presence = Presence(client, socket, run, rank)
    return Session(run, rank, world_size, client, copier, counters, log, presence, restore_timeout_s, close_timeout_s)


def _place(rank, world_size):
    group = incarnations.process_group()
    if rank is None:
        rank = os.environ.get("RANK") or (group.get_rank() if group else None)
    if world_size is None:
        world_size = os.environ.get("WORLD_SIZE") or (group.get_world_size() if group else None)
    if (rank is None) != (world_size is None):
        raise ValueError("Only one of rank and world_size is known: pass both, or set RANK and WORLD_SIZE.")
    rank, world_size = (0, 1) if rank is None else (int(rank), int(world_size))
    if not 0 <= rank < world_size <= MAX_RANKS:
        raise ValueError(f"Rank {rank} of {world_size}: ranks are from 0 and below the world size.")
    return rank, world_size
