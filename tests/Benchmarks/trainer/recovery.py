"""One rank of the recovery benchmark's world, through the real hooks.

Usage: recovery.py hold|restore --rank R --bytes N [--durable]

``hold`` resumes (or starts), saves one step more, says which on standard output, and waits to be killed. ``restore`` restores and
prints one JSON object of seconds, with what the same bytes cost bare: a copy in memory, and a transfer over loopback TCP.
"""

import argparse
import json
import os
import signal
import socket
import sys

import torch

import checkpointer
from bench import bytes_of, copy_all, make_state, seconds, tensors_of

WORLD_SIZE = 2
TIMEOUT_S = 300
SEND_BYTES = 1 << 20


def hold(arguments) -> None:
    state = make_state(arguments.bytes)
    session = checkpointer.connect(rank=arguments.rank, world_size=WORLD_SIZE)
    restored = session.restore(state)
    step = restored.step + 1 if restored else 1
    session.report(step)
    until = "durable" if arguments.durable else "sealed"
    ticket = session.save(step, state, durable=arguments.durable)
    if ticket.wait(until=until, timeout_s=TIMEOUT_S) not in (until, "durable"):
        sys.exit(f"a save was not {until}: {ticket.error}")
    print(json.dumps({"step": step}), flush=True)
    signal.pause()


def restore(arguments) -> None:
    state = make_state(arguments.bytes, fill=False)
    source = [torch.full_like(tensor, 1) for tensor in tensors_of(state)]
    sessions, restored = [], []
    connect = seconds(lambda: sessions.append(checkpointer.connect(rank=arguments.rank, world_size=WORLD_SIZE)))
    elapsed = seconds(lambda: restored.append(sessions[0].restore(state)))
    if restored[0] is None:
        sys.exit("nothing was restored")
    result = {"bytes": bytes_of(state), "connect": connect, "restore": elapsed, "step": restored[0].step}
    result |= {f"from_{tier}": float(restored[0].tier == tier) for tier in ("local_memory", "peer_memory", "storage")}
    sessions[0].close()
    result["memcpy"] = min(seconds(lambda: copy_all(tensors_of(state), source)) for _ in range(3))
    result["tcp"] = min(loopback(source) for _ in range(3))
    print(json.dumps(result), flush=True)


def loopback(tensors: list) -> float:
    """Sends the tensors' bytes from another process over TCP into warm memory."""
    listener = socket.create_server(("127.0.0.1", 0))
    views = [memoryview(tensor.view(torch.uint8).numpy()) for tensor in tensors]
    sender = os.fork()
    if sender == 0:
        with socket.create_connection(listener.getsockname()) as connection:
            connection.recv(1)
            for view in views:
                for at in range(0, len(view), SEND_BYTES):
                    connection.sendall(view[at : at + SEND_BYTES])
        os._exit(0)
    target = memoryview(bytearray(max(len(view) for view in views)))
    connection, _ = listener.accept()

    def receive() -> None:
        connection.sendall(b"!")
        for view in views:
            left = target[: len(view)]
            while left:
                left = left[connection.recv_into(left) :]

    elapsed = seconds(receive)
    connection.close()
    listener.close()
    os.waitpid(sender, 0)
    return elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=["hold", "restore"])
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--durable", action="store_true")
    arguments = parser.parse_args()
    (hold if arguments.mode == "hold" else restore)(arguments)


if __name__ == "__main__":
    main()
