"""Damaged copies are named and never become wrong bytes."""

import os

import checkpointer
from cluster import wait_for
from store_reader import committed, key, pack_paths
from support import IntegrationTest, empty_state, state_of

SIZE_BYTES = (4 << 20) + 9


class DamageTests(IntegrationTest):
    nodes = ("a",)

    def setUp(self):
        super().setUp()
        ranks = self.start_fresh("a", size=SIZE_BYTES)
        for step in (1, 2):
            self.save_and_commit(ranks, step, size=SIZE_BYTES)
        ranks.close()

    def reboot(self):
        """Memory is gone; what is stored stays."""
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()

    def incident_kinds(self):
        return [item["kind"] for item in self.cluster.items(self.run_name, "incidents")]

    def path(self, name, step=2):
        return os.path.join(self.cluster.store, "runs", self.run_name, "checkpoints", key(step, 1), name)

    def assert_never_wrong_bytes(self):
        """A new start gets step 2 or 1 exactly, or an error with a name; tells which."""
        state = empty_state(SIZE_BYTES)
        try:
            ranks = self.start("a")
            told = ranks.restore([state])[0]
        except checkpointer.CheckpointerError as error:
            return error.code
        self.assertTrue(state == state_of(0, told.step, SIZE_BYTES), "wrong bytes")
        return told.step

    @staticmethod
    def edit(path, change):
        with open(path, "rb") as file:
            data = bytearray(file.read())
        changed = change(data)
        # As a disk would: in place, the file stays the same one.
        with open(path, "r+b") as file:
            file.write(changed)
            file.truncate(len(changed))
        return bytes(data)

    def test_a_flipped_byte(self):
        def flip(data):
            data[len(data) // 2] ^= 1
            return data

        pack = pack_paths(self.cluster.store, self.run_name, 2, 1)[0]
        self.edit(pack, flip)
        with self.subTest("memory still has the bytes"):
            self.assertEqual(self.assert_never_wrong_bytes(), 2)
        self.reboot()
        with self.subTest("memory is gone: the step before, in the same attempt"):
            self.assertEqual(self.assert_never_wrong_bytes(), 1)
            wait_for("the corrupt copy to be an incident", lambda: "corrupt_copy" in self.incident_kinds())
            self.assertIn("plan_replaced", self.incident_kinds())
        self.edit(pack, flip)
        with self.subTest("mended too late: the run went on from step 1, and step 2 is of another lineage"):
            self.assertEqual(self.assert_never_wrong_bytes(), 1)

    def test_a_truncated_pack(self):
        pack = pack_paths(self.cluster.store, self.run_name, 2, 1)[-1]
        whole = self.edit(pack, lambda data: data[: len(data) - 100])
        self.reboot()
        self.assertEqual(self.assert_never_wrong_bytes(), 1)
        self.edit(pack, lambda _: whole)
        self.assertEqual(self.assert_never_wrong_bytes(), 1)

    def test_a_missing_index(self):
        os.rename(self.path("000000.index"), self.path("gone"))
        self.reboot()
        self.assertEqual(self.assert_never_wrong_bytes(), 1)
        os.rename(self.path("gone"), self.path("000000.index"))
        self.assertEqual(self.assert_never_wrong_bytes(), 1)

    def test_a_missing_index_of_every_step(self):
        for step in (1, 2):
            os.rename(self.path("000000.index", step), self.path("gone", step))
        self.reboot()
        self.assertEqual(self.assert_never_wrong_bytes(), "restore_impossible")
        for step in (1, 2):
            os.rename(self.path("gone", step), self.path("000000.index", step))
        # Nothing was trained meanwhile, so nothing is lost: the newest step is there again.
        self.assertEqual(self.assert_never_wrong_bytes(), 2)

    def test_a_damaged_manifest(self):
        before = committed(self.cluster.store, self.run_name)
        self.edit(self.path("MANIFEST.json"), lambda data: data[: len(data) // 2])
        self.reboot()
        # The journal knows what was committed, so the step itself is not in doubt.
        self.assertIn(self.assert_never_wrong_bytes(), (2, 1, "restore_impossible", "manifest_corrupt"))
        self.assertEqual(committed(self.cluster.store, self.run_name), before)
