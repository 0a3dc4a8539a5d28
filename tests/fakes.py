"""Ports without an outside world: a clock that stands still, and small environments in numpy that watch their caller."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domain.arrays import ActionArray, BoolArray, FloatArray, IntArray
from domain.errors import EnvironmentFailed, FieldError, UnknownEnvironment
from domain.ports import EnvironmentState, StepResult
from domain.spaces import Box, Discrete, EnvironmentSpec


@dataclass
class FakeClock:
    """Tells the time that the test sets."""

    time: datetime = datetime(2026, 1, 2, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class FakeVector(ABC):
    """N members whose episodes follow from a seed and the actions. Keeps its port's promises and sees to the caller's.

    `simulated` counts the steps of active members. Arrays that were given out are overwritten at the next call.
    """

    SPEC: ClassVar[EnvironmentSpec]

    def __init__(self, num_envs: int, max_episode_steps: int) -> None:
        self.spec, self.num_envs = self.SPEC, num_envs
        self.simulated = self.longest = 0
        self.closed = False
        self._limit = max_episode_steps
        self._seeds = np.zeros(num_envs, dtype=np.int64)
        self._time = np.zeros(num_envs, dtype=np.int64)
        self._over = np.ones(num_envs, dtype=np.bool_)
        self._lent: list[NDArray[Any]] = []

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        assert len(seeds) == self.num_envs
        for member, seed in enumerate(seeds):
            if seed is not None:
                self._seeds[member], self._time[member], self._over[member] = seed, 0, False
        return self._lend(self.observe())

    def step(self, actions: ActionArray, active: BoolArray) -> StepResult:
        self._check(actions, active)
        rewards = np.where(active, self.reward(actions), 0.0)
        terminated = self.ends(actions) & active
        self._time += active
        truncated = (self._time >= self._limit) & active & ~terminated
        self._over |= terminated | truncated
        self.simulated += int(active.sum())
        self.longest = max(self.longest, int(self._time.max()))
        self._lend(self.observe(), rewards, terminated, truncated)
        return StepResult(*self._lent)

    def copy_members(self, sources: IntArray) -> FloatArray:
        assert self.spec.cloneable
        self._seeds, self._time, self._over = self._seeds[sources], self._time[sources], self._over[sources]
        return self._lend(self.observe())

    def snapshot(self) -> EnvironmentState:
        return {"seeds": self._seeds.copy(), "time": self._time.copy(), "over": self._over.copy()}

    def restore(self, state: EnvironmentState) -> FloatArray:
        self._seeds, self._time, self._over = state["seeds"].copy(), state["time"].copy(), state["over"].copy()
        return self._lend(self.observe())

    def close(self) -> None:
        self.closed = True

    @abstractmethod
    def observe(self) -> FloatArray:
        """Features, float32 [N, D]."""

    @abstractmethod
    def reward(self, actions: ActionArray) -> FloatArray:
        """Rewards of the step from the present state, [N]."""

    def ends(self, actions: ActionArray) -> BoolArray:
        """Where that step ends the episode, [N]: now and then."""
        return self.chance(9) < 1 / 16

    def chance(self, stream: int) -> FloatArray:
        """Uniform numbers in [0, 1), which follow from each member's seed and step, [N]."""
        bits = (self._seeds * 1_000_003 + self._time * 31 + stream).astype(np.uint64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):  # splitmix64
            bits = (bits + np.uint64(0x9E3779B97F4A7C15)) if shift == 30 else bits
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        return (bits >> np.uint64(11)) / 2.0**53

    def _check(self, actions: ActionArray, active: BoolArray) -> None:
        assert not self.closed
        assert active.dtype == np.bool_
        assert active.shape == (self.num_envs,)
        assert not np.any(active & self._over), "a member was stepped behind the end of its episode"
        space = self.spec.action_space
        if isinstance(space, Box):
            assert actions.dtype == np.float32
            assert actions.shape == (self.num_envs, space.size)
            assert np.all((actions >= space.low) & (actions <= space.high))
        else:
            assert np.issubdtype(actions.dtype, np.integer)
            assert actions.shape == (self.num_envs,)
            assert np.all((actions >= 0) & (actions < space.n))

    def _lend(self, *arrays: NDArray[Any]) -> FloatArray:
        for old in self._lent:
            old.fill(True if old.dtype == np.bool_ else np.nan)
        self._lent = [*arrays]
        return arrays[0]


class IdentityVector(FakeVector):
    """Shows one of five symbols, one-hot; pays 1 for the action of the same number. Mistakes end some episodes."""

    SPEC = EnvironmentSpec("Identity-v0", Discrete(5), Discrete(5), max_episode_steps=20, cloneable=True)

    def observe(self) -> FloatArray:
        return np.eye(5, dtype=np.float32)[self._symbol()]

    def reward(self, actions: ActionArray) -> FloatArray:
        return np.asarray(actions == self._symbol(), dtype=np.float64)

    def ends(self, actions: ActionArray) -> BoolArray:
        return np.asarray((actions != self._symbol()) & (self.chance(9) < 1 / 8))

    def _symbol(self) -> IntArray:
        return (5 * self.chance(0)).astype(np.int64)


