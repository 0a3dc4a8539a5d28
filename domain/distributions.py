"""The policies' distributions over actions, with hand-written gradients. Layout: features first, [A, B].

Each offers the same four functions of its parameters: `log_prob`, `entropy`, and the two gradients with respect to the
parameters, each scaled by a given factor per sample. The KL estimate k3 needs log-probabilities only.
"""

import math

import numpy as np

from domain.arrays import FloatArray, IntArray

LOG_2PI = math.log(2 * math.pi)
MIN_LOG_STD = -5.0


class Categorical:
    """A categorical distribution given by logits [A, B], evaluated at actions, int [B]."""

    def __init__(self, logits: FloatArray, actions: IntArray) -> None:
        self._log_probs = logits - logits.max(axis=0)
        probabilities = np.exp(self._log_probs)
        total = probabilities.sum(axis=0)
        self._log_probs -= np.log(total)
        probabilities /= total
        self._probabilities = probabilities
        self._chosen = (actions, np.arange(len(actions)))

    @staticmethod
    def probabilities(logits: FloatArray) -> FloatArray:
        """Softmax over the first axis, [A, B]; finite for any finite logits."""
        exponentials = np.exp(logits - logits.max(axis=0))
        return np.asarray(exponentials / exponentials.sum(axis=0))

    def log_prob(self) -> FloatArray:
        """Log π(a), [B]."""
        return np.asarray(self._log_probs[self._chosen])

    def entropy(self) -> FloatArray:
        """H = −Σ p log p, [B], between 0 and log A."""
        return np.asarray(-(self._probabilities * self._log_probs).sum(axis=0))

    def log_prob_grad(self, factor: FloatArray) -> FloatArray:
        """Factor · ∂log π(a)/∂logits = factor · (1[a] − p), [A, B]; `factor` [B]."""
        gradient: FloatArray = self._probabilities * -factor
        gradient[self._chosen] += factor
        return gradient

    def entropy_grad(self, factor: FloatArray) -> FloatArray:
        """Factor · ∂H/∂logits = −factor · p · (log p + H), [A, B]; `factor` [B]."""
        return np.asarray(-factor * self._probabilities * (self._log_probs + self.entropy()))


class DiagonalGaussian:
    """A Gaussian with means [A, B] and state-independent log σ [A], evaluated at actions [A, B] before clipping."""

    def __init__(self, mean: FloatArray, log_std: FloatArray, actions: FloatArray) -> None:
        self._log_std = log_std.copy()  # of the caller's parameters, which an optimiser step changes in place
        self._inverse_std = np.exp(-log_std)[:, None]
        self._z = (actions - mean) * self._inverse_std

    def log_prob(self) -> FloatArray:
        """Log π(a) = −Σ (z²/2 + log σ + log 2π / 2), [B]."""
        constant = self._log_std.sum() + len(self._log_std) * LOG_2PI / 2
        return np.asarray(-0.5 * (self._z * self._z).sum(axis=0) - constant)

    def entropy(self) -> FloatArray:
        """H = Σ (log σ + (1 + log 2π) / 2), the same for every sample, [B]."""
        value = self._log_std.sum() + len(self._log_std) * (1 + LOG_2PI) / 2
        return np.full(self._z.shape[1], value, dtype=self._z.dtype)

    def log_prob_grad(self, factor: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Factor · ∂log π(a)/∂(mean, log σ): [A, B] and, summed over samples, [A]; `factor` [B]."""
        scaled = self._z * factor
        return scaled * self._inverse_std, (scaled * self._z).sum(axis=1) - factor.sum()

    def entropy_grad(self, factor: FloatArray) -> FloatArray:
        """Σ factor · ∂H/∂log σ = Σ factor, [A]; `factor` [B]. The mean has no influence."""
        return np.full_like(self._log_std, factor.sum())


def k3(log_prob: FloatArray, reference_log_prob: FloatArray) -> FloatArray:
    """Per-sample KL estimate e^d − d − 1 ≥ 0 with d = log π_ref − log π, [B]; its mean over π is KL(π ‖ π_ref).

    Its derivative with respect to log π is 1 − e^d. Source: Schulman, "Approximating KL divergence", 2020; used so in Shao
    et al., "DeepSeekMath", 2024, arXiv:2402.03300, eq. 4.
    """
    difference = reference_log_prob - log_prob
    return np.asarray(np.expm1(difference) - difference)
