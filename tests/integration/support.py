"""What the tests share: ranks as threads, states whose bytes follow from rank and step, and checks."""

import concurrent.futures
import logging
import random
import threading
import unittest
import uuid

import checkpointer
from cluster import PATIENCE_S, Cluster

logging.getLogger("checkpointer").addHandler(logging.NullHandler())
logging.getLogger("checkpointer").propagate = False

try:
    import torch
except ImportError:
    torch = None
needs_torch = unittest.skipIf(torch is None, "PyTorch is not installed")

#: More than a chunk, and no multiple of one.
LARGE_BYTES = (5 << 20) + 13


def bytes_of(rank, step, size):
    return bytearray(random.Random(f"{rank}/{step}").randbytes(size))


def state_of(rank, step, size=LARGE_BYTES):
    """A rank's state after a step."""
    return {"model": {"w": bytes_of(rank, step, size)}, "rng": bytes_of(rank, -step, 17)}


def empty_state(size=LARGE_BYTES):
    return {"model": {"w": bytearray(size)}, "rng": bytearray(17)}


def together(calls):
    """Runs the calls at once, a thread each; all results, or the first error."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


class Ranks:
    """The ranks of one start of a job: a session each, on the nodes named, in this process."""

    def __init__(self, cluster, run, nodes, **options):
        options = {"join_timeout_s": PATIENCE_S, "restore_timeout_s": PATIENCE_S, "call_timeout_s": 10.0,
                   "close_timeout_s": 5.0, "incarnation": uuid.uuid4().hex, **options}  # fmt: skip
        self.sessions = together([
            lambda rank=rank, node=node: checkpointer.connect(
                run=run, rank=rank, world_size=len(nodes), socket=cluster.socket(node), **options
            )
            for rank, node in enumerate(nodes)
        ])  # fmt: skip
        self.attempt = self.sessions[0].attempt

    def restore(self, states):
        return together([lambda s=s, t=t: s.restore(t) for s, t in zip(self.sessions, states)])

    def save(self, step, states=None, size=LARGE_BYTES, **options):
        """All ranks save; a state of None is a rank that does not."""
        states = states or [state_of(rank, step, size) for rank in range(len(self.sessions))]
        return together([
            lambda s=s, t=t: t and s.save(step, t, **options) for s, t in zip(self.sessions, states)
        ])  # fmt: skip

    def close(self):
        together([session.close for session in self.sessions])


class IntegrationTest(unittest.TestCase):
    """A test with a cluster of its own, and ranks that end with it."""

    nodes = ("a", "b")
    cluster_options = {}

    def setUp(self):
        self.cluster = Cluster(self.nodes, **self.cluster_options)
        self.cluster.__enter__()
        self.addCleanup(self.cluster.__exit__)
        self.run_name = "it"

    def start(self, *nodes, run=None, **options):
        ranks = Ranks(self.cluster, run or self.run_name, nodes, **options)
        self.addCleanup(ranks.close)
        return ranks

    def start_fresh(self, *nodes, size=LARGE_BYTES, **options):
        """Ranks of a run that starts from scratch, ready to train."""
        ranks = self.start(*nodes, **options)
        self.assertEqual(ranks.restore([empty_state(size) for _ in nodes]), [None] * len(nodes))
        return ranks

    def assert_durable(self, tickets):
        for ticket in tickets:
            self.assertEqual(ticket.wait("durable", PATIENCE_S), "durable", ticket.error)

    def assert_committed(self, step, attempt=1, run=None):
        checkpoint = self.cluster.ended(run or self.run_name, step, attempt)
        self.assertEqual(checkpoint["state"], "committed", checkpoint)
        return checkpoint

    def save_and_commit(self, ranks, step, **options):
        tickets = ranks.save(step, **options)
        self.assert_durable(tickets)
        return self.assert_committed(step, ranks.attempt, ranks.sessions[0].run)

    def train(self, ranks, first, last):
        for step in range(first, last + 1):
            for session in ranks.sessions:
                session.report(step, loss=1 / step)

    def save_until_committed(self, ranks, step, **options):
        """After trouble, slots may still be held by what waits for its next try; but not for long. Gives the step."""
        patience = threading.Event()
        for last in range(step, step + int(PATIENCE_S)):
            self.train(ranks, last, last)
            tickets = ranks.save(last, **options)
            if all(ticket.wait("durable", PATIENCE_S) == "durable" for ticket in tickets):
                self.assert_committed(last)
                return last
            patience.wait(1)
        raise AssertionError(f"No save went through: {tickets}")

    def assert_restored(self, ranks, step, size=LARGE_BYTES):
        """Every rank restores that step, bit by bit; gives what the restores said."""
        states = [empty_state(size) for _ in ranks.sessions]
        restored = ranks.restore(states)
        for rank, (state, told) in enumerate(zip(states, restored)):
            self.assertEqual(told.step, step)
            self.assertTrue(state == state_of(rank, step, size), f"rank {rank} has other bytes")
        return restored
