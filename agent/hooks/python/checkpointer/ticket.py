"""What became of a save."""

from __future__ import annotations

import threading
import time
import urllib.parse

from .errors import AgentUnavailable, CheckpointerError

#: The states in order; "failed" can follow each of the first three.
STATES = ("open", "captured", "sealed", "durable")
FAILED = "failed"
_HOLD_MS = 10_000
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


class Ticket:
    """One save of one rank. Thread-safe; nothing here raises for infrastructure trouble.

    ``state`` is the newest that is known without asking: ``open`` (being copied), ``captured`` (copied; the trainer may
    change its tensors), ``sealed`` (hashed, recoverable from memory), ``durable`` (this rank's shard is in object
    storage), or ``failed``.
    """

    def __init__(self, step: int, attempt: int, durable: bool, client=None):
        self.step = step
        self.attempt = attempt
        #: Whether it was asked to become durable.
        self.durable = durable
        #: Hash over the image, once sealed.
        self.root: str | None = None
        self._client = client
        self._state = "open"
        self._error: CheckpointerError | None = None
        self._settled = threading.Event()  # captured and handed over, or failed

    @property
    def state(self) -> str:
        """Where it stands, as far as is known here."""
        return self._state

    @property
    def ok(self) -> bool:
        """False once it has failed."""
        return self._state != FAILED

    @property
    def error(self) -> CheckpointerError | None:
        """What went wrong, if it failed: ``error.code`` for programs, ``str(error)`` for people."""
        return self._error

    def wait(self, until: str = "durable", timeout_s: float | None = None) -> str:
        """Waits until the save has reached ``until`` (``captured``, ``sealed`` or ``durable``), a final state, or the
        end of ``timeout_s`` (None: no end); returns the state reached. A save with ``durable=False`` ends sealed.
        """
        if until not in STATES[1:]:
            raise ValueError(f"until is {until!r}; it must be one of {', '.join(STATES[1:])}.")
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._settled.wait(timeout_s)
        pause_s = _FIRST_PAUSE_S
        while self._settled.is_set() and not self._has_reached(until):
            remaining_ms = _HOLD_MS if deadline is None else int(1000 * (deadline - time.monotonic()))
            if remaining_ms <= 0:
                break
            before = self._state
            try:
                self._ask(until, min(remaining_ms, _HOLD_MS))
                if self._state != before or remaining_ms < pause_s * 1000:
                    pause_s = _FIRST_PAUSE_S
                    continue
            except CheckpointerError as error:
                if not error.transient:
                    self.fail(error)
                    break
            # Also after an answer at once without news, so that no agent can make this a busy loop.
            time.sleep(min(pause_s, remaining_ms / 1000))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return self._state

    def refresh(self) -> str:
        """Asks once, without waiting, where it stands."""
        if self._settled.is_set() and not self._is_final():
            try:
                self._ask("durable", 0)
            except CheckpointerError as error:
                if not error.transient:
                    self.fail(error)
        return self._state

    def fail(self, error: CheckpointerError) -> None:
        """Ends it with ``error``; for the session, not for trainers."""
        if not self._is_final():
            self._error = error
            self._state = FAILED
        self._settled.set()

    def end(self, error: CheckpointerError) -> None:
        """Ends it with ``error`` unless it has been settled: nobody may wait for it for ever."""
        if not self._settled.is_set():
            self.fail(error)

    def settle(self, status: dict) -> None:
        """Takes the agent's answer to the seal; for the session, not for trainers."""
        self._take(status)
        self._settled.set()

    def _has_reached(self, until: str) -> bool:
        return self._is_final() or STATES.index(self._state) >= STATES.index(until)

    def _is_final(self) -> bool:
        return self._state in (FAILED, "durable") or (self._state == "sealed" and not self.durable)

    def _ask(self, until: str, wait_ms: int) -> None:
        client = self._client
        query = urllib.parse.urlencode({"attempt": self.attempt, "until": until, "wait_ms": wait_ms})
        target = f"snapshots/{self.step}?{query}"
        client.revive()
        epoch = client.epoch
        try:
            status = client.rank_call("GET", target, timeout_s=client.call_timeout_s + wait_ms / 1000)
        except CheckpointerError as error:
            if error.code != "not_found":
                raise
            client.revive(forgotten=client.epoch == epoch)
            status = client.rank_call("GET", target, timeout_s=client.call_timeout_s + wait_ms / 1000)
        self._take(status)

    def _take(self, status: dict) -> None:
        state = status.get("state")
        if state == FAILED:
            code = status.get("error") or "internal"
            self.fail(CheckpointerError(str(code), str(status.get("message") or "The snapshot was given up.")))
        elif state in STATES:
            if not self._is_final() and STATES.index(state) > STATES.index(self._state):
                self._state = state
            self.root = status.get("root") or self.root
        else:
            raise AgentUnavailable(f"The agent answered the snapshot state {state!r}.")

    def __repr__(self) -> str:
        error = f", {self._error}" if self._error else ""
        return f"<Ticket step {self.step}.{self.attempt} {self._state}{error}>"


def failed(step, attempt: int, durable: bool, error: CheckpointerError) -> Ticket:
    """A ticket of a save that never began."""
    ticket = Ticket(step, attempt, durable)
    ticket.fail(error)
    return ticket
