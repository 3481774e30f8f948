"""Each rank owns a slice of the optimizer state, as ZeRO has it, and another number of ranks can take over.

    torchrun --nproc-per-node=4 sharded.py --steps 50
    torchrun --nproc-per-node=3 sharded.py --steps 100      # resumes what four ranks saved

What a rank passes to ``restore`` decides what it gets: here its rows, whoever saved them.
"""

import argparse
import hashlib

import torch
import torch.distributed as dist

import checkpointer

ROWS, COLUMNS = 96, 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=10)
    options = parser.parse_args()

    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(7)
    weight = torch.randn(ROWS, COLUMNS)  # whole, on every rank
    begin, end = ROWS * rank // world_size, ROWS * (rank + 1) // world_size
    momentum = torch.zeros(end - begin, COLUMNS)  # of this rank's rows alone

    state = {
        "weight": checkpointer.Sharded(weight, weight.shape, (0, 0), replicas=range(world_size)),
        "momentum": checkpointer.Sharded(momentum, global_shape=(ROWS, COLUMNS), offsets=(begin, 0)),
    }
    with checkpointer.connect() as session:
        restored = session.restore(state)
        for step in range(restored.step + 1 if restored else 1, options.steps + 1):
            gradient = weight * torch.rand(ROWS, COLUMNS, generator=torch.Generator().manual_seed(step))
            momentum.mul_(0.9).add_(gradient[begin:end])
            update = torch.zeros_like(weight)
            update[begin:end] = momentum
            dist.all_reduce(update)  # each rank contributes its rows
            weight.sub_(update, alpha=0.01)
            session.report(step, loss=weight.square().mean().item())
            if step % options.save_every == 0:
                session.save(step, state)

    print(f"final {hashlib.sha256(weight.numpy().tobytes()).hexdigest()}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
