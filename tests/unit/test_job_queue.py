"""The queue over fakes: what becomes of reports, of damaged storage, and of what an earlier process left."""

from collections.abc import Callable
from datetime import datetime

import pytest

from adapters.environments.factory import GymnasiumEnvironments
from adapters.storage.memory import MemoryJobRepository, MemoryModelRepository
from application.job_queue import MAX_ATTEMPTS, JobQueue
from domain.checkpoint import Checkpoint, Model
from domain.errors import CorruptData, JobAlreadyEnded, QueueFull, StorageFailure
from domain.job import Job, JobStatus
from domain.ports import Checkpointed, Ended, Failed, Progressed, Report, TrainingTask
from tests.factories import NOON, make_checkpoint, make_config, make_job


class FakeExecutor:
    """Remembers what it was told; tests report in its place."""

    def __init__(self, capacity: int = 1) -> None:
        self.capacity = capacity
        self.tasks: dict[str, TrainingTask] = {}
        self.listeners: dict[str, Callable[[Report], None]] = {}
        self.stopped: list[str] = []

    def start(self, task: TrainingTask, listener: Callable[[Report], None]) -> None:
        self.tasks[task.job.id], self.listeners[task.job.id] = task, listener

    def stop(self, job_id: str) -> None:
        self.stopped.append(job_id)

    def close(self) -> None:
        pass

    def report(self, report: Report) -> None:
        self.listeners[report.job_id](report)


class FakeClock:
    def now(self) -> datetime:
        return NOON


class JobsWithADamagedCheckpoint(MemoryJobRepository):
    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        raise CorruptData("The stored checkpoint cannot be read.")


class ModelsOnAFullDisk(MemoryModelRepository):
    def save(self, model: Model) -> None:
        raise StorageFailure("The database cannot be used: disk is full.")


class World:
    """A queue and everything around it."""

    def __init__(
        self,
        jobs: MemoryJobRepository | None = None,
        models: MemoryModelRepository | None = None,
        max_queued_jobs: int = 2,
    ) -> None:
        self.jobs, self.models = jobs or MemoryJobRepository(), models or MemoryModelRepository()
        self.executor = FakeExecutor()
        self.saved: list[str] = []
        self.queue = JobQueue(
            jobs=self.jobs,
            models=self.models,
            executor=self.executor,
            environments=GymnasiumEnvironments(),
            clock=FakeClock(),
            max_queued_jobs=max_queued_jobs,
            on_model_saved=self.saved.append,
        )

    def submit(self, *names: str) -> None:
        for name in names:
            self.queue.submit(make_job(name, config=make_config(model_name=name)))

    def status(self, name: str) -> JobStatus:
        return self.jobs.get(name).status


def ended(name: str, *, stopped: bool = False, timesteps: int = 1_000) -> Ended:
    return Ended(name, make_checkpoint(timesteps=timesteps), {"train/loss": 0.5}, stopped)


def test_jobs_when_submitted_run_one_after_another_in_order() -> None:
    world = World()
    world.submit("a", "b", "c")
    assert [world.status(name) for name in "abc"] == [JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.QUEUED]
    world.executor.report(ended("a"))
    assert [world.status(name) for name in "abc"] == [JobStatus.COMPLETED, JobStatus.RUNNING, JobStatus.QUEUED]


def test_job_when_the_queue_is_full_is_refused_and_not_stored() -> None:
    world = World()
    world.submit("a", "b", "c")
    with pytest.raises(QueueFull, match="2 training jobs are waiting") as error:
        world.submit("d")
    assert error.value.retry_after_seconds > 0
    assert len(world.jobs.list()) == 3


def test_job_when_its_training_ends_leaves_a_model_and_no_checkpoint() -> None:
    world = World()
    world.submit("a")
    world.executor.report(Checkpointed("a", make_checkpoint(timesteps=640), {}))
    assert world.jobs.get("a").current_timesteps == 640
    world.executor.report(ended("a"))
    job = world.jobs.get("a")
    assert (job.status, job.current_timesteps, job.end_time, job.metrics) == (
        JobStatus.COMPLETED,
        1_000,
        NOON,
        {"train/loss": 0.5},
    )
    assert world.models.get("a").job_id == "a"
    assert world.saved == ["a"]
    assert world.jobs.load_checkpoint("a") is None


