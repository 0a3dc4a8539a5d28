"""Waiting for a job: the plan without I/O on a clock of its own, then the line that tells of it."""

import asyncio
import io
import math
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from msgspec.structs import replace

from grpo_client import AsyncClient, ConnectionFailed, JobFailed, JobStatus, NotFound, RateLimited, ServerError, StillRunning
from grpo_client.calls import Call
from grpo_client.connection import request
from grpo_client.plans import Outcome, waiting
from grpo_client.progress import ProgressLine
from tests.client.scripted import Answer, ScriptedServer, talking

CREATED = datetime(2026, 11, 23, tzinfo=UTC)
REQUEST = httpx.Request("GET", "http://server/")
REFUSED = httpx.ConnectError("refused", request=REQUEST)


def status(word: str = "running", steps: int = 0, error: str | None = None, **metrics: float) -> JobStatus:
    return JobStatus(
        job_id="j",
        status=word,
        progress=steps / 1000,
        current_timesteps=steps,
        total_timesteps=1000,
        env_name="CartPole-v1",
        model_name="m",
        created_at=CREATED,
        error_code="training-diverged" if error else None,
        error_message=error,
        metrics=metrics,
    )


def answer(word: str, steps: int = 0, error: str | None = None) -> httpx.Response:
    shown = status(word, steps, error)
    body = {name: getattr(shown, name) for name in shown.__struct_fields__} | {"created_at": CREATED.isoformat()}
    return httpx.Response(200, json=body, request=REQUEST)


def refusal(code: int, retry_after: str | None = None) -> httpx.Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    return httpx.Response(code, json={"detail": "No."}, headers=headers, request=REQUEST)


class Waiting:
    """Carries the plan out on a clock that runs while the plan pauses, and `answer_seconds` for each request."""

    def __init__(self, outcomes: list[Outcome], answer_seconds: float = 0.0) -> None:
        self.outcomes, self.answer_seconds = outcomes, answer_seconds
        self.seconds, self.pauses = 0.0, list[float]()

    def run(self, timeout_seconds: float | None = None, show: Callable[[JobStatus], None] | None = None) -> JobStatus:
        plan, outcome = waiting("j", timeout_seconds, show, lambda: self.seconds), None
        while True:
            try:
                step = plan.send(outcome)
            except StopIteration as end:
                result: JobStatus = end.value
                return result
            if isinstance(step, Call):
                outcome = self._ask(step)
            else:
                self.seconds, outcome = self.seconds + step, None
                self.pauses.append(step)

    def _ask(self, call: Call[JobStatus]) -> Outcome:
        """The next outcome, unless the request is given up before it comes."""
        patience = request(call, httpx.Timeout(30))["timeout"].read
        self.seconds += min(self.answer_seconds, patience)
        if self.answer_seconds > patience:
            return httpx.ReadTimeout("timed out", request=REQUEST)
        return self.outcomes.pop(0)


def test_wait_when_the_job_ends_gives_its_last_status_and_shows_all() -> None:
    shown: list[str] = []
    ended = Waiting([answer("queued"), answer("running"), answer("stopping"), answer("stopped", 400)]).run(
        show=lambda status: shown.append(status.status)
    )
    assert (ended.status, ended.ended, ended.current_timesteps) == ("stopped", True, 400)
    assert shown == ["queued", "running", "stopping", "stopped"]


def test_wait_when_the_job_takes_long_asks_twice_a_second() -> None:
    world = Waiting([answer("running")] * 7 + [answer("completed")])
    world.run()
    assert world.pauses == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5, 0.5]


def test_wait_when_the_job_fails_raises_with_the_reason() -> None:
    with pytest.raises(JobFailed, match=r"Job j failed: A parameter is NaN. \(training-diverged\)") as told:
        Waiting([answer("failed", 10, "A parameter is NaN.")]).run()
    assert (told.value.code, told.value.status.current_timesteps) == ("training-diverged", 10)


