"""One save, from the first call to the seal."""

from __future__ import annotations

import threading
import time

from . import crash_points
from .arena import SlotLocation
from .errors import INTERNAL, STATE_CHANGED, AgentUnavailable, ArenaError, CheckpointerError
from .sample import Sample

#: How long a save stays away from an agent that hung, at first and at most; the loop must not wait for it every time.
_FIRST_QUIET_S = 5.0
_LONGEST_QUIET_S = 60.0
#: How often a save begins anew because the agent restarted under it.
_TRIES = 3
#: How long ``before_update`` lets a save wait for the agent before it is given up.
BEGIN_GRACE_S = 2.0


class QuietPeriod:
    """After an agent hung: for how long not to ask it again. Used by one save at a time."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._until = 0.0
        self._length_s = 0.0

    def check(self) -> None:
        """Fails while the period lasts."""
        left_s = self._until - self._clock()
        if left_s > 0:
            raise AgentUnavailable(f"The agent hung; it is not asked again for {left_s:.0f} s.")

    def hung(self) -> None:
        """Begins a period, twice as long as the last."""
        self._length_s = min(max(_FIRST_QUIET_S, 2 * self._length_s), _LONGEST_QUIET_S)
        self._until = self._clock() + self._length_s

    def answered(self) -> None:
        """Ends it all."""
        self._length_s = 0.0


class Registration:
    """Which layout the agent has been told, so that it is told once. Used by one save or restore at a time."""

    def __init__(self, client, pretouch):
        self._client = client
        self._pretouch = pretouch
        self._known = None  # (digest, epoch)

    def forget(self) -> None:
        """The next :meth:`ensure` registers anew."""
        self._known = None

    def ensure(self, layout, timeout_s: float | None = None) -> None:
        """Registers ``layout`` unless this very agent has it as the latest."""
        key = (layout.digest, self._client.epoch)
        if self._known == key:
            return
        answer = self._client.rank_call("PUT", f"layout?attempt={self._client.attempt}", layout.header, timeout_s)
        if answer.get("layout") != layout.digest or answer.get("image_bytes") != layout.image_bytes:
            raise AgentUnavailable("The agent read another layout than was sent.")
        slots = answer.get("slots")
        self._known = key
        self._pretouch([SlotLocation.read(slot) for slot in slots] if isinstance(slots, list) else [])


class SaveJob:
    """Carries out one save in whichever thread calls :meth:`run`, which never raises."""

    def __init__(self, session_parts, ticket, leaves, layout, extra_text, fence, overlapped: bool):
        self._parts = session_parts
        #: What the trainer holds.
        self.ticket = ticket
        self._leaves = leaves
        self._layout = layout
        self._extra_text = extra_text
        self._fence = fence
        self._overlapped = overlapped
        self._versions = [item.leaf.version() for item in leaves] if overlapped else None
        self._sample = Sample(leaves, ticket.step) if overlapped else None
        self._lock = threading.Lock()
        self._cancelled = False
        self._copying = threading.Event()  # set when the copy begins, or never will
        self._copied = threading.Event()  # set when the trainer's tensors are no longer read

    def run(self) -> None:
        """Begins, copies, seals; whatever goes wrong is the ticket's."""
        parts = self._parts
        try:
            location = self._begin()
            try:
                self._copy(location)
                self._let_go()
                status = self._seal()
            except Exception:
                self._let_go()  # the trainer waits for this, not for what follows
                self._discard(location)
                raise
            self.ticket.settle(status)
            parts.counters.add(saves_captured=1, captured_bytes=self._layout.image_bytes)
        except CheckpointerError as error:
            self._failed(error)
        except Exception as error:  # a framework's error while copying (or a bug) must not end the run either
            parts.log.error(f"save of step {self.ticket.step} failed", exc_info=error)
            self._failed(CheckpointerError(INTERNAL, f"{type(error).__name__}: {error}"))
        finally:
            self._let_go()
            self.ticket.end(CheckpointerError(INTERNAL, "The save was interrupted."))

    def release_tensors(self) -> None:
        """Returns when the tensors may be changed: all are copied, or the save is given up.

        A copy that has begun is waited for; a save that still waits for the agent only for a moment.
        """
        if not self._copying.wait(BEGIN_GRACE_S):
            with self._lock:
                if not self._copying.is_set():
                    self._cancelled = True
                    return
        self._copied.wait()

    def _begin(self) -> SlotLocation:
        parts = self._parts
        parts.quiet.check()
        deadline = time.monotonic() + parts.client.call_timeout_s
        body = {
            "attempt": parts.client.attempt,
            "step": self.ticket.step,
            "layout": self._layout.digest,
            "durable": self.ticket.durable,
        }
        for attempt in range(1, _TRIES + 1):

            def left_s() -> float:
                return max(0.001, deadline - time.monotonic())

            try:
                # In this order: an agent that restarted must have the reports of the steps before the snapshot.
                parts.client.revive(left_s())
                epoch = parts.client.epoch
                parts.reporter.flush(left_s())
                parts.registration.ensure(self._layout, left_s())
                if parts.client.epoch != epoch:
                    continue
                location = SlotLocation.read(parts.client.rank_call("POST", "snapshots", body, left_s()))
                if location.data_bytes < self._layout.image_bytes:
                    raise ArenaError(f"The slot has {location.data_bytes} bytes, the image {self._layout.image_bytes}.")
                parts.quiet.answered()
                return location
            except AgentUnavailable as error:
                if error.timed_out:
                    parts.quiet.hung()
                if error.timed_out or attempt == _TRIES or time.monotonic() >= deadline:
                    raise
            except CheckpointerError as error:
                if attempt == _TRIES or error.code not in ("not_found", "layout_mismatch"):
                    raise
                if error.code == "not_found":
                    parts.client.revive(left_s(), forgotten=True)
                else:
                    parts.registration.forget()  # it is what we registered last, so the agent must have lost it
        raise AgentUnavailable("The agent keeps restarting.")

    def _copy(self, location: SlotLocation) -> None:
        parts = self._parts
        mapping = parts.arena.map(location)
        with self._lock:
            if self._cancelled:
                raise AgentUnavailable("The agent gave no slot before the next update.", timed_out=True)
            self._copying.set()
        crash_points.reach(crash_points.CAPTURING)
        parts.copier.capture(self._leaves, self._layout, mapping, self._fence, parallel=not self._overlapped)
        crash_points.reach(crash_points.CAPTURED)
        mapping.check()
        if self._versions is not None:
            self._check_unchanged(mapping)

    def _check_unchanged(self, mapping) -> None:
        written = (item.name for item, before in zip(self._leaves, self._versions) if item.leaf.version() != before)
        name = next(written, None) or self._sample.changed(self._layout, mapping)
        if name is not None:
            raise CheckpointerError(
                STATE_CHANGED,
                f"'{name}' was written to while step {self.ticket.step} was being copied: call "
                "session.before_update() before optimizer.step().",
            )

    def _seal(self) -> dict:
        parts = self._parts
        head = f'{{"attempt":{self.ticket.attempt},"captured_bytes":{self._layout.image_bytes}'
        body = head + (f',"extra":{self._extra_text}}}' if self._extra_text is not None else "}")
        suffix = f"snapshots/{self.ticket.step}/seal"
        try:
            return parts.client.rank_call("POST", suffix, body.encode("utf-8"))
        except AgentUnavailable as error:
            if error.timed_out:
                parts.quiet.hung()
                raise
            forgotten = False
        except CheckpointerError as error:
            if error.code != "not_found":
                raise
            forgotten = True
        # The answer was lost, or the seal, or the agent is another by now: repeating it changes nothing, or says why not.
        parts.client.revive(forgotten=forgotten)
        return parts.client.rank_call("POST", suffix, body.encode("utf-8"))

    def _discard(self, location: SlotLocation) -> None:
        """Gives a slot that was not filled back, so that no rank waits for this step; a sealed one stays."""
        parts = self._parts
        try:
            parts.quiet.check()
            parts.client.rank_call("DELETE", f"snapshots/{self.ticket.step}?attempt={self.ticket.attempt}")
        except CheckpointerError as error:
            # Then the agent learns of it at the next begin, and the service at the latest by its deadline.
            parts.log.warn(f"discard:{error.code}", f"step {self.ticket.step} could not be given up: {error}")
        parts.arena.forget(location)

    def _let_go(self) -> None:
        self._leaves, self._sample = [], None
        self._copying.set()
        self._copied.set()

    def _failed(self, error: CheckpointerError) -> None:
        self.ticket.fail(error)
        self._parts.counters.add(saves_failed=1)
        self._parts.log.warn(f"save:{error.code}", f"step {self.ticket.step} was not saved: {error}")
