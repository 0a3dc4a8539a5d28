"""Group-relative advantages: how much better a trajectory did than the others of its group.

The members of a group start from one state, so the group's mean is a baseline that needs no critic. With process
supervision the baseline is taken at every step over the members that are still going; with outcome supervision once for
the whole trajectory. Arrays are [T, N] with N = groups × G, the members of a group side by side.
Source: Shao et al., "DeepSeekMath", 2024, arXiv:2402.03300, section 4.1.
"""

import numpy as np

from domain.arrays import BoolArray, FloatArray, check_same_shape
from domain.config import ScaleRewards, Supervision

EPSILON = 1e-8


def returns_to_go(rewards: FloatArray, ended: BoolArray, gamma: float) -> FloatArray:
    """Q[t] = r[t] + γ·(1 − ended[t])·Q[t+1], with Q = 0 behind the last step: [T, N], float64.

    `rewards`: [T, N], 0 where a member idles; `ended`: bool [T, N], the episode ended with this step. The tail of an
    unfinished member counts as 0: members of a group share the remaining horizon, and the group's mean removes it.
    """
    check_same_shape(rewards=rewards, ended=ended)
    returns = np.empty(rewards.shape, dtype=np.float64)
    goes_on = gamma * ~ended
    following = np.zeros(rewards.shape[1])
    for t in range(len(rewards) - 1, -1, -1):
        following = rewards[t] + goes_on[t] * following
        returns[t] = following
    return returns


def generalized_advantages(
    rewards: FloatArray,
    values: FloatArray,
    next_values: FloatArray,
    terminated: BoolArray,
    ended: BoolArray,
    gamma: float,
    gae_lambda: float,
) -> FloatArray:
    """A[t] = δ[t] + γλ·(1 − ended[t])·A[t+1], with δ[t] = r[t] + γ·(1 − terminated[t])·V(s[t+1]) − V(s[t]): [T, N], float64.

    All arrays are [T, N], and 0 where a member idles. `next_values`: V of each step's next observation, so that truncated
    episodes and cut segments go on in the value. With V = 0 and λ = 1 these are `returns_to_go`.
    Source: Schulman et al., "High-dimensional continuous control using generalized advantage estimation", 2015,
    arXiv:1506.02438.
    """
    check_same_shape(rewards=rewards, values=values, next_values=next_values, terminated=terminated, ended=ended)
    errors = rewards + gamma * ~terminated * next_values - values
    return returns_to_go(errors, ended, gamma * gae_lambda)


def group_advantages(
    returns: FloatArray, valid: BoolArray, group_size: int, supervision: Supervision = "process"
) -> FloatArray:
    """Returns centred within their group, [T, N]; 0 where not valid, and where the valid members' returns are all equal.

    `returns`: returns-to-go [T, N]; `valid`: bool [T, N], the member was simulated at this step.
    process: A[t, i] = Q[t, i] − mean of Q[t, ·] over the valid members of the group.
    outcome: A[t, i] = Q[0, i] − mean of Q[0, ·] over the group, for every t.
    Raises ValueError when N is no multiple of `group_size`.
    """
    check_same_shape(returns=returns, valid=valid)
    steps, members = returns.shape
    if members % group_size:
        raise ValueError(f"{members} members do not make whole groups of {group_size}")
    if supervision == "outcome":
        first = group_advantages(returns[:1], valid[:1], group_size)
        return first * valid
    grouped = returns.reshape(steps, -1, group_size)
    counted = valid.reshape(grouped.shape)
    count = counted.sum(axis=2, keepdims=True)
    mean = np.where(counted, grouped, 0).sum(axis=2, keepdims=True) / np.maximum(count, 1)
    # A mean of equal numbers is rounded, too: without this, Adam would make steps of the difference.
    lowest = grouped.min(axis=2, keepdims=True, initial=np.inf, where=counted)
    highest = grouped.max(axis=2, keepdims=True, initial=-np.inf, where=counted)
    advantages = np.where(counted & (lowest != highest), grouped - mean, 0)
    return advantages.reshape(steps, members)


def scale_advantages(advantages: FloatArray, valid: BoolArray, group_size: int, scale_rewards: ScaleRewards) -> FloatArray:
    """A / (std + 1e-8) with the standard deviation over each group's valid samples, over all of them, or unscaled."""
    check_same_shape(advantages=advantages, valid=valid)
    if scale_rewards == "none":
        return advantages
    if scale_rewards == "batch":
        return advantages / (_std(advantages[valid]) + EPSILON)
    return advantages / (np.repeat(group_std(advantages, valid, group_size), group_size) + EPSILON)


def group_std(advantages: FloatArray, valid: BoolArray, group_size: int) -> FloatArray:
    """Standard deviation over each group's valid samples, [groups]."""
    grouped = advantages.reshape(len(advantages), -1, group_size)
    counted = valid.reshape(grouped.shape)
    count = np.maximum(counted.sum(axis=(0, 2)), 1)
    mean = np.where(counted, grouped, 0).sum(axis=(0, 2)) / count
    deviation = np.where(counted, grouped - mean[:, None], 0)
    return np.asarray(np.sqrt((deviation * deviation).sum(axis=(0, 2)) / count))


def _std(samples: FloatArray) -> float:
    return float(samples.std()) if samples.size else 0.0
