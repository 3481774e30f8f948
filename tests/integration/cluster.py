"""A service and agents as real processes on this machine: started, killed, restarted, and always cleaned up."""

import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROGRAM = os.environ.get("CHECKPOINTER_BIN") or os.path.join(
    ROOT, "service", "Checkpointer.Cli", "bin", "Release", "net10.0", "checkpointer"
)
SHARED_MEMORY = "/dev/shm"
#: How long anything may take before a test gives up on it; only failures ever wait for so long.
PATIENCE_S = 60.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def wait_for(what, condition, timeout_s=PATIENCE_S):
    """Asks until ``condition()`` gives something true, and gives that; tells what it saw last if it never does."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"Waited {timeout_s} s for {what}; last seen: {value!r}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, path, method="GET", body=None):
    """Status and text of an answer; (None, reason) where nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8")
    except (OSError, http.client.HTTPException) as error:
        return None, repr(error)
    finally:
        connection.close()


class Daemon:
    """One process of ours, which keeps its address and its log over restarts."""

    def __init__(self, name, log_path, port, arguments, environment=None):
        self.name = name
        self.port = port
        self.arguments = arguments
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self._log_path = log_path

    def start(self):
        """Starts it without waiting; from the main thread, with which the process dies."""
        with open(self._log_path, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
            )

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        return fetch(self.port, "/healthz/ready")[0] == 200

    def is_live(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        return fetch(self.port, "/healthz/live")[0] == 200

    def kill(self):
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def get(self, path):
        """The JSON of an answer that must be one."""
        status, text = fetch(self.port, path)
        if status != 200:
            raise AssertionError(f"GET {path} of {self.name}: {status} {text}")
        return json.loads(text)

    def log(self):
        with open(self._log_path, "rb") as log:
            return log.read().decode("utf-8", "replace")


class Cluster:
    """A service and agents of the named nodes. A context manager.

    Their store is a folder of the cluster's, or ``store``: a URL or path, which takes ``environment`` to open.
    """

    def __init__(self, nodes=("a", "b"), budget_bytes=256 << 20, deadline_s=60, store=None, environment=None,
                 service_arguments=()):  # fmt: skip
        self.folder = tempfile.mkdtemp(prefix="checkpointer-it-")
        self.arenas = tempfile.mkdtemp(prefix="checkpointer-it-", dir=SHARED_MEMORY)
        self.store = store or os.path.join(self.folder, "store")
        if store is None:
            os.mkdir(self.store)
        self._environment = environment
        port = free_port()
        deadline = time.strftime("%H:%M:%S", time.gmtime(deadline_s))
        self.service = Daemon("service", os.path.join(self.folder, "service.log"), port, [
            "service", "--data", os.path.join(self.folder, "data"), "--store", self.store,
            "--listen", f"http://127.0.0.1:{port}", "--checkpoint-deadline", deadline, *service_arguments,
        ], environment)  # fmt: skip
        self.agents = {node: self._agent(node, budget_bytes) for node in nodes}

    def _agent(self, node, budget_bytes):
        port = free_port()
        return Daemon(f"agent {node}", os.path.join(self.folder, f"{node}.log"), port, [
            "agent", "--node", node, "--service", f"http://127.0.0.1:{self.service.port}", "--store", self.store,
            "--socket", self.socket(node), "--listen", f"http://127.0.0.1:{port}", "--arena", self.arenas,
            "--memory-budget", str(budget_bytes),
        ], self._environment)  # fmt: skip

    @property
    def daemons(self):
        return [self.service, *self.agents.values()]

    def socket(self, node):
        return os.path.join(self.folder, f"{node}.sock")

    def start(self):
        """Starts what does not run, and waits until all of it is ready."""
        for daemon in self.daemons:
            if daemon.process is None or daemon.process.poll() is not None:
                daemon.start()
        for daemon in self.daemons:
            wait_for(f"{daemon.name} to be ready", daemon.is_ready)

    def kill(self):
        for daemon in self.daemons:
            daemon.kill()

    def kill_agents(self):
        for agent in self.agents.values():
            agent.kill()

    def forget_memory(self, *nodes):
        """What a reboot does to nodes (all, unless named) whose agents were killed."""
        for node in nodes or self.agents:
            shutil.rmtree(os.path.join(self.arenas, node), ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.arenas, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def agent_status(self, node):
        """What an agent tells trainers of itself."""
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.socket(node))
        try:
            connection.request("GET", "/v1/agent")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    # What the service says of a run.

    def run(self, run):
        return self.service.get(f"/v1/runs/{run}")

    def items(self, run, what):
        """All elements of a listing, page by page."""
        items, after = [], None
        while True:
            query = "?" + urllib.parse.urlencode({"limit": 500, **({"after": after} if after else {})})
            page = self.service.get(f"/v1/runs/{run}/{what}{query}")
            items += page["items"]
            after = page.get("next")
            if after is None:
                return items

    def checkpoint(self, run, step, attempt=1):
        """The checkpoint as the service knows it, or None."""
        for item in self.items(run, "checkpoints"):
            if item["checkpoint"] == {"step": step, "attempt": attempt}:
                return item
        return None

    def ended(self, run, step, attempt=1):
        """Waits until the checkpoint is committed or abandoned."""

        def end():
            checkpoint = self.checkpoint(run, step, attempt)
            return checkpoint if checkpoint and checkpoint["state"] in ("committed", "abandoned") else None

        try:
            return wait_for(f"the end of {run} {step}.{attempt}", end)
        except AssertionError as error:
            raise AssertionError(f"{error}\nin: {self.items(run, 'checkpoints')}") from None
