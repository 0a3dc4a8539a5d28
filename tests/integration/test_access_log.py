"""The lines that requests leave in the log."""

import logging
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from application import log_context
from bootstrap.logs import JsonFormatter
from tests.integration.conftest import QUICK

Client = TestClient[Litestar]


class Lines(logging.Handler):
    """Keeps records with the ids of their context."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[logging.LogRecord, str | None, str | None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append((record, log_context.request_id.get(), log_context.job_id.get()))

    def access(self) -> list[tuple[logging.LogRecord, Any]]:
        return [(record, record.__dict__["access"]) for record, _, _ in self.kept if record.name == "grpo.access"]


@pytest.fixture
def lines() -> Any:
    logger, handler = logging.getLogger("grpo"), Lines()
    level, logger.level = logger.level, logging.DEBUG
    logging.getLogger("grpo").setLevel(logging.DEBUG)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_request_when_answered_leaves_one_line_without_its_query(client: Client, lines: Lines) -> None:
    client.get("/models/nobody%0Aforged", params={"api_key": "secret"}, headers={"X-Request-ID": "r-1"})
    [(record, access)] = lines.access()
    assert record.levelno == logging.INFO
    assert record.getMessage().startswith("GET /models/nobody%0Aforged 422 in ")
    assert access.pop("milliseconds") > 0
    assert access == {"method": "GET", "path": "/models/nobody%0Aforged", "status": 422, "client": "testclient"}
    assert "secret" not in JsonFormatter().format(record)
    assert lines.kept[-1][1] == "r-1"


def test_requests_that_are_many_are_logged_for_debugging_only(trained: Client, lines: Lines) -> None:
    trained.post("/inference", json={"model_name": "quick", "observation": [0, 0, 0, 0]})
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        trained.get(path)
    trained.get("/models")
    levels = [record.levelno for record, _ in lines.access()]
    assert levels == [logging.DEBUG] * 5 + [logging.INFO]


def test_lines_within_a_thread_of_a_request_carry_its_id_and_the_jobs(client: Client, lines: Lines) -> None:
    job_id = client.post("/train", json=QUICK, headers={"X-Request-ID": "r-2"}).json()["job_id"]
    trained = [(record, job) for record, request, job in lines.kept if record.name == "grpo.worker" and request == "r-2"]
    assert [job for _, job in trained] == [job_id] * 2
    states = [record for record, request, _ in lines.kept if record.name == "grpo.queue" and request == "r-2"]
    assert [record.__dict__["job_id"] for record in states] == [job_id] * 3
    assert (log_context.request_id.get(), log_context.job_id.get()) == (None, None)


def test_error_that_nobody_foresaw_is_logged_under_the_id_of_the_answer(
    client: Client, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("application.models.ListModels.__call__", broken)
    answer = client.get("/models")
    assert answer.status_code == 500
    [(record, identity)] = [(record, identity) for record, identity, _ in lines.kept if record.name == "grpo.http"]
    assert record.exc_info is not None
    assert identity == answer.headers["x-request-id"]
