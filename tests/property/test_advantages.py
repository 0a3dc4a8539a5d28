"""Group-relative advantages: centred, and blind to everything but the differences within a group."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.advantages import group_advantages, group_std, returns_to_go, scale_advantages
from domain.config import ScaleRewards, Supervision
from tests.strategies import Groups, arrays, generators, groups, numbers

supervisions = st.sampled_from(["process", "outcome"])
scalings = st.sampled_from(["group", "batch", "none"])
TOLERANCE = 1e-10


def scaled(g: Groups, supervision: Supervision, scale_rewards: ScaleRewards) -> np.ndarray:
    centred = group_advantages(g.values, g.valid, g.group_size, supervision)
    return scale_advantages(centred, g.valid, g.group_size, scale_rewards)


def test_advantages_of_three_members_when_all_are_valid_then_are_differences_to_their_mean() -> None:
    returns, valid = np.array([[1.0, 2.0, 6.0]]), np.ones((1, 3), dtype=np.bool_)
    assert group_advantages(returns, valid, 3).tolist() == [[-2.0, -1.0, 3.0]]


def test_advantages_when_a_member_has_ended_then_are_differences_to_the_mean_of_the_others() -> None:
    returns = np.array([[1.0, 2.0, 6.0], [1.0, 0.0, 6.0], [5.0, 0.0, 0.0]])
    valid = np.array([[True, True, True], [True, False, True], [True, False, False]])
    expected_process = [[-2.0, -1.0, 3.0], [-2.5, 0.0, 2.5], [0.0, 0.0, 0.0]]
    expected_outcome = [[-2.0, -1.0, 3.0], [-2.0, 0.0, 3.0], [-2.0, 0.0, 0.0]]
    assert group_advantages(returns, valid, 3, "process").tolist() == expected_process
    assert group_advantages(returns, valid, 3, "outcome").tolist() == expected_outcome


def test_advantages_when_members_make_no_whole_groups_then_are_refused() -> None:
    with pytest.raises(ValueError, match="3 members do not make whole groups of 2"):
        group_advantages(np.zeros((1, 3)), np.ones((1, 3), dtype=np.bool_), 2)


@given(groups())
def test_process_advantages_in_each_group_and_step_then_sum_to_zero(g: Groups) -> None:
    advantages = group_advantages(g.values, g.valid, g.group_size)
    np.testing.assert_allclose(advantages.reshape(g.shape).sum(axis=2), 0, atol=TOLERANCE)
    assert not advantages[~g.valid].any()


@given(groups())
def test_outcome_advantages_when_counted_once_a_member_then_sum_to_zero(g: Groups) -> None:
    advantages = group_advantages(g.values, g.valid, g.group_size, "outcome")
    np.testing.assert_allclose(advantages[:1].reshape(1, -1, g.group_size).sum(axis=2), 0, atol=TOLERANCE)
    np.testing.assert_array_equal(advantages, advantages[:1] * g.valid)


@given(groups(), supervisions, st.data())
def test_advantages_when_each_group_and_step_is_shifted_then_stay(
    g: Groups, supervision: Supervision, data: st.DataObject
) -> None:
    steps, count, size = g.shape
    shift = data.draw(arrays((steps, count))).repeat(size, axis=1)
    before = group_advantages(g.values, g.valid, size, supervision)
    np.testing.assert_allclose(group_advantages(g.values + shift, g.valid, size, supervision), before, atol=TOLERANCE)


@given(groups(whole=True), numbers(10), st.floats(0, 1), supervisions)
def test_advantages_when_every_reward_is_shifted_and_nobody_ends_then_stay(
    g: Groups, shift: float, gamma: float, supervision: Supervision
) -> None:
    nobody = np.zeros_like(g.valid)
    before, after = (
        group_advantages(returns_to_go(rewards, nobody, gamma), g.valid, g.group_size, supervision)
        for rewards in (g.values, g.values + shift)
    )
    np.testing.assert_allclose(after, before, atol=TOLERANCE)


@given(groups(), st.floats(1e-2, 1e4), supervisions, scalings)
def test_advantages_when_rewards_are_scaled_then_are_the_same_unless_scaling_is_off(
    g: Groups, factor: float, supervision: Supervision, scale_rewards: ScaleRewards
) -> None:
    spreads = group_std(group_advantages(g.values, g.valid, g.group_size, supervision), g.valid, g.group_size)
    assume(np.all((spreads == 0) | (spreads > 0.1)))  # so that ε = 1e-8 is nothing beside them
    before = scaled(g, supervision, scale_rewards)
    after = scaled(Groups(g.values * factor, g.valid, g.group_size), supervision, scale_rewards)
    expected = before * factor if scale_rewards == "none" else before
    np.testing.assert_allclose(after, expected, rtol=1e-4, atol=TOLERANCE * max(factor, 1))


@given(groups(), supervisions, scalings, generators)
def test_advantages_when_members_of_groups_are_permuted_then_are_permuted(
    g: Groups, supervision: Supervision, scale_rewards: ScaleRewards, rng: np.random.Generator
) -> None:
    _, count, size = g.shape
    members = rng.permuted(np.arange(count * size).reshape(count, size), axis=1)
    order = rng.permutation(members).ravel()  # members within their groups, and the groups
    permuted = Groups(g.values[:, order], g.valid[:, order], size)
    spreads = group_std(group_advantages(g.values, g.valid, size, supervision), g.valid, size)
    assume(np.all((spreads == 0) | (spreads > 1e-3)))
    before = scaled(g, supervision, scale_rewards)
    np.testing.assert_allclose(scaled(permuted, supervision, scale_rewards), before[:, order], rtol=1e-6, atol=1e-7)


@given(groups(), supervisions, scalings)
def test_advantages_when_a_group_is_flat_then_are_exactly_zero(
    g: Groups, supervision: Supervision, scale_rewards: ScaleRewards
) -> None:
    flat = g.values[:, :: g.group_size].repeat(g.group_size, axis=1)
    assert not scaled(Groups(flat, g.valid, g.group_size), supervision, scale_rewards).any()


def test_advantages_of_three_equal_members_when_their_mean_is_rounded_then_are_exactly_zero() -> None:
    returns, valid = np.full((1, 3), 0.1), np.ones((1, 3), dtype=np.bool_)
    assert returns.mean() != 0.1
    assert group_advantages(returns, valid, 3).tolist() == [[0.0, 0.0, 0.0]]


@given(groups(), supervisions, scalings, st.sampled_from([np.nan, np.inf, -np.inf, 1e300]))
def test_advantages_when_masked_samples_change_then_do_not_change_a_bit(
    g: Groups, supervision: Supervision, scale_rewards: ScaleRewards, value: float
) -> None:
    changed = Groups(np.where(g.valid, g.values, value), g.valid, g.group_size)
    before, after = scaled(g, supervision, scale_rewards), scaled(changed, supervision, scale_rewards)
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("supervision", ["process", "outcome"])
def test_advantages_when_a_valid_return_is_nan_then_show_it(supervision: Supervision) -> None:
    returns, valid = np.array([[1.0, np.nan]]), np.ones((1, 2), dtype=np.bool_)
    assert np.isnan(group_advantages(returns, valid, 2, supervision)).all()


def test_standard_deviation_of_a_group_then_counts_its_valid_samples_only() -> None:
    advantages = np.array([[1.0, 3.0, 5.0, 5.0], [-9.0, 5.0, -9.0, 5.0]])
    valid = np.array([[True, True, True, True], [False, True, False, True]])
    np.testing.assert_allclose(group_std(advantages, valid, 2), [np.sqrt(8 / 3), 0.0])
    assert group_std(advantages, np.zeros_like(valid), 2).tolist() == [0.0, 0.0]


@given(groups())
def test_scale_by_group_then_gives_each_group_that_is_not_flat_a_standard_deviation_of_one(g: Groups) -> None:
    centred = group_advantages(g.values, g.valid, g.group_size)
    spreads = group_std(centred, g.valid, g.group_size)
    assume(np.all((spreads == 0) | (spreads > 0.1)))
    after = group_std(scale_advantages(centred, g.valid, g.group_size, "group"), g.valid, g.group_size)
    np.testing.assert_allclose(after, (spreads > 0).astype(float), atol=1e-6)


@given(groups())
def test_scale_by_batch_then_gives_all_valid_samples_a_standard_deviation_of_one(g: Groups) -> None:
    centred = group_advantages(g.values, g.valid, g.group_size)
    assume(g.valid.any() and centred[g.valid].std() > 0.1)
    assert scale_advantages(centred, g.valid, g.group_size, "batch")[g.valid].std() == pytest.approx(1, abs=1e-6)


def test_returns_to_go_when_an_episode_ends_then_take_nothing_from_the_next() -> None:
    rewards = np.array([[1.0], [2.0], [4.0], [8.0]])
    ended = np.array([[False], [True], [False], [False]])
    assert returns_to_go(rewards, ended, 0.5).tolist() == [[2.0], [2.0], [8.0], [8.0]]


@given(groups(), st.floats(0, 1), generators)
def test_returns_to_go_then_are_the_discounted_sums_up_to_the_end(g: Groups, gamma: float, rng: np.random.Generator) -> None:
    ended = rng.random(g.values.shape) < 0.3
    expected = np.zeros(g.values.shape)
    for start, member in np.ndindex(g.values.shape):
        for step in range(start, len(g.values)):
            expected[start, member] += gamma ** (step - start) * g.values[step, member]
            if ended[step, member]:
                break
    np.testing.assert_allclose(returns_to_go(g.values, ended, gamma), expected, atol=TOLERANCE)
