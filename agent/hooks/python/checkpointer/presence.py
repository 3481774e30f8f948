"""The trainer's presence: one connection to the agent that is open for as long as this process lives.

When it breaks off without a goodbye, the agent knows within milliseconds that the process died. A line a second tells that
it lives, and how far it is. All of it is on a daemon thread of its own: training never waits for it, and no trouble of it
is told to the loop.
"""

from __future__ import annotations

import json
import os
import select
import socket
import threading
import weakref

from .errors import Fenced
from .tensors import torch_module

#: Between two signs of life.
BEAT_S = 1.0
_CONNECT_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_MAX_CARD_CHARACTERS = 128
_MAX_ERROR_CHARACTERS = 512
_MAX_HEAD_BYTES = 16 << 10


_ALIVE: weakref.WeakSet = weakref.WeakSet()


def _forget_in_child() -> None:
    for presence in list(_ALIVE):
        presence.forget_in_child()


os.register_at_fork(after_in_child=_forget_in_child)


class Presence:
    """The connection and its thread. Thread-safe."""

    def __init__(self, client, socket_path: str, run: str, rank: int, beat_s: float = BEAT_S):
        self._client = client
        self._path = socket_path
        self._target = f"/v1/runs/{run}/ranks/{rank}/presence"
        self._beat_s = beat_s
        self._pid = os.getpid()
        self._step: int | None = None
        self._error: str | None = None
        self._closing = threading.Event()
        self._connection: socket.socket | None = None
        self._wake_reader, self._wake_writer = socket.socketpair()
        _ALIVE.add(self)
        self._thread = threading.Thread(target=self._loop, name="checkpointer-presence", daemon=True)
        self._thread.start()

    def reached(self, step: int) -> None:
        """A step was completed or saved; told with the next beat."""
        if self._step is None or step > self._step:
            self._step = step

    def close(self, error: str | None, timeout_s: float) -> None:
        """Takes leave; ``error`` is the exception that ends the process, if one does."""
        if os.getpid() != self._pid or self._closing.is_set():
            return
        self._error = error
        self._closing.set()
        try:
            self._wake_writer.send(b"x")
        except OSError:
            pass  # the thread has ended
        self._thread.join(timeout_s)

    def forget_in_child(self) -> None:
        """A forked child (a data loader's worker) must not keep the connection open when its parent is killed."""
        if self._connection is not None:
            self._connection.close()

    def _loop(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._closing.is_set() and self._client.fenced is None:
            try:
                connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                with connection:
                    self._connection = connection
                    if self._stay(connection):
                        pause_s = _FIRST_PAUSE_S
            except Exception:  # the thread's edge: presence must never be what disturbs a trainer
                pass
            # The agent restarted, or does not know us since it did, or is older than this call.
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._wake_writer.close()
        self._wake_reader.close()

    def _stay(self, connection: socket.socket) -> bool:
        """Holds one connection to its end; whether the agent had accepted it."""
        connection.settimeout(_CONNECT_TIMEOUT_S)
        connection.connect(self._path)
        connection.sendall(
            f"POST {self._target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        told = card()
        _send(connection, {"attempt": self._client.attempt, "pid": self._pid, "step": self._step, "card": told})
        if not _is_accepted(connection):
            return False
        while True:
            readable, _, _ = select.select([connection, self._wake_reader], [], [], self._beat_s)
            if self._closing.is_set():
                _send(connection, {"step": self._step, "goodbye": True, "error": self._error})
                connection.sendall(b"0\r\n\r\n")
                _drain(connection)
                return True
            if connection in readable:
                return True  # the answer ended, and with it the agent
            now = card() if told is None else None
            told = told or now
            _send(connection, {"step": self._step, "card": now})


def card() -> str | None:
    """This process's accelerator card: ``CHECKPOINTER_CARD``, else the device's uuid or index, else None.

    Only looks at a device that the trainer uses already, and asks nothing that could wait for it.
    """
    named = os.environ.get("CHECKPOINTER_CARD")
    if named:
        return named[:_MAX_CARD_CHARACTERS]
    try:
        torch = torch_module()
        for kind in ("cuda", "npu"):
            accelerator = getattr(torch, kind, None) if torch is not None else None
            if accelerator is None or not accelerator.is_initialized():
                continue
            index = accelerator.current_device()
            uuid = getattr(accelerator.get_device_properties(index), "uuid", None)
            return f"{kind}:{index}" if uuid is None else f"{kind}:{index} {uuid}"[:_MAX_CARD_CHARACTERS]
    except Exception:  # frameworks differ; a card without a name is no trouble
        pass
    return None


def ending_error(error: BaseException | None) -> str | None:
    """The exception that ends this process, as text; None for none, and for those that are no failure."""
    if error is None or isinstance(error, (Fenced, KeyboardInterrupt, SystemExit, GeneratorExit)):
        return None
    try:
        text = str(error)
    except Exception:
        text = "(its text cannot be made)"
    return f"{type(error).__name__}: {text}"[:_MAX_ERROR_CHARACTERS]


def _send(connection: socket.socket, line: dict) -> None:
    data = json.dumps({name: value for name, value in line.items() if value is not None}).encode() + b"\n"
    connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _is_accepted(connection: socket.socket) -> bool:
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        if not received or len(head) > _MAX_HEAD_BYTES:
            return False
        head += received
    return head.startswith(b"HTTP/1.1 200")


def _drain(connection: socket.socket) -> None:
    """Waits until the agent has read the goodbye: closed too early, a socket may take it back."""
    while connection.recv(4096) not in (b"", b"0\r\n\r\n"):
        pass
