"""A thread for one thing at a time: overlapped captures, and touching slots before they are needed."""

from __future__ import annotations

import queue
import threading


class BackgroundThread:
    """Runs what it is given, in order, on a daemon thread that starts with the first. Thread-safe."""

    def __init__(self, name: str):
        self._name = name
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, work) -> None:
        """Queues ``work``, a callable that does not raise."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
                self._thread.start()
        self._work.put(work)

    def close(self, timeout_s: float) -> None:
        """Lets it end after what is queued, waiting at most ``timeout_s``."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            thread.join(timeout_s)

    def _loop(self) -> None:
        while True:
            work = self._work.get()
            if work is None:
                return
            work()
            del work  # else the last save's tensors would live until the next
