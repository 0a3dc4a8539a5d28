"""Nothing lost: lost workers, leases, resume, repeated requests, a shutdown, and a storage that fails for a while."""

from dataclasses import replace

import pytest

from domain.access_errors import TooManyJobs
from domain.errors import (
    CorruptData,
    IdempotencyKeyReused,
    InvalidConfiguration,
    JobNotResumable,
    QueueFull,
    ShuttingDown,
    StorageFailure,
)
from domain.job import Job, JobStatus
from domain.reports import Failed, Progressed
from tests.factories import make_config, make_job
from tests.queue_world import FailingJobs, World, checkpointed, ended, lost


def test_job_whose_worker_is_lost_goes_on_from_its_last_checkpoint_before_those_that_wait() -> None:
    world = World()
    world.submit("a", "b")
    world.executor.report(checkpointed("a"))
    world.executor.report(lost("a"))
    assert [world.status(name) for name in "ab"] == [JobStatus.RUNNING, JobStatus.QUEUED]
    checkpoint = world.executor.tasks["a"].checkpoint
    assert checkpoint is not None
    assert checkpoint.timesteps == 640
    assert world.story("a") == ["running", "checkpoint", "queued", "running"]


def test_job_whose_worker_is_lost_again_and_again_without_a_checkpoint_fails_with_the_reason() -> None:
    world = World(max_attempts=3)
    world.submit("a", "b")
    for _ in range(3):
        assert world.status("a") is JobStatus.RUNNING
        world.executor.report(lost("a"))
    job = world.jobs.get("a")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "too-many-attempts")
    assert job.error_message == (
        "Training was cut off 3 times in a row without a new checkpoint and is not tried again. "
        "The last time: The worker process ended unexpectedly (signal SIGKILL)."
    )
    assert world.status("b") is JobStatus.RUNNING


def test_job_that_gets_further_at_each_attempt_is_tried_on() -> None:
    world = World(max_attempts=2)
    world.submit("a")
    for attempt in range(1, 9):
        world.executor.report(checkpointed("a", timesteps=100 * attempt))
        world.executor.report(lost("a"))
    assert world.status("a") is JobStatus.RUNNING


def test_lease_when_reports_come_is_renewed_and_when_they_do_not_the_worker_is_killed() -> None:
    world = World(lease_seconds=60)
    world.submit("a")
    for _ in range(3):
        world.clock.advance(50)
        world.executor.report(Progressed("a", 10, {}))
        world.runner.tend()
    assert world.executor.killed == []
    world.clock.advance(61)
    world.runner.tend()
    assert world.executor.killed == ["a"]
    world.executor.report(Failed("a", "worker-unresponsive", "The worker did not answer and was killed.", lost=True))
    assert world.status("a") is JobStatus.RUNNING
    assert world.jobs.get("a").attempts == 2


def test_lease_when_the_storage_fails_is_renewed_all_the_same() -> None:
    jobs = FailingJobs()
    world = World(jobs, lease_seconds=60)
    world.submit("a")
    jobs.full = True
    for _ in range(3):
        world.clock.advance(50)
        world.executor.report(checkpointed("a"))
        world.runner.tend()
    assert world.executor.killed == []


def test_running_job_that_no_worker_has_is_taken_up_when_its_lease_is_over() -> None:
    world = World(lease_seconds=60)
    until = world.clock.now()
    world.jobs.add(make_job("a", status=JobStatus.RUNNING, attempts=1, lease_until=until))
    world.runner.tend()
    assert list(world.executor.tasks) == ["a"]
    assert world.story("a") == ["queued", "running"]


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_job_that_ended_early_when_resumed_goes_on_from_its_checkpoint(how: str) -> None:
    world = World()
    world.submit("a")
    world.executor.report(checkpointed("a"))
    if how == "stopped":
        world.queue.stop("a")
        world.executor.report(ended("a", stopped=True, timesteps=640))
    else:
        world.executor.report(Failed("a", "environment-failed", "The arm is broken."))
    resumed = world.queue.resume("a")
    job = world.jobs.get("a")
    assert (resumed.status, job.status) == (JobStatus.QUEUED, JobStatus.RUNNING)
    assert (job.error_code, job.end_time, job.attempts) == (None, None, 1)
    checkpoint = world.executor.tasks["a"].checkpoint
    assert checkpoint is not None
    assert checkpoint.timesteps == 640
    world.executor.report(ended("a"))
    assert world.status("a") is JobStatus.COMPLETED
    assert [summary.version for summary in world.models.versions("a")] == ([1, 2] if how == "stopped" else [1])


