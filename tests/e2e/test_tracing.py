"""Traces of a real server: what reaches a collector, and what one that is down does not do."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.e2e.server import ServerProcess, free_port


class Collector(HTTPServer):
    """Takes what is sent to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.taken: list[tuple[str, bytes]] = []


class Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, workers=1)
    yield server
    server.close()


def test_spans_of_requests_and_jobs_reach_the_collector_that_otels_own_variables_name(server: ServerProcess) -> None:
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{collector.server_port}"
        server.start(
            GRPO_TRACING="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_EXPORTER_OTLP_COMPRESSION="none",
            OTEL_SERVICE_NAME="named",
        )
        job = server.train(total_timesteps=300)
        server.wait(job)
        assert server.stop() == 0
    finally:
        collector.shutdown()
        thread.join()
        collector.server_close()
    assert {path for path, _ in collector.taken} == {"/v1/traces"}
    sent = b"".join(body for _, body in collector.taken)
    assert all(word in sent for word in (b"POST /train", job.encode(), b"completed", b"named"))


def test_collector_that_is_down_holds_up_no_job_and_no_exit(server: ServerProcess) -> None:
    server.start(GRPO_TRACING="true", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    assert server.wait(server.train(total_timesteps=300))["status"] == "completed"
    assert server.stop() == 0
