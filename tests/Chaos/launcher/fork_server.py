"""A node's launcher: ranks of the trainer as forked processes, so that a restart costs no second import of PyTorch.

fork_server.py SOCKET: each connection is one rank. A line of JSON comes in (environment, arguments, log); the process id
goes out at once, and the exit status when the process has ended (128 + the signal that ended it).
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import traceback

import train

_LOOK_EVERY_S = 0.02


def main() -> None:
    """Serves until it is killed."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(sys.argv[1])
    listener.listen(16)
    connections = {}
    while True:
        if select.select([listener], [], [], _LOOK_EVERY_S)[0]:
            connection, _ = listener.accept()
            order = json.loads(connection.makefile().readline())
            pid = os.fork()
            if pid == 0:
                listener.close()
                for other in (connection, *connections.values()):
                    other.close()
                _become_rank(order)
            connection.sendall(f"{pid}\n".encode())
            connections[pid] = connection
        _tell_of_ended(connections)


def _tell_of_ended(connections: dict) -> None:
    while connections:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        code = os.waitstatus_to_exitcode(status)
        with connections.pop(pid) as connection:
            try:
                connection.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
            except OSError:
                pass  # whoever asked for this rank is gone


def _become_rank(order: dict) -> None:
    """Trains, and never returns."""
    status = 1
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(order["environment"])
        train.main(order["arguments"])
        status = 0
    except SystemExit as error:
        status = error.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