class TargetVector(FakeVector):
    """Shows a point of the square [-1, 1]²; the action, in units of half its range, should meet it."""

    SPEC = EnvironmentSpec(
        "Target-v0", Box((2,), (-1.0,) * 2, (1.0,) * 2), Box((2,), (-2.0, 0.0), (2.0, 6.0)), 20, cloneable=True
    )

    def observe(self) -> FloatArray:
        return self._target().astype(np.float32)

    def reward(self, actions: ActionArray) -> FloatArray:
        reached = (actions - np.array([0.0, 3.0])) / np.array([2.0, 3.0])
        return np.asarray(-np.square(reached - self._target()).sum(axis=1))

    def ends(self, actions: ActionArray) -> BoolArray:
        return (self.reward(actions) < -1) & (self.chance(9) < 1 / 8)

    def _target(self) -> FloatArray:
        return np.column_stack([2 * self.chance(0) - 1, 2 * self.chance(1) - 1])


class IndifferentVector(FakeVector):
    """Shows two numbers and pays another one between -1 and 1, whatever is done."""

    SPEC = EnvironmentSpec("Indifferent-v0", Box((2,), (0.0,) * 2, (1.0,) * 2), Discrete(3), 20, cloneable=True)

    def observe(self) -> FloatArray:
        return np.column_stack([self.chance(0), self.chance(1)]).astype(np.float32)

    def reward(self, actions: ActionArray) -> FloatArray:
        return 2 * self.chance(2) - 1


class CartPoleLikeVector(FakeVector):
    """Shows four numbers under CartPole's name, pays 1 a step, and keeps what it showed of active members."""

    SPEC = EnvironmentSpec("CartPole-v1", Box((4,), (-1.0,) * 4, (1.0,) * 4), Discrete(2), 20, cloneable=True)

    def __init__(self, num_envs: int, max_episode_steps: int) -> None:
        super().__init__(num_envs, max_episode_steps)
        self.reached: list[FloatArray] = []

    def step(self, actions: ActionArray, active: BoolArray) -> StepResult:
        result = super().step(actions, active)
        self.reached.extend(result.observations[active])
        return result

    def observe(self) -> FloatArray:
        return np.column_stack([0.4 * self.chance(stream) - 0.2 for stream in range(4)]).astype(np.float32)

    def reward(self, actions: ActionArray) -> FloatArray:
        return np.ones(self.num_envs)

    def ends(self, actions: ActionArray) -> BoolArray:
        return np.asarray((actions == 1) & (self.chance(9) < 1 / 8))


class PartialVector(IndifferentVector):
    """Almost the same: the first action is paid a little more, a tenth of the range of the rewards."""

    def reward(self, actions: ActionArray) -> FloatArray:
        return np.asarray(super().reward(actions) + 0.2 * (actions == 0))


class FailingVector(IdentityVector):
    """The identity environment, which raises when more than `good` steps have been simulated."""

    good: ClassVar[int] = 20

    def reward(self, actions: ActionArray) -> FloatArray:
        if self.simulated >= self.good:
            raise EnvironmentFailed("Identity-v0 raised RuntimeError: out of order.")
        return super().reward(actions)


class NaNRewardVector(FailingVector):
    """The identity environment with a broken promise: its rewards become NaN, and it does not say so."""

    def reward(self, actions: ActionArray) -> FloatArray:
        return IdentityVector.reward(self, actions) * (np.nan if self.simulated >= self.good else 1)


class NaNObservationVector(FailingVector):
    """The same with observations."""

    def reward(self, actions: ActionArray) -> FloatArray:
        return IdentityVector.reward(self, actions)

    def observe(self) -> FloatArray:
        return super().observe() * np.float32(np.nan if self.simulated >= self.good else 1)


@dataclass
class FakeEnvironments:
    """Makes one kind of fake and keeps what it made."""

    kind: type[FakeVector] = IdentityVector
    made: list[FakeVector] = field(default_factory=list)

    def names(self) -> list[str]:
        return [self.kind.SPEC.env_name]

    def describe(self, env_name: str) -> EnvironmentSpec:
        if env_name != self.kind.SPEC.env_name:
            raise UnknownEnvironment(FieldError("env_name", f"There is no environment {env_name!r}."))
        return self.kind.SPEC

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> FakeVector:
        self.describe(env_name)
        self.made.append(self.kind(num_envs, max_episode_steps))
        return self.made[-1]

    @property
    def simulated(self) -> int:
        """Steps of all members of all vectors."""
        return sum(vector.simulated for vector in self.made)
