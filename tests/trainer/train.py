"""A small mixture-of-experts language model, trained for real under torchrun with Checkpointer.

torchrun --nproc_per_node 4 train.py --steps 60 --out /tmp/out
"""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import time

import torch

from job import Job
from journal import Journal
from model import Shape
from placed import Placed, convert
from world import World, be_deterministic, join_process_group

_DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


class Unattended:
    """A session that saves nothing: ``--no-checkpointer``."""

    attempt = 0

    def restore(self, state):
        """Starts from scratch."""

    def before_update(self):
        """Nothing to wait for."""

    def report(self, step, **facts):
        """Nobody to tell."""

    def save(self, step, state, **options):
        """Nowhere to save."""


def train(job: Job, session, sharded, options, journal: Journal | None) -> None:
    """Trains to ``options.steps`` from where the run left off, with the hooks just as any trainer calls them."""
    restored = session.restore(convert(job.state(), sharded))
    if restored:
        job.resume(restored.extra)
    first = restored.step + 1 if restored else 1
    if journal and restored:
        print(f"resumes after step {restored.step}, from {restored.tier}", flush=True)
    result = None
    for step in range(first, options.steps + 1):
        started = time.perf_counter()
        result = job.step(step, session.before_update)
        session.report(step, loss=result.loss, grad_norm=result.grad_norm, data_cursor=job.cursor)
        durable = step % options.save_every == 0
        if durable or (options.memory_every and step % options.memory_every == 0):
            session.save(step, convert(job.state(), sharded), job.extra(), durable=durable, overlap=options.overlap)
        if journal:
            journal.step(step, result)
            took = 1000 * (time.perf_counter() - started)
            print(
                f"step {step}/{options.steps}  loss {result.loss:.4f}  grad norm {result.grad_norm:.3f}  {took:.0f} ms",
                flush=True,
            )
    digest = job.digest()
    if journal:
        journal.finish(options.steps, digest, result)
        print(f"final state {digest}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Trains as the command line and torchrun's variables say."""
    options = _parse(arguments)
    be_deterministic()
    join_process_group()
    world = World.of_process_group(options.expert_parallel)
    job = Job(_shape(options), world, options.seed, options.batch)
    with contextlib.ExitStack() as stack:
        if options.no_checkpointer:
            session, sharded = Unattended(), Placed
        else:
            import checkpointer

            session, sharded = stack.enter_context(checkpointer.connect()), checkpointer.Sharded
        journal = None
        if world.rank == 0:
            journal = stack.enter_context(contextlib.closing(Journal(options.out, session.attempt)))
        train(job, session, sharded, options, journal)


def _shape(options) -> Shape:
    return Shape(
        vocabulary=options.vocabulary,
        hidden=options.hidden,
        layers=options.layers,
        experts=options.experts,
        inner=2 * options.hidden,
        length=options.seq,
        dropout=options.dropout,
        dtype=_DTYPES[options.dtype],
    )


def _parse(arguments: list[str] | None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60, help="steps to train in all")
    parser.add_argument("--seed", type=int, default=1, help="of weights, dropout and data")
    parser.add_argument("--save-every", type=int, default=5, help="steps between two checkpoints")
    parser.add_argument("--memory-every", type=int, default=0, help="steps between two snapshots in memory; 0: none")
    parser.add_argument("--overlap", action="store_true", help="copy the state while the next step computes")
    parser.add_argument("--no-checkpointer", action="store_true", help="train without saving anything")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for losses.jsonl and final.json")
    parser.add_argument("--expert-parallel", type=int, default=2, help="ranks that the experts are split over")
    parser.add_argument("--dtype", choices=_DTYPES, default="bf16", help="of the weights; optimizer state is float32")
    parser.add_argument("--vocabulary", type=int, default=512)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--experts", type=int, default=8, help="experts a layer")
    parser.add_argument("--seq", type=int, default=32, help="tokens a sequence")
    parser.add_argument("--batch", type=int, default=2, help="sequences a rank and step")
    parser.add_argument("--dropout", type=float, default=0.1)
    options = parser.parse_args(arguments)
    if min(options.steps, options.save_every, options.batch) < 1:
        parser.error("--steps, --save-every and --batch must be at least 1")
    if options.memory_every < 0:
        parser.error("--memory-every must not be negative")
    return options


if __name__ == "__main__":
    main()
