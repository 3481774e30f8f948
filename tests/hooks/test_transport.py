"""The socket: every answer is sense, a problem, or an agent that is not available."""

import http.server
import logging
import os
import socketserver
import tempfile
import threading
import unittest

import checkpointer
from checkpointer import transport
from checkpointer.log import LOGGER, RateLimitedLog


class TransportTests(unittest.TestCase):
    def setUp(self):
        test = self
        self.answer = (200, b"{}")
        self.requests = []
        self.connections = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                test.connections += 1

            def log_message(self, *_):
                pass

            def address_string(self):
                return "test"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                test.requests.append((self.path, self.headers["Content-Type"], body))
                status, content = test.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "s")
        server = Server(path, Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.transport = transport.Transport(path)
        self.addCleanup(self.transport.close)

    def call(self, status=200, content=b"{}"):
        self.answer = (status, content)
        return self.transport.call("POST", "/x?y=z", b'{"a":1}', 5)

    def test_an_object_comes_back_and_the_connection_is_kept(self):
        for _ in range(5):
            self.assertEqual(self.call(content=b'{"b":[2]}'), {"b": [2]})
        self.assertEqual(self.requests[0], ("/x?y=z", "application/json", b'{"a":1}'))
        self.assertEqual((self.connections, self.transport.losses), (1, 0))

    def test_a_problem_is_told_by_its_code(self):
        with self.assertRaises(checkpointer.AgentProblem) as caught:
            self.call(409, b'{"code":"slot_busy","detail":"both","transient":true,"status":409}')
        error = caught.exception
        self.assertEqual((error.code, error.message, error.transient, error.status), ("slot_busy", "both", True, 409))

    def test_what_makes_no_sense_is_an_agent_that_is_not_available(self):
        for status, content in (
            (200, b"<html>"), (200, b"[1]"), (200, b"7"), (200, b"\xff"), (200, b"[" * 100_000), (502, b"<html>"),
            (500, b""), (503, b'{"code":7}'), (429, b""), (200, b'"' + b"x" * transport.MAX_ANSWER_BYTES),
        ):  # fmt: skip
            with self.assertRaises(checkpointer.AgentUnavailable, msg=(status, content[:10])):
                self.call(status, content)

    def test_statuses_without_a_problem_speak_for_themselves(self):
        for status, code in ((404, "not_found"), (400, "invalid_request"), (301, "invalid_request")):
            with self.assertRaises(checkpointer.AgentProblem) as caught:
                self.call(status, b"<html>")
            self.assertEqual((caught.exception.code, caught.exception.transient), (code, False))

    def test_connections_that_are_kept_are_few(self):
        threads = [threading.Thread(target=self.call) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLessEqual(len(self.transport._idle), transport.MAX_IDLE)
        self.transport.close()
        self.assertEqual(self.call(), {})
        self.assertEqual(self.transport._idle, [])


class RateLimitedLogTests(unittest.TestCase):
    def test_one_message_of_a_kind_each_interval_with_the_count_of_the_others(self):
        now = [0.0]
        log = RateLimitedLog("run r", interval_s=60, clock=lambda: now[0])
        with self.assertLogs(LOGGER, logging.WARNING) as seen:
            for second in range(0, 121, 10):
                now[0] = float(second)
                log.warn("a", f"at {second}")
            log.warn("b", "another")
        self.assertEqual(
            [record.getMessage() for record in seen.records],
            [
                "run r: at 0",
                "run r: at 60 (5 more like it since the last message)",
                "run r: at 120 (5 more like it since the last message)",
                "run r: another",
            ],
        )
