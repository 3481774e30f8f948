import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from requirements import needs_torch

with needs_torch():
    from job import StepResult
    from journal import Journal, bits

HERE = pathlib.Path(__file__).parent


class TorchrunTests(unittest.TestCase):
    def test_it_trains_under_torchrun_and_leaves_its_journal(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder, "out")
            command = [
                sys.executable, "-m", "torch.distributed.run", "--nnodes=1", "--nproc_per_node=2",
                "--rdzv_backend=c10d", "--rdzv_endpoint=127.0.0.1:0",
                "--redirects=0:2,1:2", "--tee=0:1,1:1",
                f"--log_dir={folder}/logs", str(HERE / "train.py"), "--no-checkpointer", "--steps=3",
                "--hidden=16", "--seq=8", f"--out={out}",
            ]  # fmt: skip
            environment = dict(
                os.environ, OMP_NUM_THREADS="1", GLOO_SOCKET_IFNAME="lo", PYTHONDONTWRITEBYTECODE="1",
                TRAINER_MASTER_ADDR="127.0.0.1",
            )  # fmt: skip
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            lines = [json.loads(line) for line in (out / "losses.jsonl").read_text().splitlines()]
            final = json.loads((out / "final.json").read_text())
            self.assertEqual([1, 2, 3], [line["step"] for line in lines])
            self.assertEqual([bits(line["loss"]) for line in lines], [line["loss_bits"] for line in lines])
            self.assertEqual(lines[-1]["loss_bits"], final["loss_bits"])
            self.assertEqual((3, 64), (final["steps"], len(final["sha256"])))


class JournalTests(unittest.TestCase):
    def test_a_line_that_a_kill_cut_off_does_not_spoil_the_next(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "losses.jsonl").write_text('{"step": 1}\n{"step": 2, "lo')
            journal = Journal(path, attempt=2)
            journal.step(2, StepResult(1.5, 0.25))
            journal.close()
            lines = (path / "losses.jsonl").read_text().splitlines()
            self.assertEqual(['{"step": 1}', '{"step": 2, "lo'], lines[:2])
            expected = {"step": 2, "loss": 1.5, "loss_bits": bits(1.5), "grad_norm_bits": bits(0.25), "attempt": 2}
            self.assertEqual(expected, json.loads(lines[2]))

    def test_bits_tell_apart_what_text_may_not(self):
        self.assertEqual("3ff8000000000000", bits(1.5))
        self.assertNotEqual(bits(0.0), bits(-0.0))


if __name__ == "__main__":
    unittest.main()
