"""The figures in Prometheus' words, gathered when somebody asks for them."""

from collections.abc import Callable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from adapters.http.observation import SECONDS, RequestFigures
from application.statistics import GetStatistics
from domain.job import JobStatus

BOUNDS = [*map(str, SECONDS), "+Inf"]


def build_registry(
    get_statistics: GetStatistics, requests: RequestFigures, dropped_log_lines: Callable[[], int]
) -> CollectorRegistry:
    """A registry of this application alone: the global one would mix the figures of two in one process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(get_statistics, requests, dropped_log_lines))
    ProcessCollector(registry=registry)
    return registry


class ServiceCollector(Collector):
    """Everything but the process. Labels have few values: groups of routes, methods, classes of status, states of jobs."""

    def __init__(self, get_statistics: GetStatistics, requests: RequestFigures, dropped_log_lines: Callable[[], int]) -> None:
        self._get_statistics, self._requests, self._dropped_log_lines = get_statistics, requests, dropped_log_lines

    def collect(self) -> Iterator[Metric]:
        yield from self._http()
        yield from self._service()
        yield CounterMetricFamily(
            "grpo_log_lines_dropped", "Lines of the server's log that could not be written.", self._dropped_log_lines()
        )

    def _http(self) -> Iterator[Metric]:
        answers = CounterMetricFamily("grpo_http_requests", "Requests answered.", labels=["route", "method", "status"])
        seconds = HistogramMetricFamily(
            "grpo_http_request_duration_seconds", "Time from a request to the end of its answer.", labels=["route"]
        )
        for labels, found in self._requests.answers().items():
            answers.add_metric(labels, found.number)
        for route, latency in self._requests.latencies().items():
            buckets = [*zip(BOUNDS, accumulate(latency.buckets), strict=True)]
            seconds.add_metric([route], buckets, sum_value=latency.seconds)
        yield answers
        yield seconds

    def _service(self) -> Iterator[Metric]:
        now = self._get_statistics()
        jobs = GaugeMetricFamily("grpo_jobs", "Jobs in the storage by state.", labels=["status"])
        for status, number in (now.jobs or {}).items():
            jobs.add_metric([status.value], number)
        yield jobs
        waiting = GaugeMetricFamily("grpo_queue_length", "Jobs that wait for a worker.")
        if now.jobs is not None:
            waiting.add_metric([], now.jobs[JobStatus.QUEUED])
        yield waiting
        yield CounterMetricFamily("grpo_environment_steps", "Steps of environments that training reported.", now.timesteps)
        yield SummaryMetricFamily(
            "grpo_checkpoint_seconds", "Time that storing a checkpoint took.", now.checkpoints, now.checkpoint_seconds
        )
        yield CounterMetricFamily("grpo_inferences", "Observations answered.", now.inferences)
        yield CounterMetricFamily("grpo_model_cache_hits", "Models that were in memory when asked for.", now.cache_hits)
        yield CounterMetricFamily("grpo_model_cache_misses", "Models that had to be loaded.", now.cache_misses)
        yield GaugeMetricFamily("grpo_model_cache_bytes", "Memory of the loaded models' arrays.", now.cache_bytes)
