"""The value read-out: right where it can be, bounded where it cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.value import fit_value, predict_value
from tests.strategies import arrays, generators


def one_hot(states: np.ndarray, count: int) -> np.ndarray:
    """Features of states, with a last column of ones."""
    return np.column_stack([np.eye(count, dtype=np.float32)[states], np.ones(len(states), dtype=np.float32)])


def test_value_of_a_chain_then_is_the_discounted_reward_to_its_end() -> None:
    # 0 → 1 → 2 → end, one reward of 8 at the end: values 2, 4, 8 with γ = 1/2
    states = np.tile([0, 1, 2], 200)
    rewards, terminated = np.tile([0.0, 0.0, 8.0], 200), np.tile([False, False, True], 200)
    weights = fit_value(one_hot(states, 3), one_hot(np.minimum(states + 1, 2), 3), rewards, terminated, 0.5)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(predict_value(weights, np.eye(3)), [2, 4, 8], rtol=0.02)


def test_value_when_an_episode_is_only_cut_then_goes_on_behind_the_cut() -> None:
    features = one_hot(np.zeros(100, dtype=np.int64), 1)
    rewards, cut, ended = np.ones(100), np.zeros(100, dtype=np.bool_), np.ones(100, dtype=np.bool_)
    one = np.ones((1, 1))
    assert predict_value(fit_value(features, features, rewards, cut, 0.9), one) == pytest.approx([10], rel=0.02)
    assert predict_value(fit_value(features, features, rewards, ended, 0.9), one) == pytest.approx([1], rel=0.02)


def test_value_when_features_say_nothing_then_is_the_best_constant() -> None:
    features = np.column_stack([np.zeros((100, 3)), np.ones(100)]).astype(np.float32)
    terminated = np.arange(100) % 10 == 9
    weights = fit_value(features, features, np.ones(100), terminated, 1.0)
    assert predict_value(weights, np.zeros((1, 3))) == pytest.approx([10], rel=1e-3)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_value_when_features_are_no_numbers_then_is_a_finite_constant(broken: float) -> None:
    features = one_hot(np.zeros(50, dtype=np.int64), 1)
    following = features.copy()
    following[3, 0] = broken
    with np.errstate(invalid="ignore"):
        weights = fit_value(features, following, np.full(50, 2.0), np.ones(50, dtype=np.bool_), 0.9)
    np.testing.assert_allclose(weights, [0.0, 2.0], rtol=1e-6)


@given(generators, st.integers(1, 80), st.floats(0, 1), st.floats(0, 1))
def test_value_of_any_batch_then_stays_in_the_range_that_its_rewards_allow(
    rng: np.random.Generator, count: int, gamma: float, ends: float
) -> None:
    features, following = (
        np.column_stack([3 * rng.standard_normal((count, 6)), np.ones(count)]).astype(np.float32) for _ in range(2)
    )
    rewards, terminated = rng.standard_normal(count), rng.random(count) < ends
    values = predict_value(fit_value(features, following, rewards, terminated, gamma), features[:, :-1])
    assert np.all(np.isfinite(values))
    assert np.abs(values).max() <= 1.5 * np.abs(rewards).max() / max(1 - gamma, 1e-4) * (1 + 1e-3)


@given(arrays((4, 3), 10), arrays((4,), 10))
def test_predicted_value_then_is_linear_with_the_bias_last(hidden: np.ndarray, weights: np.ndarray) -> None:
    expected = hidden @ weights[:3] + weights[3]
    np.testing.assert_array_equal(predict_value(weights, hidden), expected)


def test_value_when_shapes_differ_then_is_refused() -> None:
    features = one_hot(np.zeros(5, dtype=np.int64), 2)
    with pytest.raises(ValueError, match=r"next_features has shape \(4, 3\), expected \(5, 3\)"):
        fit_value(features, features[:4], np.zeros(5), np.zeros(5, dtype=np.bool_), 0.9)
    with pytest.raises(ValueError, match=r"hidden has shape \(1, 3\), expected \(any, 2\)"):
        predict_value(np.zeros(3), np.zeros((1, 3)))
