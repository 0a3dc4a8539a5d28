"""Figures over training seeds: interquartile mean, bootstrap intervals, when a task was solved.

Few seeds say little, and a mean follows its outliers; so the interquartile mean with an interval from resampled seeds stands
beside it (Agarwal, Schwarzer, Castro, Courville, Bellemare: Deep Reinforcement Learning at the Edge of the Statistical
Precipice, 2021, arXiv 2108.13264, section 4).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
BOOTSTRAP_SEED = 0
Interval = tuple[float, float]
Scores = NDArray[np.float64]


def interquartile_mean(scores: Sequence[float] | Scores) -> float:
    """Mean of what is left when a quarter of the scores, rounded down, is cut at each end."""
    return float(_interquartile_means(np.asarray(scores, dtype=np.float64)))


def interval(scores: Sequence[float]) -> Interval:
    """95 % interval of the interquartile mean: percentile bootstrap over the seeds, the same for the same scores."""
    return _quantiles(_interquartile_means(_resampled(scores, np.random.default_rng(BOOTSTRAP_SEED))))


def difference(scores: Sequence[float], others: Sequence[float]) -> tuple[float, Interval]:
    """Interquartile mean of `scores` minus that of `others`, with its 95 % bootstrap interval; seeds are not paired."""
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    resampled = _interquartile_means(_resampled(scores, rng)) - _interquartile_means(_resampled(others, rng))
    return interquartile_mean(scores) - interquartile_mean(others), _quantiles(resampled)


def solved_at(run: Mapping[str, Any], threshold: float | None) -> tuple[float, float, float]:
    """Steps, wall and CPU seconds of the first point of the curve that reached the threshold.

    Infinite where the run is not solved in the end: a point of the curve is the mean of few episodes, and may be luck.
    """
    if threshold is None or run["score"] < threshold:
        return math.inf, math.inf, math.inf
    for timesteps, wall, cpu, score in run["curve"]:
        if score >= threshold:
            return timesteps, wall, cpu
    timesteps, wall, cpu, _ = run["curve"][-1]
    return timesteps, wall, cpu


@dataclass(frozen=True)
class Summary:
    """What a table says of one algorithm on one task. Times to solve are medians; an unsolved seed counts as infinite."""

    seeds: int
    mean: float
    iqm: float
    iqm_interval: Interval
    worst: float
    solved: int | None
    steps_to_solve: float
    seconds_to_solve: float
    cpu_seconds_to_solve: float
    cpu_seconds: float
    most_timesteps: int
    stochastic_mean: float


def summarize(runs: Sequence[Mapping[str, Any]], threshold: float | None) -> Summary:
    """The summary of at least one run."""
    scores = [run["score"] for run in runs]
    steps, wall, cpu = zip(*(solved_at(run, threshold) for run in runs), strict=True)
    return Summary(
        seeds=len(runs),
        mean=math.fsum(scores) / len(scores),
        iqm=interquartile_mean(scores),
        iqm_interval=interval(scores),
        worst=min(scores),
        solved=None if threshold is None else sum(score >= threshold for score in scores),
        steps_to_solve=_median(steps),
        seconds_to_solve=_median(wall),
        cpu_seconds_to_solve=_median(cpu),
        cpu_seconds=_median([run["cpu_seconds"] for run in runs]),
        most_timesteps=max(run["timesteps"] for run in runs),
        stochastic_mean=math.fsum(run["stochastic_score"] for run in runs) / len(runs),
    )


def _median(values: Sequence[float]) -> float:
    """The upper median: more than half of the values are not above it, infinite ones included."""
    return sorted(values)[len(values) // 2]


def _resampled(scores: Sequence[float], rng: np.random.Generator) -> Scores:
    values = np.asarray(scores, dtype=np.float64)
    return values[rng.integers(0, len(values), size=(RESAMPLES, len(values)))]


def _interquartile_means(scores: Scores) -> Scores:
    """Over the last axis."""
    cut = scores.shape[-1] // 4
    ordered = np.sort(scores, axis=-1)
    return np.asarray(ordered[..., cut : scores.shape[-1] - cut].mean(axis=-1))


def _quantiles(values: Scores) -> Interval:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
