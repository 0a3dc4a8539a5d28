"""The running normaliser against numpy on everything at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.normalizer import Normalizer
from tests.strategies import generators


@given(generators, st.lists(st.integers(0, 9), min_size=1, max_size=6), st.sampled_from([0.0, 1e3]))
def test_normalizer_when_fed_in_any_split_then_knows_mean_and_variance_of_all(
    rng: np.random.Generator, sizes: list[int], offset: float
) -> None:
    batches = [(offset + 3 * rng.standard_normal((size, 2))).astype(np.float32) for size in sizes]
    everything = np.concatenate(batches).astype(np.float64)
    normalizer = Normalizer.identity(2)
    for batch in batches:
        normalizer = normalizer.updated(batch)
    assert normalizer.count == len(everything)
    if len(everything):
        np.testing.assert_allclose(normalizer.mean, everything.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(normalizer.var, everything.var(axis=0), rtol=1e-9, atol=1e-12)


def test_normalizer_when_two_observations_are_taken_in_then_centres_and_scales_them() -> None:
    normalizer = Normalizer.identity(1).updated(np.array([[1.0], [5.0]], dtype=np.float32))
    assert (normalizer.mean.tolist(), normalizer.var.tolist(), normalizer.count) == ([3.0], [4.0], 2.0)
    np.testing.assert_allclose(normalizer.apply(np.array([[1.0], [3.0], [7.0]], dtype=np.float32)), [[-1.0], [0.0], [2.0]])


def test_normalizer_when_updated_then_leaves_the_old_one_as_it_was() -> None:
    old = Normalizer.identity(1)
    assert old.updated(np.array([[7.0]], dtype=np.float32)) is not old
    assert (old.mean.tolist(), old.var.tolist(), old.count) == ([0.0], [1.0], 0.0)
    assert old.updated(np.zeros((0, 1), dtype=np.float32)) is old


@pytest.mark.parametrize(("raw", "expected"), [(1e9, 10.0), (-1e9, -10.0), (np.inf, 10.0), (-np.inf, -10.0), (9.5, 9.5)])
def test_normalized_observation_when_far_out_then_is_clipped(raw: float, expected: float) -> None:
    normalized = Normalizer.identity(1).apply(np.array([[raw]], dtype=np.float32))
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(normalized, [[expected]], rtol=1e-6)


def test_normalized_observation_when_a_feature_never_changes_then_is_zero() -> None:
    observations = np.full((5, 1), 0.1, dtype=np.float32)
    assert Normalizer.identity(1).updated(observations).apply(observations).tolist() == [[0.0]] * 5


def test_normalizer_when_the_number_of_features_differs_then_is_refused() -> None:
    with pytest.raises(ValueError, match=r"observations has shape \(4, 3\), expected \(any, 2\)"):
        Normalizer.identity(2).updated(np.zeros((4, 3), dtype=np.float32))
