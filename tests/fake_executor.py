"""A JobExecutor whose tasks advance when a test says so. They really train, so that what it reports is what a worker would."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from domain.ports import TrainingTask
from domain.reports import Checkpointed, Ended, Failed, Progressed, Report
from domain.trainer import Metrics, Trainer


@dataclass
class FakeTask:
    """One task that was started and has not ended."""

    trainer: Trainer
    listener: Callable[[Report], None]
    metrics: Metrics


class FakeExecutor:
    """Keeps its port's promises; a stop is obeyed at once, from a thread of its own."""

    waiting_reason = ""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.tasks: dict[str, FakeTask] = {}
        self._threads: list[threading.Thread] = []

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        assert len(self.tasks) < self.capacity, "a task was started while all workers are busy"
        assert task.job.id not in self.tasks, "a task was started twice"
        trainer = Trainer(task.environments, task.job.config, task.checkpoint)
        self.tasks[task.job.id] = FakeTask(trainer, listener, {})

    def stop(self, job_id: str) -> None:
        if job_id in self.tasks:
            self._threads.append(threading.Thread(target=self._end, args=(job_id,)))
            self._threads[-1].start()

    def kill(self, job_id: str) -> None:
        raise AssertionError(f"the job {job_id} gave signs of life and was killed")

    def close(self) -> None:
        for thread in self._threads:
            thread.join()
        for task in self.tasks.values():
            task.trainer.close()
        self.tasks.clear()

    def timesteps(self, job_id: str) -> int:
        """How far the task is."""
        return self.tasks[job_id].trainer.timesteps

    def work(self, job_id: str) -> bool:
        """One update, and its report; whether that was the last one."""
        task = self.tasks[job_id]
        task.metrics = next(iter(task.trainer.run()), task.metrics)
        if task.trainer.done:
            self._end(job_id)
            return True
        task.listener(Progressed(job_id, task.trainer.timesteps, task.metrics))
        return False

    def checkpoint(self, job_id: str) -> None:
        task = self.tasks[job_id]
        task.listener(Checkpointed(job_id, task.trainer.checkpoint(), task.metrics))

    def lose(self, job_id: str) -> None:
        """The worker dies."""
        task = self._take(job_id)
        task.listener(Failed(job_id, "worker-died", "The worker process ended unexpectedly (signal SIGKILL).", lost=True))

    def fail(self, job_id: str) -> None:
        """The environment raises."""
        task = self._take(job_id)
        task.listener(Failed(job_id, "environment-failed", "The environment raised ValueError."))

    def _end(self, job_id: str) -> None:
        task = self._take(job_id)
        ended = Ended(job_id, task.trainer.checkpoint(), task.metrics, stopped=not task.trainer.done)
        task.listener(ended)

    def _take(self, job_id: str) -> FakeTask:
        """The worker is free before the report is heard: the next task may be started from within it."""
        task = self.tasks.pop(job_id)
        task.trainer.close()
        return task
