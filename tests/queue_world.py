"""A job queue over fakes: tests report in the executor's place, and make the storage fail."""

from collections.abc import Callable, Collection
from itertools import count
from typing import Any

from adapters.environments.factory import GymnasiumEnvironments
from adapters.storage.memory import MemoryJobRepository, MemoryModelRepository
from application.feed import JobFeed
from application.job_queue import JobQueue
from application.job_runner import JobRunner
from domain.checkpoint import Checkpoint
from domain.errors import StorageFailure
from domain.job import Job, JobEvent, JobStatus
from domain.ports import TrainingTask
from domain.reports import Checkpointed, Ended, Failed, Report
from tests.factories import make_checkpoint, make_config, make_job
from tests.fakes import FakeClock

_NUMBERS = count(1)


class ScriptedExecutor:
    """Remembers what it was told; tests report in its place."""

    def __init__(self, capacity: int = 1) -> None:
        self.capacity = capacity
        self.tasks: dict[str, TrainingTask] = {}
        self.listeners: dict[str, Callable[[Report], None]] = {}
        self.stopped: list[str] = []
        self.killed: list[str] = []

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        self.tasks[task.job.id], self.listeners[task.job.id] = task, listener

    def stop(self, job_id: str) -> None:
        self.stopped.append(job_id)

    def kill(self, job_id: str) -> None:
        self.killed.append(job_id)

    def close(self) -> None:
        pass

    def report(self, report: Report) -> None:
        self.listeners[report.job_id](report)


class SharedJobs(MemoryJobRepository):
    """A storage of several servers: those that are `dead` have not said for long that they live."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: set[str] = set()
        self.dead: set[str] = set()

    def beat(self, server: str) -> Collection[str]:
        self.servers.add(server)
        return self.servers - self.dead


class FailingJobs(MemoryJobRepository):
    """Writes nothing while `full`."""

    full = False

    def save(self, job: Job, *events: JobEvent, drop_checkpoint: bool = False) -> None:
        self._check()
        super().save(job, *events, drop_checkpoint=drop_checkpoint)

    def save_checkpoint(self, job: Job, checkpoint: Checkpoint, *events: JobEvent) -> None:
        self._check()
        super().save_checkpoint(job, checkpoint, *events)

    def _check(self) -> None:
        if self.full:
            raise StorageFailure("The database cannot be used: the disk is full.")


class World:
    """A queue and everything around it. The jobs' clock stands still unless a test moves it."""

    def __init__(
        self, jobs: MemoryJobRepository | None = None, models: MemoryModelRepository | None = None, **settings: Any
    ) -> None:
        self.jobs, self.models = jobs or MemoryJobRepository(), models or MemoryModelRepository()
        self.executor, self.clock = ScriptedExecutor(), FakeClock()
        self.saved: list[str] = []
        self.feed = JobFeed()
        settings = {"max_queued_jobs": 2} | settings
        most = settings.pop("max_queued_jobs")
        self.runner = JobRunner(
            jobs=self.jobs,
            models=self.models,
            executor=self.executor,
            environments=GymnasiumEnvironments(),
            clock=self.clock,
            server=f"server {next(_NUMBERS)}",
            on_model_saved=self.saved.append,
            on_news=self.feed.publish,
            **settings,
        )
        self.queue = JobQueue(self.jobs, self.runner, most)

    def submit(self, *names: str) -> None:
        for name in names:
            self.queue.submit(make_job(name, config=make_config(model_name=name)))

    def status(self, name: str) -> JobStatus:
        return self.jobs.get(name).status

    def story(self, name: str) -> list[str]:
        """The states and checkpoints of a job, in their order."""
        return [event.data.get("status", event.kind) for event in self.jobs.events(name)]


def ended(name: str, *, stopped: bool = False, timesteps: int = 1_000) -> Ended:
    return Ended(name, make_checkpoint(timesteps=timesteps), {"train/loss": 0.5}, stopped)


def checkpointed(name: str, timesteps: int = 640) -> Checkpointed:
    return Checkpointed(name, make_checkpoint(timesteps=timesteps), {})


def lost(name: str) -> Failed:
    return Failed(name, "worker-died", "The worker process ended unexpectedly (signal SIGKILL).", lost=True)
