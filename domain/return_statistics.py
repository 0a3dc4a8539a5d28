"""What the returns of some episodes say of the policy's expected return: an interval for the mean, and a histogram."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

CONFIDENCE = 0.95
MOST_BINS = 20
HALVINGS = 60
SAME = 1e-9  # a spread below this share of the values is rounding


@dataclass(frozen=True)
class Histogram:
    """`counts[i]` values lie in [edges[i], edges[i + 1]); the last interval has its upper edge too."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % confidence interval of the mean: mean ± t·s/√n, with s of n − 1 degrees of freedom.

    Student's t and not a bootstrap: it has no randomness of its own, so that the same returns give the same interval, and of
    few episodes, where an interval matters most, the percentiles of a bootstrap are too narrow (at n = 5 about 83 % instead
    of 95 %). Returns are not normal, but their mean soon is nearly so.
    A single value says nothing of the spread: it is given twice. Source: Student, "The probable error of a mean", 1908.
    """
    if len(values) == 1:
        return values[0], values[0]
    mean = math.fsum(values) / len(values)
    margin = student_t(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean - margin, mean + margin


@lru_cache(1_024)
def student_t(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The t for which |T| ≤ t with this probability, T of Student's distribution with that many degrees of freedom.

    Found by halving the angle θ = arctan(t / √ν), in which the probability is a finite sum. Source: Abramowitz and Stegun,
    "Handbook of Mathematical Functions", 1964, equations 26.7.3 and 26.7.4.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < confidence else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _within(angle: float, degrees: int) -> float:
    """P(|T| ≤ √ν·tan θ).

    ν even: sin θ·(1 + 1/2·cos² θ + 1·3/(2·4)·cos⁴ θ + … up to cos^(ν−2))
    ν odd:  2/π·(θ + sin θ·(cos θ + 2/3·cos³ θ + 2·4/(3·5)·cos⁵ θ + … up to cos^(ν−2)))
    """
    odd = degrees % 2
    cosine = math.cos(angle)
    term, total = (cosine if odd else 1.0), 0.0
    for power in range(odd, degrees - 1, 2):
        total += term
        term *= (power + 1) / (power + 2) * cosine**2
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total


def histogram(values: Sequence[float]) -> Histogram:
    """At most 21 intervals between round numbers: multiples of 1, 2 or 5 times a power of ten.

    The number follows Sturges' rule, log₂ n + 1, and at least 5; values that are all the same stand in one interval of width 1.
    Source: Sturges, "The choice of a class interval", 1926.
    """
    low, high = min(values), max(values)
    spread = high - low
    if spread <= SAME * max(abs(low), abs(high)):
        middle, half = (low + high) / 2, max(0.5, spread, SAME * abs(high))
        return Histogram((middle - half, middle + half), (len(values),))
    bins = min(max(math.ceil(math.log2(len(values))) + 1, 5), MOST_BINS)
    step, digits = _round_step(spread / bins)
    first, last = math.floor(low / step), math.ceil(high / step)
    edges = [round(step * index, digits) + 0.0 for index in range(first, last + 1)]  # + 0.0: no −0
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)  # where rounding has gone past a value
    counts, _ = np.histogram(values, edges)
    return Histogram(tuple(edges), tuple(counts.tolist()))


def _round_step(least: float) -> tuple[float, int]:
    """The smallest of 1, 2, 5 times a power of ten that is at least that, and the decimals that its multiples have."""
    exponent = math.floor(math.log10(least))
    digits = max(0, -exponent)
    for factor in (1, 2, 5):
        step = factor * 10.0**exponent
        if step >= least:
            return step, digits
    return 10.0 ** (exponent + 1), digits
