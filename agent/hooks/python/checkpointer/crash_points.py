"""Named places in a save, a join and a restore, at which a test can stop or kill this process. In production they do nothing.

When the environment names the Unix socket of a listener and places, ``path;name;name`` (tests only), this process tells it
of each of those and waits there for its word; the agent and the service do the same at theirs.
"""

from __future__ import annotations

import os
import socket

#: The environment variable that names the listener's socket and the places it wants to hear of.
LISTENER_VARIABLE = "CHECKPOINTER_CRASH_POINT_LISTENER"

#: The process group stands; the agent was not asked for an attempt yet.
JOINING = "trainer.joining"
#: The agent has given a slot; nothing is copied yet.
CAPTURING = "trainer.capturing"
#: All bytes are in the slot; the agent does not know yet.
CAPTURED = "trainer.captured"
#: The image is rebuilt and verified; no tensor is filled yet.
RESTORING = "trainer.restoring"

_listener, *_wanted = os.environ.get(LISTENER_VARIABLE, "").split(";")


def reach(name: str) -> None:
    """Waits here while a listener, if there is one, wants it."""
    if name in _wanted:
        _announce(name)


def _announce(name: str) -> None:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(_listener)
            connection.sendall(f"{os.getpid()} {name}\n".encode("ascii"))
            connection.recv(1)
    except OSError:
        pass  # the test is over, and so is its interest
