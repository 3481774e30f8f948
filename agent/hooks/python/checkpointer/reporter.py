"""Step reports, sent in order by a thread of their own, so that the loop never waits for them.

Reports are kept until the ledger holds them durably, and repeated when the agent restarts: the agent only has them in
memory until then, and an equal repeat changes nothing.
"""

from __future__ import annotations

import collections
import json
import threading
import time

from .errors import AgentUnavailable, CheckpointerError

#: Reports kept while they cannot be delivered or acknowledged; beyond it the oldest are lost.
MAX_KEPT = 16_384
#: Reports in one call.
MAX_BATCH = 1_024
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_ACKNOWLEDGE_PAUSE_S = 0.05


class _Entry:
    __slots__ = ("number", "step", "text")

    def __init__(self, number: int, step: int, text: str):
        self.number = number
        self.step = step
        self.text = text


class Reporter:
    """The queue and its thread. Thread-safe.

    :param keeps_until_acknowledged: for rank 0, whose reports make the ledger; other ranks' are done once sent.
    """

    def __init__(self, client, counters, log, keeps_until_acknowledged: bool, max_kept: int = MAX_KEPT):
        self._client = client
        self._counters = counters
        self._log = log
        self._keeps = keeps_until_acknowledged
        self._max_kept = max_kept
        self._changed = threading.Condition()
        # Entries in order; the first _sent of them are with the agent, the ledger has none of them for sure.
        self._entries: collections.deque = collections.deque()
        self._sent = 0
        self._added = 0
        self._epoch = client.epoch
        self._calls = 0
        self._failed_call = 0
        self._failure: CheckpointerError | None = None
        self._hurry = False
        self._one_by_one = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._loop, name="checkpointer-reports", daemon=True)
        self._thread.start()

    def add(self, report: dict) -> None:
        """Queues a report. Its JSON is made here and now: what it refers to may change later."""
        text = json.dumps(report, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        dropped = 0
        with self._changed:
            self._added += 1
            self._entries.append(_Entry(self._added, report["step"], text))
            while len(self._entries) > self._max_kept:
                self._entries.popleft()
                # One that the agent has is merely not repeated any more.
                if self._sent:
                    self._sent -= 1
                else:
                    dropped += 1
            self._changed.notify_all()
        self._counters.add(reports=1, reports_dropped=dropped)
        if dropped:
            self._log.warn("reports_dropped", f"more than {self._max_kept} step reports wait; the oldest are lost")

    def flush(self, timeout_s: float) -> None:
        """Returns when all reports so far are with the agent; raises what prevents it."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._rewind_if_restarted()
            upto = self._added
            calls = self._calls  # one that is on its way now may fail for a reason that is over
            self._hurry = True
            self._changed.notify_all()
            while self._unsent_up_to(upto):
                if self._failed_call > calls and self._failure is not None:
                    raise self._failure
                if self._client.fenced is not None:
                    raise self._client.fenced
                remaining_s = deadline - time.monotonic()
                if remaining_s <= 0 or self._stopping:
                    raise AgentUnavailable("Step reports could not be handed to the agent in time.", timed_out=True)
                self._changed.wait(remaining_s)

    def close(self, timeout_s: float) -> None:
        """Sends what waits, and for rank 0 waits until the ledger holds it; gives up after ``timeout_s``, and says so."""
        deadline = time.monotonic() + timeout_s
        try:
            while time.monotonic() < deadline:
                try:
                    self.flush(max(0.0, deadline - time.monotonic()))
                    if not self._entries:
                        break
                    self._acknowledge()
                except CheckpointerError as error:
                    if not error.transient:
                        self._log.error(f"the last step reports are given up: {error}")
                        break
                time.sleep(min(_ACKNOWLEDGE_PAUSE_S, max(0.0, deadline - time.monotonic())))
        finally:
            with self._changed:
                self._stopping = True
                sent = self._sent
                left = len(self._entries) - sent
                self._changed.notify_all()
        if left:
            self._counters.add(reports_dropped=left)
            self._log.error(f"closed with {left} step reports not handed to the agent")
        if sent:
            self._log.error(
                f"closed before the ledger held the last {sent} step reports (is the service down?): the agent goes on "
                "delivering them, and they are lost only if it ends first"
            )
        self._thread.join(min(1.0, timeout_s))

    def _loop(self) -> None:
        pause_s = 0.0
        while True:
            with self._changed:
                if pause_s and not self._hurry:
                    self._changed.wait_for(lambda: self._hurry or self._stopping, pause_s)
                self._changed.wait_for(lambda: self._stopping or self._sent < len(self._entries))
                self._hurry = False
                self._calls += 1
                if self._stopping:
                    return
            try:
                self._send_batch()
                pause_s = 0.0
            except CheckpointerError as error:
                pause_s = min(max(_FIRST_PAUSE_S, 2 * pause_s), _LONGEST_PAUSE_S)
                self._failed(error)
            except Exception as error:  # the loop's edge: a bug must not end reporting in silence
                pause_s = _LONGEST_PAUSE_S
                self._failed(CheckpointerError("internal", repr(error)))

    def _send_batch(self) -> None:
        self._client.revive()
        with self._changed:
            self._rewind_if_restarted()
            epoch = self._epoch
            size = 1 if self._one_by_one else MAX_BATCH
            batch = [self._entries[i] for i in range(self._sent, min(len(self._entries), self._sent + size))]
        if not batch:
            return
        try:
            answer = self._post(batch)
        except CheckpointerError as error:
            if error.code == "not_found":
                self._client.revive(forgotten=True)
                return
            if error.transient or self._client.fenced is not None:
                raise
            self._refused(batch, error)
            return
        with self._changed:
            if epoch == self._epoch:
                self._settle(batch[-1].number, answer)
            self._one_by_one = max(0, self._one_by_one - len(batch))
            self._changed.notify_all()

    def _acknowledge(self) -> None:
        try:
            answer = self._post([])
        except CheckpointerError as error:
            if error.code != "not_found":
                raise
            # Another agent by now, which has none of them: the next flush hands them to it.
            self._client.revive(forgotten=True)
            return
        with self._changed:
            self._trim(answer)

    def _post(self, batch: list) -> dict:
        reports = ",".join(entry.text for entry in batch)
        body = f'{{"attempt":{self._client.attempt},"reports":[{reports}]}}'
        answer = self._client.rank_call("POST", "reports", body.encode("utf-8"))
        self._client.saw_instance(answer.get("agent_instance"))
        return answer

    def _settle(self, number: int, answer: dict) -> None:
        while self._sent < len(self._entries) and self._entries[self._sent].number <= number:
            self._sent += 1
        self._trim(answer)

    def _trim(self, answer: dict) -> None:
        ledger_step = answer.get("ledger_step")
        while self._sent and (
            not self._keeps or (type(ledger_step) is int and self._entries[0].step <= ledger_step)
        ):
            self._entries.popleft()
            self._sent -= 1

    def _refused(self, batch: list, error: CheckpointerError) -> None:
        """The agent won't have one of them, ever: find which, drop it, go on with the others."""
        if len(batch) > 1:
            self._one_by_one = len(batch)
            return
        with self._changed:
            if self._sent < len(self._entries) and self._entries[self._sent] is batch[0]:
                del self._entries[self._sent]
            self._one_by_one = max(0, self._one_by_one - 1)
            self._changed.notify_all()
        self._counters.add(reports_dropped=1)
        self._log.warn("report_refused", f"the report of step {batch[0].step} was refused: {error}")

    def _failed(self, error: CheckpointerError) -> None:
        with self._changed:
            self._failed_call = self._calls
            self._failure = error
            if self._client.fenced is not None:
                self._counters.add(reports_dropped=len(self._entries) - self._sent)
                self._entries.clear()
                self._sent = 0
            self._changed.notify_all()
        if self._client.fenced is None:
            self._log.warn(f"reports:{error.code}", f"step reports wait: {error}")

    def _rewind_if_restarted(self) -> None:
        if self._epoch != self._client.epoch:
            self._epoch = self._client.epoch
            self._counters.add(reports_resent=self._sent)
            self._sent = 0

    def _unsent_up_to(self, number: int) -> bool:
        return self._sent < len(self._entries) and self._entries[self._sent].number <= number
