"""Running observation normalisation: x ↦ clip((x − mean) / √(var + 1e-8), ±10), as Stable-Baselines3's VecNormalize."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domain.arrays import FloatArray, check_shape

CLIP = 10.0
EPSILON = 1e-8


@dataclass(frozen=True)
class Normalizer:
    """Mean and (population) variance of all observations so far, float64 [D]; immutable."""

    mean: FloatArray
    var: FloatArray
    count: float

    @classmethod
    def identity(cls, num_features: int) -> "Normalizer":
        """Before any observation: mean 0, variance 1."""
        return cls(np.zeros(num_features), np.ones(num_features), 0.0)

    def updated(self, observations: FloatArray) -> "Normalizer":
        """With the observations [B, D] taken in; B = 0 changes nothing.

        Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
        """
        check_shape("observations", observations, (None, len(self.mean)))
        batch_count = len(observations)
        if not batch_count:
            return self
        batch = observations.astype(np.float64)
        batch_mean = batch.mean(axis=0)
        batch_var = ((batch - batch_mean) ** 2).mean(axis=0)
        total = self.count + batch_count
        delta = batch_mean - self.mean
        mean = self.mean + delta * (batch_count / total)
        spread = self.var * self.count + batch_var * batch_count + delta**2 * (self.count * batch_count / total)
        return Normalizer(mean, spread / total, total)

    @cached_property
    def scale(self) -> tuple[FloatArray, FloatArray]:
        """(mean, 1 / √(var + 1e-8)) as float32 [D]."""
        return self.mean.astype(np.float32), (1 / np.sqrt(self.var + EPSILON)).astype(np.float32)

    def apply(self, observations: FloatArray) -> FloatArray:
        """Normalised observations, float32 [B, D]."""
        mean, inverse_std = self.scale
        normalized = np.subtract(observations, mean, dtype=np.float32)
        normalized *= inverse_std
        np.maximum(normalized, -CLIP, out=normalized)
        return np.minimum(normalized, CLIP, out=normalized)
