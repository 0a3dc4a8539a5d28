"""A value without a critic network: ridge regression on fixed features of the observation, solved in closed form.

It serves generalised advantage estimation (`gae_lambda`), where whole returns of a long task are too noisy to learn from.
Features of an observation x (normalised, clipped to ±5): 1, x, the products x_i·x_j of a short x, and random Fourier features
√2·cos(Wx + b), after Rahimi, Recht, "Random features for large-scale kernel machines", 2007. A one-hot x needs no more than
itself.
"""

from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, check_shape

FOURIER_FEATURES = 256
LONGEST_FOR_PRODUCTS = 32
LONGEST_ITSELF = 1_024
CLIP = 5.0
KEPT = 0.5
RIDGE = 1e-3
BIAS_RIDGE = 1e-6


class Basis:
    """F features of observations, drawn once from a seed."""

    def __init__(self, num_inputs: int, one_hot: bool, seed: int) -> None:
        """`num_inputs`: D. `one_hot`: the observations are those of a Discrete space."""
        rng = np.random.default_rng(seed)
        self._itself = num_inputs <= LONGEST_ITSELF
        fourier = 0 if one_hot and self._itself else FOURIER_FEATURES
        self._frequencies = (rng.standard_normal((num_inputs, fourier)) / np.sqrt(num_inputs)).astype(np.float32)
        self._phases = rng.uniform(0, 2 * np.pi, fourier).astype(np.float32)
        self._pairs = np.triu_indices(num_inputs if num_inputs <= LONGEST_FOR_PRODUCTS and not one_hot else 0)
        self.size = 1 + num_inputs * self._itself + len(self._pairs[0]) + fourier

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """float32 [B, F] for inputs [B, D]."""
        check_shape("inputs", inputs, (None, len(self._frequencies)))
        x = np.clip(inputs, -CLIP, CLIP, dtype=np.float32)
        parts = [np.ones((len(x), 1), dtype=np.float32), *([x] if self._itself else [])]
        if len(self._pairs[0]):
            parts.append(x[:, self._pairs[0]] * x[:, self._pairs[1]])
        if len(self._phases):
            parts.append(np.float32(np.sqrt(2)) * np.cos(x @ self._frequencies + self._phases))
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class RidgeValue:
    """Sums over samples that fade with every update, and the weights that solve them. Immutable.

    gram: Σ φφᵀ, float64 [F, F]; moment: Σ φ·target, float64 [F]; count: how many samples they stand for.
    """

    gram: FloatArray
    moment: FloatArray
    count: float
    weights: FloatArray

    @classmethod
    def zero(cls, size: int) -> "RidgeValue":
        """Of F = `size` features, before any sample: every value is 0."""
        return cls.of(np.zeros((size, size)), np.zeros(size), 0.0)

    @classmethod
    def of(cls, gram: FloatArray, moment: FloatArray, count: float) -> "RidgeValue":
        """(Σφφᵀ + l2·n·I) w = Σφ·target, l2 = 1e-3, next to none on the bias (the first feature); w = 0 without samples."""
        if not count:
            return cls(gram, moment, count, np.zeros(len(moment), dtype=np.float32))
        ridge = np.full(len(moment), RIDGE * count)
        ridge[0] = BIAS_RIDGE * count
        try:
            weights = np.linalg.solve(gram + np.diag(ridge), moment)
        except np.linalg.LinAlgError:
            weights = np.full(len(moment), np.nan)
        return cls(gram, moment, count, weights.astype(np.float32))

    def updated(self, features: FloatArray, targets: FloatArray) -> "RidgeValue":
        """With new samples, features [B, F] and targets [B], where all earlier ones count half; B = 0 changes nothing."""
        check_shape("features", features, (None, len(self.moment)))
        check_shape("targets", targets, (len(features),))
        if not len(features):
            return self
        gram = KEPT * self.gram + (features.T @ features).astype(np.float64)
        moment = KEPT * self.moment + features.T.astype(np.float64) @ targets
        return self.of(gram, moment, KEPT * self.count + len(features))

    def __call__(self, features: FloatArray) -> FloatArray:
        """Values, float64 [B], of features [B, F]."""
        return (features @ self.weights).astype(np.float64)
