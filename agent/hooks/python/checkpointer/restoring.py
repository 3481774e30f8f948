"""One restore: the layout goes to the agent, an image comes back in a slot, its bytes go into the tensors."""

from __future__ import annotations

import dataclasses
import time

from . import crash_points
from .agent import HOLD_MS, is_checkpoint
from .arena import SlotLocation
from .errors import AgentUnavailable, CheckpointerError, RestoreError

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_SHOWN_RANKS = 8


@dataclasses.dataclass(frozen=True)
class Restored:
    """What a restore brought back."""

    #: The step whose state it is: go on with the next.
    step: int
    #: The attempt that saved it.
    attempt: int
    #: What that save's ``extra`` was (None if it had none).
    extra: dict | None
    #: The farthest place that bytes came from: ``local_memory``, ``peer_memory`` or ``storage``.
    tier: str
    local_memory_bytes: int
    peer_memory_bytes: int
    storage_bytes: int
    #: How long it took.
    seconds: float


def restore(parts, leaves: list, layout, timeout_s: float) -> Restored | None:
    """Fills ``leaves``; None if the run starts from scratch. Raises :class:`RestoreError` if it can't be exact."""
    started = time.monotonic()
    for item in leaves:
        reason = item.leaf.why_not_writable()
        if reason is not None:
            raise RestoreError("state_invalid", f"'{item.name}' cannot be restored into: {reason}.")
    try:
        answer = _rebuild(parts, layout, started + timeout_s)
        checkpoint = answer.get("checkpoint")
        expected = parts.client.resume_from
        replanned = checkpoint is not None and expected is not None and (answer.get("plan") or 1) > 1
        if checkpoint != expected and not replanned:
            raise RestoreError("restore_impossible", f"The plan says {expected}, the agent restored {checkpoint}.")
        if checkpoint is None:
            return None
        if not is_checkpoint(checkpoint):
            raise RestoreError("agent_unavailable", f"The agent restored {checkpoint!r}.")
        if checkpoint != expected:
            # A rank could not restore what was granted: all ranks got another plan, and this is its step.
            attempt = parts.client.attempt
            parts.log.warn("restore:replanned", f"attempt {attempt} resumes from {checkpoint}, not from {expected}")
            parts.client.resume_from = checkpoint
        _fill(parts, leaves, layout, SlotLocation.read(answer.get("slot")))
    except RestoreError:
        raise
    except CheckpointerError as error:
        raise RestoreError(error.code, error.message) from error
    sizes = {name: int(answer.get(name) or 0) for name in ("local_memory_bytes", "peer_memory_bytes", "storage_bytes")}
    tier = "storage" if sizes["storage_bytes"] else "peer_memory" if sizes["peer_memory_bytes"] else "local_memory"
    return Restored(
        step=checkpoint["step"],
        attempt=checkpoint["attempt"],
        extra=answer.get("extra"),
        tier=tier,
        seconds=time.monotonic() - started,
        **sizes,
    )


def _rebuild(parts, layout, deadline: float) -> dict:
    """Asks until the image is there: passing trouble and a restarting agent are waited out."""
    pause_s = _FIRST_PAUSE_S
    while True:
        left_s = max(0.001, deadline - time.monotonic())
        wait_ms = min(HOLD_MS, int(left_s * 1000))
        try:
            parts.client.revive()
            parts.registration.ensure(layout, left_s)
            body = {"attempt": parts.client.attempt, "layout": layout.digest, "wait_ms": wait_ms}
            timeout_s = parts.client.call_timeout_s + wait_ms / 1000
            answer = parts.client.rank_call("POST", "restore", body, timeout_s)
            if answer.get("done") is True:
                return answer
            if answer.get("done") is not False:
                raise AgentUnavailable("The agent's answer to restore makes no sense.")
            trouble: CheckpointerError = AgentUnavailable(_why_not_done(answer.get("waiting_for")), timed_out=True)
            pause_s = _FIRST_PAUSE_S
        except CheckpointerError as error:
            if error.code == "not_found":
                parts.client.revive(forgotten=True)
            elif not error.transient:
                raise
            parts.log.warn(f"restore:{error.code}", f"restore waits: {error}")
            trouble = error
        if time.monotonic() >= deadline:
            raise trouble
        time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _why_not_done(ranks) -> str:
    if not isinstance(ranks, list) or not ranks:
        return "The image is still being rebuilt."
    shown = ", ".join(str(rank) for rank in ranks[:_SHOWN_RANKS])
    more = " and more" if len(ranks) > _SHOWN_RANKS else ""
    who = f"rank {shown} has" if len(ranks) == 1 else f"ranks {shown}{more} have"
    return f"This rank has its image; no rank goes on before all have restored the same step, and {who} not yet."


def _fill(parts, leaves: list, layout, location: SlotLocation) -> None:
    if location.data_bytes < layout.image_bytes:
        raise RestoreError(
            "arena_invalid", f"The slot has {location.data_bytes} bytes, the image {layout.image_bytes}."
        )
    mapping = parts.arena.map(location)
    crash_points.reach(crash_points.RESTORING)
    try:
        parts.copier.fill(leaves, layout, mapping)
    except CheckpointerError:
        raise
    except Exception as error:  # whatever the framework throws, the state is half one thing, half another
        raise RestoreError("internal", f"Copying into the state failed: {type(error).__name__}: {error}") from error
    mapping.check()
