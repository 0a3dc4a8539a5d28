"""Probes and metrics, as a monitoring system sees them."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from adapters.http.app import create_app
from bootstrap.container import VERSION, Container, build
from bootstrap.settings import Settings
from domain.errors import StorageFailure

Client = TestClient[Litestar]
Labels = dict[str, str]
OBSERVATION = [0.1, 0.0, 0.05, 0.0]


def figure(client: Client, name: str, **labels: str) -> float | None:
    """One sample of /metrics; None where there is none with exactly these labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    found = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    container = build(Settings(data_dir=str(tmp_path), executor="inline"))
    yield container
    container.close()


def test_probes_of_a_service_that_works_are_200(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "alive"}
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "checks": {"storage": "ok", "executor": "ok", "shutdown": "ok"}}


def test_readiness_when_the_database_is_locked_by_another_is_503_and_says_so(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise StorageFailure("The database cannot be used: database is locked.")

    monkeypatch.setattr(container.use_cases.get_readiness, "_jobs", type("Locked", (), {"probe": staticmethod(locked)})())
    with TestClient(create_app(container.use_cases, VERSION), raise_server_exceptions=False) as client:
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["code"], answer.json()["detail"]) == (
            "not-ready",
            "The service is not ready: the storage cannot be written.",
        )
        assert client.get("/health/live").status_code == 200


def test_readiness_when_the_executor_has_ended_is_503(container: Container) -> None:
    with TestClient(create_app(container.use_cases, VERSION), raise_server_exceptions=False) as client:
        container._executor.close()
        answer = client.get("/health/ready")
        assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
        assert "executor" in answer.json()["detail"]


def test_requests_when_answered_are_counted_by_route_method_and_class(trained: Client) -> None:
    name = "grpo_http_requests_total"
    for _ in range(3):
        trained.post("/inference", json={"model_name": "quick", "observation": OBSERVATION})
    trained.post("/inference", content=b"{")
    trained.get("/training/nobody/status")
    trained.get("/nothing/here")
    trained.get("/nothing/there")
    trained.request("BREW", "/models")
    assert figure(trained, name, route="/inference", method="POST", status="2xx") == 3
    assert figure(trained, name, route="/inference", method="POST", status="4xx") == 1
    assert figure(trained, name, route="/training", method="GET", status="4xx") == 1
    assert figure(trained, name, route="other", method="GET", status="4xx") == 2
    assert figure(trained, name, route="/models", method="other", status="4xx") == 1
    assert figure(trained, "grpo_http_request_duration_seconds_count", route="/inference") == 4
    assert figure(trained, "grpo_http_request_duration_seconds_bucket", route="/inference", le="+Inf") == 4


def test_paths_when_nobody_foresaw_them_make_no_new_label(client: Client) -> None:
    client.get("/first")
    before = len(client.get("/metrics").text.splitlines())
    for number in range(20):
        client.get(f"/never-seen/{number}")
        client.get(f"/{number}")
    assert len(client.get("/metrics").text.splitlines()) <= before + 1  # /metrics itself was answered meanwhile


def test_work_when_done_is_counted(trained: Client) -> None:
    for _ in range(2):
        trained.post("/inference", json={"model_name": "quick", "observation": [OBSERVATION] * 5})
    assert figure(trained, "grpo_jobs", status="completed") == 1
    assert figure(trained, "grpo_jobs", status="queued") == 0
    assert figure(trained, "grpo_queue_length") == 0
    assert figure(trained, "grpo_environment_steps_total") == 600
    assert figure(trained, "grpo_inferences_total") == 10
    assert (figure(trained, "grpo_model_cache_misses_total"), figure(trained, "grpo_model_cache_hits_total")) == (1, 1)
    assert (figure(trained, "grpo_model_cache_bytes") or 0) > 1_000
    assert (figure(trained, "process_resident_memory_bytes") or 0) > 1_000_000


def test_metrics_when_the_storage_fails_leave_out_the_jobs_only(container: Container, tmp_path: Path) -> None:
    with TestClient(create_app(container.use_cases, VERSION), raise_server_exceptions=False) as client:
        with sqlite3.connect(tmp_path / "grpo.db") as other:
            other.execute("drop table checkpoints")
            other.execute("drop table jobs")
        other.close()
        assert figure(client, "grpo_queue_length") is None
        assert figure(client, "grpo_inferences_total") == 0


def test_two_applications_in_one_process_have_figures_of_their_own(container: Container) -> None:
    with (
        TestClient(create_app(container.use_cases, VERSION)) as one,
        TestClient(create_app(container.use_cases, VERSION)) as other,
    ):
        one.get("/models")
        assert figure(one, "grpo_http_requests_total", route="/models", method="GET", status="2xx") == 1
        assert figure(other, "grpo_http_requests_total", route="/models", method="GET", status="2xx") is None
