"""Both mountain cars on N members at once, equal to Gymnasium's step for step, and cloneable.

A car too weak for the hill must gather momentum first: Moore, "Efficient memory-based learning for robot control", 1990.
The operations stand in the order and in the types of `gymnasium.envs.classic_control.mountain_car` and
`continuous_mountain_car`, so that each bit is the same (as far as numpy's cosine is the one of Python's `math`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.environments.numpy_vector import MovingVector, Shove
from domain.spaces import Box, Discrete, EnvironmentSpec

LOW = tuple(float(np.float32(bound)) for bound in (-1.2, -0.07))
HIGH = tuple(float(np.float32(bound)) for bound in (0.6, 0.07))

MOUNTAIN_CAR_V0 = EnvironmentSpec(
    env_name="MountainCar-v0",
    observation_space=Box(shape=(2,), low=LOW, high=HIGH),
    action_space=Discrete(3),
    max_episode_steps=200,
    cloneable=True,
    reward_threshold=-110.0,
)
MOUNTAIN_CAR_CONTINUOUS_V0 = EnvironmentSpec(
    env_name="MountainCarContinuous-v0",
    observation_space=Box(shape=(2,), low=LOW, high=HIGH),
    action_space=Box(shape=(1,), low=(-1.0,), high=(1.0,)),
    max_episode_steps=999,
    cloneable=True,
    reward_threshold=90.0,
    dense_reward=True,  # the cost of the push
)

STEP_SECONDS = 1 / 30  # a step has no time of its own: as fast as Gymnasium shows it
SHOVE = Shove(state_row=2, feature_row=1, change=0.03, fastest=0.07)

# The constants as 0-d arrays: a ufunc takes them in half the time that a Python float needs.
FORCES = np.array([-0.001, 0.0, 0.001])
ZERO = np.array(0.0)
COST = np.array(-0.1)
HUNDRED = np.array(100.0)
GRAVITY = np.array(0.0025)
FREQUENCY = np.array(3.0)
LEFT_WALL, RIGHT_WALL = np.array(-1.2), np.array(0.6)
SLOWEST, FASTEST = np.array(-0.07), np.array(0.07)
GOAL = np.array(0.5)

# The continuous car moves in float32.
ZERO_32 = np.array(0.0, dtype=np.float32)
FREQUENCY_32 = np.array(3.0, dtype=np.float32)
POWER_32 = np.array(0.0015, dtype=np.float32)
LEFT_WALL_32, RIGHT_WALL_32 = np.array(-1.2, dtype=np.float32), np.array(0.6, dtype=np.float32)
SLOWEST_32, FASTEST_32 = np.array(-0.07, dtype=np.float32), np.array(0.07, dtype=np.float32)
WEAKEST_32, STRONGEST_32 = np.array(-1.0, dtype=np.float32), np.array(1.0, dtype=np.float32)
GOAL_32 = np.array(0.45, dtype=np.float32)


class MountainCarVector(MovingVector):
    """N cars in float64 with the actions left, none, right. State: position, velocity. Reward −1 for each step."""

    step_seconds = STEP_SECONDS
    shove = SHOVE

    def __init__(self, num_envs: int, max_episode_steps: int, spec: EnvironmentSpec = MOUNTAIN_CAR_V0) -> None:
        super().__init__(spec, num_envs, max_episode_steps, state=np.zeros((3, num_envs)))
        self._reward_always(-1.0)
        _, self._position, self._velocity = self._state
        self._motion = self._state[1:]
        self._force, self._slope = np.empty((2, num_envs))
        self._at_wall = np.empty(num_envs, dtype=np.bool_)
        self._forward = np.empty(num_envs, dtype=np.bool_)

    def _start(self, seed: int) -> tuple[tuple[float, float], tuple[float, float]]:
        position = np.random.default_rng(seed).uniform(-0.6, -0.4)
        return (position, 0.0), (position, 0.0)

    def _advance(self, actions: NDArray[Any]) -> None:
        """Motion: v ← clip(v + F − 0.0025·cos 3x), x ← clip(x + v); the left wall stops it; goal x ≥ 0.5."""
        position, velocity, slope, at_wall = self._position, self._velocity, self._slope, self._at_wall
        FORCES.take(actions, None, self._force, "clip")
        np.multiply(FREQUENCY, position, slope)
        np.cos(slope, slope)
        np.multiply(slope, GRAVITY, slope)
        np.subtract(self._force, slope, slope)
        np.add(velocity, slope, velocity)
        np.maximum(velocity, SLOWEST, out=velocity)
        np.minimum(velocity, FASTEST, out=velocity)
        np.add(position, velocity, position)
        np.maximum(position, LEFT_WALL, out=position)
        np.minimum(position, RIGHT_WALL, out=position)
        np.equal(position, LEFT_WALL, at_wall)
        if np.count_nonzero(at_wall):
            np.maximum(velocity, ZERO, out=velocity, where=at_wall)
        np.greater_equal(position, GOAL, self._terminated)
        if np.count_nonzero(self._terminated):
            np.greater_equal(velocity, ZERO, self._forward)
            np.logical_and(self._terminated, self._forward, self._terminated)
        self._features[...] = self._motion


class MountainCarContinuousVector(MovingVector):
    """N cars with a force from −1 to 1. State: position, velocity, and 3·position as the cosine will get it.

    Gymnasium keeps the start in float64 and everything after it in float32, so the first step of an episode adds to and
    takes the cosine of a longer number. Here position, velocity and 3·position stand in float64, each holding just what
    Gymnasium's number would.
    """

    step_seconds = STEP_SECONDS
    shove = SHOVE

    def __init__(self, num_envs: int, max_episode_steps: int, spec: EnvironmentSpec = MOUNTAIN_CAR_CONTINUOUS_V0) -> None:
        super().__init__(spec, num_envs, max_episode_steps, state=np.zeros((4, num_envs)))
        _, self._position, self._velocity, self._phase = self._state
        self._motion = self._state[1:3]
        self._new_position, self._new_velocity = self._features
        self._force, self._pull = np.empty((2, num_envs), dtype=np.float32)
        self._slope, self._cost = np.empty((2, num_envs))
        self._at_wall = np.empty(num_envs, dtype=np.bool_)
        self._forward = np.empty(num_envs, dtype=np.bool_)

    def _start(self, seed: int) -> tuple[tuple[float, float, float], tuple[float, float]]:
        position = np.random.default_rng(seed).uniform(-0.6, -0.4)
        return (position, 0.0, 3.0 * position), (position, 0.0)

    def _advance(self, actions: NDArray[Any]) -> None:
        """Motion: v ← clip(v + 0.0015·F − 0.0025·cos 3x), x ← clip(x + v); the left wall stops it; goal x ≥ 0.45.

        The reward is 100 at the goal, less 0.1·F² for each step.
        """
        position, velocity, force, pull, slope = self._new_position, self._new_velocity, self._force, self._pull, self._slope
        np.maximum(actions[:, 0], WEAKEST_32, out=force)
        np.minimum(force, STRONGEST_32, out=force)
        self._cost[:] = force  # its square is exact in float64
        np.square(self._cost, self._cost)
        np.multiply(self._cost, COST, self._rewards)

        np.cos(self._phase, slope)
        np.multiply(GRAVITY, slope, slope)
        pull[:] = slope
        np.multiply(force, POWER_32, force)
        np.subtract(force, pull, pull)
        np.add(velocity, pull, velocity)
        np.maximum(velocity, SLOWEST_32, out=velocity)
        np.minimum(velocity, FASTEST_32, out=velocity)
        # The sum of two float32, rounded to float64 and then to float32, is the one rounded to float32.
        self._velocity[:] = velocity
        np.add(self._position, self._velocity, self._position)
        position[:] = self._position
        np.maximum(position, LEFT_WALL_32, out=position)
        np.minimum(position, RIGHT_WALL_32, out=position)
        np.equal(position, LEFT_WALL_32, self._at_wall)
        if np.count_nonzero(self._at_wall):
            np.maximum(velocity, ZERO_32, out=velocity, where=self._at_wall)
        np.greater_equal(position, GOAL_32, self._terminated)
        if np.count_nonzero(self._terminated):
            np.greater_equal(velocity, ZERO_32, self._forward)
            np.logical_and(self._terminated, self._forward, self._terminated)
            np.add(self._rewards, HUNDRED, out=self._rewards, where=self._terminated)
        self._motion[...] = self._features
        np.multiply(position, FREQUENCY_32, pull)
        self._phase[:] = pull
