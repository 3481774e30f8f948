"""Checkpointer's trainer hooks: ``save``, ``restore`` and ``report`` from a training loop.

    import checkpointer

    with checkpointer.connect(run="sft-demo") as session:
        restored = session.restore(state)
        first = restored.step + 1 if restored else 1
        for step in range(first, last + 1):
            loss = train_step(step)
            session.report(step, loss=loss)
            if step % interval == 0:
                session.save(step, state)

Needs nothing but the standard library; PyTorch and NumPy tensors are understood where they are installed.
"""

from .connecting import connect
from .counters import Counters
from .errors import (
    AgentProblem,
    AgentUnavailable,
    ArenaError,
    CheckpointerError,
    Fenced,
    JoinError,
    RestoreError,
    StateTypeError,
    StateValueError,
)
from .restoring import Restored
from .session import Session
from .state import Sharded
from .ticket import Ticket

__version__ = "0.1.0"

__all__ = [
    "AgentProblem",
    "AgentUnavailable",
    "ArenaError",
    "CheckpointerError",
    "Counters",
    "Fenced",
    "JoinError",
    "RestoreError",
    "Restored",
    "Session",
    "Sharded",
    "StateTypeError",
    "StateValueError",
    "Ticket",
    "connect",
]
