"""Acrobot on N members at once, equal to Gymnasium's step for step, and cloneable.

Two links hang from a bar; a motor between them must swing the free end one link's length above the bar. Sutton,
"Generalization in reinforcement learning: successful examples using sparse coarse coding", 1996; equations of motion as
in Sutton and Barto, "Reinforcement Learning: An Introduction" (the 'book' variant of Gymnasium), integrated by the
classical Runge-Kutta method. Every rounding happens as in `gymnasium.envs.classic_control.acrobot`.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.environments.numpy_vector import MovingVector, Shove
from domain.arrays import FloatArray
from domain.spaces import Box, Discrete, EnvironmentSpec

BOUNDS = tuple(float(np.float32(bound)) for bound in (1.0, 1.0, 1.0, 1.0, 4 * math.pi, 9 * math.pi))

ACROBOT_V1 = EnvironmentSpec(
    env_name="Acrobot-v1",
    observation_space=Box(shape=(6,), low=tuple(-bound for bound in BOUNDS), high=BOUNDS),
    action_space=Discrete(3),
    max_episode_steps=500,
    cloneable=True,
    reward_threshold=-100.0,
)

START_RANGE = 0.1
STEP_SECONDS = 0.2
TORQUES = np.array([-1.0, 0.0, 1.0])

# The constants as 0-d arrays: a ufunc takes them in half the time that a Python float needs. Links have mass 1, length 1,
# inertia 1 and their centre of mass in the middle; products of these are folded where that changes no rounding.
HALF_PI = np.array(math.pi / 2.0)
PI = np.array(math.pi)
TWO_PI = np.array(2.0 * math.pi)
ONE = np.array(1.0)
MINUS_ONE = np.array(-1.0)
TWO = np.array(2.0)
HALF = np.array(0.5)
QUARTER = np.array(0.25)
FIVE_QUARTERS = np.array(1.25)
MINUS_FIVE_QUARTERS = np.array(-1.25)
HALF_STEP = np.array(STEP_SECONDS / 2.0)
FULL_STEP = np.array(STEP_SECONDS)
SIXTH_STEP = np.array(STEP_SECONDS / 6.0)
WEIGHT_1 = (1.0 * 0.5 + 1.0 * 1.0) * 9.8  # (m₁·l_c1 + m₂·l₁)·g
WEIGHT_2 = 0.5 * 9.8  # m₂·l_c2·g


class AcrobotVector(MovingVector):
    """N Acrobots in float64. State: θ₂, θ₁, ω₂, ω₁. Each step finds the accelerations four times, by 34 numpy calls each."""

    step_seconds = STEP_SECONDS
    shove = Shove(state_row=4, feature_row=4, change=2.0, fastest=4 * math.pi)  # ω₁, in rad/s

    def __init__(self, num_envs: int, max_episode_steps: int, spec: EnvironmentSpec = ACROBOT_V1) -> None:
        # One stage of Runge-Kutta, rows: two angles for the cosine, θ₂, θ₁, ω₂, ω₁, α₂, α₁. So what moves in a stage is
        # rows 2 to 5, its derivative rows 4 to 7, and one call takes all three cosines.
        stages = np.zeros((4, 8, num_envs))
        self._moving = tuple(stages[:, 2:6])
        self._derivatives = tuple(stages[:, 4:])
        self._stage_views = tuple((stage[:3], tuple(stage), stage[4:6]) for stage in stages)
        super().__init__(spec, num_envs, max_episode_steps, state=np.zeros((5, num_envs)))
        self._motion = self._state[1:]

        # Views are made here once, since a slice costs half as much as a ufunc of eight members.
        self._increment, self._doubled = np.empty((2, 4, num_envs))
        self._torque = np.empty(num_envs)
        self._scratch = tuple(np.empty((7, num_envs)))
        self._cosines = np.empty((3, num_envs))
        self._pull_cosines, self._cosine = self._cosines[:2], self._cosines[2]
        self._pull, self._squares, self._sines, self._turned = np.empty((4, 2, num_envs))
        self._pulls, self._square_rows = tuple(self._pull), tuple(self._squares)
        self._beyond = np.empty((2, num_envs), dtype=np.bool_)
        # Constants of two rows, as wide as the vector: to stretch a column costs a ufunc three times as much.
        self._weights = _rows(num_envs, WEIGHT_2, WEIGHT_1)
        self._fastest = _rows(num_envs, 9 * math.pi, 4 * math.pi)
        self._slowest = -self._fastest

        first = stages[0]
        self._sum, self._sum_and_angles = first[1], first[1:4]
        self._angles, self._velocities = first[2:4], first[4:6]
        # Features cos θ₁, sin θ₁, cos θ₂, sin θ₂, ω₁, ω₂, in the order of the rows above.
        self._observed_cosines, self._observed_sines = self._features[2::-2], self._features[3::-2]
        self._observed_velocities = self._features[:3:-1]
        self._angle_cosines, self._sum_cosine, self._first_cosine = self._cosines[1:], self._cosines[0], self._cosines[2]
        self._theta2, self._theta1 = self._angles

    def _start(self, seed: int) -> tuple[FloatArray, FloatArray]:
        """Gymnasium draws θ₁, θ₂, ω₁, ω₂, rounds them to float32 and computes the first observation in float32."""
        start = np.random.default_rng(seed).uniform(-START_RANGE, START_RANGE, size=4).astype(np.float32)
        angles = start[:2]
        features = np.concatenate([np.stack([np.cos(angles), np.sin(angles)], axis=1).ravel(), start[2:]])
        return start[[1, 0, 3, 2]], features

    def _advance(self, actions: NDArray[Any]) -> None:
        """State y ← y + Δt/6·(k₁ + 2k₂ + 2k₃ + k₄); then angles into [−π, π], velocities into their bounds."""
        TORQUES.take(actions, None, self._torque, "clip")
        increment, doubled = self._increment, self._doubled
        state, second, third, fourth = self._moving
        k1, k2, k3, k4 = self._derivatives
        state[...] = self._motion
        self._accelerate(0)
        np.multiply(HALF_STEP, k1, increment)
        np.add(state, increment, second)
        self._accelerate(1)
        np.multiply(HALF_STEP, k2, increment)
        np.add(state, increment, third)
        self._accelerate(2)
        np.multiply(FULL_STEP, k3, increment)
        np.add(state, increment, fourth)
        self._accelerate(3)
        np.multiply(TWO, k2, doubled)
        np.add(k1, doubled, increment)
        np.multiply(TWO, k3, doubled)
        np.add(increment, doubled, increment)
        np.add(increment, k4, increment)
        np.multiply(SIXTH_STEP, increment, increment)
        np.add(state, increment, state)

        self._wrap()
        np.maximum(self._velocities, self._slowest, out=self._velocities)
        np.minimum(self._velocities, self._fastest, out=self._velocities)
        self._motion[...] = state
        self._observe()

    def _accelerate(self, stage: int) -> None:
        """α₂ and α₁ of one stage.

        d₁ = l_c1² + (l₁² + l_c2² + 2·l₁·l_c2·cos θ₂) + I₁ + I₂
        d₂ = l_c2² + l₁·l_c2·cos θ₂ + I₂
        φ₂ = m₂·l_c2·g·cos(θ₁ + θ₂ − π/2)
        φ₁ = −ω₂²·sin θ₂ / 2 − ω₂·ω₁·sin θ₂ + (m₁·l_c1 + m₂·l₁)·g·cos(θ₁ − π/2) + φ₂
        α₂ = (τ + d₂/d₁·φ₁ − ω₁²·sin θ₂ / 2 − φ₂) / (m₂·l_c2² + I₂ − d₂²/d₁)
        α₁ = −(d₂·α₂ + φ₁) / d₁
        """
        pendent, (joint_angle, bar_angle, theta2, theta1, omega2, omega1, alpha2, alpha1), omegas = self._stage_views[stage]
        sine, cross, negative_d1, d2, ratio, numerator, denominator = self._scratch
        np.subtract(theta1, HALF_PI, bar_angle)
        np.add(theta1, theta2, joint_angle)
        np.subtract(joint_angle, HALF_PI, joint_angle)
        np.cos(pendent, self._cosines)
        np.sin(theta2, sine)

        cosine = self._cosine
        np.subtract(MINUS_FIVE_QUARTERS, cosine, negative_d1)
        np.subtract(negative_d1, QUARTER, negative_d1)
        np.subtract(negative_d1, ONE, negative_d1)
        np.subtract(negative_d1, ONE, negative_d1)
        np.multiply(HALF, cosine, d2)
        np.add(QUARTER, d2, d2)
        np.add(d2, ONE, d2)

        phi2, phi1 = self._pulls
        np.multiply(self._weights, self._pull_cosines, self._pull)
        np.multiply(omega2, omega1, cross)
        np.multiply(cross, sine, cross)
        np.multiply(HALF, sine, sine)
        # Gymnasium squares by pow, whose last digit is not always that of x·x; float_power is the same function.
        np.float_power(omegas, TWO, self._squares)
        square2, square1 = self._square_rows
        np.multiply(square2, sine, square2)
        np.multiply(square1, sine, square1)
        np.add(square2, cross, cross)
        np.subtract(phi1, cross, phi1)
        np.add(phi1, phi2, phi1)

        np.divide(d2, negative_d1, ratio)
        np.multiply(ratio, phi1, numerator)
        np.subtract(self._torque, numerator, numerator)
        np.subtract(numerator, square1, numerator)
        np.subtract(numerator, phi2, numerator)
        np.float_power(d2, TWO, denominator)
        np.divide(denominator, negative_d1, denominator)
        np.add(FIVE_QUARTERS, denominator, denominator)
        np.divide(numerator, denominator, alpha2)
        np.multiply(d2, alpha2, alpha1)
        np.add(alpha1, phi1, alpha1)
        np.divide(alpha1, negative_d1, alpha1)

    def _wrap(self) -> None:
        """Turn the angles by full circles into [−π, π]."""
        angles, turned, beyond = self._angles, self._turned, self._beyond
        np.absolute(angles, turned)
        while np.count_nonzero(np.greater(turned, PI, beyond)):
            np.copysign(TWO_PI, angles, turned)
            np.subtract(angles, turned, angles, where=beyond)
            np.absolute(angles, turned)

    def _observe(self) -> None:
        """The features, and the end: −cos θ₁ − cos(θ₁ + θ₂) > 1, with reward 0 instead of −1."""
        np.add(self._theta1, self._theta2, self._sum)
        np.cos(self._sum_and_angles, self._cosines)
        np.sin(self._angles, self._sines)
        self._observed_cosines[...] = self._angle_cosines
        self._observed_sines[...] = self._sines
        self._observed_velocities[...] = self._velocities
        height = self._scratch[0]
        np.add(self._first_cosine, self._sum_cosine, height)
        np.less(height, MINUS_ONE, self._terminated)
        np.subtract(self._terminated, ONE, self._rewards)


def _rows(num_envs: int, *values: float) -> NDArray[np.float64]:
    """[len(values), N], each row filled with one value."""
    return np.repeat(np.array(values)[:, None], num_envs, axis=1)
