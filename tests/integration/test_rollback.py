"""An operator sends a run back: what runs is fenced and ends, and the next start goes on from exactly there."""

import csv
import ctypes
import glob
import json
import os
import signal
import subprocess
import sys
import uuid

import checkpointer
from cluster import PATIENCE_S, PROGRAM, ROOT, fetch, free_port, wait_for
from store_reader import committed
from support import IntegrationTest, needs_torch, together
from test_fencing import SIZE_BYTES, RankProcess, stale_writes

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class RollbackTest(IntegrationTest):
    def command(self, *arguments):
        """The operator's command; what it printed."""
        done = subprocess.run(
            [PROGRAM, *arguments, "--service", f"http://127.0.0.1:{self.cluster.service.port}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def rollback(self, to, *arguments):
        output = self.command("rollback", self.run_name, "--to", to, "--yes", "--output", "json", *arguments)
        return json.loads(output)

    def entries(self, attempt):
        return {e["report"]["step"]: e for e in self.cluster.items(self.run_name, "ledger") if e["attempt"] == attempt}


class FencedByARollbackTests(RollbackTest):
    def everything(self):
        seen = {
            what: self.cluster.items(self.run_name, what)
            for what in ("checkpoints", "ledger", "attempts", "incidents", "rollbacks")
        }
        return {**seen, "run": self.cluster.run(self.run_name), "store": committed(self.cluster.store, self.run_name)}

    def test_nothing_that_the_fenced_attempt_does_counts_and_the_next_resumes_exactly_there(self):
        incarnation = uuid.uuid4().hex
        # On one node: what rank 1 shows that its agent has heard holds for rank 0 too, which cannot be asked while frozen.
        zombies = [RankProcess(self.cluster, self.run_name, rank, "aa", incarnation) for rank in range(2)]
        for zombie in zombies:
            self.addCleanup(zombie.kill)
        self.assertEqual([zombie.answer() for zombie in zombies], [1, 1])
        together([lambda z=z: z.ask("restore") for z in zombies])
        for step in (1, 2, 3, 4):
            zombies[0].ask("report", step)
            if step % 2 == 0:
                self.assertEqual(together([lambda z=z: z.ask("save_durable", step) for z in zombies]), ["durable"] * 2)
                self.assert_committed(step)
        # Rank 0 is frozen with the bytes of step 5 in its slot, the seal not sent.
        zombies[0].ask("report", 5)
        zombies[0].ask("stop_before_seal")
        zombies[0].tell("save", 5)
        wait_for("the zombie to stop", zombies[0].is_stopped)
        wait_for("the reports", lambda: self.cluster.run(self.run_name).get("ledger_step") == 5)

        decided = self.rollback("2", "--by", "ann", "--comment", "a try")
        self.assertEqual(decided["target"], {"step": 2, "attempt": 1})
        self.assertEqual(decided["leaves"], [{"step": 4, "attempt": 1}])
        before = self.everything()
        self.assertEqual(before["run"]["rollback_to"], {"step": 2, "attempt": 1})
        for path, body in stale_writes(1).items():
            status, text = fetch(self.cluster.service.port, f"/v1/runs/{self.run_name}/{path}", "POST", body)
            self.assertEqual((status, json.loads(text).get("code")), (409, "stale_attempt"), f"{path}: {text}")
        # Rank 1 saves nothing and reports nothing to the service: its agent knows by the heartbeat.
        wait_for("rank 1 to be fenced", lambda: zombies[1].ask("report", 6) == {"fenced": "stale_attempt"})
        os.kill(zombies[0].process.pid, signal.SIGCONT)
        self.assertEqual(zombies[0].answer(), {"fenced": "stale_attempt"})
        self.assertEqual(self.everything(), before)

        ranks = self.start("a", "b")
        self.assertEqual(ranks.attempt, 2)
        self.assert_restored(ranks, 2, SIZE_BYTES)
        ranks.sessions[0].report(3, loss=1 / 3)
        ranks.sessions[0].report(4, loss=1 / 4)
        self.save_and_commit(ranks, 4, size=SIZE_BYTES)
        self.assertEqual(committed(self.cluster.store, self.run_name), [(2, 1), (4, 1), (4, 2)])
        self.assertFalse(self.cluster.checkpoint(self.run_name, 4, 1)["on_lineage"])
        self.assertTrue(self.cluster.checkpoint(self.run_name, 4, 2)["on_lineage"])
        self.assertEqual(self.cluster.items(self.run_name, "incidents"), before["incidents"])

        # And back again, to the lineage that was left.
        ranks.close()
        self.rollback("4.1")
        self.assert_restored(self.start("b", "a"), 4, SIZE_BYTES)
        self.assertEqual(
            [(r["number"], r["granted"], r["by"]) for r in self.cluster.items(self.run_name, "rollbacks")][0],
            (1, 2, "ann"),
        )


@needs_torch
class RolledBackTrainingTests(RollbackTest):
    nodes = ("a",)
    steps = 200

    def launch(self):
        out = os.path.join(self.cluster.folder, "out")
        log = open(os.path.join(self.cluster.folder, "torchrun.log"), "wb")
        self.addCleanup(log.close)
        environment = {
            "CHECKPOINTER_RUN": self.run_name,
            "CHECKPOINTER_AGENT_SOCKET": self.cluster.socket("a"),
            "PYTHONPATH": os.path.dirname(os.path.dirname(checkpointer.__file__)),
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "TRAINER_MASTER_ADDR": "127.0.0.1",
        }
        process = subprocess.Popen(
            [
                sys.executable, "-m", "torch.distributed.run", "--nnodes=1", "--nproc_per_node=2", "--max_restarts=3",
                f"--rdzv_id={self.run_name}", "--rdzv_backend=c10d", f"--rdzv_endpoint=127.0.0.1:{free_port()}",
                "--monitor_interval=1", "--redirects=0:2,1:2", "--tee=0:1,1:1", f"--log_dir={out}/torchrun",
                os.path.join(ROOT, "tests", "trainer", "train.py"),
                f"--steps={self.steps}", "--save-every=5", "--hidden=64", f"--out={out}",
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **environment},
            start_new_session=True, preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),
        )  # fmt: skip
        self.addCleanup(self.end, process)
        return process, out

    @staticmethod
    def end(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def log(self):
        with open(os.path.join(self.cluster.folder, "torchrun.log"), encoding="utf-8", errors="replace") as log:
            return log.read()[-2000:]

    def test_torchrun_restarts_and_every_step_that_is_run_again_comes_out_the_same(self):
        process, out = self.launch()

        def ledger_step():
            self.assertIsNone(process.poll(), self.log())
            status, text = fetch(self.cluster.service.port, f"/v1/runs/{self.run_name}")
            return json.loads(text).get("ledger_step", 0) if status == 200 else 0

        wait_for("the training to get going", lambda: ledger_step() >= 22)
        self.assert_committed(10)
        self.assert_committed(20)
        decided = self.rollback("10")
        self.assertIn({"step": 20, "attempt": 1}, decided["leaves"])
        wait_for("the job to end", lambda: process.poll() is not None, 3 * PATIENCE_S)
        self.assertEqual(process.returncode, 0, self.log())
        with open(glob.glob(f"{out}/torchrun/*/attempt_0/0/stderr.log")[0], encoding="utf-8") as errors:
            self.assertIn("checkpointer.errors.Fenced", errors.read())

        attempts = self.cluster.items(self.run_name, "attempts")
        self.assertEqual([a["attempt"] for a in attempts], [1, 2])
        self.assertEqual(attempts[1]["resumed_from"], {"step": 10, "attempt": 1})
        first, second = self.entries(1), self.entries(2)
        self.assertEqual(sorted(second), list(range(11, self.steps + 1)))
        again = [step for step in second if step in first]
        self.assertGreaterEqual(len(again), 12)
        for step in again:
            self.assertTrue(second[step]["replayed"] and not second[step]["diverged"], second[step])
            for value in ("loss", "grad_norm", "data_cursor"):
                self.assertEqual(first[step]["report"][value], second[step]["report"][value], f"{value} of step {step}")
        bits = {}
        with open(os.path.join(out, "losses.jsonl"), encoding="utf-8") as losses:
            for line in map(json.loads, losses):
                self.assertEqual(bits.setdefault(line["step"], line["loss_bits"]), line["loss_bits"], line)
        # What was being saved when the fence fell, and nothing worse.
        # (A save that all slots were busy for is no matter of the rollback.)
        incidents = [i for i in self.cluster.items(self.run_name, "incidents") if "no slot is free" not in i["message"]]
        self.assertLessEqual({incident["kind"] for incident in incidents}, {"checkpoint_abandoned"}, incidents)

        for step in range(15, 25, 5):
            self.assertFalse(self.cluster.checkpoint(self.run_name, step, 1)["on_lineage"])
        self.assertEqual(self.cluster.checkpoint(self.run_name, 20, 1)["state"], "committed")
        self.assertTrue(self.cluster.checkpoint(self.run_name, self.steps, 2)["on_lineage"])

        self.assertIn(f"steps 1 to {self.steps}: {self.steps} entries, {len(again)} replayed, 0 diverged, 0 skipped; gaps: none",
                      self.command("ledger", self.run_name))  # fmt: skip
        path = os.path.join(self.cluster.folder, "ledger.csv")
        self.command("ledger", self.run_name, "--lineage", "all", "--export", path)
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), len(first) + len(second))
        self.assertEqual([float(r["loss"]) for r in rows[: len(first)]], [e["report"]["loss"] for e in first.values()])
