"""Pendulum on N members at once, equal to Gymnasium's step for step, and cloneable.

A motor too weak to lift the rod at once must swing it up and hold it: Doya, "Reinforcement learning in continuous time
and space", 2000, has the task in this form. Every rounding happens as in `gymnasium.envs.classic_control.pendulum`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.environments.numpy_vector import MovingVector, Shove
from domain.arrays import FloatArray
from domain.spaces import Box, EnvironmentSpec

PENDULUM_V1 = EnvironmentSpec(
    env_name="Pendulum-v1",
    observation_space=Box(shape=(3,), low=(-1.0, -1.0, -8.0), high=(1.0, 1.0, 8.0)),
    action_space=Box(shape=(1,), low=(-2.0,), high=(2.0,)),
    max_episode_steps=200,
    cloneable=True,
    dense_reward=True,
)

START_RANGE = np.array([math.pi, 1.0])

# The constants as 0-d arrays: a ufunc takes them in half the time that a Python float needs.
TWO = np.array(2.0)
PI = np.array(math.pi)
TWO_PI = np.array(2 * math.pi)
GRAVITY = np.array(3 * 10.0 / (2 * 1.0))  # 3·g / (2·l)
STEP_SECONDS = np.array(0.05)
SLOWEST, FASTEST = np.array(-8.0), np.array(8.0)
SPEED_COST = np.array(0.1)
# What is of the torque is float32, as the action is.
TORQUE_COST = np.array(0.001, dtype=np.float32)
LEVERAGE = np.array(3.0, dtype=np.float32)  # 3 / (m·l²)
WEAKEST, STRONGEST = np.array(-2.0, dtype=np.float32), np.array(2.0, dtype=np.float32)

# Bits of a float64 that rounding to float32 drops, and the middle between two float32.
DROPPED_BITS = np.array(2**29 - 1)
MIDDLE = np.array(2**28)
NEAR_THE_MIDDLE = np.array(2**23)


class PendulumVector(MovingVector):
    """N pendulums in float64. State: θ (0 = upright), θ̇, sin θ. Reward −(θ² + 0.1·θ̇² + 0.001·τ²), θ within [−π, π]."""

    step_seconds = float(STEP_SECONDS)
    shove = Shove(state_row=2, feature_row=2, change=4.0, fastest=float(FASTEST))  # θ̇, in rad/s

    def __init__(self, num_envs: int, max_episode_steps: int, spec: EnvironmentSpec = PENDULUM_V1) -> None:
        super().__init__(spec, num_envs, max_episode_steps, state=np.zeros((4, num_envs)))
        _, self._angle, self._velocity, self._sine = self._state
        self._torque, self._torque_cost = np.empty((2, num_envs), dtype=np.float32)
        self._push, self._pull = np.empty((2, num_envs))
        self._squares = np.empty((2, num_envs))
        self._angle_cost, self._speed_cost = self._squares
        self._bits = self._pull.view(np.int64)
        self._uncertain = np.empty(num_envs, dtype=np.bool_)
        self._observed_cosine, self._observed_sine, self._observed_velocity = self._features

    def _start(self, seed: int) -> tuple[FloatArray, FloatArray]:
        angle, velocity = np.random.default_rng(seed).uniform(-START_RANGE, START_RANGE)
        sine = np.sin(angle)
        return np.array([angle, velocity, sine]), np.array([np.cos(angle), sine, velocity])

    def _advance(self, actions: NDArray[Any]) -> None:
        """Motion: θ̇ ← clip(θ̇ + (15·sin θ + 3·τ)·Δt), θ ← θ + θ̇·Δt with Δt = 0.05 s. Never terminated."""
        torque, angle, velocity, pull = self._torque, self._angle, self._velocity, self._pull
        np.maximum(actions[:, 0], WEAKEST, out=torque)
        np.minimum(torque, STRONGEST, out=torque)
        self._pay()

        np.multiply(torque, LEVERAGE, torque)
        self._push[:] = torque
        np.multiply(GRAVITY, self._sine, pull)
        np.add(pull, self._push, pull)
        np.multiply(pull, STEP_SECONDS, pull)
        np.add(velocity, pull, velocity)
        np.maximum(velocity, SLOWEST, out=velocity)
        np.minimum(velocity, FASTEST, out=velocity)
        np.multiply(velocity, STEP_SECONDS, pull)
        np.add(angle, pull, angle)
        np.sin(angle, self._sine)
        np.cos(angle, pull)
        self._observed_cosine[:] = pull
        self._observed_sine[:] = self._sine
        self._observed_velocity[:] = velocity

    def _pay(self) -> None:
        """The reward, which depends on the state before the step."""
        self._square_torque()
        angle_cost, speed_cost, rewards = self._angle_cost, self._speed_cost, self._rewards
        np.add(self._angle, PI, angle_cost)
        np.remainder(angle_cost, TWO_PI, angle_cost)
        np.subtract(angle_cost, PI, angle_cost)
        speed_cost[:] = self._velocity
        # Gymnasium squares by pow, whose last digit is not always that of x·x; float_power is the same function.
        np.float_power(self._squares, TWO, self._squares)
        np.multiply(SPEED_COST, speed_cost, speed_cost)
        np.add(angle_cost, speed_cost, rewards)
        np.multiply(TORQUE_COST, self._torque_cost, self._torque_cost)
        self._push[:] = self._torque_cost
        np.add(rewards, self._push, rewards)
        np.negative(rewards, rewards)

    def _square_torque(self) -> None:
        """τ² in float32 as Gymnasium's powf gives it, which misses the nearest float32 for one torque in a thousand.

        No numpy function over arrays is powf. But it can miss only where the exact square lies near the middle between
        two float32, and there numpy's scalar power, which is powf, is asked.
        """
        exact, bits, uncertain = self._pull, self._bits, self._uncertain
        exact[:] = self._torque
        np.square(exact, exact)
        self._torque_cost[:] = exact
        np.bitwise_and(bits, DROPPED_BITS, bits)
        np.subtract(bits, MIDDLE, bits)
        np.absolute(bits, bits)
        np.less(bits, NEAR_THE_MIDDLE, uncertain)
        if np.count_nonzero(uncertain):
            for member in np.flatnonzero(uncertain):
                self._torque_cost[member] = self._torque[member] ** 2
