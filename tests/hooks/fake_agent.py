"""An agent (and the service behind it) for tests: the contract over a real Unix-domain socket, with faults to order."""

import collections
import hashlib
import json
import os
import re
import shutil
import socketserver
import tempfile
import threading
import time

import spec_reader
from fake_server import Problem, TrainerHandler

DATA_OFFSET = 1 << 20


class FakeService:
    """What outlives an agent: attempts, the ledger, and images by (rank, step, attempt)."""

    def __init__(self):
        self.attempts = {}  # incarnation -> attempt
        self.joined = collections.defaultdict(set)
        self.newest_attempt = 0
        self.resume_from = None
        self.ledger = []  # (attempt, report) as they came in
        self.ledger_step = None
        self.acknowledges = True
        self.images = {}  # (rank, step, attempt) -> (header, bytes, extra, durable)

    def take_reports(self, attempt, reports):
        for report in reports:
            self.ledger.append((attempt, report))
        if self.acknowledges and self.ledger:
            self.ledger_step = self.ledger[-1][1]["step"]

    @property
    def steps(self):
        return [report["step"] for _, report in self.ledger]


class Slot:
    def __init__(self, path, number):
        self.path, self.number = path, number
        self.generation = "0" * 16
        self.step = None
        self.state = "free"

    def location(self):
        return {"slot": self.number, "path": self.path, "generation": self.generation, "data_offset": DATA_OFFSET,
                "data_bytes": os.path.getsize(self.path) - DATA_OFFSET}  # fmt: skip


