"""The trainer's side of the benchmarks: a state of a given size, saved and restored through the real hooks.

Usage: bench.py stage|drain|prepare|restore --bytes N --rounds R --scratch DIR [--peers URL]

With --peers the store is S3: whoever started this program measures the peers when asked, at that URL.

Prints one JSON object of measured seconds (each the median over the rounds) on the last line of standard output.
Rounds interleave what is compared, so that a machine whose speed drifts does not favour one of them.
"""

import argparse
import concurrent.futures
import glob
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request

import torch

import checkpointer

TENSOR_BYTES = 32 << 20
PACK_BYTES = 256 << 20
RAW_THREADS = 4  # as many as the agent uploads at once
# Mixed-precision Adam: per parameter 2 bytes of bf16 weight, 4 each of fp32 master, first and second moment.
PARTS = {"weight": torch.bfloat16, "master": torch.float32, "exp_avg": torch.float32, "exp_avg_sq": torch.float32}
BYTES_PER_PARAMETER = 14


def make_state(total_bytes: int, fill: bool = True) -> dict:
    """Tensors as a trainer's rank has them, about ``total_bytes`` in all."""
    generator = torch.Generator().manual_seed(7)
    parameters = total_bytes // BYTES_PER_PARAMETER
    state = {}
    for part, dtype in PARTS.items():
        per_tensor = TENSOR_BYTES // torch.empty(0, dtype=dtype).element_size()
        state[part] = {}
        for i, start in enumerate(range(0, parameters, per_tensor)):
            count = min(per_tensor, parameters - start)
            values = torch.empty(count, dtype=torch.float32)
            values = values.normal_(generator=generator) if fill else values.zero_()
            state[part][f"{i:04d}"] = values.to(dtype)
    return state


def tensors_of(state: dict) -> list:
    return [tensor for part in state.values() for tensor in part.values()]


def bytes_of(state: dict) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors_of(state))


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def copy_all(targets: list, sources: list) -> None:
    for target, source in zip(targets, sources):
        target.copy_(source)


def torch_save(state: dict, path: str) -> None:
    with open(path, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())


def stage(session, state: dict, rounds: int, scratch: str) -> dict:
    sources = tensors_of(state)
    buffers = [tensor.clone() for tensor in sources]  # cloned, so warm
    measured = {"memcpy": [], "save": [], "overlap": [], "torch_save": []}
    step = 0

    def sealed(ticket):
        if ticket.wait(until="sealed", timeout_s=120) != "sealed":
            sys.exit(f"a save did not seal: {ticket.error}")

    for _ in range(2):  # both slots mapped and warm
        step += 1
        sealed(session.save(step, state, durable=False))
    for round_number in range(rounds):
        measured["memcpy"].append(seconds(lambda: copy_all(buffers, sources)))
        step += 1
        tickets = []
        measured["save"].append(seconds(lambda: tickets.append(session.save(step, state, durable=False))))
        sealed(tickets.pop())

        step += 1
        stall = seconds(lambda: tickets.append(session.save(step, state, durable=False, overlap=True)))
        time.sleep(4 * measured["memcpy"][-1])  # the forward and backward pass that the capture hides behind
        stall += seconds(session.before_update)
        measured["overlap"].append(stall)
        sealed(tickets.pop())
        if round_number < 2:
            measured["torch_save"].append(seconds(lambda: torch_save(state, os.path.join(scratch, "peer.pt"))))
    os.remove(os.path.join(scratch, "peer.pt"))
    return measured


