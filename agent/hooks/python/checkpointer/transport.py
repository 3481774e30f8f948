"""HTTP/1.1 and JSON over the agent's Unix-domain socket."""

from __future__ import annotations

import http.client
import json
import os
import select
import socket
import threading

from .errors import AgentProblem, AgentUnavailable

#: Longest answer that is read; the contract's are far shorter.
MAX_ANSWER_BYTES = 4 << 20
#: Longest path of a Unix-domain socket on Linux.
MAX_SOCKET_PATH_BYTES = 107
#: Connections kept open between calls.
MAX_IDLE = 4


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float):
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.connect(self._path)
        except BaseException:
            connection.close()
            raise
        self.sock = connection


class Transport:
    """A pool of connections to one agent. Thread-safe.

    It neither retries nor judges: a call gives the parsed answer, raises :class:`AgentProblem` for an answer that is a
    problem, or :class:`AgentUnavailable`. ``losses`` counts every sign that the agent may have restarted.
    """

    def __init__(self, path: str):
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            raise ValueError(f"The socket path {path!r} is longer than the {MAX_SOCKET_PATH_BYTES} bytes Linux allows.")
        self.path = path
        self.losses = 0
        self._idle: list[_UnixConnection] = []
        self._closed = False
        self._lock = threading.Lock()

    def call(self, method: str, target: str, body: bytes | None = None, timeout_s: float = 5.0) -> dict:
        """One call; the answer's JSON object (empty if it has no body)."""
        connection = self._take(timeout_s)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._lost()
            timed_out = isinstance(error, (socket.timeout, TimeoutError))
            what = f"did not answer within {timeout_s:.3g} s" if timed_out else f"cannot be reached ({error!r})"
            raise AgentUnavailable(f"The agent at {self.path} {what}.", timed_out) from error
        except BaseException:
            connection.close()  # interrupted half way: the answer would meet the next call
            raise
        if len(content) > MAX_ANSWER_BYTES:
            connection.close()
            raise AgentUnavailable(f"The agent at {self.path} answered more than {MAX_ANSWER_BYTES} bytes.")
        if answer.will_close:
            connection.close()
        else:
            self._give_back(connection)
        return _read(answer, content, f"{method} {target.partition('?')[0]}")

    def sweep(self) -> None:
        """Drops idle connections that the agent has closed, counting them as lost."""
        with self._lock:
            dead = [connection for connection in self._idle if not _is_quiet(connection.sock)]
            self._idle = [connection for connection in self._idle if connection not in dead]
            self.losses += len(dead)
        for connection in dead:
            connection.close()

    def close(self) -> None:
        """Closes idle connections; later calls open one each and close it."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self, timeout_s: float) -> _UnixConnection:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return _UnixConnection(self.path, timeout_s)
            if _is_quiet(connection.sock):
                connection.timeout = timeout_s
                connection.sock.settimeout(timeout_s)
                return connection
            connection.close()  # closed by the agent, which may be another one by now
            self._lost()

    def _give_back(self, connection: _UnixConnection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _lost(self) -> None:
        with self._lock:
            self.losses += 1


def _is_quiet(connection: socket.socket | None) -> bool:
    """Whether an idle connection still stands: nothing to read, not even its end."""
    if connection is None:
        return False
    poll = select.poll()  # unlike select, not limited to descriptors below 1,024
    poll.register(connection, select.POLLIN)
    return not poll.poll(0)


def _read(answer: http.client.HTTPResponse, content: bytes, call: str) -> dict:
    try:
        value = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        value = None
    if 200 <= answer.status < 300:
        if not isinstance(value, dict):
            raise AgentUnavailable(f"The agent answered {call} with something that is no JSON object.")
        return value
    if isinstance(value, dict) and isinstance(value.get("code"), str):
        detail = value.get("detail") or value.get("title") or ""
        raise AgentProblem(value["code"], str(detail), value.get("transient") is True, answer.status)
    if answer.status == 404:
        raise AgentProblem("not_found", f"{call} was answered 404 without a problem body.", False, 404)
    if answer.status >= 500 or answer.status in (408, 429):
        raise AgentUnavailable(f"The agent answered {call} with {answer.status} and no problem body.")
    raise AgentProblem("invalid_request", f"{call} was answered {answer.status}.", False, answer.status)
