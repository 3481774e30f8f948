"""A real S3 server and a proxy that spoils its connections, as processes; and Debian's own client to look into buckets.

The server is started once for all tests of the process, or is the one whose folder CHECKPOINTER_TEST_GATEWAY names.
"""

import atexit
import ctypes
import functools
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse
import uuid

from cluster import ROOT, free_port, wait_for

GATEWAY = os.path.join(ROOT, "tests", "ceph", "gateway")
PROXY = os.environ.get("CHECKPOINTER_FAULT_PROXY") or os.path.join(
    ROOT, "tests", "FaultProxy", "bin", "Release", "net10.0", "Checkpointer.FaultProxy"
)
START_S = 120.0

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Gateway:
    """The real server."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "ready.json"), encoding="utf-8") as file:
            self.endpoint = json.load(file)["endpoint"]
        self.address = urllib.parse.urlsplit(self.endpoint).netloc
        self.credentials = os.path.join(folder, "credentials")

    def aws(self, *arguments):
        """Runs Debian's AWS client; what it printed. It never asks our code how S3 is spoken."""
        environment = {**os.environ, "AWS_SHARED_CREDENTIALS_FILE": self.credentials, "AWS_REGION": "us-east-1",
                       "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
        command = ["aws", "--endpoint-url", self.endpoint, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{command} gave {done.returncode}: {done.stderr}")
        return done.stdout

    def new_bucket(self):
        bucket = f"it-{uuid.uuid4().hex[:20]}"
        self.aws("s3api", "create-bucket", "--bucket", bucket)
        return bucket

    def delete_bucket(self, bucket):
        self.aws("s3", "rb", "--force", f"s3://{bucket}")

    def download(self, bucket, folder):
        """Copies all of a bucket into a folder, where each object is a file of its key's name."""
        self.aws("s3", "sync", "--only-show-errors", f"s3://{bucket}", folder)

    def upload(self, folder, bucket):
        self.aws("s3", "sync", "--only-show-errors", folder, f"s3://{bucket}")


@functools.cache
def gateway():
    """The one gateway of this process; tests that need one are skipped where it or its client cannot be had."""
    if shutil.which("aws") is None:
        raise unittest.SkipTest("awscli is not installed")
    running = os.environ.get("CHECKPOINTER_TEST_GATEWAY")
    if running:
        return Gateway(running)
    if shutil.which("radosgw") is None:
        raise unittest.SkipTest("no gateway is installed: bash tests/ceph/gateway install")
    folder = tempfile.mkdtemp(prefix="checkpointer-ceph-")
    with open(os.path.join(folder, "gateway.log"), "wb") as log:
        process = subprocess.Popen(
            [GATEWAY, "run", folder], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent
        )

    def stop():
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)

    def is_ready():
        if process.poll() is not None:
            raise AssertionError(f"the gateway ended with {process.returncode}; see {folder}")
        return os.path.exists(os.path.join(folder, "ready.json"))

    wait_for("the gateway to serve", is_ready, START_S)
    return Gateway(folder)


class Proxy:
    """The way to the server, and what happens on it. Keeps its address over restarts."""

    def __init__(self, upstream):
        self.port = free_port()
        self._upstream = upstream
        self._process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self._process = subprocess.Popen(
            [PROXY, "--listen", f"127.0.0.1:{self.port}", "--upstream", self._upstream, "--control"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        line = self._process.stdout.readline()
        if not line.startswith("listening on"):
            raise AssertionError(f"the proxy said {line!r}")

    def stop(self):
        """From now on nobody listens."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    def inject(self, **plan):
        """Sets what happens to requests from now on: rate, kinds, seed, times, method, key."""
        return self._call("PUT", json.dumps(plan))

    def injected(self):
        """How often each kind was injected."""
        return self._call("GET")["injected"]

    def _call(self, method, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, "/-/faults", body=body)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8")
            if answer.status != 200:
                raise AssertionError(f"the proxy answered {answer.status}: {text}")
            return json.loads(text)
        finally:
            connection.close()