def test_resume_may_raise_the_budget_and_may_not_lower_it() -> None:
    world = World()
    world.submit("a")
    world.queue.stop("a")
    world.executor.report(ended("a", stopped=True, timesteps=640))
    with pytest.raises(InvalidConfiguration, match=r"can be raised only: the job has 1000, got 900"):
        world.queue.resume("a", 900)
    with pytest.raises(InvalidConfiguration, match="at most 1000000000"):
        world.queue.resume("a", 10**12)
    assert world.status("a") is JobStatus.STOPPED
    world.queue.resume("a", 2_000)
    assert world.executor.tasks["a"].job.config.total_timesteps == 2_000
    assert world.jobs.get("a").progress == 0.32


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.STOPPING, JobStatus.COMPLETED])
def test_job_that_has_not_ended_early_cannot_be_resumed(status: JobStatus) -> None:
    world = World()
    world.jobs.add(make_job("a", status=status))
    with pytest.raises(JobNotResumable, match=f"'a' is {status}; only a stopped or failed job can be resumed"):
        world.queue.resume("a")
    assert world.story("a") == []


def test_resume_when_the_queue_is_full_is_refused() -> None:
    world = World(max_queued_jobs=1)
    world.jobs.add(make_job("old", status=JobStatus.STOPPED))
    world.submit("a", "b")
    with pytest.raises(QueueFull):
        world.queue.resume("old")
    assert world.status("old") is JobStatus.STOPPED


def test_queued_job_that_was_cut_off_when_stopped_keeps_what_it_had_learned() -> None:
    world = World()
    world.jobs.add(make_job("a", status=JobStatus.RUNNING, attempts=1, config=make_config(model_name="a")))
    world.jobs.save_checkpoint(world.jobs.get("a"), checkpointed("a").checkpoint)
    world.executor.capacity = 0
    world.runner.recover()
    assert world.status("a") is JobStatus.QUEUED
    assert world.queue.stop("a").status is JobStatus.STOPPED
    assert world.models.get("a").timesteps == 640


def named(key: str, digest: str, job_id: str, owner: str = "") -> Job:
    return make_job(job_id, idempotency_key=key, request_sha256=digest, owner=owner)


def test_request_when_repeated_under_its_key_gives_the_job_that_it_made() -> None:
    world = World(max_queued_jobs=0)
    first = world.queue.submit(named("k", "digest", "a"))
    assert world.queue.submit(named("k", "digest", "b")).id == first.id == "a"
    with pytest.raises(IdempotencyKeyReused, match="'k' belongs to job 'a'"):
        world.queue.submit(named("k", "another", "c"))
    with pytest.raises(QueueFull):  # another owner's keys are its own
        world.queue.submit(named("k", "digest", "d", owner="somebody"))
    assert [job.id for job in world.jobs.list()] == ["a"]


def test_shutdown_brings_running_jobs_to_a_checkpoint_and_takes_nothing_new() -> None:
    world = World()
    world.submit("a", "b")
    world.runner.drain(timeout_seconds=0)
    assert world.executor.stopped == ["a"]
    assert not world.queue.accepting
    world.executor.report(ended("a", stopped=True, timesteps=700))
    job = world.jobs.get("a")
    assert (job.status, job.attempts, job.current_timesteps) == (JobStatus.QUEUED, 0, 700)
    assert world.models.list() == []
    for refused in (lambda: world.submit("c"), lambda: world.queue.resume("a")):
        with pytest.raises((ShuttingDown, JobNotResumable)):
            refused()
    world.runner.tend()
    assert list(world.executor.tasks) == ["a"]


def test_shutdown_when_a_worker_does_not_obey_counts_no_attempt() -> None:
    world = World()
    world.submit("a")
    world.runner.drain(timeout_seconds=0)
    world.executor.report(lost("a"))
    assert (world.status("a"), world.jobs.get("a").attempts) == (JobStatus.QUEUED, 0)


def test_shutdown_of_a_worker_that_does_not_obey_behind_a_checkpoint_counts_no_attempt_either() -> None:
    world = World()
    world.submit("a")
    world.executor.report(checkpointed("a"))
    world.runner.drain(timeout_seconds=0)
    world.executor.report(lost("a"))
    assert (world.status("a"), world.jobs.get("a").attempts) == (JobStatus.QUEUED, 0)


@pytest.mark.parametrize("stopped", [False, True])
def test_end_of_a_job_when_the_disk_is_full_waits_until_it_can_be_written(stopped: bool) -> None:
    jobs = FailingJobs()
    world = World(jobs)
    world.submit("a", "b")
    if stopped:
        world.queue.stop("a")
    jobs.full = True
    world.executor.report(ended("a", stopped=stopped))
    world.clock.advance(1_000)
    world.runner.tend()
    assert world.status("a") is (JobStatus.STOPPING if stopped else JobStatus.RUNNING)
    assert world.executor.killed == []
    assert list(world.executor.tasks) == ["a"]
    jobs.full = False
    world.runner.tend()
    assert world.status("a") is (JobStatus.STOPPED if stopped else JobStatus.COMPLETED)
    assert [summary.version for summary in world.models.versions("a")] == [1]
    assert world.status("b") is JobStatus.RUNNING


