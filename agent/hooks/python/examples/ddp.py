"""Data parallel: every rank holds all weights, one of them stores each.

    torchrun --nproc-per-node=2 ddp.py

``init_process_group`` comes before ``connect``, so that the ranks can agree on a name for this start of the job.
"""

import argparse
import hashlib

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

import checkpointer


def replicated(tensors: dict, world_size: int) -> dict:
    """Says that all ranks hold these same tensors: each is stored once, and any number of ranks can restore it."""
    return {
        name: checkpointer.Sharded(tensor, tensor.shape, [0] * tensor.dim(), replicas=range(world_size))
        for name, tensor in tensors.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=10)
    options = parser.parse_args()

    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(7)
    network = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
    model = DistributedDataParallel(network)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    state = {"model": replicated(network.state_dict(), world_size)}

    with checkpointer.connect() as session:
        restored = session.restore(state)
        for step in range(restored.step + 1 if restored else 1, options.steps + 1):
            generator = torch.Generator().manual_seed(step * world_size + rank)
            inputs = torch.randn(32, 16, generator=generator)
            loss = (model(inputs).squeeze() - inputs.sum(1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            session.before_update()
            optimizer.step()
            session.report(step, loss=loss.item(), data_cursor={"step": step})
            if step % options.save_every == 0:
                session.save(step, state, overlap=True)  # on all ranks, at the same steps

    digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    print(f"final {digest}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
