"""A rank in a process of its own, to be killed, stopped and continued."""

import json
import os
import subprocess
import sys

SIZE_BYTES = (1 << 20) + 3
PROGRAM = os.path.join(os.path.dirname(__file__), "rank_program.py")


class RankProcess:
    """A rank that can be stopped and continued like any process."""

    def __init__(self, cluster, run, rank, nodes, incarnation):
        options = {"run": run, "rank": rank, "world_size": len(nodes), "socket": cluster.socket(nodes[rank]),
                   "incarnation": incarnation, "close_timeout_s": 2}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, json.dumps(options), str(SIZE_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def tell(self, do, step=None):
        self.process.stdin.write(json.dumps({"do": do, "step": step}) + "\n")
        self.process.stdin.flush()

    def ask(self, do, step=None):
        self.tell(do, step)
        return self.answer()

    def is_stopped(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "T"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
