"""The smallest loop that resumes at the exact step: one process, Adam, dropout.

    CHECKPOINTER_RUN=minimal CHECKPOINTER_AGENT_SOCKET=/run/checkpointer/agent.sock python minimal.py

Kill it at any moment and start it again: the final digest is that of a run which was never killed.
"""

import argparse
import hashlib

import torch

import checkpointer


def adam_tensors(optimizer: torch.optim.Adam) -> dict:
    """Adam's tensors, made as its first step would make them: a restore needs something to restore into."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if not optimizer.state[parameter]:
                optimizer.state[parameter] = {
                    "step": torch.tensor(0.0),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
    return optimizer.state_dict()["state"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=10)
    options = parser.parse_args()

    torch.manual_seed(7)
    model = torch.nn.Sequential(torch.nn.Linear(16, 64), torch.nn.Dropout(0.1), torch.nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    # The tensors themselves, not copies: restore writes into them.
    state = {"model": model.state_dict(), "adam": adam_tensors(optimizer), "rng": torch.get_rng_state()}

    with checkpointer.connect() as session:
        restored = session.restore(state)
        if restored:
            torch.set_rng_state(state["rng"])
            print(f"resumes after step {restored.step}, from {restored.tier}")
        for step in range(restored.step + 1 if restored else 1, options.steps + 1):
            inputs = torch.randn(32, 16)
            loss = (model(inputs).squeeze() - inputs.sum(1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            session.report(step, loss=loss, grad_norm=grad_norm)
            if step % options.save_every == 0:
                state["rng"].copy_(torch.get_rng_state())
                session.save(step, state, extra={"torch": torch.__version__})

    digest = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    print(f"final {digest}")


if __name__ == "__main__":
    main()
