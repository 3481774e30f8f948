"""What probes, scrapers and programs read."""

import json
import re

from cluster import fetch
from support import IntegrationTest

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*",?)*\})? (\S+)( -?\d+)?')


def metrics_of(text):
    """Name to the sum of its samples; an AssertionError for a line that Prometheus would not read."""
    sums = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        sums[sample[1]] = sums.get(sample[1], 0.0) + float(sample[3])
    return sums


class EndpointTests(IntegrationTest):
    def test_what_is_served(self):
        ranks = self.start_fresh("a", "b")
        ranks.sessions[0].report(1, loss=0.5)
        self.save_and_commit(ranks, 1)
        for daemon in self.cluster.daemons:
            with self.subTest(daemon.name):
                self.assertEqual(fetch(daemon.port, "/healthz/live")[0], 200)
                self.assertEqual(fetch(daemon.port, "/healthz/ready")[0], 200)
                status, text = fetch(daemon.port, "/metrics")
                self.assertEqual(status, 200)
                ours = {name: value for name, value in metrics_of(text).items() if name.startswith("checkpointer_")}
                self.assertTrue(any(value > 0 for value in ours.values()), ours)
        document = self.cluster.service.get("/openapi/v1.json")
        self.assertTrue(document["openapi"].startswith("3."))
        for path in ("/v1/runs", "/v1/runs/{run}/checkpoints", "/v1/runs/{run}/join"):
            self.assertIn(path, {known.rstrip("/") for known in document["paths"]})

    def test_errors_are_problems_with_a_code(self):
        for path, status, code in (("/v1/runs/nobody", 404, "not_found"), ("/v1/runs/No_Label", 400, "invalid_request")):
            answer, text = fetch(self.cluster.service.port, path)
            self.assertEqual((answer, json.loads(text)["code"]), (status, code), text)