def test_job_when_it_fails_says_why_and_makes_room() -> None:
    world = World()
    world.submit("a", "b")
    world.executor.report(Failed("a", "worker-died", "The worker process ended."))
    job = world.jobs.get("a")
    assert (job.status, job.error_code, job.error_message) == (JobStatus.FAILED, "worker-died", "The worker process ended.")
    assert world.status("b") is JobStatus.RUNNING
    assert world.models.list() == []


def test_running_job_when_stopped_is_stopping_until_its_worker_has_obeyed() -> None:
    world = World()
    world.submit("a")
    assert world.queue.stop("a").status is JobStatus.STOPPING
    assert world.queue.stop("a").status is JobStatus.STOPPING
    assert world.executor.stopped == ["a"]
    world.executor.report(ended("a", stopped=True, timesteps=640))
    assert world.status("a") is JobStatus.STOPPED
    assert world.models.get("a").timesteps == 640
    with pytest.raises(JobAlreadyEnded):
        world.queue.stop("a")


def test_job_that_was_stopped_before_it_learned_leaves_no_model() -> None:
    world = World()
    world.submit("a", "b")
    assert world.queue.stop("b").status is JobStatus.STOPPED
    world.queue.stop("a")
    world.executor.report(ended("a", stopped=True, timesteps=0))
    assert world.status("a") is JobStatus.STOPPED
    assert world.models.list() == []


def test_stopping_job_whose_worker_dies_keeps_its_last_checkpoint_as_the_model() -> None:
    world = World()
    world.submit("a")
    world.executor.report(Checkpointed("a", make_checkpoint(timesteps=640), {}))
    world.queue.stop("a")
    world.executor.report(Failed("a", "worker-unresponsive", "killed"))
    assert world.status("a") is JobStatus.STOPPED
    assert world.models.get("a").timesteps == 640


@pytest.mark.parametrize("stopped", [True, False])
def test_job_whose_model_cannot_be_kept_fails_and_makes_room(stopped: bool) -> None:
    world = World(models=ModelsOnAFullDisk())
    world.submit("a", "b")
    world.executor.report(ended("a", stopped=stopped))
    job = world.jobs.get("a")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "storage-failure")
    assert world.status("b") is JobStatus.RUNNING


def left_behind(jobs: MemoryJobRepository, name: str, status: JobStatus, attempts: int = 1) -> None:
    """A job as an earlier process left it."""
    jobs.add(make_job(name, status=status, attempts=attempts, config=make_config(model_name=name)))


def test_recovery_goes_on_with_what_was_cut_off_from_its_checkpoint() -> None:
    world = World()
    left_behind(world.jobs, "a", JobStatus.RUNNING)
    left_behind(world.jobs, "b", JobStatus.QUEUED, attempts=0)
    world.jobs.save_checkpoint(world.jobs.get("a"), make_checkpoint(timesteps=640))
    world.queue.recover()
    assert [world.status(name) for name in "ab"] == [JobStatus.RUNNING, JobStatus.QUEUED]
    checkpoint = world.executor.tasks["a"].checkpoint
    assert checkpoint is not None
    assert checkpoint.timesteps == 640
    assert world.jobs.get("a").attempts == 2


def test_recovery_ends_a_job_that_was_stopping() -> None:
    world = World()
    left_behind(world.jobs, "a", JobStatus.STOPPING)
    world.jobs.save_checkpoint(world.jobs.get("a"), make_checkpoint(timesteps=640))
    world.queue.recover()
    assert world.status("a") is JobStatus.STOPPED
    assert world.models.get("a").timesteps == 640


def test_recovery_gives_up_a_job_that_was_begun_too_often() -> None:
    world = World()
    left_behind(world.jobs, "a", JobStatus.RUNNING, attempts=MAX_ATTEMPTS)
    world.queue.recover()
    job = world.jobs.get("a")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "too-many-attempts")


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.QUEUED, JobStatus.STOPPING])
def test_job_with_a_damaged_checkpoint_fails_and_the_rest_goes_on(status: JobStatus) -> None:
    world = World(jobs=JobsWithADamagedCheckpoint())
    left_behind(world.jobs, "a", status)
    world.queue.recover()
    job = world.jobs.get("a")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "corrupt-data")


def test_progress_when_reported_is_what_the_job_shows() -> None:
    world = World()
    world.submit("a")
    world.executor.report(Progressed("a", 250, {"time/fps": 9.0}))
    job: Job = world.jobs.get("a")
    assert (job.progress, job.metrics) == (0.25, {"time/fps": 9.0})
    assert world.queue.wait("a", 0.0).status is JobStatus.RUNNING