class Peers:
    """What is measured by the process that started this one, between the rounds here."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def ask(self, what: str, **query) -> float:
        arguments = "&".join(f"{name}={value}" for name, value in query.items())
        with urllib.request.urlopen(f"{self._url}/{what}?{arguments}", timeout=1200) as answer:
            return float(answer.read())


def drain_to_s3(session, state: dict, rounds: int, peers: Peers) -> dict:
    measured = {"drain": [], "raw_put": [], "sdk_put": [], "allocated": []}
    total = bytes_of(state)
    for step in range(1, rounds + 2):
        raw = peers.ask("raw_put", bytes=total)
        peers.ask("settle")
        sdk = peers.ask("sdk_put", bytes=total) if step in (2, 3) else None
        peers.ask("settle")
        before = peers.ask("allocated")
        drained = drain_once(session, state, step)
        allocated = peers.ask("allocated") - before
        peers.ask("forget")
        peers.ask("settle")
        if step > 1:  # the first round warms connections and memory
            measured["raw_put"].append(raw)
            measured["drain"].append(drained)
            measured["allocated"].append(allocated)
            measured["sdk_put"] += [] if sdk is None else [sdk]
    return measured


def drain_once(session, state: dict, step: int) -> float:
    """Seconds from sealed to durable and acknowledged."""
    for tensor in tensors_of(state):
        tensor.neg_()  # every chunk differs from the step before: nothing can be left out
    ticket = session.save(step, state)
    if ticket.wait(until="sealed", timeout_s=120) not in ("sealed", "durable"):
        sys.exit(f"a save did not seal: {ticket.error}")
    start = time.perf_counter()
    if ticket.wait(until="durable", timeout_s=600) != "durable":
        sys.exit(f"a save did not become durable: {ticket.error}")
    return time.perf_counter() - start


def drain(session, state: dict, rounds: int, scratch: str) -> dict:
    measured = {"drain": [], "raw_write": []}
    image = torch.cat([tensor.view(torch.uint8) for tensor in tensors_of(state)]).numpy()
    for step in range(1, rounds + 2):
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            raw = seconds(lambda: raw_write(image, folder))
        drained = drain_once(session, state, step)
        # Both write into the memory that the other has just left to the page cache. A first round does not count: memory
        # that a virtual machine never touched is several times slower.
        forget_cached(packs_of(session, scratch))
        if step > 1:
            measured["raw_write"].append(raw)
            measured["drain"].append(drained)
    return measured


def packs_of(session, scratch: str) -> list:
    return sorted(glob.glob(os.path.join(scratch, "store", "runs", session.run, "packs", "*", "*.pack")))


def raw_write(image, folder: str) -> None:
    """The bytes written and synced as fast as this machine can: in files as long as a pack, several at a time."""
    view = memoryview(image)
    pieces = [view[start:start + PACK_BYTES] for start in range(0, len(view), PACK_BYTES)]

    def write(numbered) -> None:
        number, piece = numbered
        with open(os.path.join(folder, f"{number}.raw"), "wb", buffering=0) as file:
            while piece:
                piece = piece[file.write(piece):]
            os.fsync(file.fileno())

    with concurrent.futures.ThreadPoolExecutor(RAW_THREADS) as threads:
        list(threads.map(write, enumerate(pieces)))


def prepare(session, state: dict, rounds: int, scratch: str) -> dict:
    """Stores one checkpoint for ``restore``."""
    ticket = session.save(1, state)
    if ticket.wait(until="durable", timeout_s=600) != "durable":
        sys.exit(f"a save did not become durable: {ticket.error}")
    return {}


def restore(session, state: dict, rounds: int, scratch: str) -> dict:
    """One restore: the caller runs this program once a round, each time with an empty memory tier."""
    packs = packs_of(session, scratch)
    peer = os.path.join(scratch, "peer.pt")
    torch_save(state, peer)
    forget_cached([*packs, peer])
    raw = seconds(lambda: raw_read(packs))
    forget_cached(packs)
    elapsed = restore_once(session, state)
    loaded = seconds(lambda: copy_all(tensors_of(state), tensors_of(torch.load(peer))))
    return {"restore": [elapsed], "raw_read": [raw], "torch_load": [loaded]}


def restore_from_s3(session, state: dict, peers: Peers) -> dict:
    """One restore and one raw read of the same objects; the caller runs this program once a round."""
    raw = peers.ask("raw_get", warm="false")
    elapsed = restore_once(session, state)
    return {"restore": [elapsed], "raw_get": [raw], "raw_get_warm": [peers.ask("raw_get", warm="true")]}


def restore_once(session, state: dict) -> float:
    restored = []
    elapsed = seconds(lambda: restored.append(session.restore(state)))
    if restored[0] is None or restored[0].tier != "storage":
        sys.exit(f"expected a restore from storage, got {restored[0]}")
    return elapsed


def forget_cached(paths: list) -> None:
    """Drops the files from the page cache, so that each reader starts from the disk."""
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def raw_read(paths: list) -> None:
    """What a reader must at least do: read every byte once, into memory of its own."""
    for path in paths:
        with open(path, "rb", buffering=0) as file:
            buffer = memoryview(bytearray(os.fstat(file.fileno()).st_size))
            while buffer:
                buffer = buffer[file.readinto(buffer):]


def measure(arguments, session, state: dict) -> dict:
    if arguments.peers and arguments.scenario in ("drain", "restore"):
        peers = Peers(arguments.peers)
        if arguments.scenario == "drain":
            return drain_to_s3(session, state, arguments.rounds, peers)
        return restore_from_s3(session, state, peers)
    scenario = {"stage": stage, "drain": drain, "prepare": prepare, "restore": restore}[arguments.scenario]
    return scenario(session, state, arguments.rounds, arguments.scratch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", choices=["stage", "drain", "prepare", "restore"])
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--peers")
    arguments = parser.parse_args()
    state = make_state(arguments.bytes, fill=arguments.scenario != "restore")
    with checkpointer.connect(rank=0, world_size=1) as session:
        if arguments.scenario != "restore":
            session.restore(state)  # a fresh run: registers the layout, so that the arena is warm when it is needed
        measured = measure(arguments, session, state)
    result = {name: statistics.median(values) for name, values in measured.items() if values}
    print(json.dumps({"bytes": bytes_of(state), **result}))


if __name__ == "__main__":
    main()
