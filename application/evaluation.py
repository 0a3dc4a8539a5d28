"""Use cases that let a kept model play: its evaluation over many episodes, and the replay of one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.errors import FieldError, InvalidInput, ShuttingDown, UnsupportedEnvironment
from domain.evaluation import EvaluationReport, evaluate, time_limit
from domain.model_name import check_model_name
from domain.play_errors import TooManyEvaluations
from domain.ports import EnvironmentFactory, ModelRepository
from domain.replay import Trajectory, replay
from domain.rollout import Interrupted
from domain.spaces import EnvironmentSpec

MOST_AT_ONCE = 2
MOST_EPISODES = 1_000
MOST_STEPS = 1_000_000
MOST_NUMBERS = 2_000_000
MOST_SEED = 2**32 - 1

ShouldStop = Callable[[], bool]


def nobody_stops() -> bool:
    """For whoever waits to the end."""
    return False


class Turns:
    """At most `limit` evaluations at once, and none after `close`. Thread-safe."""

    def __init__(self, limit: int = MOST_AT_ONCE) -> None:
        self._limit, self._free = limit, threading.Semaphore(limit)
        self._closed = threading.Event()

    @contextmanager
    def take(self, should_stop: ShouldStop) -> Iterator[ShouldStop]:
        """A turn, and what tells within it to stop: `should_stop`, or the end of the server.

        Raises TooManyEvaluations, ShuttingDown; Interrupted where `should_stop` was obeyed.
        """
        if self._closed.is_set():
            raise ShuttingDown
        if not self._free.acquire(blocking=False):
            raise TooManyEvaluations(self._limit)
        try:
            yield lambda: self._closed.is_set() or should_stop()
        except Interrupted:
            if self._closed.is_set():
                raise ShuttingDown from None
            raise
        finally:
            self._free.release()

    def close(self) -> None:
        """Those under way end at their next step. Idempotent."""
        self._closed.set()


@dataclass(frozen=True)
class Played:
    """Which version of which model has played, and where."""

    model_name: str
    model_version: int
    env_name: str


class EvaluateModel:
    """How good a kept model is: the native returns of fresh episodes."""

    def __init__(self, models: ModelRepository, environments: EnvironmentFactory, turns: Turns) -> None:
        self._models, self._environments, self._turns = models, environments, turns

    def __call__(
        self,
        model_name: str,
        episodes: int = 100,
        seed: int = 0,
        deterministic: bool = True,
        version: int | None = None,
        should_stop: ShouldStop = nobody_stops,
    ) -> tuple[Played, EvaluationReport]:
        """The same arguments give the same answer.

        Raises InvalidModelName, InvalidInput, ModelNotFound, CorruptData, UnknownEnvironment, EnvironmentNotAllowed,
        UnsupportedEnvironment, EnvironmentFailed, TooManyEvaluations, ShuttingDown; Interrupted when `should_stop()`.
        """
        _check_range("episodes", episodes, 1, MOST_EPISODES)
        _check_range("seed", seed, 0, MOST_SEED)
        with self._turns.take(should_stop) as stop:
            model = self._models.get(check_model_name(model_name), version)
            environment = model.policy.environment
            check_playable(self._environments, environment)
            _check_work(environment, episodes)
            report = evaluate(model.policy, self._environments, episodes, seed, deterministic, stop)
        return Played(model_name, model.version, environment.env_name), report


class ReplayModel:
    """One episode of a kept model, step by step."""

    def __init__(self, models: ModelRepository, environments: EnvironmentFactory, turns: Turns) -> None:
        self._models, self._environments, self._turns = models, environments, turns

    def __call__(
        self,
        model_name: str,
        seed: int = 0,
        deterministic: bool = True,
        version: int | None = None,
        max_steps: int | None = None,
        should_stop: ShouldStop = nobody_stops,
    ) -> tuple[Played, Trajectory]:
        """The same arguments give the same bits. Raises what EvaluateModel does."""
        _check_range("seed", seed, 0, MOST_SEED)
        if max_steps is not None:
            _check_range("max_steps", max_steps, 1, MOST_STEPS)
        with self._turns.take(should_stop) as stop:
            model = self._models.get(check_model_name(model_name), version)
            environment = model.policy.environment
            check_playable(self._environments, environment)
            _check_size(environment, max_steps)
            trajectory = replay(model.policy, self._environments, seed, deterministic, max_steps, stop)
        return Played(model_name, model.version, environment.env_name), trajectory


def check_playable(environments: EnvironmentFactory, environment: EnvironmentSpec) -> None:
    """Whether the environment that a model was made for is still there, allowed, and of the same spaces.

    Raises UnknownEnvironment, EnvironmentNotAllowed, UnsupportedEnvironment.
    """
    here = environments.describe(environment.env_name)
    if (here.observation_space, here.action_space) != (environment.observation_space, environment.action_space):
        message = f"{environment.env_name} has other spaces here than where the model was trained, so that it cannot play."
        raise UnsupportedEnvironment(FieldError("model_name", message))


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidInput(FieldError(name, f"{name} must be an integer from {low} to {high}, got {value}."))


def _check_work(environment: EnvironmentSpec, episodes: int) -> None:
    limit = time_limit(environment)
    if episodes * limit > MOST_STEPS:
        most = MOST_STEPS // limit
        allowed = f"at most {most} episodes are allowed there" if most else "its episodes are too long for an evaluation"
        message = f"{episodes} episodes of {environment.env_name} may take {episodes * limit} steps, more than {MOST_STEPS}; "
        raise InvalidInput(FieldError("episodes", f"{message}{allowed}."))


def _check_size(environment: EnvironmentSpec, max_steps: int | None) -> None:
    size, limit = environment.observation_space.size, time_limit(environment)
    if min(max_steps or limit, limit) * size > MOST_NUMBERS:
        most = MOST_NUMBERS // size
        message = f"An episode of {environment.env_name} may have {limit} observations of {size} numbers, more than "
        allowed = f"ask for a part of it, with max_steps from 1 to {most}" if most else "there is no part that is small enough"
        raise InvalidInput(FieldError("max_steps", f"{message}{MOST_NUMBERS} numbers in all; {allowed}."))
