"""The ridge value: its features are bounded and drawn from a seed, its weights solve a least-squares problem that fades."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from hypothesis.strategies import DrawFn

from domain.arrays import FloatArray
from domain.ridge_value import Basis, RidgeValue
from tests.factories import assert_same_array
from tests.strategies import generators

LARGEST = float(np.finfo(np.float32).max)
finite = st.one_of(st.sampled_from([0.0, 1.0, -5.0, 5.0, float(np.float32(1e30)), LARGEST, -LARGEST]), st.floats(width=32))


@dataclass(frozen=True)
class Samples:
    """features: whole numbers, so that sums of their products are exact, float32 [B, F]; targets: [B]."""

    features: FloatArray
    targets: FloatArray


@st.composite
def samples(draw: DrawFn, size: int = 4) -> Samples:
    count = draw(st.integers(0, 12))
    rng = draw(generators)
    features = rng.integers(-5, 6, (count, size)).astype(np.float32)
    features[:, 0] = 1
    return Samples(features, rng.uniform(-100, 100, count))


def least_squares(batches: list[Samples]) -> FloatArray:
    """Weights by numpy's solver on the system with rows for the ridge, where each batch counts half as much as the next."""
    shares = [0.5 ** (len(batches) - 1 - k) for k in range(len(batches))]
    count = sum(share * len(batch.targets) for share, batch in zip(shares, batches, strict=True))
    rows = [np.sqrt(share) * batch.features for share, batch in zip(shares, batches, strict=True)]
    sides = [np.sqrt(share) * batch.targets for share, batch in zip(shares, batches, strict=True)]
    size = batches[0].features.shape[1]
    ridge = np.diag(np.sqrt(count * np.array([1e-6] + [1e-3] * (size - 1))))
    system, side = np.vstack([*rows, ridge]), np.concatenate([*sides, np.zeros(size)])
    return np.linalg.lstsq(system, side)[0]


def value_of(*batches: Samples) -> RidgeValue:
    value = RidgeValue.zero(batches[0].features.shape[1])
    for batch in batches:
        value = value.updated(batch.features, batch.targets)
    return value


def fitted(basis: Basis, inputs: FloatArray, targets: FloatArray) -> RidgeValue:
    return RidgeValue.zero(basis.size).updated(basis(inputs), targets)


@pytest.mark.parametrize(
    ("num_inputs", "one_hot", "size"),
    [
        (1, False, 1 + 1 + 1 + 256),
        (4, False, 1 + 4 + 10 + 256),
        (32, False, 1 + 32 + 528 + 256),
        (33, False, 1 + 33 + 256),
        (1024, False, 1 + 1024 + 256),
        (1025, False, 1 + 256),
        (5, True, 1 + 5),
        (1024, True, 1 + 1024),
        (1025, True, 1 + 256),
    ],
)
def test_basis_then_has_as_many_features_as_its_size_says(num_inputs: int, one_hot: bool, size: int) -> None:
    basis = Basis(num_inputs, one_hot, seed=0)
    features = basis(np.zeros((3, num_inputs), dtype=np.float32))
    assert basis.size == size
    assert features.shape == (3, size)
    assert features.dtype == np.float32


def test_basis_of_few_inputs_then_begins_with_one_the_inputs_and_their_products() -> None:
    features = Basis(3, one_hot=False, seed=0)(np.array([[2.0, 3.0, -4.0]], dtype=np.float32))
    assert features[0, :10].tolist() == [1, 2, 3, -4, 4, 6, -8, 9, -12, 16]
    one_hot = Basis(3, one_hot=True, seed=0)(np.array([[0.0, 1.0, 0.0]], dtype=np.float32))
    assert one_hot.tolist() == [[1, 0, 1, 0]]


@given(st.integers(1, 6), st.booleans(), st.integers(0, 2**63 - 1), generators)
def test_basis_when_drawn_from_the_same_seed_then_has_the_same_bits(
    num_inputs: int, one_hot: bool, seed: int, rng: np.random.Generator
) -> None:
    inputs = rng.standard_normal((5, num_inputs), dtype=np.float32)
    features = Basis(num_inputs, one_hot, seed)(inputs)
    assert_same_array(Basis(num_inputs, one_hot, seed)(inputs), features)
    assert np.array_equal(Basis(num_inputs, one_hot, seed ^ 1)(inputs), features) == one_hot