def test_wait_when_the_time_is_over_raises_at_that_time_and_says_how_far_the_job_is() -> None:
    world = Waiting([answer("running", 250)] * 9)
    with pytest.raises(StillRunning, match=r"running after 1 s \(250 of 1,000 steps\) and goes on") as told:
        world.run(timeout_seconds=1)
    assert world.seconds == pytest.approx(1)
    assert isinstance(told.value, TimeoutError)


def test_wait_when_the_server_is_started_again_meanwhile_goes_on() -> None:
    world = Waiting([answer("running"), REFUSED, refusal(503), refusal(502), answer("completed")])
    assert world.run().status == "completed"
    assert world.pauses == [0.05, 0.25, 0.5, 1.0]


def test_wait_when_the_server_stays_away_gives_up_after_a_minute_and_a_half() -> None:
    world = Waiting([REFUSED] * 13)
    with pytest.raises(ConnectionFailed):
        world.run()
    assert 60 < world.seconds < 90
    assert not world.outcomes


@pytest.mark.parametrize("trouble", [REFUSED, refusal(503, "3"), refusal(429, "600"), refusal(502)], ids=str)
def test_wait_when_the_server_gets_into_trouble_ends_with_the_time_out_and_the_last_status(trouble: Outcome) -> None:
    world = Waiting([answer("running", 250), *[trouble] * 13])
    with pytest.raises(StillRunning, match="250 of 1,000 steps"):
        world.run(timeout_seconds=1)
    assert world.seconds == pytest.approx(1)


@pytest.mark.parametrize(
    ("trouble", "error"), [(REFUSED, ConnectionFailed), (refusal(503, "3"), ServerError), (refusal(429, "600"), RateLimited)]
)
def test_wait_when_no_status_was_ever_seen_ends_with_the_time_out_and_the_error(
    trouble: Outcome, error: type[Exception]
) -> None:
    world = Waiting([trouble] * 13)
    with pytest.raises(error):
        world.run(timeout_seconds=3)
    assert world.seconds == pytest.approx(3)


@pytest.mark.parametrize("timeout_seconds", [0.7, 1, 2.5, 60])
def test_wait_when_answers_are_slow_gives_up_the_last_request_at_the_time_out(timeout_seconds: float) -> None:
    world = Waiting([answer("running", 250)] * 200, answer_seconds=0.4)
    with pytest.raises(StillRunning):
        world.run(timeout_seconds)
    assert world.seconds == pytest.approx(timeout_seconds)


def test_wait_when_the_server_never_answers_ends_with_the_time_out() -> None:
    world = Waiting([], answer_seconds=math.inf)
    with pytest.raises(ConnectionFailed, match="not answered in time"):
        world.run(timeout_seconds=1)
    assert world.seconds == pytest.approx(1)


def test_wait_when_the_time_is_over_tells_the_job_as_it_was_a_moment_ago() -> None:
    world = Waiting([answer("running", steps) for steps in (100, 200, 300, 400, 500, 600)])
    with pytest.raises(StillRunning) as told:
        world.run(timeout_seconds=1)
    assert told.value.status.current_timesteps == 600
    assert world.pauses[-1] == pytest.approx(0.05)


def test_wait_without_any_time_asks_once() -> None:
    assert Waiting([answer("completed", 1000)]).run(timeout_seconds=0).ended
    with pytest.raises(StillRunning):
        Waiting([answer("running")]).run(timeout_seconds=0)


def test_wait_when_the_server_asks_for_a_pause_keeps_it() -> None:
    world = Waiting([refusal(503, "3"), refusal(503, "600"), answer("completed")])
    world.run()
    assert world.pauses == [3, 30]


@pytest.mark.parametrize(("code", "error"), [(404, NotFound), (500, ServerError)])
def test_wait_when_the_server_refuses_for_good_raises_at_once(code: int, error: type[Exception]) -> None:
    world = Waiting([refusal(code)])
    with pytest.raises(error):
        world.run()
    assert world.pauses == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_line_on_a_narrow_terminal_does_not_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    line = ProgressLine(terminal)
    line.show(replace(status("running", 500), model_name="grpo_model_46309d1e-7eca-4036-9c03-a2ed50c09cff"))
    assert terminal.getvalue() == "\rgrpo_model_46309d1e-7ec…  ██████████░░░"