def test_checkpoint_when_it_cannot_be_written_is_dropped_and_training_goes_on() -> None:
    jobs = FailingJobs()
    world = World(jobs)
    world.submit("a")
    jobs.full = True
    world.executor.report(checkpointed("a"))
    jobs.full = False
    world.executor.report(checkpointed("a", timesteps=700))
    assert world.story("a") == ["running", "checkpoint"]


def test_job_when_it_cannot_be_begun_waits_for_the_storage() -> None:
    jobs = FailingJobs()
    world = World(jobs)
    jobs.full = True
    world.submit("a")
    assert world.status("a") is JobStatus.QUEUED
    with pytest.raises(StorageFailure):
        world.queue.stop("a")
    jobs.full = False
    world.runner.tend()
    assert world.status("a") is JobStatus.RUNNING


def test_process_that_dies_between_model_and_job_keeps_the_model_once() -> None:
    jobs = FailingJobs()
    world = World(jobs)
    world.submit("a")
    jobs.full = True
    world.executor.report(ended("a"))
    assert [summary.version for summary in world.models.versions("a")] == [1]
    jobs.full = False
    after = World(jobs, world.models)
    after.runner.recover()
    after.executor.report(ended("a"))
    assert after.status("a") is JobStatus.COMPLETED
    assert [summary.version for summary in after.models.versions("a")] == [1]


def test_report_of_a_job_whose_row_is_damaged_frees_its_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.submit("a", "b")

    def damaged(*_: object) -> None:
        raise CorruptData("The stored job 'a' cannot be read.")

    monkeypatch.setattr(world.runner.records, "failed", damaged)
    world.executor.report(Failed("a", "environment-failed", "The arm is broken."))
    assert world.status("b") is JobStatus.RUNNING


def test_model_that_cannot_be_kept_for_a_reason_nobody_foresaw_fails_its_job(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.submit("a", "b")

    def broken(_: object) -> int:
        raise ValueError("a number that the format does not know")

    monkeypatch.setattr(world.models, "save", broken)
    world.executor.report(ended("a"))
    job = world.jobs.get("a")
    assert (job.status, job.error_code) == (JobStatus.FAILED, "internal-error")
    assert job.error_message == "What was learned cannot be kept: ValueError: a number that the format does not know"
    assert world.status("b") is JobStatus.RUNNING


def test_jobs_when_no_worker_can_be_started_wait_and_lose_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(max_queued_jobs=9)

    def refuse(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(world.executor, "start", refuse)
        world.submit("a", "b")
        for _ in range(9):
            world.runner.tend()
        assert [world.status(name) for name in "ab"] == [JobStatus.QUEUED] * 2
    world.runner.tend()
    assert [world.status(name) for name in "ab"] == [JobStatus.RUNNING, JobStatus.QUEUED]
    assert world.jobs.get("a").attempts == 1


def test_steps_when_the_storage_fails_are_counted_once() -> None:
    jobs = FailingJobs()
    world = World(jobs)
    world.submit("a")
    jobs.full = True
    world.executor.report(checkpointed("a"))
    world.executor.report(ended("a"))
    for _ in range(5):
        world.runner.tend()
    assert world.runner.records.counters.timesteps == 0
    jobs.full = False
    world.runner.tend()
    assert world.runner.records.counters.timesteps == 1_000


def test_resumed_job_keeps_what_it_is_besides() -> None:
    job = replace(make_job("a", status=JobStatus.FAILED, owner="me"), error_code="x", error_message="y")
    resumed = job.resumed()
    assert (resumed.id, resumed.owner, resumed.config) == ("a", "me", job.config)
    assert (resumed.error_code, resumed.error_message) == (None, None)


def test_owner_with_as_many_unfinished_jobs_as_it_may_have_is_refused_another() -> None:
    world = World(max_queued_jobs=10)
    for job_id in ("a", "b"):
        world.queue.submit(make_job(job_id, owner="me"), most_of_owner=2)
    with pytest.raises(TooManyJobs, match="2 unfinished jobs is the limit for me"):
        world.queue.submit(make_job("c", owner="me"), most_of_owner=2)
    world.queue.submit(make_job("d", owner="you"), most_of_owner=2)
    world.queue.stop("b")
    world.queue.submit(make_job("e", owner="me"), most_of_owner=2)
    with pytest.raises(TooManyJobs):
        world.queue.resume("b", most_of_owner=2)
    assert world.status("b") is JobStatus.STOPPED
