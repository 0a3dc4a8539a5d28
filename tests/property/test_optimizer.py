"""Adam in both forms, the bound of the norm, the schedule."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.arrays import FloatArray
from domain.optimizer import AdamState, AdamWorkspace, adam_update, clip_by_global_norm_into, scheduled_learning_rate
from tests.strategies import generators


def adam_of(size: int, dtype: type = np.float64) -> AdamWorkspace:
    return AdamWorkspace(AdamState.init(size, dtype))


@given(st.lists(st.one_of(st.floats(0.01, 1e3), st.floats(-1e3, -0.01)), min_size=1, max_size=5), st.floats(1e-5, 1))
def test_first_step_then_goes_against_the_sign_of_the_gradient(gradient: list[float], learning_rate: float) -> None:
    step, state = adam_update(AdamState.init(len(gradient), np.float64), np.array(gradient), learning_rate)
    np.testing.assert_allclose(step, -learning_rate * np.sign(gradient), rtol=2e-3)
    assert state.step == 1


def test_two_steps_then_are_those_of_the_paper() -> None:
    first, state = adam_update(AdamState.init(1, np.float64), np.array([2.0]), 0.1)
    second, state = adam_update(state, np.array([-1.0]), 0.1)
    m_hat = (0.9 * 0.1 * 2 + 0.1 * -1) / (1 - 0.9**2)
    v_hat = (0.999 * 0.001 * 4 + 0.001 * 1) / (1 - 0.999**2)
    assert first[0] == pytest.approx(-0.1 * 2 / (2 + 1e-5), rel=1e-12)
    assert second[0] == pytest.approx(-0.1 * m_hat / (v_hat**0.5 + 1e-5), rel=1e-12)
    assert (state.m[0], state.v[0], state.step) == (pytest.approx(0.08), pytest.approx(0.004996), 2)


@given(generators, st.sampled_from([(np.float32, 1e-5), (np.float64, 1e-12)]))
def test_steps_in_place_then_equal_the_plain_ones(rng: np.random.Generator, precision: tuple[type, float]) -> None:
    dtype: Any
    dtype, tolerance = precision
    plain = rng.standard_normal(6).astype(dtype)
    in_place = plain.copy()
    state, workspace = AdamState.init(6, dtype), adam_of(6, dtype)
    for scale in 10.0 ** rng.uniform(-6, 2, 40):
        gradient = (scale * rng.standard_normal(6)).astype(dtype)
        step, state = adam_update(state, gradient, 0.01)
        plain += step
        workspace.update_into(in_place, gradient.copy(), 0.01)
    assert in_place.dtype == dtype
    np.testing.assert_allclose(in_place, plain, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(workspace.state.m, state.m, rtol=10 * tolerance, atol=tolerance)
    np.testing.assert_allclose(workspace.state.v, state.v, rtol=10 * tolerance, atol=tolerance)
    assert workspace.state.step == state.step == 40


def test_parabola_then_its_lowest_point_is_reached() -> None:
    point, adam = np.array([5.0, -3.0]), adam_of(2)
    for _ in range(2_000):
        adam.update_into(point, 2 * (point - [1.0, 2.0]) * [1.0, 100.0], 0.05)
    np.testing.assert_allclose(point, [1.0, 2.0], atol=1e-6)


def test_rosenbrock_then_its_lowest_point_is_reached() -> None:
    point, adam = np.array([-1.2, 1.0]), adam_of(2)
    for _ in range(10_000):
        x, y = point
        adam.update_into(point, np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]), 0.02)
    np.testing.assert_allclose(point, [1.0, 1.0], atol=1e-4)


@given(generators, st.integers(0, 20))
def test_moments_when_restored_elsewhere_then_go_on_to_the_same_bits(rng: np.random.Generator, before: int) -> None:
    gradients = rng.standard_normal((30, 5)).astype(np.float32)
    undisturbed, resumed = adam_of(5, np.float32), adam_of(5, np.float32)
    one = np.zeros(5, np.float32)
    for gradient in gradients[:before]:
        undisturbed.update_into(one, gradient.copy(), 0.01)
    other = one.copy()
    m, v, step = undisturbed.moments()
    kept = m.copy()
    for gradient in gradients[before:]:
        undisturbed.update_into(one, gradient.copy(), 0.01)
    assert (step, m.tobytes()) == (before, kept.tobytes()), "moments belong to the caller"
    resumed.restore(m, v, step)
    for gradient in gradients[before:]:
        resumed.update_into(other, gradient.copy(), 0.01)
    assert one.tobytes() == other.tobytes()


@given(generators, st.sampled_from([1e-30, 1e-3, 1.0, 1e6, 1e30]), st.floats(1e-3, 1e3))
def test_gradient_when_longer_than_the_bound_then_is_shortened_to_it(
    rng: np.random.Generator, scale: float, max_norm: float
) -> None:
    original = (scale * rng.standard_normal(7)).astype(np.float32)
    length = float(np.linalg.norm(original.astype(np.float64)))
    gradient = original.copy()
    with np.errstate(over="ignore"):
        norm = clip_by_global_norm_into(gradient, max_norm)
    assert norm == pytest.approx(length, rel=1e-5, abs=1e-20)
    if length <= max_norm:
        assert gradient.tobytes() == original.tobytes()
    else:
        np.testing.assert_allclose(gradient, original * (max_norm / length), rtol=1e-5)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_gradient_when_it_is_no_number_then_stays_visible(wrong: float) -> None:
    gradient: FloatArray = np.array([1.0, wrong], dtype=np.float32)
    with np.errstate(invalid="ignore"):
        clip_by_global_norm_into(gradient, 0.5)
    assert np.isnan(gradient[1])


@pytest.mark.parametrize(("progress", "expected"), [(-1.0, 2.0), (0.0, 2.0), (0.5, 1.05), (1.0, 0.1), (2.0, 0.1)])
def test_linear_schedule_then_falls_to_five_percent(progress: float, expected: float) -> None:
    assert scheduled_learning_rate(2.0, "linear", progress) == pytest.approx(expected)
    assert scheduled_learning_rate(2.0, "constant", progress) == 2.0