def test_line_on_a_terminal_is_written_over_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    terminal, seconds = Terminal(), iter([0.0, 2.0, 4.0])
    line = ProgressLine(terminal, lambda: next(seconds))
    line.show(status("running", 0))
    line.show(status("running", 500, **{"rollout/ep_rew_mean": 21.25}))
    line.show(status("completed", 1000))
    first, second, third = terminal.getvalue().split("\r")[1:]
    assert first == "m  ░░░░░░░░░░░░░░░░░░░░  0/1,000 steps"
    assert second == "m  ██████████░░░░░░░░░░  500/1,000 steps  250 steps/s  0:02 left  return 21.2"
    assert third.rstrip() == "m  ████████████████████  1,000/1,000 steps  completed"
    assert len(third.rstrip("\n")) == len(second)
    assert third.endswith("\n")


def test_line_elsewhere_is_written_at_every_change_and_now_and_then() -> None:
    stream, seconds = io.StringIO(), iter([0.0, 1.0, 2.0, 11.5, 12.0])
    line = ProgressLine(stream, lambda: next(seconds))
    for shown in [status("queued"), status(), status(steps=10), status(steps=500), status("failed", 600, error="NaN.")]:
        line.show(shown)
    lines = stream.getvalue().splitlines()
    assert [text.split("  ")[2] for text in lines] == ["0/1,000 steps", "0/1,000 steps", "500/1,000 steps", "600/1,000 steps"]
    assert lines[-1].endswith("failed: NaN.")


def test_line_whatever_an_environment_says_steers_no_terminal() -> None:
    terminal = Terminal()
    said = "\x1b]0;owned\x07\x1b[2J\r\n \u202elive\u202c \x9b31m"
    ProgressLine(terminal).show(status("failed", 600, error=said))
    written = terminal.getvalue()
    assert written.startswith("\r")
    assert written[1:-1].isprintable()


def test_line_elsewhere_stays_one_line_whatever_an_environment_says() -> None:
    stream = io.StringIO()
    ProgressLine(stream).show(status("failed", 600, error="first\nsecond \x1b[2J"))
    assert stream.getvalue().endswith("failed: first second \\x1b[2J\n")
    assert stream.getvalue().count("\n") == 1


def test_speed_when_the_job_falls_back_to_a_checkpoint_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    stream, seconds = Terminal(), iter([0.0, 1.0, 2.0, 3.0])
    line = ProgressLine(stream, lambda: next(seconds))
    for steps in (0, 500, 200, 300):
        line.show(status(steps=steps))
    assert "100 steps/s  0:07 left" in stream.getvalue().split("\r")[-1]


RUNNING = Answer(body=answer("running", 10).content)


def test_wait_when_it_is_interrupted_says_how_to_come_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with talking(RUNNING, RUNNING) as (server, client):
        job = client.job("j")
        monkeypatch.setattr("grpo_client.session.time.sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            job.wait()
    assert [request.method for request in server.requests] == ["GET", "GET"]
    assert 'client.job("j").wait(progress=True)' in capsys.readouterr().err


def test_async_wait_when_its_task_is_cancelled_says_how_to_come_back(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(url: str) -> None:
        async with AsyncClient(url) as client:
            job = await client.job("j")
            shown = asyncio.Event()
            monkeypatch.setattr(ProgressLine, "show", lambda line, status: shown.set())
            waits = asyncio.create_task(job.wait())
            await shown.wait()
            waits.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waits

    with ScriptedServer([RUNNING, RUNNING]) as server:
        asyncio.run(cancelled(server.url))
    assert 'client.job("j")' in capsys.readouterr().err


def test_wait_without_progress_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with talking(RUNNING, Answer(body=answer("completed", 1000).content)) as (_server, client):
        client.job("j").wait(progress=False)
    assert capsys.readouterr().err == ""
