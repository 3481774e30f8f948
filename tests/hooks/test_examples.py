"""The examples do what they say: resumed half way, they end with the same bits."""

import os
import runpy
import signal
import socket
import sys
import tempfile
import traceback

from support import AgentTest, needs_torch, torch

EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "agent", "hooks", "python", "examples")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_and_exit(name, arguments, environment, output):
    """The child's part of the fork."""
    signal.alarm(60)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    sys.argv = [name, *arguments]
    sys.stdout = sys.stderr = open(1, "w", buffering=1, closefd=False)
    code = 1
    try:
        torch.set_num_threads(1)
        runpy.run_path(os.path.join(EXAMPLES, name), run_name="__main__")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


@needs_torch
class ExampleTests(AgentTest):
    def run_example(self, name, steps, ranks):
        """Runs it on so many ranks, each a process; gives the line that all of them end with."""
        port = str(free_port())
        children = []
        for rank in range(ranks):
            environment = {
                "CHECKPOINTER_RUN": "example", "CHECKPOINTER_AGENT_SOCKET": self.agent.socket, "RANK": str(rank),
                "WORLD_SIZE": str(ranks), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo",
            }  # fmt: skip
            output = tempfile.TemporaryFile()
            # Forked, not started: importing PyTorch a dozen times is most of what this would cost.
            child = os.fork()
            if child == 0:
                run_and_exit(name, ["--steps", str(steps), "--save-every", "2"], environment, output.fileno())
            children.append((child, output))
        finals = set()
        for child, output in children:
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            output.seek(0)
            text = output.read().decode()
            output.close()
            self.assertEqual(status, 0, text)
            finals.add(text.splitlines()[-1])
        self.assertEqual(len(finals), 1, finals)
        return finals.pop()

    def check(self, name, ranks=1):
        whole = self.run_example(name, steps=6, ranks=ranks)
        self.agent.service.ledger.clear()
        self.agent.snapshots.clear()
        self.agent.service.resume_from = {"step": 4, "attempt": 1}
        self.assertEqual(self.run_example(name, steps=6, ranks=ranks), whole)
        self.assertEqual(self.agent.service.steps, [5, 6])
        for rank in range(ranks):
            self.assertEqual(self.agent.service.images[rank, 6, 1][1], self.agent.service.images[rank, 6, 2][1])

    def test_minimal(self):
        self.check("minimal.py")

    def test_overlapped(self):
        self.check("overlapped.py")

    def test_ddp(self):
        self.check("ddp.py", ranks=2)

    def test_sharded(self):
        self.check("sharded.py", ranks=2)
