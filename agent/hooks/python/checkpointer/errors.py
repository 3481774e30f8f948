"""Everything that can go wrong, by who can do something about it.

Codes are those of the service and agent (``slot_busy``, ``stale_attempt``, …) plus these of the hooks' own:

=====================  =============================================================================
``agent_unavailable``  the agent cannot be reached, did not answer in time, or its answer is no sense
``arena_invalid``      a slot's file is not what the agent said: missing, truncated, another generation
``state_invalid``      the state given to ``save`` or ``restore`` cannot be a checkpoint
``state_changed``      tensors were written to while an overlapped save copied them
``session_closed``     the session is closed, or belongs to the process that this one was forked from
``internal``           a bug here, or an error of the framework while copying
=====================  =============================================================================
"""

from __future__ import annotations

AGENT_UNAVAILABLE = "agent_unavailable"
ARENA_INVALID = "arena_invalid"
STATE_INVALID = "state_invalid"
STATE_CHANGED = "state_changed"
SESSION_CLOSED = "session_closed"
INTERNAL = "internal"

#: Codes that say that a newer incarnation runs: nothing this process saves or reports counts any more.
FENCED_CODES = frozenset({"stale_attempt", "incarnation_superseded"})


class CheckpointerError(Exception):
    """Base of all errors of this package: a ``code`` for programs, a message for people."""

    def __init__(self, code: str, message: str, transient: bool = False):
        super().__init__(message)
        self.code = code
        self.message = message
        #: Whether the same call may succeed later without anyone mending anything.
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class AgentUnavailable(CheckpointerError):
    """The agent cannot be reached, hung, or broke the protocol."""

    def __init__(self, message: str, timed_out: bool = False):
        super().__init__(AGENT_UNAVAILABLE, message, transient=True)
        self.timed_out = timed_out


class AgentProblem(CheckpointerError):
    """The agent (or the service behind it) answered with a problem."""

    def __init__(self, code: str, message: str, transient: bool, status: int):
        super().__init__(code, message, transient)
        self.status = status


class ArenaError(CheckpointerError):
    """A slot's file is not what the agent said it is."""

    def __init__(self, message: str):
        super().__init__(ARENA_INVALID, message)


class Fenced(CheckpointerError):
    """Nothing that this process does counts any more: the run was rolled back, or a newer start of it runs.

    No trouble but a decision, and the one thing that ``report``, ``save``, ``before_update`` and ``restore`` raise in the
    middle of a run. Let it end the process: the launcher starts the ranks anew, and they resume where the run goes on.
    """


class JoinError(CheckpointerError):
    """``connect`` failed: this process has no attempt and must not train."""


class RestoreError(CheckpointerError):
    """``restore`` failed. The state's contents are undefined: end the process, do not train."""


class StateTypeError(CheckpointerError, TypeError):
    """The state holds something that is no tensor, or a tensor of a kind that cannot be kept."""

    def __init__(self, message: str):
        super().__init__(STATE_INVALID, message)


class StateValueError(CheckpointerError, ValueError):
    """A value out of range: a name, a placement, a step, ``extra``."""

    def __init__(self, message: str):
        super().__init__(STATE_INVALID, message)
