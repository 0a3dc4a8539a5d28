"""The clipped objective of GRPO and its relatives, with its gradient.

loss = mean over samples of w·(−min(ρA, clip(ρ, 1 − ε, 1 + ε_high)·A) − ent_coef·H + β·k3)

ρ = π/π_old for one step (`token`) or the geometric mean over a trajectory (`sequence`); the weights w make the mean one
over steps (`dapo`), over trajectories (`grpo`), or a sum over a constant length (`dr_grpo`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.arrays import FloatArray, IntArray, check_same_shape
from domain.config import LossType
from domain.distributions import Categorical, DiagonalGaussian, k3


@dataclass(frozen=True)
class ObjectiveTerms:
    """What the objective needs beside the policy's distribution; arrays are [B].

    `advantages` are weighted already (A·w); `weights` are needed for entropy and KL only.
    `trajectories`: int ids 0 … K − 1 for ratios per trajectory, each wholly in the batch; None = one ratio per step.
    """

    old_log_prob: FloatArray
    advantages: FloatArray
    weights: FloatArray
    reference_log_prob: FloatArray | None = None
    trajectories: IntArray | None = None

    @classmethod
    def joined(cls, parts: Sequence["ObjectiveTerms"]) -> "ObjectiveTerms":
        """The samples of several minibatches, which share no trajectory."""
        trajectories = [part.trajectories for part in parts if part.trajectories is not None]
        references = [part.reference_log_prob for part in parts if part.reference_log_prob is not None]
        first_ids = np.cumsum([0, *(ids.max() + 1 for ids in trajectories)])
        distinct = [ids + first for ids, first in zip(trajectories, first_ids, strict=False)]
        return cls(
            np.concatenate([part.old_log_prob for part in parts]),
            np.concatenate([part.advantages for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate(references) if references else None,
            np.concatenate(distinct) if distinct else None,
        )


@dataclass(frozen=True)
class Statistics:
    """Means over samples; `approx_kl` is the k3 estimate of KL(π_old ‖ π), as Stable-Baselines3's."""

    loss: float
    approx_kl: float
    clip_fraction: float
    entropy: float
    kl: float


@dataclass(frozen=True)
class Objective:
    """Coefficients of the objective. All methods are pure."""

    epsilon: float = 0.2
    epsilon_high: float = 0.2
    ent_coef: float = 0.0
    beta: float = 0.0

    def loss(self, distribution: Categorical | DiagonalGaussian, terms: ObjectiveTerms) -> float:
        """The loss, a number."""
        return self._loss(distribution.log_prob(), distribution.entropy(), terms)

    def factor(self, log_prob: FloatArray, terms: ObjectiveTerms) -> FloatArray:
        """∂loss/∂log π of surrogate and KL, [B], for log π [B].

        Where the clip binds, min(ρA, clip(ρ)A) is constant in ρ: the surrogate's gradient is exactly 0 there.
        """
        check_same_shape(log_prob=log_prob, old_log_prob=terms.old_log_prob, advantages=terms.advantages)
        count = len(log_prob)
        ratio = np.exp(_log_ratio(log_prob, terms))
        surrogate = ratio * terms.advantages
        bound = surrogate > self._clip(ratio) * terms.advantages
        factor: FloatArray = np.where(bound, 0, surrogate)  # no product: an infinite ratio times 0 is none
        if terms.trajectories is not None:
            factor = _mean_over_trajectory(factor, terms.trajectories)
        factor *= -1 / count
        if self.beta and terms.reference_log_prob is not None:
            factor += self.beta / count * terms.weights * -np.expm1(terms.reference_log_prob - log_prob)
        return factor

    def entropy_factor(self, terms: ObjectiveTerms) -> FloatArray | None:
        """∂loss/∂H, [B], None where entropy has no weight."""
        return (-self.ent_coef / len(terms.weights)) * terms.weights if self.ent_coef else None

    def gradient(
        self, distribution: Categorical | DiagonalGaussian, terms: ObjectiveTerms
    ) -> tuple[FloatArray, FloatArray | None]:
        """∂loss/∂output of the network [A, B] and, for a Gaussian, ∂loss/∂log σ [A]."""
        factor, entropy_factor = self.factor(distribution.log_prob(), terms), self.entropy_factor(terms)
        if isinstance(distribution, Categorical):
            output_grad = distribution.log_prob_grad(factor)
            if entropy_factor is not None:
                output_grad += distribution.entropy_grad(entropy_factor)
            return output_grad, None
        output_grad, log_std_grad = distribution.log_prob_grad(factor)
        if entropy_factor is not None:
            log_std_grad = log_std_grad + distribution.entropy_grad(entropy_factor)
        return output_grad, log_std_grad

    def statistics(self, log_prob: FloatArray, entropy: FloatArray, terms: ObjectiveTerms) -> Statistics:
        """What is reported of samples with these log π and H, [B]."""
        ratio = np.exp(_log_ratio(log_prob, terms))
        reference = terms.reference_log_prob
        return Statistics(
            loss=self._loss(log_prob, entropy, terms),
            approx_kl=approx_kl(log_prob, terms.old_log_prob),
            clip_fraction=float(np.mean(ratio != self._clip(ratio))),
            entropy=float(entropy.mean()),
            kl=float(k3(log_prob, reference).mean()) if reference is not None else 0.0,
        )

    def limits(self, advantages: FloatArray) -> FloatArray:
        """The largest ρA that the clip lets through, (1 + ε_high)·A for A > 0 and (1 − ε)·A for A < 0, [B]."""
        return np.asarray(np.maximum(advantages * (1 - self.epsilon), advantages * (1 + self.epsilon_high)))

    def _loss(self, log_prob: FloatArray, entropy: FloatArray, terms: ObjectiveTerms) -> float:
        ratio = np.exp(_log_ratio(log_prob, terms))
        per_sample = -np.minimum(ratio * terms.advantages, self._clip(ratio) * terms.advantages)
        if self.ent_coef:
            per_sample = per_sample - self.ent_coef * terms.weights * entropy
        if self.beta and terms.reference_log_prob is not None:
            per_sample = per_sample + self.beta * terms.weights * k3(log_prob, terms.reference_log_prob)
        return float(per_sample.mean())

    def _clip(self, ratio: FloatArray) -> FloatArray:
        return np.minimum(np.maximum(ratio, 1 - self.epsilon), 1 + self.epsilon_high)


