"""What the tests share."""

import array
import logging
import unittest
from unittest import mock

import checkpointer
from fake_agent import FakeAgent

logging.getLogger("checkpointer").addHandler(logging.NullHandler())
logging.getLogger("checkpointer").propagate = False


def importable(name):
    try:
        return __import__(name)
    except ImportError:
        return None


torch = importable("torch")
numpy = importable("numpy")
needs_torch = unittest.skipIf(torch is None, "PyTorch is not installed")
needs_numpy = unittest.skipIf(numpy is None, "NumPy is not installed")


def make_state(value=1.0, count=64):
    """A state of the standard library's own buffers, so that it works everywhere."""
    return {"model": {"w": array.array("d", [value] * count)}, "rng": bytearray(b"0123456789abc")}


class AgentTest(unittest.TestCase):
    """A test with an agent that runs, and sessions that end with it."""

    def setUp(self):
        self.agent = FakeAgent()
        self.agent.__enter__()
        self.addCleanup(self.agent.__exit__)
        # Machines that run tests can be slow; what is about these times sets them itself.
        patience = mock.patch("checkpointer.saving.BEGIN_GRACE_S", 30.0)
        patience.start()
        self.addCleanup(patience.stop)

    def connect(self, **options):
        options = {"run": "r", "rank": 0, "world_size": 1, "socket": self.agent.socket, "call_timeout_s": 20.0,
                   "close_timeout_s": 0.5, "join_timeout_s": 30.0, **options}  # fmt: skip
        session = checkpointer.connect(**options)
        self.addCleanup(session.close)
        return session

    def image_of(self, ticket, rank=0):
        """The image that the agent got, with its layout."""
        return self.agent.service.images[rank, ticket.step, ticket.attempt]

    def resume(self, ticket):
        """The next attempt resumes from that save."""
        self.agent.service.resume_from = {"step": ticket.step, "attempt": ticket.attempt}
