"""The session: what a training loop calls."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time

from . import json_text, layout as layouts
from . import restoring, state as states
from .arena import Arena
from .background import BackgroundThread
from .counters import Counters
from .device import DeviceFence
from .errors import INTERNAL, SESSION_CLOSED, CheckpointerError, Fenced, RestoreError, StateTypeError, StateValueError
from .presence import Presence, ending_error
from .reporter import Reporter
from .restoring import Restored
from .saving import QuietPeriod, Registration, SaveJob
from .ticket import Ticket, failed

#: Largest ``extra`` as JSON.
MAX_EXTRA_BYTES = 256 << 10
#: Largest ``data_cursor`` as JSON.
MAX_CURSOR_BYTES = 4 << 10
#: Longest ``rng_digest``.
MAX_DIGEST_CHARACTERS = 128
#: Steps are at most this.
MAX_STEP = 999_999_999_999

_GOODBYE_WAIT_S = 1.0
_PRETOUCH_WAIT_S = 120.0
_PRETOUCH_PAUSE_S = 0.05


class Session:
    """One rank of one attempt. Made by :func:`checkpointer.connect`; a context manager.

    **Threads.** ``save``, ``restore``, ``before_update`` and ``close`` belong to the training thread: calls from
    several threads run one after the other. ``report`` and the properties may be used from any thread.

    **Processes.** A forked child (a data loader's worker) must not use the session: there, ``save`` gives a failed
    ticket, ``report`` does nothing and ``restore`` raises. The parent is not disturbed by forks.

    **Errors.** ``save`` and ``report`` raise only for plain misuse, and only until the first call that was in order: so
    a mistake shows when a job starts, and nothing ends it at step 40,000. Later misuse, and all trouble of agent,
    service or store, is logged (once a minute), counted, and visible in the ticket.

    **Fenced.** One thing is no trouble but a decision: the run was rolled back, or a newer start of it runs. Then
    ``report``, ``save``, ``before_update`` and ``restore`` raise :class:`Fenced`: let it end the process.
    """

    def __init__(self, run, rank, world_size, client, copier, counters, log, presence, restore_timeout_s, close_timeout_s):
        #: The run's name.
        self.run: str = run
        #: This process's rank.
        self.rank: int = rank
        #: Number of ranks.
        self.world_size: int = world_size
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._restore_timeout_s = restore_timeout_s
        self._close_timeout_s = close_timeout_s
        self._touching = BackgroundThread("checkpointer-touch")
        self._capturing = BackgroundThread("checkpointer-capture")
        # What a save and a restore work with.
        self._client = client
        self._counters = counters
        self._log = log
        self._parts = _Parts(client, copier, counters, log, self._pretouch)
        self._presence = presence
        self._closed = False
        self._overlapped: SaveJob | None = None
        self._layout = None  # (signature, Layout) of the last state
        self._must_restore = client.resume_from is not None
        self._save_was_in_order = False
        self._report_was_in_order = False
        self._last_report_at: float | None = None
        self._reported_stall_s = 0.0
        atexit.register(self._close_at_exit)

    @property
    def attempt(self) -> int:
        """This attempt's number."""
        return self._client.attempt

    @property
    def fenced(self) -> bool:
        """Whether the run was rolled back or a newer start of it runs: nothing done here counts any more."""
        return self._client.fenced is not None

    @property
    def counters(self) -> Counters:
        """The counts so far."""
        return self._counters.values

    def restore(self, state) -> Restored | None:
        """Fills the tensors of ``state``, in place, with the state that the run resumes from.

        What the tensors are decides what is fetched: the same ones as saved, or for :class:`Sharded` ones any other
        slices. Returns None, and changes nothing, if the run starts from scratch. Call it on all ranks, before
        training, also on a fresh run: it lets the agent prepare memory before the first save needs it.

        Raises :class:`RestoreError` if the state cannot be restored exactly (missing tensors, other dtypes or shapes,
        no good copy left); the tensors' contents are then undefined. Raises :class:`Fenced` if the run was rolled back or
        started anew meanwhile. Raises ``TypeError`` or ``ValueError``, before
        anything is changed, for a state that no checkpoint can have.
        """
        if self._is_unusable():
            raise RestoreError(SESSION_CLOSED, self._why_unusable())
        with self._lock:
            self._release_overlapped()
            leaves, layout = self._describe(state)
            self._raise_if_fenced()
            try:
                restored = restoring.restore(self._parts, leaves, layout, self._restore_timeout_s)
            except CheckpointerError:
                self._raise_if_fenced()
                raise
            self._must_restore = False
            self._last_report_at = time.monotonic()
        if restored is None:
            self._log.info("starts from scratch")
        else:
            self._log.info(f"restored step {restored.step}.{restored.attempt} from {restored.tier}")
        return restored

    def report(
        self,
        step: int,
        loss: float | None = None,
        grad_norm: float | None = None,
        skipped: bool = False,
        data_cursor=None,
        rng_digest: str | None = None,
        step_ms: float | None = None,
    ) -> None:
        """Tells the ledger of a completed step. Never blocks: it is sent in the background, in order.

        :param step: the step completed, from 1, each exactly once and in order.
        :param loss: its loss; compared bit for bit if the step is ever replayed. A tensor of one element is accepted
            and read here, which for a device tensor waits for the device.
        :param grad_norm: the global gradient norm before clipping; compared likewise.
        :param skipped: whether the optimizer update was skipped (a loss scaler met non-finite gradients).
        :param data_cursor: where in the data the next step begins: a JSON value, at most 4 KiB.
        :param rng_digest: digest of the random number generators after the step, at most 128 characters.
        :param step_ms: how long it took; default the time since the report before (or the restore).

        Only rank 0's reports feed the ledger; other ranks may report, or not.
        """
        if self._is_unusable():
            if os.getpid() == self._pid:
                self._log.warn("closed", f"step {step} not reported: {self._why_unusable()}")
            return
        self._raise_if_fenced()
        now = time.monotonic()
        if step_ms is None and self._last_report_at is not None:
            step_ms = 1000 * (now - self._last_report_at)
        self._last_report_at = now
        try:
            report = {"step": _step(step)}
            measured = (("loss", loss), ("grad_norm", grad_norm), ("step_ms", step_ms), ("stall_ms", self._stall_ms()))
            for name, value in measured:
                if value is not None:
                    report[name] = json_text.number(_float(value, name))
            if skipped:
                report["skipped"] = True
            if data_cursor is not None:
                json_text.dump(data_cursor, MAX_CURSOR_BYTES, "data_cursor")
                report["data_cursor"] = data_cursor
            if rng_digest is not None:
                if not isinstance(rng_digest, str) or len(rng_digest) > MAX_DIGEST_CHARACTERS:
                    raise StateValueError(f"rng_digest must be text of at most {MAX_DIGEST_CHARACTERS} characters.")
                report["rng_digest"] = rng_digest
            self._parts.reporter.add(report)
            self._presence.reached(report["step"])
            self._report_was_in_order = True
        except CheckpointerError as error:
            if not self._report_was_in_order:
                raise
            self._counters.add(reports=1, reports_dropped=1)
            self._log.warn("report_invalid", f"step {step} not reported: {error}")

    def save(self, step: int, state, extra: dict | None = None, durable: bool = True, overlap: bool = False) -> Ticket:
        """Captures ``state`` as of ``step``; all ranks save the same steps.

        :param step: the number of completed updates, from 1.
        :param state: nested dicts, lists and tuples of tensors and :class:`Sharded`.
        :param extra: a JSON object given back by ``restore``, at most 256 KiB: schedulers, data cursors.
        :param durable: whether to store it as a checkpoint, or to keep it in memory only.
        :param overlap: return at once and copy in the background: then call :meth:`before_update` before the next
            ``optimizer.step()``, and write to the tensors in no other way before it.

        Without ``overlap`` the bytes are captured when it returns. Hashing and storing go on in the agent; the ticket
        tells how far. It does not raise for trouble; see the class for misuse and :class:`Fenced`.
        """
        if self._is_unusable():
            # Without locks or logging: a forked child may have inherited them locked.
            if os.getpid() == self._pid:
                self._log.warn("closed", f"step {step} not saved: {self._why_unusable()}")
            return failed(step, self.attempt, durable, CheckpointerError(SESSION_CLOSED, self._why_unusable()))
        self._raise_if_fenced()
        started = time.perf_counter()
        with self._lock:
            self._counters.add(saves=1)
            self._release_overlapped()
            try:
                job = self._prepare(step, state, extra, durable, overlap)
                self._save_was_in_order = True
                self._presence.reached(job.ticket.step)
            except Exception as error:  # the loop's edge: from the first good save on, no save may end the run
                if not self._save_was_in_order:
                    self._counters.add(saves_failed=1)
                    raise
                return self._refused(step, durable, error)
            if overlap:
                self._overlapped = job
                self._capturing.submit(job.run)
            else:
                job.run()
                self._raise_if_fenced()
            self._counters.stalled(time.perf_counter() - started, first=True)
            return job.ticket

    def before_update(self) -> None:
        """Waits until an overlapped save has copied the tensors: call it just before ``optimizer.step()``.

        Costs nothing if there is none. If the agent has not even given a slot within two seconds, that save is given
        up. Raises :class:`Fenced`, also on ranks that report and save nothing.
        """
        if self._closed or os.getpid() != self._pid:
            return
        self._raise_if_fenced()
        if self._overlapped is None:
            return
        with self._lock:
            started = time.perf_counter()
            self._release_overlapped()
            self._counters.stalled(time.perf_counter() - started, first=False)
        self._raise_if_fenced()

    def close(self) -> None:
        """Ends the session: lets a running capture finish and delivers the last reports, at most ``close_timeout_s``.

        What was captured is the agent's and goes on to storage without this process. May be called twice; runs at exit.
        """
        if os.getpid() != self._pid:
            return
        self._end(None)

    def _close_at_exit(self) -> None:
        if os.getpid() == self._pid:
            self._end(ending_error(getattr(sys, "last_value", None)))

    def _end(self, error: str | None) -> None:
        with self._lock:
            if self._closed:
                return
            if error is not None:
                self._presence.close(error, _GOODBYE_WAIT_S)  # at once: a scheduler waits for it
            self._release_overlapped()
            self._capturing.close(self._close_timeout_s)
            self._parts.reporter.close(self._close_timeout_s)
            self._closed = True
            self._presence.close(None, _GOODBYE_WAIT_S)
            self._touching.close(0.0)
            self._parts.close()
            atexit.unregister(self._close_at_exit)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, _kind, error, _trace) -> None:
        if os.getpid() == self._pid:
            self._end(ending_error(error))

    def __repr__(self) -> str:
        return f"<Session run {self.run}, rank {self.rank} of {self.world_size}, attempt {self.attempt}>"

    def _stall_ms(self) -> float | None:
        """How long saves held the loop since the report before; None if none did."""
        before, self._reported_stall_s = self._reported_stall_s, self._counters.values.stall_s
        return 1000 * (self._reported_stall_s - before) or None

    def _prepare(self, step, state, extra, durable: bool, overlap: bool) -> SaveJob:
        step = _step(step)
        leaves, layout = self._describe(state)
        extra_text = self._extra(extra)
        self._check_restored()
        ticket = Ticket(step, self.attempt, bool(durable), self._client)
        return SaveJob(self._parts, ticket, leaves, layout, extra_text, DeviceFence(leaves), overlap)

    def _describe(self, state):
        leaves = states.flatten(state, self.rank)
        signature = [item.signature() for item in leaves]
        if self._layout is None or self._layout[0] != signature:
            self._layout = (signature, layouts.build(leaves, self.rank))
        return leaves, self._layout[1]

    def _extra(self, extra) -> str | None:
        if extra is None:
            return None
        if not isinstance(extra, dict):
            raise StateTypeError(f"extra is a {type(extra).__qualname__}; it must be a dict.")
        return json_text.dump(extra, MAX_EXTRA_BYTES, "extra")

    def _check_restored(self) -> None:
        if self._must_restore:
            raise StateValueError(
                f"This attempt resumes from {self._client.resume_from}: call session.restore(state) before save()."
            )

    def _refused(self, step, durable: bool, error: Exception) -> Ticket:
        if not isinstance(error, CheckpointerError):
            error = CheckpointerError(INTERNAL, f"{type(error).__name__}: {error}")
        self._counters.add(saves_failed=1)
        self._log.warn(f"save:{error.code}", f"step {step} was not saved: {error}")
        return failed(step, self.attempt, durable, error)

    def _raise_if_fenced(self) -> None:
        fenced = self._client.fenced
        if fenced is not None:
            raise Fenced(fenced.code, fenced.message)

    def _release_overlapped(self) -> None:
        job, self._overlapped = self._overlapped, None
        if job is not None:
            job.release_tensors()

    def _is_unusable(self) -> bool:
        return self._closed or os.getpid() != self._pid

    def _why_unusable(self) -> str:
        return "the session is closed" if self._closed else "the session belongs to the process this was forked from"

    def _pretouch(self, locations: list) -> None:
        for location in locations:
            self._touching.submit(lambda location=location: self._touch(location))

    def _touch(self, location) -> None:
        """Maps a slot once the agent has made all its pages, and makes this process's table entries for them.

        Not before: the first to touch a page is charged for it, and arenas are on the agent's account.
        """
        deadline = time.monotonic() + _PRETOUCH_WAIT_S
        length = location.data_offset + location.data_bytes
        while not self._closed and time.monotonic() < deadline:
            try:
                facts = os.stat(location.path)
                if facts.st_size >= length and facts.st_blocks * 512 >= length:
                    self._parts.arena.touch(location)
                    return
            except (OSError, CheckpointerError):
                pass  # not made yet, or of another generation: a save will say so if it matters
            time.sleep(_PRETOUCH_PAUSE_S)


class _Parts:
    """What saves and restores of one session share."""

    def __init__(self, client, copier, counters, log, pretouch):
        self.client = client
        self.copier = copier
        self.counters = counters
        self.log = log
        self.arena = Arena()
        self.quiet = QuietPeriod()
        self.registration = Registration(client, pretouch)
        self.reporter = Reporter(client, counters, log, keeps_until_acknowledged=client.rank == 0)

    def close(self) -> None:
        self.copier.close()
        self.arena.close()
        self.client.close()


def _step(value) -> int:
    try:
        step = value.__index__()
    except AttributeError:
        raise StateTypeError(f"step is a {type(value).__qualname__}; it must be a whole number.") from None
    if isinstance(value, bool) or not 1 <= step <= MAX_STEP:
        raise StateValueError(f"step is {value}; steps are from 1 to {MAX_STEP}.")
    return step


def _float(value, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise StateTypeError(f"{name} is {value!r}; it must be a number.") from None
