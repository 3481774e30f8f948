"""A scheduler's side of the pushed incidents: a webhook receiver, and a reader of server-sent events."""

import http.client
import http.server
import json
import os
import re
import socket
import threading

from cluster import ROOT, free_port, wait_for


def documented_check():
    """The Python example of the documentation, as it stands there."""
    path = os.path.join(ROOT, "service", "Checkpointer.Service", "Notifying", "README.md")
    with open(path, encoding="utf-8") as text:
        code = re.search(r"```python\n(.*?)```", text.read(), re.DOTALL)[1]
    names = {}
    exec(code, names)
    return names["is_genuine"]


class WebhookReceiver:
    """Keeps what is posted to it: (signature, body). It can be down, and come up at the same address."""

    def __init__(self):
        self.port = free_port()
        self.received = []
        self.status = 204
        self._server = None

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((self.headers["Checkpointer-Signature"], body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def notices(self):
        return [json.loads(body) for _, body in list(self.received)]

    def notice(self, kind):
        return wait_for(
            f"a webhook call of {kind}",
            lambda: next((notice for notice in self.notices() if notice["incident"]["kind"] == kind), None),
        )


class EventStream:
    """Server-sent events, read in the background: (id, data)."""

    def __init__(self, port, path, last_id=None):
        self.events = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.request("GET", path, headers={} if last_id is None else {"Last-Event-ID": last_id})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        threading.Thread(target=self._read, daemon=True).start()

    def close(self):
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _read(self):
        number = None
        try:
            for line in self._answer:
                name, _, value = line.decode("utf-8").rstrip("\n").partition(": ")
                if name == "id":
                    number = value
                elif name == "data":
                    self.events.append((number, json.loads(value)))
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass  # closed by the test, or with the service

    def incident(self, kind):
        return wait_for(
            f"an event of {kind}",
            lambda: next(((i, data) for i, data in list(self.events) if data["incident"]["kind"] == kind), None),
        )
