"""A save that hides behind the next forward and backward pass.

``save(..., overlap=True)`` returns at once and copies in the background. Until ``before_update`` returns, nothing may
write to the tensors; forward and backward only read them. (A write is noticed, and that save given up, but then there
is one checkpoint less.)
"""

import argparse
import hashlib

import torch

import checkpointer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=10)
    options = parser.parse_args()

    torch.manual_seed(7)
    weight = torch.randn(256, 256, requires_grad=True)
    momentum = torch.zeros(256, 256)
    state = {"weight": weight, "momentum": momentum}

    with checkpointer.connect() as session:
        restored = session.restore(state)
        ticket = None
        for step in range(restored.step + 1 if restored else 1, options.steps + 1):
            generator = torch.Generator().manual_seed(step)  # the data is a function of the step: no cursor to keep
            inputs = torch.randn(64, 256, generator=generator)
            loss = (inputs @ weight).square().mean()
            (gradient,) = torch.autograd.grad(loss, weight)
            session.before_update()  # the last save's copy must be done before the weights change
            with torch.no_grad():
                momentum.mul_(0.9).add_(gradient)
                weight.sub_(momentum, alpha=0.01)
            session.report(step, loss=loss.item())
            if step % options.save_every == 0:
                ticket = session.save(step, state, overlap=True)
        # Nothing needs to be waited for: the agent stores it without us. This is how one would.
        if ticket is not None and ticket.wait(until="durable", timeout_s=60) != "durable":
            print(f"the last checkpoint is {ticket.state}: {ticket.error}")
        print(f"copying cost the loop {1000 * session.counters.stall_s:.1f} ms in all")

    print(f"final {hashlib.sha256(weight.detach().numpy().tobytes()).hexdigest()}")


if __name__ == "__main__":
    main()
