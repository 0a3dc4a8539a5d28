"""The fused distributions of training against the plain ones."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.arrays import ActionArray, FloatArray
from domain.distributions import Categorical, DiagonalGaussian
from domain.heads import Gaussian, Head, ManyActions, TwoActions, encode_actions, make_head
from tests.strategies import generators, numbers


class Case(NamedTuple):
    """A head and the plain distribution of the same samples, in float64."""

    head: Head
    plain: Categorical | DiagonalGaussian
    output: FloatArray
    actions: FloatArray
    log_std_grad: FloatArray


def make_case(kind: int, rng: np.random.Generator, scale: float = 1.0, batch_size: int = 7) -> Case:
    """`kind`: the number of discrete actions, or minus the number of continuous ones."""
    continuous, size = kind < 0, abs(kind)
    output = scale * rng.standard_normal((size, batch_size))
    log_std = rng.uniform(-2, 1, size if continuous else 0)
    log_std_grad = np.full_like(log_std, np.nan)
    head = make_head(size, log_std, log_std_grad, batch_size)
    if continuous:
        latent = rng.standard_normal((batch_size, size)).astype(np.float32)
        return Case(head, DiagonalGaussian(output, log_std, latent.T), output, encode_actions(latent, size), log_std_grad)
    actions = rng.integers(size, size=batch_size)
    return Case(head, Categorical(output, actions), output, encode_actions(actions, size), log_std_grad)


kinds = st.sampled_from([2, 3, 6, -1, -3])


@given(kinds, generators, st.sampled_from([0.0, 1.0, 30.0]))
def test_log_prob_and_entropy_then_equal_the_plain_ones(kind: int, rng: np.random.Generator, scale: float) -> None:
    case = make_case(kind, rng, scale)
    np.testing.assert_allclose(case.head.log_prob_into(case.output, case.actions), case.plain.log_prob(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(case.head.entropy(), case.plain.entropy(), rtol=1e-9, atol=1e-9)


@given(kinds, generators, st.booleans())
def test_gradient_then_equals_the_plain_one(kind: int, rng: np.random.Generator, with_entropy: bool) -> None:
    case = make_case(kind, rng, scale=3.0)
    factor, entropy_factor = rng.standard_normal((2, 7))
    for _ in range(2):  # buffers that are used again
        case.head.log_prob_into(case.output, case.actions)
        output_grad = case.head.gradient_into(factor, entropy_factor if with_entropy else None)
    if isinstance(case.plain, Categorical):
        expected = case.plain.log_prob_grad(factor)
        expected += case.plain.entropy_grad(entropy_factor) * with_entropy
    else:
        expected, log_std_grad = case.plain.log_prob_grad(factor)
        log_std_grad = log_std_grad + case.plain.entropy_grad(entropy_factor) * with_entropy
        np.testing.assert_allclose(case.log_std_grad, log_std_grad, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(output_grad, expected, rtol=1e-9, atol=1e-9)


@given(numbers(1e4), numbers(1e4), st.integers(0, 1))
def test_two_actions_when_logits_are_extreme_then_stay_finite(first: float, second: float, action: int) -> None:
    head = TwoActions(1, np.dtype(np.float32))
    output = np.array([[first], [second]], dtype=np.float32)
    log_prob = head.log_prob_into(output, encode_actions(np.array([action]), 2))
    np.testing.assert_allclose(log_prob, Categorical(output, np.array([action])).log_prob(), rtol=1e-5, atol=1e-5)
    assert 0 <= head.entropy()[0] <= np.log(2) + 1e-6
    assert np.all(np.isfinite(head.gradient_into(np.ones(1, np.float32), np.ones(1, np.float32))))


def test_gaussian_when_its_log_std_changes_then_follows_it() -> None:
    log_std, actions = np.zeros(1), np.ones((1, 1))
    head = Gaussian(log_std, np.zeros(1), 1)
    before = float(head.log_prob_into(np.zeros((1, 1)), actions)[0])
    log_std += 1
    assert float(head.log_prob_into(np.zeros((1, 1)), actions)[0]) == pytest.approx(before + 0.5 - 1 - 0.5 * np.exp(-2))


@pytest.mark.parametrize(
    ("actions", "num_outputs", "expected"),
    [
        (np.array([0, 1, 1]), 2, [[-1, 1, 1]]),
        (np.array([2, 0]), 3, [[0, 1], [0, 0], [1, 0]]),
        (np.array([0]), 1, [[1]]),
        (np.array([[0.5, 2.0], [1.0, -3.0], [0.0, 0.0]]), 2, [[0.5, 1.0, 0.0], [2.0, -3.0, 0.0]]),
    ],
)
def test_encoded_actions_then_are_rows_of_single_precision(
    actions: ActionArray, num_outputs: int, expected: list[list[float]]
) -> None:
    encoded = encode_actions(actions, num_outputs)
    assert encoded.dtype == np.float32
    assert encoded.tolist() == expected


@pytest.mark.parametrize(("num_outputs", "kind"), [(1, ManyActions), (2, TwoActions), (3, ManyActions)])
def test_head_of_discrete_actions_then_depends_on_their_number(num_outputs: int, kind: type) -> None:
    none = np.zeros(0, dtype=np.float32)
    assert type(make_head(num_outputs, none, none, 4)) is kind
