"""The interval of a mean and the histogram of returns."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.return_statistics import MOST_BINS, histogram, mean_interval, student_t
from tests.strategies import numbers

returns = st.lists(numbers(1e9), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (29, 2.0452), (99, 1.9842), (999, 1.9623)],
)
def test_student_t_is_that_of_the_tables(degrees: int, expected: float) -> None:
    assert student_t(degrees) == pytest.approx(expected, abs=5e-5)


def test_mean_interval_of_few_normal_values_covers_the_mean_in_95_of_100_cases() -> None:
    samples = np.random.default_rng(0).standard_normal((4_000, 5))
    intervals = [mean_interval(row.tolist()) for row in samples]
    covered = sum(low <= 0 <= high for low, high in intervals)
    assert covered / len(samples) == pytest.approx(0.95, abs=0.01)


def test_mean_interval_of_two_values_is_that_of_the_formula() -> None:
    low, high = mean_interval([1.0, 3.0])
    assert (low, high) == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-4)


@given(returns)
def test_mean_interval_lies_about_the_mean_and_is_a_point_where_all_values_are_the_same(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert low <= math.fsum(values) / len(values) <= high
    same = mean_interval([values[0]] * len(values))
    assert same == pytest.approx((values[0], values[0]), rel=1e-12, abs=0)


@given(returns)
def test_histogram_counts_every_value_once_between_edges_that_ascend(values: list[float]) -> None:
    found = histogram(values)
    assert len(found.edges) == len(found.counts) + 1 <= MOST_BINS + 2
    assert all(low < high for low, high in pairwise(found.edges))
    assert found.edges[0] <= min(values)
    assert found.edges[-1] >= max(values)
    assert sum(found.counts) == len(values)
    for low, high, count in zip(found.edges, found.edges[1:-1], found.counts, strict=False):
        assert count == sum(low <= value < high for value in values)


@pytest.mark.parametrize(
    ("values", "edges", "counts"),
    [
        ([500.0] * 10, (499.5, 500.5), (10,)),
        ([0.0], (-0.5, 0.5), (1,)),
        ([9, 10, 12, 300, 500], (0, 100, 200, 300, 400, 500), (3, 0, 0, 1, 1)),
        ([-0.1, 0.2, 0.35], (-0.1, 0.0, 0.1, 0.2, 0.3, 0.4), (1, 0, 0, 1, 1)),
        ([1e6, 1e6 + 1e-4], (1e6 - 0.5, 1e6 + 0.5), (2,)),
    ],
)
def test_histogram_has_round_edges(values: list[float], edges: tuple[float, ...], counts: tuple[int, ...]) -> None:
    found = histogram(values)
    assert found.edges == pytest.approx(edges, abs=1e-4)
    assert found.counts == counts
