"""The session's side of the agent: joining, noticing that the agent restarted, being fenced out."""

from __future__ import annotations

import json
import threading
import time

from .errors import FENCED_CODES, AgentProblem, AgentUnavailable, CheckpointerError, Fenced, JoinError

#: Longest that the agent is asked to hold a call.
HOLD_MS = 10_000
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
#: How often a trainer that waits for its attempt says so.
_WAITING_MESSAGE_S = 30.0


class AgentClient:
    """Calls on behalf of one rank of one incarnation. Thread-safe.

    ``epoch`` rises each time that the agent turns out to be another process (or to have forgotten us): what it was told
    before must be told again. ``fenced`` says, once it was met, that this attempt is over (a newer one runs, or the run was
    rolled back); from then on nothing is sent.
    """

    def __init__(self, transport, run, rank: int, world_size: int, incarnation, call_timeout_s: float, counters, log):
        self.call_timeout_s = call_timeout_s
        self.attempt = 0
        self.resume_from = None
        self.node = ""
        self.epoch = 0
        self.fenced: Fenced | None = None
        self._transport = transport
        self.rank = rank
        self._run, self._world_size = run, world_size
        self._incarnation = incarnation
        self._counters = counters
        self._log = log
        self._instance = ""
        self._losses_seen = 0
        self._lock = threading.Lock()

    def join(self, timeout_s: float) -> None:
        """Waits until all ranks have joined and the attempt is granted; a :class:`JoinError` says why not."""
        began = time.monotonic()
        deadline = began + timeout_s
        say_at = began
        pause_s = _FIRST_PAUSE_S
        last = "nothing was answered"
        while True:
            remaining_s = max(0.0, deadline - time.monotonic())
            try:
                losses = self._transport.losses
                answer = self._join_once(min(HOLD_MS, int(remaining_s * 1000)))
                if answer["state"] == "granted":
                    self._granted(answer, losses)
                    return
                last = f"{answer.get('joined_ranks')} of {self._world_size} ranks have joined"
                pause_s = _FIRST_PAUSE_S
            except CheckpointerError as error:
                if not error.transient:
                    raise JoinError(error.code, f"Run '{self._run}', rank {self.rank}: {error.message}") from error
                last = str(error)
            if time.monotonic() >= deadline:
                raise JoinError(
                    "join_timeout",
                    f"Run '{self._run}', rank {self.rank}: no attempt was granted within {timeout_s:g} s; {last.rstrip('.')}.",
                )
            now = time.monotonic()
            if now >= say_at:
                say_at = now + _WAITING_MESSAGE_S
                self._log.warn_always(
                    f"waiting for an attempt since {now - began:.0f} s, for {max(0.0, deadline - now):.0f} s more: "
                    f"{last.rstrip('.')}."
                )
            time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def rank_call(self, method: str, suffix: str, body=None, timeout_s: float | None = None) -> dict:
        """One call below this rank's URL. ``body``: bytes, or an object for JSON. Does not retry."""
        if self.fenced is not None:
            raise self.fenced
        data = body if body is None or isinstance(body, bytes) else _encode(body)
        return self._judged(method, f"/v1/runs/{self._run}/ranks/{self.rank}/{suffix}", data, timeout_s)

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def saw_instance(self, instance) -> None:
        """Takes note of the instance that an answer names: another one means that the agent restarted."""
        if instance is not None and instance != self._instance:
            with self._lock:
                self._losses_seen = -1

    def revive(self, timeout_s: float | None = None, forgotten: bool = False) -> None:
        """After a lost connection, finds out whether the agent restarted, and if so joins again.

        :param forgotten: the agent answered that it does not know us: join again even if it is the same process.
        """
        with self._lock:
            self._transport.sweep()
            losses = self._transport.losses
            if losses == self._losses_seen and not forgotten:
                return
            if self.fenced is not None:
                raise self.fenced
            if not forgotten:
                status = self._judged("GET", "/v1/agent", None, timeout_s)
                if status.get("instance") == self._instance:
                    self._losses_seen = losses
                    return
            answer = self._join_once(0, timeout_s)
            if answer["state"] != "granted":
                raise AgentUnavailable("The agent restarted and our attempt is not known to it yet.")
            if answer["attempt"] != self.attempt:
                self._fence("stale_attempt", f"Attempt {answer['attempt']} runs now, this is {self.attempt}.")
                raise self.fenced
            self._granted(answer, losses)
            self._counters.add(rejoins=1)
            self._log.info(f"joined again after the agent restarted (instance {self._instance})")

    def _granted(self, answer: dict, losses: int) -> None:
        self.attempt = answer["attempt"]
        self.resume_from = answer.get("resume_from")
        self.node = answer.get("node", "")
        self._instance = answer["agent_instance"]
        self._losses_seen = losses
        self.epoch += 1

    def _join_once(self, wait_ms: int, timeout_s: float | None = None) -> dict:
        body = {"incarnation": self._incarnation, "world_size": self._world_size, "wait_ms": wait_ms}
        timeout_s = (self.call_timeout_s if timeout_s is None else timeout_s) + wait_ms / 1000
        answer = self._judged("POST", f"/v1/runs/{self._run}/ranks/{self.rank}/join", _encode(body), timeout_s)
        granted = answer.get("state") == "granted"
        if (
            answer.get("state") not in ("pending", "granted")
            or not isinstance(answer.get("agent_instance"), str)
            or (granted and (type(answer.get("attempt")) is not int or answer["attempt"] < 1))
            or (granted and answer.get("resume_from") is not None and not is_checkpoint(answer["resume_from"]))
        ):
            raise AgentUnavailable("The agent's answer to join makes no sense.")
        return answer

    def _judged(self, method: str, target: str, data, timeout_s: float | None) -> dict:
        try:
            return self._transport.call(method, target, data, self.call_timeout_s if timeout_s is None else timeout_s)
        except AgentProblem as problem:
            if problem.code in FENCED_CODES and self.attempt:
                self._fence(problem.code, problem.message)
            raise
        except AgentUnavailable:
            self._counters.add(agent_errors=1)
            raise

    def _fence(self, code: str, message: str) -> None:
        if self.fenced is None:
            self.fenced = Fenced(code, message or "A newer incarnation of the run has been started.")
            self._log.error(f"fenced out, nothing more is saved or reported, this process should end: {self.fenced}")


def is_checkpoint(value) -> bool:
    """Whether ``value`` is a checkpoint's identity: a step and an attempt."""
    return isinstance(value, dict) and type(value.get("step")) is int and type(value.get("attempt")) is int


def _encode(body) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
