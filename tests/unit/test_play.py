"""A policy at play, and the sessions that hold it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from adapters.environments.factory import GymnasiumEnvironments
from adapters.http.pace import MOST_LAG_SECONDS, Pace
from adapters.storage.memory import MemoryModelRepository
from application.evaluation import MOST_SEED
from application.play import IDLE_SECONDS, LONGEST_SECONDS, Plays
from domain.errors import EnvironmentFailed, InvalidInput, ModelNotFound, ShuttingDown, UnsupportedEnvironment
from domain.play import CONTINUOUS_SECONDS, DISCRETE_SECONDS, Play
from domain.play_errors import NotPushable, PlayNotFound, TooManyPlays
from domain.spaces import Discrete
from tests.factories import make_model, make_policy
from tests.fakes import FailingVector, FakeClock, FakeEnvironments, IdentityVector, TargetVector

ENVIRONMENTS = GymnasiumEnvironments()
PENDULUM = make_policy(ENVIRONMENTS.describe("Pendulum-v1"))


def numbered() -> Callable[[], str]:
    numbers: Iterator[int] = iter(range(1_000))
    return lambda: f"play-{next(numbers)}"


def make_plays(kind: Any = IdentityVector, limit: int = 2) -> tuple[Plays, FakeEnvironments, FakeClock]:
    models, environments, clock = MemoryModelRepository(), FakeEnvironments(kind), FakeClock()
    models.save(make_model("shown", policy=make_policy(kind.SPEC, normalized=False)))
    return Plays(models, environments, clock, numbered(), lambda: 77, limit), environments, clock


def test_play_shows_what_the_policy_saw_and_did_one_episode_after_the_other() -> None:
    environments = FakeEnvironments(TargetVector)
    play = Play(make_policy(TargetVector.SPEC), environments, seed=5)
    frames = [play.step() for _ in range(60)]
    assert [frame.t for frame in frames if frame.episode == 1] == list(range(sum(frame.episode == 1 for frame in frames)))
    assert frames[-1].episode >= 2
    for before, frame in pairwise(frames):
        ended = before.terminated or before.truncated
        assert (frame.episode, frame.t) == ((before.episode + 1, 0) if ended else (before.episode, before.t + 1))
        assert frame.native_return == frame.reward + (0.0 if ended else before.native_return)
    second = next(frame for frame in frames if frame.episode == 1)
    fresh = TargetVector(1, 20)
    assert second.observation == fresh.reset([6])[0].tolist()
    prediction = make_policy(TargetVector.SPEC).predict(np.array([second.observation], dtype=np.float32))
    assert (second.action, second.value) == (prediction.actions[0].tolist(), prediction.values[0])
    play.close()
    assert environments.made[-1].closed


def test_play_without_a_push_gives_the_same_frames_again() -> None:
    one, other = (Play(PENDULUM, ENVIRONMENTS, seed=3, deterministic=False) for _ in range(2))
    assert [one.step() for _ in range(250)] == [other.step() for _ in range(250)]


def test_push_when_between_two_steps_shoves_the_next_and_no_other() -> None:
    pushed, alone = (Play(PENDULUM, ENVIRONMENTS, seed=3) for _ in range(2))
    assert pushed.step() == alone.step()
    pushed.push(0.25)
    pushed.push(0.25)
    frame, undisturbed = pushed.step(), alone.step()
    assert frame.pushed == 0.5
    assert frame.observation[:2] == undisturbed.observation[:2]
    assert frame.observation[2] == pytest.approx(undisturbed.observation[2] + 2.0)
    following = pushed.step()
    assert following.pushed == 0
    assert following.observation != alone.step().observation


def test_pushes_when_there_are_many_add_up_to_the_largest() -> None:
    play = Play(PENDULUM, ENVIRONMENTS, seed=3)
    for _ in range(1_000):
        play.push(-0.5)
    assert [play.step().pushed, play.step().pushed] == [-1.0, 0.0]


@pytest.mark.parametrize(("kind", "seconds"), [(TargetVector, CONTINUOUS_SECONDS), (IdentityVector, DISCRETE_SECONDS)])
def test_play_of_what_cannot_be_pushed_has_a_pace_for_the_eye(kind: Any, seconds: float) -> None:
    play = Play(make_policy(kind.SPEC, normalized=False), FakeEnvironments(kind), seed=0)
    assert (play.pushable, play.quick, play.step_seconds) == (False, False, seconds)
    play.push(1.0)
    assert play.step().pushed == 1.0


def test_session_is_found_by_its_id_until_it_is_left() -> None:
    plays, environments, _ = make_plays()
    session = plays.open("shown")
    assert (session.id, session.model_name, session.model_version, session.play.seed) == ("play-0", "shown", 1, 77)
    with pytest.raises(NotPushable, match="Identity-v0 cannot be pushed; CartPole, "):
        plays.push("play-0", 0.5)
    plays.leave(session)
    plays.leave(session)
    assert session.step() is None
    assert environments.made[-1].closed
    with pytest.raises(PlayNotFound, match="Nothing is at play under the id 'play-0'"):
        plays.push("play-0", 0.5)


@pytest.mark.parametrize("force", [-1.5, 2.0, float("nan")])
def test_push_when_too_strong_is_refused(force: float) -> None:
    plays, _, _ = make_plays()
    plays.open("shown")
    with pytest.raises(InvalidInput, match="force must be a number from -1 to 1, got"):
        plays.push("play-0", force)


def test_session_beyond_the_limit_is_refused_until_one_is_left_or_idle() -> None:
    plays, environments, clock = make_plays(limit=2)
    left, idle = plays.open("shown"), plays.open("shown")
    with pytest.raises(TooManyPlays, match="2 policies are at play already, which is the limit"):
        plays.open("shown")
    plays.leave(left)
    watched = plays.open("shown")
    clock.advance(IDLE_SECONDS + 1)
    watched.step()
    plays.open("shown")
    assert (idle.ended, watched.ended) == ("idle", None)
    assert environments.made[1].closed


def test_session_that_could_not_be_opened_takes_no_place() -> None:
    plays, _, _ = make_plays(limit=1)
    for _ in range(3):
        with pytest.raises(ModelNotFound):
            plays.open("unknown")
    for seed in (-1, MOST_SEED + 1):
        with pytest.raises(InvalidInput, match=f"seed must be an integer from 0 to {MOST_SEED}, got {seed}"):
            plays.open("shown", seed)
    assert plays.open("shown", MOST_SEED).step() is not None


def test_close_ends_all_sessions_wakes_who_shows_them_and_begins_none() -> None:
    plays, _, _ = make_plays()
    woken: list[str] = []
    first, second = plays.open("shown"), plays.open("shown")
    first.on_end, second.on_end = (lambda: woken.append("first")), (lambda: woken.append("second"))
    plays.close()
    plays.close()
    assert woken == ["first", "second"]
    assert (first.ended, second.step()) == ("shutting-down", None)
    with pytest.raises(ShuttingDown):
        plays.open("shown")


def test_session_of_a_failing_environment_ends_with_the_reason() -> None:
    plays, _, _ = make_plays(FailingVector)
    session = plays.open("shown")
    frames = [session.step() for _ in range(FailingVector.good + 5)]
    assert sum(frame is not None for frame in frames) == FailingVector.good
    assert session.ended == "environment-failed"
    assert session.detail


def test_play_that_fails_at_its_start_frees_its_environment() -> None:
    class Stuck(IdentityVector):
        def observe(self) -> Any:
            raise EnvironmentFailed("Stuck-v0 failed in reset.")

    plays, environments, _ = make_plays(Stuck)
    with pytest.raises(EnvironmentFailed, match="failed in reset"):
        plays.open("shown")
    assert environments.made[-1].closed


def test_session_ends_after_an_hour() -> None:
    plays, _, clock = make_plays()
    session = plays.open("shown")
    clock.advance(LONGEST_SECONDS + 1)
    assert (session.step(), session.ended) == (None, "time-limit")


def test_session_that_is_left_while_it_steps_frees_its_environment_and_its_place_after_the_step() -> None:
    plays, environments, clock = make_plays(limit=1)
    session = plays.open("shown")
    step = session.play.step

    def left_meanwhile() -> Any:
        plays.leave(session)
        clock.advance(IDLE_SECONDS + 1)
        with pytest.raises(TooManyPlays):  # each step that hangs holds a thread of the server
            plays.open("shown")
        assert not environments.made[-1].closed
        return step()

    session.play.step = left_meanwhile  # type: ignore[method-assign]
    assert session.step() is not None
    assert environments.made[-1].closed
    plays.open("shown")


def test_model_whose_environment_has_other_spaces_now_does_not_play() -> None:
    models = MemoryModelRepository()
    other = replace(IdentityVector.SPEC, action_space=Discrete(4))
    models.save(make_model("shown", policy=make_policy(other, normalized=False)))
    plays = Plays(models, FakeEnvironments(), FakeClock(), numbered(), lambda: 0)
    with pytest.raises(UnsupportedEnvironment, match="Identity-v0 has other spaces here than where the model was trained"):
        plays.open("shown")


def test_pace_does_not_drift_whatever_a_frame_costs() -> None:
    pace, now = Pace(0.02, 100.0), 100.0
    for cost in np.random.default_rng(0).uniform(0, 0.03, 500):
        now += cost + pace.wait(now + cost)
    assert now == pytest.approx(100.0 + 500 * 0.02, abs=0.05)


def test_pace_when_far_behind_goes_on_from_there() -> None:
    pace = Pace(0.02, 0.0)
    assert pace.wait(MOST_LAG_SECONDS + 1) == 0.0
    assert pace.wait(MOST_LAG_SECONDS + 1) == pytest.approx(0.02)


@pytest.mark.parametrize(("seconds", "at_once"), [(0.2, 1), (0.02, 1), (0.002, 8)])
def test_pace_when_faster_than_the_eye_sends_several_frames_at_once(seconds: float, at_once: int) -> None:
    pace = Pace(seconds, 0.0)
    assert pace.at_once == at_once
    assert pace.wait(0.0) == pytest.approx(at_once * seconds)
