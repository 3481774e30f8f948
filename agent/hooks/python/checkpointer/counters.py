"""Numbers a trainer can put on its own dashboard."""

from __future__ import annotations

import dataclasses
import threading


@dataclasses.dataclass(frozen=True)
class Counters:
    """A session's counts so far; ``dataclasses.asdict`` gives a dictionary."""

    #: Calls of ``save``.
    saves: int = 0
    #: Saves whose ticket failed before they were captured, for whatever reason.
    saves_failed: int = 0
    #: Saves captured and handed to the agent.
    saves_captured: int = 0
    #: Bytes copied into the arena.
    captured_bytes: int = 0
    #: Seconds that ``save`` and ``before_update`` held the loop.
    stall_s: float = 0.0
    #: The part of it caused by the last save.
    last_stall_s: float = 0.0
    #: Calls of ``report``.
    reports: int = 0
    #: Reports that never reached the agent: too many waited, or the agent refused them.
    reports_dropped: int = 0
    #: Reports sent again because the agent restarted.
    reports_resent: int = 0
    #: Times that the session joined again, after the agent restarted.
    rejoins: int = 0
    #: Calls to the agent that got no (sensible) answer.
    agent_errors: int = 0


class CounterBook:
    """The mutable side. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self._values = Counters()

    def add(self, **amounts) -> None:
        """Adds to the named counters."""
        with self._lock:
            changes = {name: getattr(self._values, name) + amount for name, amount in amounts.items()}
            self._values = dataclasses.replace(self._values, **changes)

    def stalled(self, seconds: float, first: bool) -> None:
        """Counts time that the loop was held, ``first`` for the beginning of another save."""
        with self._lock:
            self._values = dataclasses.replace(
                self._values,
                stall_s=self._values.stall_s + seconds,
                last_stall_s=seconds if first else self._values.last_stall_s + seconds,
            )

    @property
    def values(self) -> Counters:
        """The counts now."""
        return self._values
