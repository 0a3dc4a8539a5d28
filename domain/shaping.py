"""The rewards that a rollout is learned from: the environment's own, or those of a reward function.

A reward function may be somebody else's code: what it gives is checked, and what it does wrong is told in a sentence that
names it.
"""

import numpy as np

from domain.arrays import ActionArray, FloatArray, IntArray
from domain.errors import RewardFailed
from domain.policy import scale_actions
from domain.rewards import RewardFunction
from domain.rollout import Rollout
from domain.spaces import Box, Discrete, EnvironmentSpec, Space


def training_rewards(reward: RewardFunction, environment: EnvironmentSpec, rollout: Rollout) -> FloatArray:
    """Rewards [T, N], 0 where a member was not simulated. Raises RewardFailed."""
    if reward.function is None:
        return rollout.rewards
    space, samples = environment.observation_space, np.flatnonzero(rollout.valid)
    states = _raw_observations(space, _taken(rollout.observations, samples))
    actions = _native_actions(environment.action_space, _taken(rollout.actions, samples))
    next_states = _raw_observations(space, _taken(rollout.next_observations, samples))
    try:
        given = np.asarray(reward.function(states, actions, next_states))
    except Exception as error:
        raise _failed(reward, f"raised {type(error).__name__}: {error}") from error
    if given.shape != (len(states),):
        raise _failed(reward, f"gave an array of shape {given.shape} for {len(states)} steps; it must give ({len(states)},)")
    if given.dtype.kind not in "fiub":
        raise _failed(reward, f"gave {given.dtype}; it must give numbers")
    finite = np.isfinite(given)
    if not finite.all():
        wrong = np.flatnonzero(~finite)
        raise _failed(reward, f"gave {given[wrong[0]]} for {len(wrong)} of {len(given)} steps; each must be a finite number")
    rewards = np.zeros(rollout.valid.size, dtype=given.dtype if given.dtype.kind == "f" else np.float64)
    rewards[samples] = given
    return rewards.reshape(rollout.valid.shape)


def _taken(array: ActionArray, samples: IntArray) -> ActionArray:
    """Copies of these samples of an array [T, N, …]: what boolean indexing gives, in an eighth of its time."""
    return array.reshape(-1, *array.shape[2:]).take(samples, axis=0)


def _raw_observations(space: Space, features: FloatArray) -> FloatArray | IntArray:
    """Features [B, D] as the environment gave them: floats [B, D], or integers [B] of a Discrete space."""
    return space.start + features.argmax(axis=1) if isinstance(space, Discrete) else features


def _native_actions(space: Space, actions: ActionArray) -> ActionArray:
    """Samples as the policy sees them, as the environment took them."""
    return scale_actions(space, actions) if isinstance(space, Box) else actions + space.start


def _failed(reward: RewardFunction, what: str) -> RewardFailed:
    return RewardFailed(f"The reward function {reward.name!r} ({reward.source}) {what}.")
