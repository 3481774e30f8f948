"""Verifying what real agents stored: named, recorded, remembered, and avoided by recoveries."""

import json
import subprocess

from cluster import PROGRAM, wait_for
from store_reader import pack_paths
from support import IntegrationTest, empty_state, state_of

SIZE_BYTES = (9 << 20) + 9


class VerifyTests(IntegrationTest):
    def setUp(self):
        super().setUp()
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        for step in (1, 2):
            self.save_and_commit(ranks, step, size=SIZE_BYTES)
        ranks.close()

    def verify(self, *arguments):
        """The exit status and the JSON of ``checkpointer verify``."""
        done = subprocess.run(
            [PROGRAM, "verify", self.run_name, *arguments, "--store", self.cluster.store,
             "--service", f"http://127.0.0.1:{self.cluster.service.port}", "--output", "json"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        self.assertEqual(done.stderr, "")
        return done.returncode, json.loads(done.stdout)

    def verification(self, step):
        return self.cluster.checkpoint(self.run_name, step).get("verification")

    def damage(self, step, rank):
        pack = next(path for path in pack_paths(self.cluster.store, self.run_name, step, 1) if f"/{rank:06d}-" in path)
        with open(pack, "r+b") as file:
            file.seek(-1, 2)
            last = file.read(1)
            file.seek(-1, 2)
            file.write(bytes([last[0] ^ 1]))
        return pack[len(self.cluster.store) + 1 :]

    def test_whole(self):
        status, result = self.verify("--all")
        self.assertEqual((status, result["outcome"]), (0, "good"))
        self.assertEqual([item["checkpoint"]["step"] for item in result["checkpoints"]], [1, 2])
        for item in result["checkpoints"]:
            self.assertTrue(item["recorded"])
            self.assertGreaterEqual(item["verification"]["bytes"], 2 * SIZE_BYTES)
            self.assertEqual(self.verification(item["checkpoint"]["step"])["report"]["outcome"], "good")

    def test_damage_is_recorded_kept_and_avoided(self):
        key = self.damage(2, rank=1)
        status, result = self.verify("2")
        self.assertEqual((status, result["outcome"]), (1, "damaged"))
        (finding,) = result["checkpoints"][0]["verification"]["findings"]
        self.assertEqual((finding["kind"], finding["key"], finding["ranks"]), ("corrupt", key, [1]))
        self.assertTrue(finding["tensors"])

        with self.subTest("an incident names it"):
            (incident,) = [i for i in self.cluster.items(self.run_name, "incidents") if i["kind"] == "checkpoint_damaged"]
            self.assertIn(key, incident["message"])
            self.assertEqual((incident["step"], incident["ranks"]), (2, [1]))

        self.cluster.kill()
        self.cluster.forget_memory()
        self.cluster.start()
        with self.subTest("kill -9 does not forget it"):
            self.assertEqual(self.verification(2)["report"]["findings"], [finding])
        with self.subTest("a recovery takes the older checkpoint"):
            states = [empty_state(SIZE_BYTES), empty_state(SIZE_BYTES)]
            told = self.start("a", "b").restore(states)
            self.assertEqual([restored.step for restored in told], [1, 1])
            self.assertEqual(states, [state_of(rank, 1, SIZE_BYTES) for rank in (0, 1)])
            reason = self.cluster.items(self.run_name, "attempts")[-1]["reason"]
            self.assertIn("2.1", reason)
            self.assertIn("damaged in storage", reason)

    def test_without_a_service(self):
        self.cluster.service.kill()
        done = subprocess.run(
            [PROGRAM, "verify", self.run_name, "--all", "--store", self.cluster.store, "--no-record"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(done.stdout.splitlines()), 2)


class ScrubTests(IntegrationTest):
    nodes = ("a",)

    def test_the_scrub_finds_damage_by_itself(self):
        self.cluster.service.kill()
        self.cluster.service.arguments += ["--scrub-interval", "00:00:01", "--scrub-rate", "0"]
        self.cluster.start()
        ranks = self.start_fresh("a", size=SIZE_BYTES)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)

        def outcome():
            verification = self.cluster.checkpoint(self.run_name, 1).get("verification")
            return verification and (verification["report"]["by"], verification["report"]["outcome"])

        wait_for("the first round", lambda: outcome() == ("scrub", "good"))
        pack = pack_paths(self.cluster.store, self.run_name, 1, 1)[0]
        with open(pack, "r+b") as file:
            file.truncate(1000)
        wait_for("a round that finds it", lambda: outcome() == ("scrub", "damaged"))
        incidents = [i for i in self.cluster.items(self.run_name, "incidents") if i["kind"] == "checkpoint_damaged"]
        self.assertEqual(len(incidents), 1)
