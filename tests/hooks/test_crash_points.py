"""Crash points: with a listener, the trainer stays where it is until it is let go on; without, nothing is asked."""

import os
import socket
import tempfile
import threading
from unittest import mock

from checkpointer import crash_points
from support import AgentTest, make_state


class CrashPointTests(AgentTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "listener")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(self.listener.close)
        self.listener.bind(path)
        self.listener.listen()
        self.listener.settimeout(30)
        wanted = [crash_points.JOINING, crash_points.CAPTURED]
        patch = mock.patch.multiple(crash_points, _listener=path, _wanted=wanted)
        patch.start()
        self.addCleanup(patch.stop)

    def hear(self):
        connection, _ = self.listener.accept()
        pid, point = connection.recv(100).decode().split()
        self.assertEqual(os.getpid(), int(pid))
        return connection, point

    def pass_through(self, *expected):
        for point in expected:
            connection, heard = self.hear()
            self.assertEqual(point, heard)
            connection.sendall(b"!")
            connection.close()

    def test_a_save_stays_with_its_slot_filled_but_not_sealed(self):
        joined = threading.Thread(target=self.pass_through, args=("trainer.joining",))
        joined.start()
        session = self.connect()
        joined.join()
        tickets = []
        saving = threading.Thread(target=lambda: tickets.append(session.save(1, make_state(), durable=False)))
        saving.start()
        connection, point = self.hear()
        self.assertEqual(("trainer.captured", []), (point, tickets))
        connection.close()  # a listener that goes away lets go on, too
        saving.join(30)
        self.assertEqual("sealed", tickets[0].wait("sealed", 30))

    def test_a_listener_that_is_gone_holds_nobody_up(self):
        self.listener.close()
        session = self.connect()
        self.assertTrue(session.save(1, make_state(), durable=False).ok)
