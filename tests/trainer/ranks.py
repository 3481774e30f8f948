"""For the tests: several ranks as forked processes, which costs no second import of PyTorch."""

from __future__ import annotations

import multiprocessing
import pickle
import tempfile
import traceback

import torch.distributed as dist

from world import World, be_deterministic

_DEADLINE_S = 60


def run_ranks(size: int, expert_parallel: int, work) -> list:
    """Calls ``work(world)`` on ``size`` ranks; returns what each returned, in the order of ranks.

    The calling process must never have run a backward pass: PyTorch's autograd does not survive a fork.
    """
    context = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        pipes, processes = [], []
        for rank in range(size):
            reader, writer = context.Pipe(duplex=False)
            arguments = (f"file://{folder}/store", rank, size, expert_parallel, work, writer)
            process = context.Process(target=_rank, args=arguments, daemon=True)
            process.start()
            writer.close()
            pipes.append(reader)
            processes.append(process)
        try:
            return [_result(rank, pipe) for rank, pipe in enumerate(pipes)]
        finally:
            for process in processes:
                process.kill()
                process.join()


def _rank(store: str, rank: int, size: int, expert_parallel: int, work, writer) -> None:
    try:
        be_deterministic()
        dist.init_process_group("gloo", init_method=store, rank=rank, world_size=size)
        result = work(World.of_process_group(expert_parallel))
        # Nobody leaves while another still talks to it.
        dist.barrier()
        answer = (result, None)
    except Exception:  # the process's edge: the parent raises it
        answer = (None, traceback.format_exc())
    # Pickled here: through a pipe PyTorch would send tensors as handles of memory that dies with this process.
    writer.send_bytes(pickle.dumps(answer))


def _result(rank: int, pipe):
    if not pipe.poll(_DEADLINE_S):
        raise AssertionError(f"Rank {rank} did not answer within {_DEADLINE_S} s.")
    try:
        result, error = pickle.loads(pipe.recv_bytes())
    except EOFError:
        raise AssertionError(f"Rank {rank} died.") from None
    if error:
        raise AssertionError(f"Rank {rank} failed:\n{error}")
    return result