class FakeAgent:
    """``faults`` is a list of (pattern over "METHOD /path", action); each is used once, in order of the list.

    Actions: "drop" closes instead of working, "drop_answer" closes after working, "hang" answers when the agent stops,
    "garbage" answers what is no JSON, a Problem is answered, a callable gets the answer and gives another.
    """

    def __init__(self, service=None, root=None, slots=2):
        self.service = service or FakeService()
        self._own_root = root is None
        self.root = root or tempfile.mkdtemp(prefix="ckpt-hooks-", dir="/dev/shm")
        self.socket = os.path.join(self.root, "agent.sock")
        self.slot_count = slots
        self.seal_at_once = True
        self.durable_at_once = True
        self.prefault = True
        self.faults = []
        self.calls = []
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.presence = collections.defaultdict(list)  # rank -> lines, None where one ended without a goodbye
        self.present = set()
        self._instances = 0
        self._server = None
        self._reset()

    # -- life

    def start(self):
        self._instances += 1
        self.instance = f"instance-{self._instances}"
        self._reset()
        self._stopped = threading.Event()
        if os.path.exists(self.socket):
            os.remove(self.socket)
        agent = self

        class Handler(TrainerHandler):
            pass

        Handler.agent = agent

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

        self._connections = set()
        self._server = Server(self.socket, Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self):
        if self._server is None:
            return
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in list(self._connections):
            try:
                connection.shutdown(2)
            except OSError:
                pass

    def restart(self):
        """As kill -9 and a new process: sealed snapshots stay, all else is forgotten."""
        self.stop()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        if self._own_root:
            shutil.rmtree(self.root, ignore_errors=True)

    def _reset(self):
        self.ranks = {}  # rank -> attempt
        self.layouts = {}  # rank -> header
        self.slots = {}  # rank -> [Slot]
        self.snapshots = {
            (rank, step): {"state": "durable" if durable else "sealed", "attempt": attempt, "slot": None,
                           "durable": durable}  # fmt: skip
            for (rank, step, attempt), (_, _, _, durable) in self.service.images.items()
        }

    # -- what tests ask

    def fault(self, pattern, action, times=1):
        with self.lock:
            self.faults.extend([(pattern, action)] * times)

    def wait_for(self, condition, timeout_s=30.0):
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {timeout_s} s; calls: {self.calls[-10:]}")
            with self.changed:
                self.changed.wait(0.01)

    def called(self, pattern):
        return [call for call in self.calls if re.search(pattern, call)]

    # -- routes

    def handle(self, method, path, query, body):
        match = re.fullmatch(r"/v1/runs/([a-z0-9-]+)/ranks/(\d+)/(join|layout|restore|reports|snapshots)(.*)", path)
        if (method, path) == ("GET", "/v1/agent"):
            return {"node": "n0", "instance": self.instance, "memory_budget_bytes": 0, "memory_used_bytes": 0,
                    "service_reachable": True, "pending_drains": 0, "holdings": []}  # fmt: skip
        if not match:
            raise Problem(404, "not_found", path)
        rank, what, rest = int(match[2]), match[3], match[4]
        if what == "join":
            return self._join(rank, json.loads(body))
        if rank not in self.ranks:
            raise Problem(404, "not_found", "join first")
        value = json.loads(body) if body and what != "layout" else {}
        self._fence(int(query["attempt"]) if "attempt" in query else value["attempt"])
        if what == "layout" and method == "PUT":
            return self._register(rank, body)
        if what == "reports":
            if len(value["reports"]) > 1024:
                raise Problem(413, "limit_exceeded")
            if rank == 0:
                self.service.take_reports(value["attempt"], value["reports"])
            return {"ledger_step": self.service.ledger_step, "agent_instance": self.instance}
        if what == "restore":
            return self._restore(rank, value)
        if rest == "" and method == "POST":
            return self._begin(rank, value)
        step = int(re.fullmatch(r"/(\d+)(/seal)?", rest)[1])
        if method == "DELETE":
            return self._discard(rank, step)
        return self._seal(rank, step, value) if method == "POST" else self._status(rank, step, query)

    def _fence(self, attempt):
        if attempt != self.service.newest_attempt:
            raise Problem(409, "stale_attempt", f"attempt {self.service.newest_attempt} runs")

    def _join(self, rank, request):
        service, name = self.service, request["incarnation"]
        service.joined[name].add(rank)
        answer = {"node": "n0", "agent_instance": self.instance, "joined_ranks": len(service.joined[name])}
        if name not in service.attempts:
            if len(service.joined[name]) < request["world_size"]:
                return {**answer, "state": "pending"}
            service.newest_attempt += 1
            service.attempts[name] = service.newest_attempt
        if service.attempts[name] != service.newest_attempt:
            raise Problem(409, "incarnation_superseded", "a newer one runs")
        self.ranks[rank] = service.attempts[name]
        granted = {**answer, "state": "granted", "attempt": service.attempts[name]}
        return {**granted, "resume_from": service.resume_from} if service.resume_from else granted

    def _register(self, rank, header):
        try:
            layout = spec_reader.LayoutText(header)
            layout.check_writer_rules(rank)
        except spec_reader.Fault as fault:
            raise Problem(400, "layout_invalid", str(fault)) from fault
        if self.layouts.get(rank) != header:
            self.layouts[rank] = header
            self.slots[rank] = []
            for number in range(self.slot_count):
                slot = Slot(os.path.join(self.root, f"{rank}-{number}.arena"), number)
                self.replace(slot, layout.image_bytes)
                self.slots[rank].append(slot)
        return {"layout": hashlib.sha256(header).hexdigest(), "image_bytes": layout.image_bytes,
                "slots": [slot.location() for slot in self.slots[rank]]}  # fmt: skip

    def replace(self, slot, image_bytes):
        """Makes a slot's file anew: another generation."""
        with open(slot.path + ".new", "wb") as file:
            if self.prefault:
                os.posix_fallocate(file.fileno(), 0, DATA_OFFSET + image_bytes)
            else:
                file.truncate(DATA_OFFSET + image_bytes)
        os.replace(slot.path + ".new", slot.path)
        slot.generation = os.urandom(8).hex()

    def _begin(self, rank, value):
        header = self.layouts.get(rank)
        if header is None or value["layout"] != hashlib.sha256(header).hexdigest():
            raise Problem(409, "layout_mismatch", "register the layout first")
        same = self.snapshots.get((rank, value["step"]))
        if same is not None and same["state"] == "open" and same["attempt"] == value["attempt"]:
            return same["slot"].location()
        if any(r == rank and step >= value["step"] for r, step in self.snapshots):
            raise Problem(409, "step_out_of_order", f"step {value['step']} is not newer")
        # As the release rule: all but the newest sealed step's slot are free (one rank makes every step global).
        sealed = [s for s in self.slots[rank] if s.state == "sealed"]
        for slot in sorted(sealed, key=lambda s: s.step)[:-1]:
            slot.state = "free"
        free = [slot for slot in self.slots[rank] if slot.state in ("free", "open")]
        if not free:
            raise Problem(409, "slot_busy", "no slot is free", transient=True)
        slot = free[0]
        for key, other in self.snapshots.items():
            if key[0] == rank and other["state"] == "open":
                other.update(state="failed", error="capture_incomplete", message="the trainer began another step")
        slot.state, slot.step = "open", value["step"]
        self.snapshots[rank, value["step"]] = {"state": "open", "attempt": value["attempt"], "slot": slot,
                                               "durable": value.get("durable", True)}  # fmt: skip
        return slot.location()

    def _seal(self, rank, step, value):
        snapshot = self.snapshots.get((rank, step))
        if snapshot is not None and snapshot["state"] in ("captured", "sealed", "durable"):
            return self._answer(rank, step, snapshot)
        if snapshot is None or snapshot["state"] != "open":
            raise Problem(409, "snapshot_not_open")
        image_bytes = spec_reader.LayoutText(self.layouts[rank]).image_bytes
        slot = snapshot["slot"]
        if value["captured_bytes"] != image_bytes:
            raise Problem(409, "capture_incomplete")
        with open(slot.path, "rb") as file:
            file.seek(DATA_OFFSET)
            image = file.read(image_bytes)
        self.service.images[rank, step, value["attempt"]] = (
            self.layouts[rank], image, value.get("extra"), snapshot["durable"])  # fmt: skip
        snapshot.update(state="captured", root=hashlib.sha256(image).hexdigest()[:32])
        slot.state = "sealed"
        answer = self._answer(rank, step, snapshot)
        if self.seal_at_once:
            self.advance(rank, step, "durable" if snapshot["durable"] and self.durable_at_once else "sealed")
        return answer

    def _discard(self, rank, step):
        snapshot = self.snapshots.get((rank, step))
        if snapshot is None:
            raise Problem(409, "snapshot_not_open")
        if snapshot["state"] == "open":
            slot = snapshot["slot"]
            snapshot.update(state="failed", error="capture_incomplete", message="given up")
            self.replace(slot, os.path.getsize(slot.path) - DATA_OFFSET)
            slot.state = "free"
        return self._answer(rank, step, snapshot)

    def advance(self, rank, step, state, **more):
        with self.changed:
            self.snapshots[rank, step].update(state=state, **more)
            self.changed.notify_all()

    def _answer(self, rank, step, snapshot):
        answer = {"checkpoint": {"step": step, "attempt": snapshot["attempt"]}, "state": snapshot["state"]}
        for name in ("root", "error", "message"):
            if snapshot.get(name) and (name != "root" or snapshot["state"] != "captured"):
                answer[name] = snapshot[name]
        return answer

    def _status(self, rank, step, query):
        order = ["open", "captured", "sealed", "durable", "failed"]
        deadline = time.monotonic() + int(query["wait_ms"]) / 1000
        while True:
            snapshot = self.snapshots.get((rank, step))
            if snapshot is None:
                raise Problem(404, "not_found", f"no snapshot of step {step}")
            left_s = deadline - time.monotonic()
            is_final = snapshot["state"] == "sealed" and not snapshot["durable"]
            if is_final or order.index(snapshot["state"]) >= order.index(query["until"]) or left_s <= 0:
                return self._answer(rank, step, snapshot)
            self.changed.wait(min(left_s, 0.05))
            if self._stopped.is_set():
                raise ConnectionError

    def _restore(self, rank, value):
        checkpoint = self.service.resume_from
        if checkpoint is None:
            return {"done": True}
        stored = self.service.images.get((rank, checkpoint["step"], checkpoint["attempt"]))
        if stored is None:
            raise Problem(409, "restore_impossible", "no copy")
        header, image, extra, _ = stored
        have, want = spec_reader.LayoutText(header), spec_reader.LayoutText(self.layouts[rank])
        result = bytearray(want.image_bytes)
        for name, tensor in want.tensors.items():
            source = have.tensors.get(name)
            if source is None:
                raise Problem(409, "layout_mismatch", f"the checkpoint has no tensor '{name}'")
            if (source["dtype"], source["shape"]) != (tensor["dtype"], tensor["shape"]):
                raise Problem(409, "layout_mismatch", f"tensor '{name}' is {source['dtype']} {source['shape']} there")
            result[slice(*tensor["data_offsets"])] = image[slice(*source["data_offsets"])]
        slot = self.slots[rank][0]
        with open(slot.path, "r+b") as file:
            file.seek(DATA_OFFSET)
            file.write(result)
        slot.state, slot.step = "sealed", checkpoint["step"]
        answer = {"done": True, "checkpoint": checkpoint, "slot": slot.location(), "local_memory_bytes": 0,
                  "peer_memory_bytes": 0, "storage_bytes": len(result)}  # fmt: skip
        return {**answer, "extra": extra} if extra is not None else answer