class SurrogateWorkspace:
    """`Objective.factor` for one ratio per step at one batch size, without allocation; equal to it up to rounding.

    min(ρA, clip(ρ)A) = min(ρA, limit) with a limit that depends on A alone (`Objective.limits`): what the ratio is clipped
    to is worked out once an update and not once a minibatch.
    """

    def __init__(self, objective: Objective, batch_size: int, dtype: np.dtype[np.floating[Any]]) -> None:
        self._factor, self._bound = np.empty(batch_size, dtype), np.empty(batch_size, np.bool_)
        self._scale, self._zero = np.array(-1 / batch_size, dtype), np.array(0, dtype)
        self._beta = np.array(-objective.beta / batch_size, dtype) if objective.beta else None

    def factor_into(self, log_prob: FloatArray, terms: ObjectiveTerms, limits: FloatArray) -> FloatArray:
        """∂loss/∂log π of surrogate and KL, [B], valid until the next call; `limits`: of the advantages, [B]."""
        factor, bound = self._factor, self._bound
        np.subtract(log_prob, terms.old_log_prob, factor)
        np.exp(factor, factor)
        np.multiply(factor, terms.advantages, factor)
        np.greater(factor, limits, bound)
        np.copyto(factor, self._zero, where=bound)
        np.multiply(factor, self._scale, factor)
        if self._beta is not None and terms.reference_log_prob is not None:
            factor += self._beta * terms.weights * np.expm1(terms.reference_log_prob - log_prob)
        return factor


def approx_kl(log_prob: FloatArray, old_log_prob: FloatArray) -> float:
    """Mean of (ρ − 1) − log ρ over samples of π_old: an estimate of KL(π_old ‖ π)."""
    return float(k3(old_log_prob, log_prob).mean())


def sample_weights(trajectories: IntArray, loss_type: LossType, max_length: int) -> FloatArray:
    """Weights w [B] such that the mean over samples of w·ℓ is the aggregation that `loss_type` names.

    `trajectories`: int ids 0 … K − 1 [B]; `max_length`: the constant length of `dr_grpo`, in steps.
    grpo: B / (K·|τ|), the mean per trajectory and then over trajectories (arXiv:2402.03300, eq. 3).
    dapo: 1, the mean over all steps (Yu et al., "DAPO", 2025, arXiv:2503.14476, eq. 8).
    dr_grpo: B / (K·max_length) (Liu et al., "Understanding R1-Zero-like training", 2025, arXiv:2503.20783).
    """
    lengths = np.bincount(trajectories)
    total, count = len(trajectories), len(lengths)
    if loss_type == "dapo":
        return np.ones(total)
    if loss_type == "grpo":
        return np.asarray(total / (count * lengths[trajectories]))
    return np.full(total, total / (count * max_length))


def _log_ratio(log_prob: FloatArray, terms: ObjectiveTerms) -> FloatArray:
    """Log ρ: per step, or its mean over the trajectory (Zheng et al., "GSPO", 2025, arXiv:2507.18071, eq. 7)."""
    log_ratio = log_prob - terms.old_log_prob
    return log_ratio if terms.trajectories is None else _mean_over_trajectory(log_ratio, terms.trajectories)


def _mean_over_trajectory(samples: FloatArray, trajectories: IntArray) -> FloatArray:
    means = np.bincount(trajectories, weights=samples) / np.bincount(trajectories)
    return means[trajectories].astype(samples.dtype)
