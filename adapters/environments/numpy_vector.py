"""What our own vector environments share: seeds, idle members, time limits, copies and snapshots over a few arrays."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from domain.arrays import BoolArray, FloatArray, IntArray, check_shape
from domain.ports import EnvironmentState, StepResult
from domain.spaces import EnvironmentSpec

ONE = np.array(1.0)


class NumpyVector(ABC):
    """N members whose whole state stands in two arrays, one column per member, stepped all at once without allocation.

    A subclass gives the start of an episode and one step of everybody; what idles is put back afterwards.
    """

    def __init__(self, spec: EnvironmentSpec, num_envs: int, max_episode_steps: int, state: NDArray[np.float64]) -> None:
        """Both numbers at least 1. Call `reset` with a seed for every member before anything else.

        `state`: float64 [1 + S, N], all that the next step depends on: first the steps since the reset, which are counted
        here, then what the subclass calls its state and keeps views of.
        """
        self.spec = spec
        self.num_envs = num_envs
        self._state = state
        self._features = np.zeros((spec.observation_space.size, num_envs), dtype=np.float32)
        self._observations = self._features.T
        self._steps = state[0]
        self._time_limit = np.array(float(max_episode_steps))
        self._continuous = spec.continuous
        self._rewards = np.zeros(num_envs)
        self._rewards_of_active = np.zeros(num_envs)
        self._terminated = np.zeros(num_envs, dtype=np.bool_)
        self._truncated = np.zeros(num_envs, dtype=np.bool_)

    @abstractmethod
    def _start(self, seed: int) -> tuple[Sequence[float] | FloatArray, Sequence[float] | FloatArray]:
        """State [S] and features [D] after Gymnasium's `reset(seed=seed)`."""

    @abstractmethod
    def _advance(self, actions: NDArray[Any]) -> None:
        """One step of every member: write `_state`, `_features`, `_rewards` and `_terminated`."""

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        starts = {seed: self._start(seed) for seed in set(seeds) if seed is not None}
        for member, seed in enumerate(seeds):
            if seed is not None:
                self._state[1:, member], self._features[:, member] = starts[seed]
                self._steps[member] = 0.0
        return self._observations

    def step(self, actions: IntArray | FloatArray, active: BoolArray) -> StepResult:
        """A Discrete action out of range counts as the nearest in range, one of a Box likewise.

        Raises ValueError for NaN or infinity among the actions of active members of a Box.
        """
        if (
            self._continuous
            and np.count_nonzero(np.isfinite(actions)) < actions.size
            and not np.isfinite(actions[active]).all()
        ):
            raise ValueError("actions must be finite")
        if np.count_nonzero(active) == self.num_envs:
            self._advance(actions)
            np.add(self._steps, ONE, self._steps)
            np.greater_equal(self._steps, self._time_limit, self._truncated)
            return StepResult(self._observations, self._rewards, self._terminated, self._truncated)
        idle = ~active
        state, features = self._state.copy(), self._features.copy()
        self._advance(actions)
        np.add(self._steps, ONE, self._steps)
        np.greater_equal(self._steps, self._time_limit, self._truncated)
        np.copyto(self._state, state, where=idle)
        np.copyto(self._features, features, where=idle)
        np.logical_and(self._terminated, active, self._terminated)
        np.logical_and(self._truncated, active, self._truncated)
        self._rewards_of_active.fill(0.0)
        np.copyto(self._rewards_of_active, self._rewards, where=active)
        return StepResult(self._observations, self._rewards_of_active, self._terminated, self._truncated)

    def copy_members(self, sources: IntArray) -> FloatArray:
        self._state[:] = self._state[:, sources]
        self._features[:] = self._features[:, sources]
        return self._observations

    def snapshot(self) -> EnvironmentState:
        """`state`: float64 [1 + S, N], first the steps since the reset; `features`: the observations, float32 [D, N]."""
        return {"state": self._state.copy(), "features": self._features.copy()}

    def restore(self, state: EnvironmentState) -> FloatArray:
        """Raises ValueError when the snapshot is one of another number of members."""
        check_shape("state", state["state"], self._state.shape)
        check_shape("features", state["features"], self._features.shape)
        self._state[:], self._features[:] = state["state"], state["features"]
        return self._observations

    def close(self) -> None:  # noqa: B027 (nothing to do is the rule here, not an omission)
        """There is nothing to free."""

    def _reward_always(self, reward: float) -> None:
        """The same reward for every step; the array cannot be changed by a caller."""
        self._rewards[:] = reward
        self._rewards.flags.writeable = False


@dataclass(frozen=True)
class Shove:
    """What a push of force 1 does: add `change` to the velocity in that row of the state, up to `fastest` either way.

    The feature in its row is the same number.
    """

    state_row: int
    feature_row: int
    change: float
    fastest: float


class MovingVector(NumpyVector):
    """Members that are bodies in motion, and can be shoved (`domain.pushable`)."""

    step_seconds: float
    shove: ClassVar[Shove]

    def push(self, force: float) -> FloatArray:
        """The new velocity is a float32, as the features are, in which the continuous mountain car has all its numbers."""
        shove = self.shove
        velocity = self._state[shove.state_row] + force * shove.change
        self._features[shove.feature_row] = np.clip(velocity, -shove.fastest, shove.fastest)
        self._state[shove.state_row] = self._features[shove.feature_row]
        return self._observations