@given(npst.arrays(np.float32, st.tuples(st.integers(0, 4), st.integers(1, 5)), elements=finite), st.booleans())
def test_features_of_any_input_then_are_bounded_and_those_of_the_clipped_input(inputs: FloatArray, one_hot: bool) -> None:
    inputs = np.nan_to_num(inputs, nan=1.0)  # infinite ones stay
    basis = Basis(inputs.shape[1], one_hot, seed=3)
    features = basis(inputs)
    assert np.all(np.abs(features) <= 25)
    assert_same_array(basis(np.clip(inputs, -5, 5)), features)


@pytest.mark.parametrize("num_inputs", [1, 4, 1025])
def test_fourier_features_then_have_the_products_of_a_gaussian_kernel(num_inputs: int) -> None:
    # Rahimi and Recht: the mean of φ(x)·φ(y) is exp(−|x − y|² / 2D)
    rng = np.random.default_rng(0)
    x = rng.standard_normal(num_inputs)
    pairs = np.array([x, x, rng.standard_normal(num_inputs), x + 0.5], dtype=np.float32)
    features = np.hstack([Basis(num_inputs, one_hot=False, seed=seed)(pairs)[:, -256:] for seed in range(32)])
    kernel = np.exp(-((pairs - pairs[0]) ** 2).sum(axis=1) / (2 * num_inputs))
    np.testing.assert_allclose(features @ features[0] / features.shape[1], kernel, atol=4.5 / np.sqrt(features.shape[1]))


@pytest.mark.parametrize("shape", [(3,), (2, 4), (2, 2), (1, 2, 3)])
def test_inputs_when_their_shape_is_another_then_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"inputs has shape .*, expected \(any, 3\)"):
        Basis(3, one_hot=False, seed=0)(np.zeros(shape, dtype=np.float32))


FUNCTIONS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "constant": lambda x: np.full(len(x), -70.0),
    "linear": lambda x: 50 + 3 * x[:, 0] - 2 * x[:, 1],
    "quadratic": lambda x: x[:, 0] ** 2 - 2 * x[:, 0] * x[:, 1] + x[:, 2],
    "smooth": lambda x: np.sin(x[:, 0]) + np.exp(-(x[:, 1] ** 2)) + 10,
}


# the best quadratic function is off by 0.29 from the smooth one
@pytest.mark.parametrize(("name", "tolerance"), [("constant", 0.01), ("linear", 0.05), ("quadratic", 0.05), ("smooth", 0.1)])
def test_value_when_a_function_is_seen_at_some_points_then_knows_it_at_others(name: str, tolerance: float) -> None:
    rng, basis = np.random.default_rng(5), Basis(3, one_hot=False, seed=1)
    seen, others = (rng.standard_normal((count, 3), dtype=np.float32) for count in (3_000, 500))
    value, expected = fitted(basis, seen, FUNCTIONS[name](seen)), FUNCTIONS[name](others)
    assert np.sqrt(np.mean((value(basis(others)) - expected) ** 2)) < tolerance


def test_value_of_a_one_hot_input_then_is_the_mean_of_its_targets() -> None:
    basis, symbols = Basis(5, one_hot=True, seed=0), np.arange(2_000) % 5
    targets = 10.0 * symbols + np.where(np.arange(2_000) % 2, 1, -1)
    value = fitted(basis, np.eye(5, dtype=np.float32)[symbols], targets)
    np.testing.assert_allclose(value(basis(np.eye(5, dtype=np.float32))), [0, 10, 20, 30, 40], atol=0.2)


@pytest.mark.parametrize("size", [1e30, LARGEST])
def test_value_of_inputs_that_are_all_huge_then_is_their_mean_target(size: float) -> None:
    basis, signs = Basis(10, one_hot=False, seed=0), np.where(np.arange(20_000) % 4, 1, -1)
    inputs = np.multiply.outer(signs, np.full(10, size, dtype=np.float32)).astype(np.float32)
    value = fitted(basis, inputs, np.where(signs > 0, 1_000.0, 3.0))
    np.testing.assert_allclose(value(basis(inputs[:2])), [3.0, 1_000.0], rtol=0.01)


