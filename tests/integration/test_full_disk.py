"""The store's disk is full: the run goes on, the agents say so and wait, and catch up once there is room."""

import os
import subprocess
import tempfile

from cluster import PATIENCE_S, wait_for
from store_reader import Checkpoint, committed
from support import IntegrationTest, bytes_of

SIZE_BYTES = (1 << 20) + 5
DISK_BYTES = 32 << 20


class FullDiskTests(IntegrationTest):
    def setUp(self):
        self.disk = tempfile.mkdtemp(prefix="checkpointer-it-")
        self.addCleanup(os.rmdir, self.disk)
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", self.disk]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        self.cluster_options = {"store": os.path.join(self.disk, "store"), "deadline_s": 600}
        super().setUp()
        self.filler = os.path.join(self.disk, "filler")

    def fill(self, leave_bytes=0):
        with open(self.filler, "wb", buffering=0) as file:
            free = os.statvfs(self.disk)
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - leave_bytes)

    def assert_stored_as_saved(self, step):
        found = Checkpoint(self.cluster.store, self.run_name, step, 1)
        for rank, shard in enumerate(found.shards):
            self.assertTrue(shard.tensors()["model.w"] == bytes_of(rank, step, SIZE_BYTES), f"rank {rank} of {step}")

    def said(self, daemon, *words):
        """The line of a daemon's log that has all the words, waited for."""

        def line():
            return next((line for line in daemon.log().splitlines() if all(word in line for word in words)), None)

        return wait_for(f"{daemon.name} to say {words}", line)

    def test_a_disk_without_room_for_packs(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.train(ranks, 1, 1)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        self.fill()
        self.train(ranks, 2, 2)
        tickets = ranks.save(2, size=SIZE_BYTES)
        for agent in self.cluster.agents.values():
            self.said(agent, "storage failed the drain of 2.1", "no room left")
        # The run goes on: steps are reported, later saves are taken or refused by name, nobody ends.
        for step in (3, 4):
            self.train(ranks, step, step)
            for ticket in ranks.save(step, size=SIZE_BYTES):
                self.assertTrue(ticket.ok or ticket.error.code == "slot_busy", ticket.error)
        wait_for("the ledger", lambda: len(self.cluster.items(self.run_name, "ledger")) == 4)
        self.assertEqual([ticket.refresh() for ticket in tickets], ["sealed"] * 2)
        for daemon in self.cluster.daemons:
            self.assertTrue(daemon.is_live(), daemon.name)
        for node in self.nodes:
            self.assertGreaterEqual(self.cluster.agent_status(node)["pending_drains"], 1)
        self.assertEqual(committed(self.cluster.store, self.run_name), [(1, 1)])
        self.assert_stored_as_saved(1)

        os.remove(self.filler)
        self.assert_durable(tickets)
        self.assert_committed(2)
        last = self.save_until_committed(ranks, 5, size=SIZE_BYTES)
        for step in (1, 2, last):
            self.assert_stored_as_saved(step)

    def test_a_disk_without_room_for_the_manifest(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        # The folders of step 2, in which a manifest will find no room: shards are stored, and then the disk is full.
        self.cluster.service.kill()
        tickets = ranks.save(2, size=SIZE_BYTES)
        indices = os.path.join(self.cluster.store, "runs", self.run_name, "checkpoints", f"{2:012}.{1:06}")
        wait_for("both shards", lambda: os.path.isdir(indices) and len(os.listdir(indices)) == 2)
        self.fill()
        self.cluster.service.start()
        self.said(self.cluster.service, "no room left")
        wait_for("the service to answer", self.cluster.service.is_live)
        wait_for("both shards to be reported", lambda: (self.cluster.checkpoint(self.run_name, 2) or {}).get("state") == "committing")
        self.assertEqual(committed(self.cluster.store, self.run_name), [(1, 1)])
        os.remove(self.filler)
        for ticket in tickets:
            self.assertEqual(ticket.wait("durable", PATIENCE_S), "durable", ticket.error)
        self.assert_committed(2)
        for step in (1, 2):
            self.assert_stored_as_saved(step)
