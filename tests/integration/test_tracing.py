"""Spans of requests and jobs, kept in memory by the SDK's own exporter."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from adapters.execution.inline import InlineExecutor
from adapters.http.app import create_app
from adapters.tracing.tracing import Tracing
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings
from domain.ports import TrainingTask
from domain.reports import Report
from tests.factories import make_job
from tests.fakes import FailingVector, FakeEnvironments, IdentityVector
from tests.integration.conftest import QUICK

ROOT = Path(__file__).parent.parent.parent
Client = TestClient[Litestar]


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Tracing:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Tracing(provider)


@pytest.fixture
def client(tracing: Tracing, tmp_path: Path) -> Iterator[Client]:
    container = build(Settings(data_dir=str(tmp_path), executor="inline"), tracing)
    app = create_app(container.use_cases, VERSION, on_shutdown=container.close, traced=tracing.requests)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def named(spans: InMemorySpanExporter, name: str) -> ReadableSpan:
    [found] = [span for span in spans.get_finished_spans() if span.name == name]
    return found


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_request_when_traced_is_a_span_of_the_clients_trace_named_by_its_route(
    client: Client, spans: InMemorySpanExporter
) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01", "X-Request-ID": "r-1"}
    assert client.get("/training/nobody/status", headers=headers).status_code == 404
    span = named(spans, "GET /training/{job_id}/status")
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == trace_id
    assert attributes(span) == {
        "http.request.method": "GET",
        "url.path": "/training/nobody/status",
        "http.route": "/training/{job_id}/status",
        "http.response.status_code": 404,
        "grpo.request_id": "r-1",
    }


def test_request_to_no_route_when_traced_gets_no_name_of_the_clients_making(
    client: Client, spans: InMemorySpanExporter
) -> None:
    client.get("/nothing/here")
    client.request("BREW", "/models")
    first, second = spans.get_finished_spans()
    assert first.name == "GET"
    assert attributes(second)["http.request.method"] == "_OTHER"


def test_error_that_nobody_foresaw_is_an_error_of_the_span(
    client: Client, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("application.models.ListModels.__call__", broken)
    assert client.get("/models").status_code == 500
    assert named(spans, "GET /models").status.status_code is StatusCode.ERROR


def test_job_when_traced_is_a_span_linked_to_the_request_that_submitted_it(client: Client, spans: InMemorySpanExporter) -> None:
    job_id = client.post("/train", json=QUICK).json()["job_id"]
    job, request = named(spans, "train"), named(spans, "POST /train")
    assert attributes(job) == {
        "grpo.job_id": job_id,
        "grpo.env_name": "CartPole-v1",
        "grpo.attempt": 1,
        "grpo.outcome": "completed",
        "grpo.timesteps": 600,
    }
    assert job.parent is None
    assert request.context is not None
    assert [link.context.span_id for link in job.links] == [request.context.span_id]


@pytest.mark.parametrize(("kind", "outcome"), [(IdentityVector, "stopped"), (FailingVector, "environment-failed")])
def test_job_that_is_not_completed_when_traced_says_how_it_ended(
    tracing: Tracing, spans: InMemorySpanExporter, kind: type[IdentityVector], outcome: str
) -> None:
    environments = FakeEnvironments(kind)
    config = make_job().config.__class__(
        env_name="Identity-v0",
        model_name="m",
        total_timesteps=1_000,
        reward_function_type="environment",
        seed=1,
        max_episode_steps=20,
    )
    executor = tracing.executor(InlineExecutor())
    if outcome == "stopped":
        executor.stop("j")
    reports: list[Report] = []
    executor.start(TrainingTask(make_job("j", config=config), environments), reports.append)
    assert len(reports) == 1
    assert attributes(named(spans, "train"))["grpo.outcome"] == outcome
    assert (named(spans, "train").status.status_code is StatusCode.ERROR) == (outcome != "stopped")


def test_job_that_runs_when_the_executor_closes_is_an_interrupted_span(tracing: Tracing, spans: InMemorySpanExporter) -> None:
    class Silent(InlineExecutor):
        def start(self, task: object, listener: object) -> None:
            """Never reports."""

    executor = tracing.executor(Silent())
    executor.start(TrainingTask(make_job("j"), FakeEnvironments()), print)
    assert (executor.capacity, executor.alive) == (1, True)
    executor.close()
    executor.close()
    assert not executor.alive
    assert attributes(named(spans, "train"))["grpo.outcome"] == "interrupted"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_service_without_the_extra_when_told_to_trace_says_what_is_missing(tmp_path: Path) -> None:
    done = run(
        "import sys; sys.modules['opentelemetry'] = None\n"
        f"from bootstrap.main import main; main(['--tracing', 'true', '--port', '0', '--data-dir', {str(tmp_path)!r}])"
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: the setting tracing needs the extra [otel]: "
        "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http.\n"
    )


def test_service_that_does_not_trace_imports_nothing_of_it() -> None:
    done = run(
        "import sys, bootstrap.main, bootstrap.container, adapters.http.app\n"
        "sys.exit(any(name.startswith(('opentelemetry', 'adapters.tracing')) for name in sys.modules))"
    )
    assert (done.returncode, done.stderr) == (0, "")
