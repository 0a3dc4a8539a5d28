"""CartPole on N members at once, equal to Gymnasium's step for step, and cloneable.

A cart balances a pole: Barto, Sutton, Anderson, "Neuronlike adaptive elements that can solve difficult learning control
problems", 1983. Equations of motion: Florian, "Correct equations for the dynamics of the cart-pole system", 2007. The
operations stand in the order of `gymnasium.envs.classic_control.cartpole`, so that each bit is the same.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.environments.numpy_vector import MovingVector, Shove
from domain.arrays import FloatArray
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


class CartPoleVector(MovingVector):
    """N CartPoles in float64, one row per quantity, stepped by some thirty numpy calls. State: x, θ, ẋ, θ̇."""

    step_seconds = float(STEP_SECONDS)
    shove = Shove(state_row=3, feature_row=1, change=1.0, fastest=math.inf)  # ẋ, in m/s

    def __init__(self, num_envs: int, max_episode_steps: int, spec: EnvironmentSpec = CARTPOLE_V1) -> None:
        # Each row of motion stands two rows above its derivative, so that one call moves the whole state.
        rows = np.zeros((7, num_envs))  # steps, x, θ, ẋ, θ̇, ẍ, θ̈
        super().__init__(spec, num_envs, max_episode_steps, state=rows[:5])
        self._reward_always(1.0)
        self._moving, self._derivatives, self._increments = rows[1:5], rows[3:], np.empty((4, num_envs))
        _, _, self._angle, _, self._angular_velocity, self._acceleration, self._angular_acceleration = rows
        self._scratch = tuple(np.empty((7, num_envs)))
        self._pose, self._distances = rows[1:3], np.empty((2, num_envs))
        self._x_distance, self._tilt = self._distances
        self._too_far = np.zeros(num_envs, dtype=np.bool_)
        # The features are x, ẋ, θ, θ̇. Twice the same four quantities as [derivative, coordinate, N].
        self._motion = rows[1:5].reshape(2, 2, num_envs)
        self._observed_motion = self._features.reshape(2, 2, num_envs).swapaxes(0, 1)

    def _start(self, seed: int) -> tuple[FloatArray, FloatArray]:
        """Gymnasium draws x, ẋ, θ, θ̇ in this order."""
        features = np.random.default_rng(seed).uniform(-START_RANGE, START_RANGE, size=4)
        return features[[0, 2, 1, 3]], features

    def _advance(self, actions: NDArray[Any]) -> None:
        """One Euler step of 0.02 s; the end comes when the cart leaves its track or the pole falls.

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

        np.multiply(STEP_SECONDS, self._derivatives, self._increments)
        np.add(self._moving, self._increments, self._moving)
        self._observed_motion[...] = self._motion

        np.abs(self._pose, self._distances)
        np.greater(self._x_distance, X_LIMIT, self._too_far)
        np.greater(self._tilt, ANGLE_LIMIT, self._terminated)
        np.logical_or(self._terminated, self._too_far, self._terminated)
