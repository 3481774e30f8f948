"""The store is S3, and what lies between is bad: the run goes on, the user sees why, and all catches up once mended."""

import os
import shutil
import tempfile

import safetensors_reader
from cluster import PATIENCE_S, Cluster, fetch, wait_for
from object_storage import Proxy, gateway
from store_reader import Checkpoint, committed
from support import IntegrationTest, bytes_of

SIZE_BYTES = (1 << 20) + 5
#: Everything but what only time ends.
QUICK_KINDS = (
    "internal-error,slow-down,too-many-requests,reset-before,reset-in-request,lost-answer,reset-in-response,"
    "short-body,short-length"
)


def setUpModule():
    gateway()


def write_wrong_credentials(path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing-that-anyone-gave\n")


class ObjectStorageTest(IntegrationTest):
    """A test with a bucket of its own, a proxy before it, and a cluster that opens it through that."""

    starts_well = True

    def setUp(self):
        self.gateway = gateway()
        self.bucket = self.gateway.new_bucket()
        self.addCleanup(self.gateway.delete_bucket, self.bucket)
        self.proxy = Proxy(self.gateway.address)
        self.addCleanup(self.proxy.stop)
        self.private = tempfile.mkdtemp(prefix="checkpointer-it-")
        self.addCleanup(shutil.rmtree, self.private)
        self.credentials = shutil.copy(self.gateway.credentials, os.path.join(self.private, "credentials"))
        self.cluster_options = {
            "store": f"s3://{self.bucket}/job?endpoint={self.proxy.endpoint}",
            "environment": {"AWS_SHARED_CREDENTIALS_FILE": self.credentials},
            "deadline_s": 600,
        }
        if self.starts_well:
            self.proxy.start()
            super().setUp()

    def tearDown(self):
        # Whatever a test provoked: no key of the credentials is in any log.
        with open(self.gateway.credentials, encoding="utf-8") as file:
            secret = next(line.split("=")[1].strip() for line in file if "secret" in line)
        for daemon in self.cluster.daemons:
            log = daemon.log()
            self.assertNotIn(secret, log, daemon.name)
            self.assertNotIn("nothing-that-anyone-gave", log, daemon.name)
            self.assertNotIn("X-Amz-Signature", log, daemon.name)

    def said(self, daemon, *words):
        """The line of a daemon's log that has all the words, waited for."""

        def line():
            return next((line for line in daemon.log().splitlines() if all(word in line for word in words)), None)

        try:
            return wait_for(f"{daemon.name} to say {words}", line)
        except AssertionError as error:
            raise AssertionError(f"{error}\nit said:\n{daemon.log()[-6000:]}") from None

    def assert_unready(self, *words):
        """Service and agents say that they are not ready, with the words; all of them live."""
        for daemon in self.cluster.daemons:

            def answer(daemon=daemon):
                status, text = fetch(daemon.port, "/healthz/ready")
                return text if status == 503 and all(word in text for word in words) else None

            text = wait_for(f"{daemon.name} to be unready: {words}", answer)
            self.assertIn('"code":"storage_unavailable"', text)
            self.assertTrue(daemon.is_live(), daemon.name)
        self.said(self.cluster.service, "commits wait for it", *words)
        for agent in self.cluster.agents.values():
            self.said(agent, "cannot be used, drains wait for it", *words)

    def stored(self):
        """The store as an independent client of S3 downloads it."""
        folder = tempfile.mkdtemp(dir=self.private)
        self.gateway.download(self.bucket, folder)
        return os.path.join(folder, "job")

    def assert_stored_as_saved(self, *steps):
        store = self.stored()
        for step in steps:
            for rank, shard in enumerate(Checkpoint(store, self.run_name, step, 1).shards):
                self.assertTrue(shard.tensors()["model.w"] == bytes_of(rank, step, SIZE_BYTES), f"rank {rank} of {step}")
        return store

    def assert_goes_on(self, ranks, first, last):
        """Steps are reported and reach the ledger; saves are taken or refused by name; nobody ends."""
        for step in range(first, last + 1):
            self.train(ranks, step, step)
            for ticket in ranks.save(step, size=SIZE_BYTES):
                self.assertTrue(ticket.ok or ticket.error.code == "slot_busy", ticket.error)
        wait_for("the ledger", lambda: len(self.cluster.items(self.run_name, "ledger")) == last)
        for daemon in self.cluster.daemons:
            self.assertTrue(daemon.is_live(), daemon.name)

    def assert_ready_again(self):
        for daemon in self.cluster.daemons:
            wait_for(f"{daemon.name} to be ready again", daemon.is_ready)

    def assert_catches_up(self, ranks, tickets, step):
        """What waited becomes durable and committed, later saves go through, and after a reboot all of it is restored."""
        self.assert_durable(tickets)
        self.assert_committed(tickets[0].step)
        self.assert_ready_again()
        last = self.save_until_committed(ranks, step, size=SIZE_BYTES)
        self.assert_stored_as_saved(tickets[0].step, last)
        ranks.close()
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()
        self.assert_restored(self.start("b", "a"), last, size=SIZE_BYTES)


class ObjectStorageTests(ObjectStorageTest):
    """What goes wrong while the job runs."""

    def test_store_down(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.train(ranks, 1, 1)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        self.proxy.stop()
        self.assert_unready(self.proxy.endpoint, "nothing answers there")
        self.train(ranks, 2, 2)
        tickets = ranks.save(2, size=SIZE_BYTES)
        for ticket in tickets:
            self.assertEqual(ticket.wait("sealed", PATIENCE_S), "sealed", ticket.error)
        self.assert_goes_on(ranks, 3, 4)
        for agent in self.cluster.agents.values():
            self.said(agent, "storage failed the drain of 2.1", self.proxy.endpoint)
        self.assertEqual([ticket.refresh() for ticket in tickets], ["sealed"] * 2)
        self.proxy.start()
        self.assert_catches_up(ranks, tickets, 5)

    def test_store_throttles(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        # 429: a 503 to a HEAD has no body, and so does not say why.
        self.proxy.inject(rate=1, kinds="too-many-requests")
        self.train(ranks, 1, 1)
        tickets = ranks.save(1, size=SIZE_BYTES)
        for agent in self.cluster.agents.values():
            self.said(agent, "storage failed the drain of 1.1", "slow down")
        self.assert_goes_on(ranks, 2, 3)
        self.proxy.inject(rate=0)
        self.assert_catches_up(ranks, tickets, 4)

    def test_wrong_credentials(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.train(ranks, 1, 1)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        write_wrong_credentials(self.credentials)
        self.assert_unready("does not know the access key", self.credentials)
        self.train(ranks, 2, 2)
        tickets = ranks.save(2, size=SIZE_BYTES)
        for agent in self.cluster.agents.values():
            self.said(agent, "storage failed the drain of 2.1", "does not know the access key", self.credentials)
        self.assert_goes_on(ranks, 3, 4)
        # Mended in place: nothing is restarted.
        shutil.copy(self.gateway.credentials, self.credentials + ".new")
        os.replace(self.credentials + ".new", self.credentials)
        self.assert_catches_up(ranks, tickets, 5)

    def test_bucket_gone_and_back(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.train(ranks, 1, 1)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        copy = tempfile.mkdtemp(dir=self.private)
        self.gateway.download(self.bucket, copy)
        self.gateway.delete_bucket(self.bucket)
        self.assert_unready(self.bucket, "the bucket does not exist")
        self.train(ranks, 2, 2)
        tickets = ranks.save(2, size=SIZE_BYTES)
        for agent in self.cluster.agents.values():
            self.said(agent, "storage failed the drain of 2.1", self.bucket, "bucket")
        self.assert_goes_on(ranks, 3, 4)
        self.gateway.aws("s3api", "create-bucket", "--bucket", self.bucket)
        self.gateway.upload(copy, self.bucket)
        self.assert_catches_up(ranks, tickets, 5)

    def test_one_request_in_five_fails(self):
        self.proxy.inject(rate=0.2, kinds=QUICK_KINDS, seed=5)
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        steps = (1, 2, 3, 4, 5, 6)
        for step in steps:
            self.train(ranks, step, step)
            self.save_and_commit(ranks, step, size=SIZE_BYTES)
        self.assertGreater(sum(self.proxy.injected().values()), 10, self.proxy.injected())
        store = self.assert_stored_as_saved(*steps)
        self.assertEqual(committed(store, self.run_name), [(step, 1) for step in steps])
        ranks.close()
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()
        self.assert_restored(self.start("b", "a"), steps[-1], size=SIZE_BYTES)

    def test_a_wrong_bit_on_the_way(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        ranks.close()
        self.cluster.kill_agents()
        self.cluster.forget_memory()
        self.cluster.start()
        # What is stored is right: the bytes are asked for once more, and nothing else is wrong.
        self.proxy.inject(rate=1, kinds="wrong-response", times=1, key="/packs/")
        self.assert_restored(self.start("b", "a"), 1, size=SIZE_BYTES)
        self.assertEqual(self.proxy.injected(), {"wrong-response": 1})

    def test_a_shard_is_a_safetensors_file(self):
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        for rank, shard in enumerate(Checkpoint(self.stored(), self.run_name, 1, 1).shards):
            tensors, metadata = safetensors_reader.read(shard.safetensors())
            self.assertEqual(tensors["model.w"], ("U8", [SIZE_BYTES], bytes(bytes_of(rank, 1, SIZE_BYTES))))
            self.assertEqual(tensors["rng"], ("U8", [17], bytes(bytes_of(rank, -1, 17))))
            self.assertIn("checkpointer", metadata)


class ObjectStorageStartTests(ObjectStorageTest):
    """What is wrong from the start: everything comes up and says what it waits for, and needs no restart."""

    starts_well = False

    def start_badly(self, **changes):
        self.cluster = Cluster(self.nodes, **{**self.cluster_options, **changes})
        self.addCleanup(self.cluster.__exit__)
        self.run_name = "it"
        for daemon in self.cluster.daemons:
            daemon.start()

    def assert_works(self):
        self.assert_ready_again()
        ranks = self.start_fresh("a", "b", size=SIZE_BYTES)
        self.save_and_commit(ranks, 1, size=SIZE_BYTES)
        self.assert_stored_as_saved(1)

    def test_store_down(self):
        self.start_badly()
        self.assert_unready(self.proxy.endpoint, "nothing answers there")
        self.proxy.start()
        self.assert_works()

    def test_no_bucket(self):
        self.proxy.start()
        self.gateway.delete_bucket(self.bucket)
        self.start_badly()
        self.assert_unready(self.bucket, "the bucket does not exist")
        self.gateway.aws("s3api", "create-bucket", "--bucket", self.bucket)
        self.assert_works()

    def test_wrong_credentials(self):
        self.proxy.start()
        write_wrong_credentials(self.credentials)
        self.start_badly()
        self.assert_unready("does not know the access key", self.credentials)
        shutil.copy(self.gateway.credentials, self.credentials)
        self.assert_works()
