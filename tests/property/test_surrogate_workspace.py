"""The objective in buffers against the plain one, and what both share."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.objective import Objective, ObjectiveTerms, SurrogateWorkspace
from tests.strategies import generators

FULL = Objective(epsilon=0.2, epsilon_high=0.3, ent_coef=0.05, beta=0.1)
SURROGATE = replace(FULL, ent_coef=0, beta=0)


@given(generators, st.booleans(), st.booleans())
def test_factor_in_buffers_then_equals_the_plain_one(rng: np.random.Generator, held: bool, far: bool) -> None:
    objective = replace(FULL, beta=0.3 if held else 0.0)
    log_prob, advantages = rng.standard_normal(33) - 2, rng.standard_normal(33) * (rng.random(33) > 0.2)
    old_log_prob = log_prob - (2.0 if far else 0.1) * rng.standard_normal(33)
    terms = ObjectiveTerms(old_log_prob, advantages, rng.uniform(0, 2, 33), rng.standard_normal(33) if held else None)
    workspace = SurrogateWorkspace(objective, 33, np.dtype(np.float64))
    workspace.factor_into(old_log_prob, terms, objective.limits(advantages))  # buffers that are used again
    factor = workspace.factor_into(log_prob, terms, objective.limits(advantages))
    np.testing.assert_allclose(factor, objective.factor(log_prob, terms), rtol=1e-12, atol=1e-15)


def test_factor_in_buffers_when_the_ratio_overflows_then_is_zero_where_the_clip_binds_and_nan_stays_visible() -> None:
    advantages = np.array([1.0, np.nan], dtype=np.float32)
    terms = ObjectiveTerms(np.full(2, -200, np.float32), advantages, np.ones(2, np.float32))
    workspace = SurrogateWorkspace(SURROGATE, 2, np.dtype(np.float32))
    with np.errstate(over="ignore", invalid="ignore"):
        factor = workspace.factor_into(np.zeros(2, np.float32), terms, SURROGATE.limits(advantages))
    np.testing.assert_array_equal(factor, [0.0, np.nan])


def test_limits_then_are_the_largest_surrogates_that_the_clip_lets_through() -> None:
    np.testing.assert_allclose(SURROGATE.limits(np.array([2.0, -2.0, 0.0])), [2.6, -1.6, 0.0])


def test_terms_when_joined_then_keep_trajectories_apart() -> None:
    one = ObjectiveTerms(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.ones(3), np.array([7.0, 8.0, 9.0]), np.array([1, 0, 1]))
    other = ObjectiveTerms(np.array([4.0]), np.ones(1), np.zeros(1), np.array([10.0]), np.array([0]))
    joined = ObjectiveTerms.joined([one, other])
    assert joined.old_log_prob.tolist() == [1, 2, 3, 4]
    assert joined.advantages.tolist() == [0, 0, 0, 1]
    assert joined.weights.tolist() == [1, 1, 1, 0]
    assert joined.reference_log_prob is not None
    assert joined.reference_log_prob.tolist() == [7, 8, 9, 10]
    assert joined.trajectories is not None
    assert joined.trajectories.tolist() == [1, 0, 1, 2]
