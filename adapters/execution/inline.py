"""Runs a training task within `start`, for tests and scripts."""

from collections.abc import Callable

from application.worker import run_training
from domain.ports import TrainingTask
from domain.reports import Report


class InlineExecutor:
    """JobExecutor that trains in the caller's thread: a task is over when `start` returns."""

    def __init__(self) -> None:
        self._stopped: set[str] = set()
        self._closed = False

    @property
    def capacity(self) -> int:
        """One."""
        return 1

    @property
    def waiting_reason(self) -> str:
        return ""

    @property
    def alive(self) -> bool:
        return not self._closed

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        """Train to the end."""
        run_training(task, listener, lambda: self._closed or task.job.id in self._stopped)
        self._stopped.discard(task.job.id)

    def stop(self, job_id: str) -> None:
        """Takes effect at the next step of the environment; called from the listener or another thread."""
        self._stopped.add(job_id)

    def kill(self, job_id: str) -> None:
        """As `stop`: the caller's own thread cannot be killed."""
        self.stop(job_id)

    def close(self) -> None:
        """End the running task, if there is one."""
        self._closed = True
