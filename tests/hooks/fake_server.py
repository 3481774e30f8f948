"""The fake agent's HTTP: one handler for all calls, which carries out the faults that a test has ordered."""

import http.server
import json
import re
import urllib.parse


class Problem(Exception):
    def __init__(self, status, code, detail="", transient=False):
        super().__init__(code)
        self.status = status
        self.body = {"type": f"urn:checkpointer:error:{code}", "title": code, "status": status, "detail": detail,
                     "code": code, "transient": transient}  # fmt: skip


class TrainerHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    agent = None  # the FakeAgent, set by it

    def setup(self):
        super().setup()
        self.agent._connections.add(self.connection)

    def finish(self):
        self.agent._connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass  # the client went away: faults make that happen

    def log_message(self, *_):
        pass

    def address_string(self):
        return "trainer"

    def _stay(self, rank):
        """A presence: its lines go to ``agent.presence``, and None when the connection ends without a goodbye."""
        self.close_connection = True
        agent, line = self.agent, {}
        try:
            while not line.get("goodbye"):
                size = int(self.rfile.readline().strip() or b"0", 16)
                content = self.rfile.read(size)
                self.rfile.readline()
                line = json.loads(content)
                with agent.changed:
                    first = rank not in agent.present
                    agent.present.add(rank)
                    agent.presence[rank].append(line)
                    agent.changed.notify_all()
                if first:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except (ValueError, OSError):
            with agent.changed:
                agent.presence[rank].append(None)
                agent.changed.notify_all()
        with agent.changed:
            agent.present.discard(rank)

    def _serve(self):
        presence = re.fullmatch(r"/v1/runs/[a-z0-9-]+/ranks/(\d+)/presence", self.path)
        if presence:
            self._stay(int(presence[1]))
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        agent, url = self.agent, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        call = f"{self.command} {url.path}"
        action = None
        with agent.changed:
            agent.calls.append(call)
            for i, (pattern, planned) in enumerate(agent.faults):
                if re.search(pattern, call):
                    action = planned
                    del agent.faults[i]
                    break
        if action == "hang":
            agent._stopped.wait(30)
        if action in ("drop", "hang"):
            self.close_connection = True
            return
        try:
            if isinstance(action, Problem):
                raise action
            with agent.changed:
                answer = agent.handle(self.command, url.path, query, body)
                agent.changed.notify_all()
            status = 200
            if callable(action):
                answer = action(answer)
        except Problem as problem:
            status, answer = problem.status, problem.body
        except ConnectionError:
            action = "drop_answer"
        if action == "drop_answer":
            self.close_connection = True
            return
        content = b"<html>not json" if action == "garbage" else json.dumps(answer).encode()
        try:
            self.send_response(status)
            kind = "application/json" if status == 200 else "application/problem+json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _serve
