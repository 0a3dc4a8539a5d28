"""CartPole on N members at once, equal to Gymnasium's step for step, and cloneable.

A cart balances a pole: Barto, Sutton, Anderson, "Neuronlike adaptive elements that can solve difficult learning control
problems", 1983. Equations of motion: Florian, "Correct equations for the dynamics of the cart-pole system", 2007. The
operations stand in the order of `gymnasium.envs.classic_control.cartpole`, so that each bit is the same.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.arrays import BoolArray, FloatArray, IntArray, check_shape
from domain.ports import EnvironmentState, StepResult
from domain.spaces import Box, Discrete, EnvironmentSpec

START_RANGE = 0.05
BOUNDS = tuple(float(np.float32(bound)) for bound in (4.8, math.inf, 24 * 2 * math.pi / 360, math.inf))

CARTPOLE_V1 = EnvironmentSpec(
    env_name="CartPole-v1",
    observation_space=Box(shape=(4,), low=tuple(-bound for bound in BOUNDS), high=BOUNDS),
    action_space=Discrete(2),
    max_episode_steps=500,
    cloneable=True,
    reward_threshold=475.0,
)
CARTPOLE_V0 = replace(CARTPOLE_V1, env_name="CartPole-v0", max_episode_steps=200, reward_threshold=195.0)

# The constants as 0-d arrays: a ufunc takes them in half the time that a Python float needs.
GRAVITY = np.array(9.8)
POLE_MASS = np.array(0.1)
TOTAL_MASS = np.array(0.1 + 1.0)
POLE_LENGTH = np.array(0.5)
POLE_MASS_LENGTH = np.array(0.1 * 0.5)
FOUR_THIRDS = np.array(4.0 / 3.0)
STEP_SECONDS = np.array(0.02)
X_LIMIT = np.array(2.4)
ANGLE_LIMIT = np.array(12 * 2 * math.pi / 360)
FORCES = np.array([-10.0, 10.0])


class CartPoleVector:
    """N CartPoles in float64, one row per quantity, stepped by some thirty numpy calls without allocation."""

    def __init__(self, num_envs: int, max_episode_steps: int, spec: EnvironmentSpec = CARTPOLE_V1) -> None:
        """Both numbers at least 1. Call `reset` with a seed for every member before anything else."""
        self.spec = spec
        self.num_envs = num_envs
        self._time_limit = np.array(float(max_episode_steps))

        # Each row of motion stands two rows above its derivative, so that one call moves the whole state.
        rows = np.zeros((7, num_envs))  # steps, x, θ, ẋ, θ̇, ẍ, θ̈
        self._state, self._derivatives = rows[:5], rows[3:]
        self._steps, _, self._angle, _, self._angular_velocity, self._acceleration, self._angular_acceleration = rows
        increments = np.ones((5, num_envs))  # the first row counts the steps
        self._increments, self._motion_increments = increments, increments[1:]
        self._scratch = tuple(np.empty((7, num_envs)))
        self._pose, self._distances = rows[1:3], np.empty((2, num_envs))
        self._x_distance, self._tilt = self._distances

        features = np.zeros((4, num_envs), dtype=np.float32)  # x, ẋ, θ, θ̇
        self._observations = features.T
        # Twice the same four quantities as [derivative, coordinate, N].
        self._motion = rows[1:5].reshape(2, 2, num_envs)
        self._observed_motion = features.reshape(2, 2, num_envs).swapaxes(0, 1)

        self._all_ones = np.ones(num_envs)
        self._all_ones.flags.writeable = False
        self._rewards = np.empty(num_envs)
        self._terminated = np.zeros(num_envs, dtype=np.bool_)
        self._truncated = np.zeros(num_envs, dtype=np.bool_)
        self._too_far = np.zeros(num_envs, dtype=np.bool_)

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        starts = {seed: _start(seed) for seed in set(seeds) if seed is not None}
        for member, seed in enumerate(seeds):
            if seed is not None:
                self._state[:, member] = starts[seed]
        return self._observe()

    def step(self, actions: IntArray | FloatArray, active: BoolArray) -> StepResult:
        if np.count_nonzero(active) == self.num_envs:
            self._advance(actions)
            self._find_ends()
            return StepResult(self._observe(), self._all_ones, self._terminated, self._truncated)
        before = self._state.copy()
        self._advance(actions)
        np.copyto(self._state, before, where=~active)
        self._find_ends()
        np.logical_and(self._terminated, active, self._terminated)
        np.logical_and(self._truncated, active, self._truncated)
        self._rewards[:] = active
        return StepResult(self._observe(), self._rewards, self._terminated, self._truncated)

    def copy_members(self, sources: IntArray) -> FloatArray:
        self._state[:] = self._state[:, sources]
        return self._observe()

    def snapshot(self) -> EnvironmentState:
        """`state`: float64 [5, N], rows: steps since the reset, x, θ, ẋ, θ̇."""
        return {"state": self._state.copy()}

    def restore(self, state: EnvironmentState) -> FloatArray:
        """Raises ValueError when the snapshot is one of another number of members."""
        check_shape("state", state["state"], self._state.shape)
        self._state[:] = state["state"]
        return self._observe()

    def close(self) -> None:
        """There is nothing to free."""

    def _advance(self, actions: NDArray[Any]) -> None:
        """One Euler step of 0.02 s of every member.

        temp = (F + m·l·θ̇²·sin θ) / M
        θ̈ = (g·sin θ − cos θ·temp) / (l·(4/3 − m·cos² θ / M))
        ẍ = temp − m·l·θ̈·cos θ / M
        """
        force, sine, cosine, temp, denominator, torque, reaction = self._scratch
        FORCES.take(actions, None, force, "clip")
        np.sin(self._angle, sine)
        np.cos(self._angle, cosine)

        np.square(self._angular_velocity, temp)
        np.multiply(POLE_MASS_LENGTH, temp, temp)
        np.multiply(temp, sine, temp)
        np.add(force, temp, temp)
        np.divide(temp, TOTAL_MASS, temp)

        np.square(cosine, denominator)
        np.multiply(POLE_MASS, denominator, denominator)
        np.divide(denominator, TOTAL_MASS, denominator)
        np.subtract(FOUR_THIRDS, denominator, denominator)
        np.multiply(POLE_LENGTH, denominator, denominator)

        np.multiply(GRAVITY, sine, sine)
        np.multiply(cosine, temp, torque)
        np.subtract(sine, torque, torque)
        np.divide(torque, denominator, self._angular_acceleration)

        np.multiply(POLE_MASS_LENGTH, self._angular_acceleration, reaction)
        np.multiply(reaction, cosine, reaction)
        np.divide(reaction, TOTAL_MASS, reaction)
        np.subtract(temp, reaction, self._acceleration)

        np.multiply(STEP_SECONDS, self._derivatives, self._motion_increments)
        np.add(self._state, self._increments, self._state)

    def _find_ends(self) -> None:
        """Terminated: the cart left its track or the pole fell. Truncated: the time limit is reached."""
        np.abs(self._pose, self._distances)
        np.greater(self._x_distance, X_LIMIT, self._too_far)
        np.greater(self._tilt, ANGLE_LIMIT, self._terminated)
        np.logical_or(self._terminated, self._too_far, self._terminated)
        np.greater_equal(self._steps, self._time_limit, self._truncated)

    def _observe(self) -> FloatArray:
        self._observed_motion[...] = self._motion
        return self._observations


def _start(seed: int) -> NDArray[np.float64]:
    """The state after Gymnasium's `reset(seed=seed)`, which draws x, ẋ, θ, θ̇ in this order."""
    x, velocity, angle, angular_velocity = np.random.default_rng(seed).uniform(-START_RANGE, START_RANGE, size=4)
    return np.array([0.0, x, angle, velocity, angular_velocity])
