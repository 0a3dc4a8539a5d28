"""The queue over fakes: what becomes of reports, of damaged storage, and of what an earlier process left."""

import pytest

from adapters.storage.memory import MemoryJobRepository
from domain.checkpoint import Checkpoint
from domain.errors import CorruptData, JobAlreadyEnded, QueueFull
from domain.job import Job, JobStatus
from domain.reports import Failed, Progressed
from tests.factories import make_checkpoint, make_config, make_job
from tests.queue_world import World, checkpointed, ended


class JobsWithADamagedCheckpoint(MemoryJobRepository):
    def load_checkpoint(self, job_id: str) -> Checkpoint | None:
        raise CorruptData("The stored checkpoint cannot be read.")


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
    world.executor.report(checkpointed("a"))
    assert world.jobs.get("a").current_timesteps == 640
    world.executor.report(ended("a"))
    job = world.jobs.get("a")
    assert (job.status, job.current_timesteps, job.end_time, job.metrics) == (
        JobStatus.COMPLETED,
        1_000,
        world.clock.now(),
        {"train/loss": 0.5},
    )
    assert world.models.get("a").job_id == "a"
    assert world.saved == ["a"]
    assert world.jobs.load_checkpoint("a") is None


def test_job_when_it_fails_says_why_and_makes_room() -> None:
    world = World()
    world.submit("a", "b")
    world.executor.report(Failed("a", "environment-failed", "The arm is broken."))
    job = world.jobs.get("a")
    assert (job.status, job.error_code, job.error_message) == (JobStatus.FAILED, "environment-failed", "The arm is broken.")
    assert world.status("b") is JobStatus.RUNNING
    assert world.models.list() == []


def test_running_job_when_stopped_is_stopping_until_its_worker_has_obeyed() -> None:
    world = World()
    world.submit("a")
    assert world.queue.stop("a").status is JobStatus.STOPPING
    assert world.queue.stop("a").status is JobStatus.STOPPING
    assert {*world.executor.stopped} == {"a"}
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
    world.executor.report(checkpointed("a"))
    world.queue.stop("a")
    world.executor.report(Failed("a", "worker-unresponsive", "killed"))
    assert world.status("a") is JobStatus.STOPPED
    assert world.models.get("a").timesteps == 640


def left_behind(jobs: MemoryJobRepository, name: str, status: JobStatus, attempts: int = 1) -> None:
    """A job as an earlier process left it."""
    jobs.add(make_job(name, status=status, attempts=attempts, config=make_config(model_name=name)))


def test_recovery_goes_on_with_what_was_cut_off_from_its_checkpoint() -> None:
    world = World()
    left_behind(world.jobs, "a", JobStatus.RUNNING)
    left_behind(world.jobs, "b", JobStatus.QUEUED, attempts=0)
    world.jobs.save_checkpoint(world.jobs.get("a"), make_checkpoint(timesteps=640))
    world.runner.recover()
    assert [world.status(name) for name in "ab"] == [JobStatus.RUNNING, JobStatus.QUEUED]
    checkpoint = world.executor.tasks["a"].checkpoint
    assert checkpoint is not None
    assert checkpoint.timesteps == 640
    assert world.jobs.get("a").attempts == 1


def test_recovery_ends_a_job_that_was_stopping() -> None:
    world = World()
    left_behind(world.jobs, "a", JobStatus.STOPPING)
    world.jobs.save_checkpoint(world.jobs.get("a"), make_checkpoint(timesteps=640))
    world.runner.recover()
    assert world.status("a") is JobStatus.STOPPED
    assert world.models.get("a").timesteps == 640


def test_recovery_however_often_the_server_ended_goes_on() -> None:
    world = World(max_attempts=3)
    world.submit("a")
    for _ in range(5):
        world = World(world.jobs, world.models, max_attempts=3)
        world.runner.recover()
        assert (world.status("a"), world.jobs.get("a").attempts) == (JobStatus.RUNNING, 1)


@pytest.mark.parametrize("status", [JobStatus.RUNNING, JobStatus.QUEUED])
def test_job_with_a_damaged_checkpoint_begins_again_from_its_start(status: JobStatus) -> None:
    world = World(jobs=JobsWithADamagedCheckpoint())
    left_behind(world.jobs, "a", status)
    world.runner.recover()
    assert world.status("a") is JobStatus.RUNNING
    assert world.executor.tasks["a"].checkpoint is None
    assert "begun again from the start: The stored checkpoint" in world.jobs.events("a")[-1].data["reason"]


def test_stopping_job_with_a_damaged_checkpoint_fails_and_says_why() -> None:
    world = World(jobs=JobsWithADamagedCheckpoint())
    left_behind(world.jobs, "a", JobStatus.STOPPING)
    world.runner.recover()
    job = world.jobs.get("a")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "corrupt-data")


def test_progress_when_reported_is_what_the_job_shows() -> None:
    world = World()
    world.submit("a")
    world.executor.report(Progressed("a", 250, {"time/fps": 9.0}))
    job: Job = world.jobs.get("a")
    assert (job.progress, job.metrics) == (0.25, {"time/fps": 9.0})
    assert world.queue.wait("a", 0.0).status is JobStatus.RUNNING
