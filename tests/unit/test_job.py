"""The states of a job: every pair of them, and what a change writes down."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import JobAlreadyEnded
from domain.job import Job, JobStatus
from tests.factories import make_config, make_job
from tests.fakes import FakeClock

ALLOWED = {
    "queued": {"running", "stopped", "failed"},
    "running": {"queued", "stopping", "completed", "failed", "stopped"},
    "stopping": {"completed", "failed", "stopped"},
}


@pytest.mark.parametrize("after", JobStatus)
@pytest.mark.parametrize("before", JobStatus)
def test_job_then_goes_where_it_may_and_nowhere_else(before: JobStatus, after: JobStatus) -> None:
    job, now = make_job(status=before), FakeClock().now()
    if before not in ALLOWED:
        assert before.ended
        with pytest.raises(JobAlreadyEnded) as caught:
            job.to(after, now)
        assert (caught.value.job_id, caught.value.status) == ("job", before)
    elif after in ALLOWED[before]:
        assert job.to(after, now).status is after
    else:
        with pytest.raises(ValueError, match=f"a {before} job cannot become {after}"):
            job.to(after, now)


def test_job_that_ends_well_then_knows_when_it_began_and_ended() -> None:
    clock = FakeClock()
    queued = make_job(created_at=clock.now())
    clock.advance(1)
    running = queued.to(JobStatus.RUNNING, clock.now())
    clock.advance(2)
    completed = running.to(JobStatus.COMPLETED, clock.now())
    assert (queued.start_time, queued.end_time, queued.attempts) == (None, None, 0)
    assert (running.start_time, running.end_time, running.attempts) == (queued.created_at + timedelta(seconds=1), None, 1)
    assert completed.start_time == running.start_time
    assert completed.end_time == queued.created_at + timedelta(seconds=3)
    assert (completed.error_code, completed.error_message) == (None, None)


def test_job_that_is_taken_up_again_then_keeps_its_first_start_and_counts_attempts() -> None:
    clock = FakeClock()
    first = make_job().to(JobStatus.RUNNING, clock.now())
    clock.advance(60)
    again = first.to(JobStatus.QUEUED, clock.now()).to(JobStatus.RUNNING, clock.now())
    assert (again.start_time, again.end_time, again.attempts) == (first.start_time, None, 2)


def test_job_that_fails_then_says_why() -> None:
    failed = make_job().to(JobStatus.FAILED, FakeClock().now(), ("worker-died", "The process has ended."))
    assert (failed.error_code, failed.error_message) == ("worker-died", "The process has ended.")
    assert failed.end_time == FakeClock().now()


def test_job_that_is_stopped_before_it_began_then_has_no_start() -> None:
    stopped = make_job().to(JobStatus.STOPPED, FakeClock().now())
    assert (stopped.start_time, stopped.attempts) == (None, 0)


def test_progress_then_is_the_share_of_the_budget() -> None:
    job = make_job(config=make_config(total_timesteps=400))
    assert job.progress == 0.0
    assert job.progressed(100, {"kl": 0.5}) == make_job(config=job.config, current_timesteps=100, metrics={"kl": 0.5})
    assert job.progressed(100, {}).progress == 0.25
    assert job.progressed(400, {}).progress == 1.0


@given(st.lists(st.sampled_from(JobStatus), max_size=12))
def test_job_on_any_way_then_has_an_end_time_exactly_when_it_has_ended(way: list[JobStatus]) -> None:
    clock = FakeClock()
    job: Job = make_job()
    for status in way:
        clock.advance(1)
        try:
            job = job.to(status, clock.now())
        except (ValueError, JobAlreadyEnded):
            continue
        assert (job.end_time is not None) == job.status.ended
        assert (job.start_time is not None) == (job.attempts > 0)


def test_words_of_the_states_then_are_those_of_the_interface() -> None:
    assert [*JobStatus] == ["queued", "running", "stopping", "completed", "failed", "stopped"]
    assert [status for status in JobStatus if status.ended] == ["completed", "failed", "stopped"]