@given(st.lists(samples(), min_size=1, max_size=4))
def test_weights_then_are_the_least_squares_of_batches_that_fade_to_half(batches: list[Samples]) -> None:
    value = value_of(*batches)
    if not value.count:
        assert not value.weights.any()
        return
    seen = [k for k, batch in enumerate(batches) if len(batch.targets)]  # an empty batch makes nothing fade
    expected = least_squares([batches[k] for k in seen])
    np.testing.assert_allclose(value.weights, expected, rtol=1e-4, atol=1e-3)
    assert value.weights.dtype == np.float32
    assert value.count == sum(0.5**k * len(batches[i].targets) for k, i in enumerate(reversed(seen)))


def test_value_when_targets_change_then_forgets_the_old_ones_by_half_with_every_update() -> None:
    basis, inputs = Basis(2, one_hot=True, seed=0), np.array([[1.0, 0.0]], dtype=np.float32).repeat(100, axis=0)
    value = RidgeValue.zero(basis.size)
    for _ in range(30):
        value = value.updated(basis(inputs), np.full(100, 8.0))
    values = []
    for _ in range(12):
        value = value.updated(basis(inputs), np.zeros(100))
        values.append(value(basis(inputs[:1]))[0])
    # a batch's share is half of all that is kept: 8·(1/2)ᵏ
    np.testing.assert_allclose(values, 8 * 0.5 ** np.arange(1, 13), rtol=1e-3, atol=1e-4)
    assert value.count == pytest.approx(200)


@given(samples(), samples())
def test_update_with_no_samples_then_changes_nothing(batch: Samples, other: Samples) -> None:
    value = value_of(batch)
    same = value.updated(other.features[:0], other.targets[:0])
    assert same.count == value.count
    for name in ("gram", "moment", "weights"):
        assert_same_array(getattr(same, name), getattr(value, name))


@given(samples(), samples(), generators)
def test_update_when_samples_are_permuted_then_is_the_same(batch: Samples, other: Samples, rng: np.random.Generator) -> None:
    order = rng.permutation(len(batch.targets))
    permuted = value_of(other, Samples(batch.features[order], batch.targets[order]))
    np.testing.assert_allclose(permuted.weights, value_of(other, batch).weights, rtol=1e-5, atol=1e-5)


@given(samples(), st.floats(-1e3, 1e3))
def test_value_when_targets_are_scaled_then_is_scaled(batch: Samples, factor: float) -> None:
    scaled = value_of(Samples(batch.features, factor * batch.targets))
    expected = factor * value_of(batch)(batch.features)
    np.testing.assert_allclose(scaled(batch.features), expected, rtol=1e-4, atol=1e-3 * abs(factor) + 1e-30)


@given(samples(size=3), samples(size=3))
def test_update_then_leaves_the_value_that_it_began_with(batch: Samples, other: Samples) -> None:
    value = value_of(batch)
    before = [array.copy() for array in (value.gram, value.moment, value.weights)]
    value.updated(other.features, other.targets)
    for array, copy in zip((value.gram, value.moment, value.weights), before, strict=True):
        assert_same_array(array, copy)


@given(st.lists(samples(), max_size=3))
def test_value_when_made_again_from_its_sums_then_has_the_same_bits(batches: list[Samples]) -> None:
    value = value_of(Samples(np.ones((0, 4), np.float32), np.zeros(0)), *batches)
    again = RidgeValue.of(value.gram.copy(), value.moment.copy(), value.count)
    assert (again.gram.dtype, again.moment.dtype) == (np.float64, np.float64)
    assert_same_array(again.weights, value.weights)


@given(st.integers(1, 20), generators)
def test_value_before_any_sample_then_is_zero_everywhere(size: int, rng: np.random.Generator) -> None:
    values = RidgeValue.zero(size)(rng.standard_normal((7, size), dtype=np.float32))
    assert_same_array(values, np.zeros(7))


def test_weights_when_the_system_has_no_solution_then_are_no_numbers() -> None:
    # the next rollout's advantages are none either then, and the run ends as diverged
    assert np.isnan(RidgeValue.of(-np.diag([1e-6, 1e-3]), np.ones(2), 1.0).weights).all()


def test_samples_when_their_shape_is_another_then_are_refused() -> None:
    value = RidgeValue.zero(4)
    with pytest.raises(ValueError, match=r"features has shape \(2, 3\), expected \(any, 4\)"):
        value.updated(np.zeros((2, 3)), np.zeros(2))
    for shape in ((3,), (2, 1)):
        with pytest.raises(ValueError, match=r"targets has shape .*, expected \(2\)"):
            value.updated(np.zeros((2, 4)), np.zeros(shape))
