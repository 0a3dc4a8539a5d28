"""What a worker tells of its progress: the newest figures several times a second, and every point of the learning curve."""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from domain.diagnosis import WINDOW, diagnose
from domain.job import Job
from domain.reports import Logged, Metrics, MetricsPoint, Progressed, Report
from domain.trainer import Trainer

REPORT_SECONDS = 0.1
MOST_POINTS = 1_000


class ProgressReports:
    """Those of one attempt at a job.

    A curve has some MOST_POINTS points, however long the run is. Which updates they belong to follows from the updates
    alone: a run that is cut off and goes on tells the same ones.
    """

    def __init__(self, job: Job, trainer: Trainer, report: Callable[[Report], None]) -> None:
        self._job_id, self._trainer, self._report = job.id, trainer, report
        self.metrics: Metrics = job.metrics if trainer.timesteps else {}
        self._spacing = max(1, job.config.total_timesteps // MOST_POINTS)
        self._begun_at, self._begun_with, self._seen = time.monotonic(), trainer.timesteps, trainer.timesteps
        self._reported_at = self._begun_at
        self._points: list[MetricsPoint] = []
        self._newest_point = -1
        self._recent: deque[Metrics] = deque(maxlen=WINDOW)
        self._advised: set[str] = set()

    def updated(self, metrics: Metrics) -> None:
        """Take up the metrics of an update; what evaluation found stays until it finds something newer."""
        before, self._seen = self._seen, self._trainer.timesteps
        found = {name: value for name, value in self.metrics.items() if name.startswith("eval/")}
        seconds = max(time.monotonic() - self._begun_at, 1e-9)
        self.metrics = metrics | found | {"time/fps": (self._seen - self._begun_with) / seconds}
        if not before or self._seen // self._spacing > before // self._spacing:
            self._add_point()

    def report_now_and_then(self) -> None:
        """Cheap enough to be called at every step."""
        if time.monotonic() - self._reported_at >= REPORT_SECONDS:
            self.report()

    def report(self) -> None:
        """Tell all that is known now."""
        points, self._points = tuple(self._points), []
        self._report(Progressed(self._job_id, self._trainer.simulated_timesteps, self.metrics, points))
        self._reported_at = time.monotonic()
        for advice in diagnose(self._recent, self._trainer.environment.reward_threshold) if points else []:
            if advice.code not in self._advised:
                self._advised.add(advice.code)
                self._report(Logged(self._job_id, "warning", advice.message))

    def finish(self) -> None:
        """The last update is always a point."""
        if self._seen > self._begun_with and self._newest_point != self._seen:
            self._add_point()
        if self._points:
            self.report()

    def _add_point(self) -> None:
        self._newest_point = self._seen
        self._points.append(MetricsPoint(self._seen, self.metrics, datetime.now(UTC)))
        self._recent.append(self.metrics)
