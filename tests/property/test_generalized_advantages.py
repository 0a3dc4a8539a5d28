"""Generalised advantages: the definition, its two ends, and what an end of an episode or of a segment cuts."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from domain.advantages import generalized_advantages, returns_to_go
from domain.arrays import BoolArray, FloatArray
from tests.strategies import arrays, numbers

TOLERANCE = 1e-9
shares = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))


@dataclass(frozen=True)
class Steps:
    """What the advantages are made of, [T, N], and where the members are simulated."""

    rewards: FloatArray
    values: FloatArray
    next_values: FloatArray
    terminated: BoolArray
    ended: BoolArray
    valid: BoolArray

    def advantages(self, gamma: float, gae_lambda: float) -> FloatArray:
        return generalized_advantages(
            self.rewards, self.values, self.next_values, self.terminated, self.ended, gamma, gae_lambda
        )

    def errors(self, gamma: float) -> FloatArray:
        """δ of each step."""
        return self.rewards + gamma * np.where(self.terminated, 0, self.next_values) - self.values


@st.composite
def steps(draw: DrawFn, terminates: bool = True, exact_for: float | None = None) -> Steps:
    """Trajectories side by side, which end anywhere; a member may idle behind an end, or where the budget cuts it.

    The value of a next observation is that of the next step's, unless the episode ended between them.
    `exact_for`: values are the very returns under this discount.
    """
    length, members = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    lengths = np.array(draw(st.lists(st.integers(0, length), min_size=members, max_size=members)))
    valid = np.arange(length)[:, None] < lengths
    seed = draw(st.integers(0, 2**32 - 1))
    how = np.random.default_rng(seed).integers(0, 4 if terminates else 3, (length, members))  # 2: truncated, 3: terminated
    ended, terminated = (how >= 2) & valid, (how == 3) & valid
    rewards, values, behind = (draw(arrays((length, members))) * valid for _ in range(3))
    next_values = np.zeros_like(values)
    for t in range(length - 1, -1, -1):
        goes_on = valid[t + 1] & ~ended[t] if t + 1 < length else np.zeros(members, dtype=np.bool_)
        next_values[t] = np.where(goes_on, values[t + 1] if t + 1 < length else 0, behind[t])
        if exact_for is not None:
            values[t] = rewards[t] + exact_for * np.where(terminated[t], 0, next_values[t])
    return Steps(rewards, values, next_values, terminated, ended, valid)


def naive(s: Steps, gamma: float, gae_lambda: float) -> FloatArray:
    """A[t] = Σ (γλ)^k·δ[t+k] over what is left of the trajectory, for one step of one member after the other."""
    advantages = np.zeros(s.rewards.shape)
    for member in range(s.rewards.shape[1]):
        for first in np.flatnonzero(s.valid[:, member]):
            for step in range(first, int(s.valid[:, member].sum())):
                following = 0.0 if s.terminated[step, member] else s.next_values[step, member]
                error = s.rewards[step, member] + gamma * following - s.values[step, member]
                advantages[first, member] += (gamma * gae_lambda) ** (step - first) * error
                if s.ended[step, member]:
                    break
    return advantages


def test_advantages_of_two_trajectories_in_one_member_then_are_these_numbers() -> None:
    # γ = λ = 1/2; step 1 is terminal, step 2 begins anew, the segment ends behind step 3
    column = np.array([[1.0], [2.0], [3.0], [4.0]])
    values, next_values = np.array([[10.0], [20.0], [30.0], [40.0]]), np.array([[20.0], [99.0], [40.0], [50.0]])
    terminated = np.array([[False], [True], [False], [False]])
    advantages = generalized_advantages(column, values, next_values, terminated, terminated, 0.5, 0.5)
    assert advantages.tolist() == [[1 - 4.5], [-18.0], [-7 - 2.75], [-11.0]]
    truncated = generalized_advantages(column, values, next_values, terminated & False, terminated, 0.5, 0.5)
    assert truncated.tolist() == [[1 + 31.5 / 4], [31.5], [-7 - 2.75], [-11.0]]
    assert advantages.dtype == np.float64


@given(steps(), shares, shares)
def test_advantages_then_are_those_of_a_loop_over_the_definition(s: Steps, gamma: float, gae_lambda: float) -> None:
    np.testing.assert_allclose(s.advantages(gamma, gae_lambda), naive(s, gamma, gae_lambda), atol=TOLERANCE)


@given(steps(), shares)
def test_advantages_when_values_are_zero_and_lambda_is_one_then_are_the_returns(s: Steps, gamma: float) -> None:
    nothing = np.zeros_like(s.values)
    advantages = replace(s, values=nothing, next_values=nothing).advantages(gamma, 1.0)
    np.testing.assert_array_equal(advantages, returns_to_go(s.rewards, s.ended, gamma))


@given(steps(), shares)
def test_advantages_when_lambda_is_zero_then_are_the_temporal_difference_errors(s: Steps, gamma: float) -> None:
    np.testing.assert_array_equal(s.advantages(gamma, 0.0), s.errors(gamma))


@given(st.data(), shares, shares)
def test_advantages_when_values_are_the_returns_of_what_follows_then_are_zero(
    data: st.DataObject, gamma: float, gae_lambda: float
) -> None:
    s = data.draw(steps(exact_for=gamma))
    np.testing.assert_allclose(s.advantages(gamma, gae_lambda), 0, atol=TOLERANCE)


@given(steps(), shares, numbers(100))
def test_advantages_when_lambda_is_one_then_are_returns_that_go_on_in_the_value_less_the_value(
    s: Steps, gamma: float, shift: float
) -> None:
    """Values within a trajectory cancel: only the last one counts, and not behind a terminal state."""
    last = s.valid & (s.ended | ~np.vstack([s.valid[1:], np.zeros_like(s.valid[:1])]))
    tail = np.where(last & ~s.terminated, s.next_values, 0)
    expected = returns_to_go(s.rewards + gamma * tail, s.ended, gamma) - s.values
    np.testing.assert_allclose(s.advantages(gamma, 1.0), expected, atol=TOLERANCE)
    moved = replace(s, next_values=np.where(s.terminated, s.next_values + shift, s.next_values))
    np.testing.assert_array_equal(moved.advantages(gamma, 1.0), s.advantages(gamma, 1.0))


@given(steps(), shares, shares, arrays((3,)))
def test_advantages_when_what_comes_behind_an_end_is_another_then_stay(
    s: Steps, gamma: float, gae_lambda: float, other: FloatArray
) -> None:
    behind = np.cumsum(s.ended, axis=0) - s.ended > 0
    rewards, values, next_values = (
        np.where(behind, a + shift, a) for a, shift in zip((s.rewards, s.values, s.next_values), other, strict=True)
    )
    changed = replace(s, rewards=rewards, values=values, next_values=next_values).advantages(gamma, gae_lambda)
    np.testing.assert_array_equal(changed[~behind], s.advantages(gamma, gae_lambda)[~behind])


@given(steps(), shares, shares)
def test_advantages_of_idle_members_then_are_zero_and_count_for_nothing(s: Steps, gamma: float, gae_lambda: float) -> None:
    advantages = s.advantages(gamma, gae_lambda)
    assert not advantages[~s.valid].any()
    for member, length in enumerate(s.valid.sum(axis=0)):
        alone = (a[:length, member : member + 1] for a in vars(s).values())
        np.testing.assert_array_equal(Steps(*alone).advantages(gamma, gae_lambda)[:, 0], advantages[:length, member])


@given(steps(terminates=False), st.floats(0, 0.99), shares, numbers(10))
def test_advantages_when_nothing_terminates_and_every_reward_is_shifted_then_stay(
    s: Steps, gamma: float, gae_lambda: float, shift: float
) -> None:
    rewards, values, next_values = (
        a + s.valid * by
        for a, by in ((s.rewards, shift), (s.values, shift / (1 - gamma)), (s.next_values, shift / (1 - gamma)))
    )
    shifted = replace(s, rewards=rewards, values=values, next_values=next_values)
    np.testing.assert_allclose(shifted.advantages(gamma, gae_lambda), s.advantages(gamma, gae_lambda), atol=1e-8)


@given(steps(), shares, shares, st.floats(-100, 100))
def test_advantages_when_rewards_and_values_are_scaled_then_are_scaled(
    s: Steps, gamma: float, gae_lambda: float, factor: float
) -> None:
    scaled = replace(s, rewards=factor * s.rewards, values=factor * s.values, next_values=factor * s.next_values)
    expected = factor * s.advantages(gamma, gae_lambda)
    np.testing.assert_allclose(scaled.advantages(gamma, gae_lambda), expected, rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("name", ["rewards", "values", "next_values", "terminated", "ended"])
@pytest.mark.parametrize("shape", [(3, 2), (2, 1), (2,), (2, 3, 1)])
def test_advantages_when_one_array_has_another_shape_then_are_refused(name: str, shape: tuple[int, ...]) -> None:
    floats, flags = np.zeros((2, 3)), np.zeros((2, 3), dtype=np.bool_)
    s = Steps(floats, floats, floats, flags, flags, flags)
    wrong = np.zeros(shape, dtype=getattr(s, name).dtype)
    with pytest.raises(ValueError, match=r"shapes differ: rewards .*, values .*, next_values .*, terminated .*, ended"):
        replace(s, **{name: wrong}).advantages(0.9, 0.9)
