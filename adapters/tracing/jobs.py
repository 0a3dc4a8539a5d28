"""One span for each attempt at a training job, linked to the request that submitted the job."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, StatusCode, Tracer, get_current_span

from domain.ports import JobExecutor, TrainingTask
from domain.reports import Ended, Failed, Report

MAX_ORIGINS = 10_000


class Submissions:
    """Which span was current when a job got its id; the newest `MAX_ORIGINS`, of this process only. Thread-safe."""

    def __init__(self) -> None:
        self._origins: OrderedDict[str, SpanContext] = OrderedDict()
        self._lock = threading.Lock()

    def observed(self, new_id: Callable[[], str]) -> Callable[[], str]:
        """The same maker of ids, which remembers where it was called."""

        def new_id_here() -> str:
            job_id, origin = new_id(), get_current_span().get_span_context()
            with self._lock:
                self._origins[job_id] = origin
                while len(self._origins) > MAX_ORIGINS:
                    self._origins.popitem(last=False)
            return job_id

        return new_id_here

    def links(self, job_id: str) -> list[Link]:
        """To the request that submitted the job, where it is known."""
        with self._lock:
            origin = self._origins.get(job_id)
        return [Link(origin)] if origin is not None and origin.is_valid else []


class TracedExecutor:
    """JobExecutor around another one. The attribute `grpo.outcome` is completed, stopped, interrupted or an error's code."""

    def __init__(self, executor: JobExecutor, tracer: Tracer, submissions: Submissions) -> None:
        self._executor, self._tracer, self._submissions = executor, tracer, submissions
        self._spans: dict[str, Span] = {}

    @property
    def capacity(self) -> int:
        return self._executor.capacity

    @property
    def waiting_reason(self) -> str:
        return self._executor.waiting_reason

    @property
    def alive(self) -> bool:
        return self._executor.alive

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        job = task.job
        attributes: dict[str, str | int] = {
            "grpo.job_id": job.id,
            "grpo.env_name": job.config.env_name,
            "grpo.attempt": job.attempts,
        }
        # A trace of its own: the request is long answered when the job ends.
        span = self._tracer.start_span("train", Context(), attributes=attributes, links=self._submissions.links(job.id))
        self._spans[job.id] = span

        def traced(report: Report) -> None:
            if isinstance(report, Ended | Failed):
                self._spans.pop(job.id, None)
                _end(span, report)
            listener(report)

        try:
            self._executor.start(task, traced)
        except Exception:
            self._spans.pop(job.id, None)
            span.set_status(StatusCode.ERROR)
            span.end()
            raise

    def stop(self, job_id: str) -> None:
        self._executor.stop(job_id)

    def kill(self, job_id: str) -> None:
        self._executor.kill(job_id)

    def close(self) -> None:
        self._executor.close()
        while self._spans:
            _, span = self._spans.popitem()
            span.set_attribute("grpo.outcome", "interrupted")
            span.end()


def _end(span: Span, report: Ended | Failed) -> None:
    if isinstance(report, Failed):
        span.set_attribute("grpo.outcome", report.code)
        span.set_status(StatusCode.ERROR, report.message)
    else:
        span.set_attribute("grpo.outcome", "stopped" if report.stopped else "completed")
        span.set_attribute("grpo.timesteps", report.checkpoint.timesteps)
    span.end()
