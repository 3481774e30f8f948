"""Logging that cannot flood: a job of a thousand ranks with a broken store says so once a minute, not once a step."""

from __future__ import annotations

import logging
import threading
import time

#: The package's logger; it has no handlers of its own.
LOGGER = logging.getLogger("checkpointer")
#: Shortest time between two messages of one kind.
INTERVAL_S = 60.0


class RateLimitedLog:
    """Passes the first message of a kind and then one a minute, with the count of those held back. Thread-safe."""

    def __init__(self, prefix: str, interval_s: float = INTERVAL_S, clock=time.monotonic):
        self._prefix = prefix
        self._interval_s = interval_s
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[str, list] = {}  # kind -> [time of the last message, held back since]

    def warn(self, kind: str, message: str) -> None:
        """Logs ``message`` unless one of the same kind was logged less than the interval ago."""
        with self._lock:
            now = self._clock()
            state = self._kinds.get(kind)
            if state is not None and now - state[0] < self._interval_s:
                state[1] += 1
                return
            held_back = state[1] if state else 0
            self._kinds[kind] = [now, 0]
        more = f" ({held_back} more like it since the last message)" if held_back else ""
        LOGGER.warning("%s: %s%s", self._prefix, message, more)

    def warn_always(self, message: str) -> None:
        """Logs a warning, unlimited: for whoever keeps a pace of their own."""
        LOGGER.warning("%s: %s", self._prefix, message)

    def error(self, message: str, exc_info=None) -> None:
        """Logs an error, unlimited: for what happens once."""
        LOGGER.error("%s: %s", self._prefix, message, exc_info=exc_info)

    def info(self, message: str) -> None:
        """Logs progress."""
        LOGGER.info("%s: %s", self._prefix, message)
