"""Adam, the bound of the gradient's norm, and the learning-rate schedule.

Source: Kingma, Ba, "Adam: a method for stochastic optimization", 2015, arXiv:1412.6980, algorithm 1.
"""

import math
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, check_same_shape
from domain.config import LearningRateSchedule

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-5
FINAL_LEARNING_RATE = 0.05


@dataclass(frozen=True)
class AdamState:
    """First and second moment [P] and the number of updates."""

    m: FloatArray
    v: FloatArray
    step: int = 0

    @classmethod
    def init(cls, num_parameters: int, dtype: type = np.float32) -> "AdamState":
        """Before the first update."""
        return cls(np.zeros(num_parameters, dtype), np.zeros(num_parameters, dtype))


def adam_update(state: AdamState, gradient: FloatArray, learning_rate: float) -> tuple[FloatArray, AdamState]:
    """The change of the parameters, −lr·m̂ / (√v̂ + ε) [P], and the next state. Pure; the reference of `AdamWorkspace`."""
    check_same_shape(gradient=gradient, m=state.m)
    step = state.step + 1
    m = BETA1 * state.m + (1 - BETA1) * gradient
    v = BETA2 * state.v + (1 - BETA2) * gradient**2
    m_hat, v_hat = m / (1 - BETA1**step), v / (1 - BETA2**step)
    return -learning_rate * m_hat / (np.sqrt(v_hat) + EPSILON), AdamState(m, v, step)


class AdamWorkspace:
    """Adam in place, with the constants of both moments folded into two scalars.

    Holds m/(1 − β₁) and v/(1 − β₂), which saves four passes over the parameters. The gradient is used up.
    """

    def __init__(self, state: AdamState) -> None:
        self._m = state.m / (1 - BETA1)
        self._v = state.v / (1 - BETA2)
        self._step = state.step
        self._buffer = np.empty_like(self._m)
        # As 0-d arrays: a ufunc takes them in half the time that a Python float needs.
        dtype = self._m.dtype
        self._beta1, self._beta2 = np.array(BETA1, dtype), np.array(BETA2, dtype)
        self._epsilon, self._rate = np.empty((), dtype), np.empty((), dtype)

    @property
    def state(self) -> AdamState:
        """A copy of the state, in the plain form. `AdamWorkspace(workspace.state)` goes on with equal numbers up to rounding;
        use `moments` for the same bits.
        """
        return AdamState(self._m * (1 - BETA1), self._v * (1 - BETA2), self._step)

    def moments(self) -> tuple[FloatArray, FloatArray, int]:
        """Copies of the scaled moments and the number of updates, for `restore`."""
        return self._m.copy(), self._v.copy(), self._step

    def restore(self, m: FloatArray, v: FloatArray, step: int) -> None:
        """Go on from what `moments` gave, bit for bit."""
        self._m[:], self._v[:], self._step = m, v, step

    def update_into(self, parameters: FloatArray, gradient: FloatArray, learning_rate: float) -> None:
        """One step, written into `parameters` [P]; `gradient` [P] is overwritten."""
        self._step += 1
        spread = math.sqrt((1 - BETA2) / (1 - BETA2**self._step))
        self._rate.fill(learning_rate * (1 - BETA1) / ((1 - BETA1**self._step) * spread))
        self._epsilon.fill(EPSILON / spread)
        m, v, buffer = self._m, self._v, self._buffer
        np.multiply(m, self._beta1, m)
        np.add(m, gradient, m)
        np.multiply(gradient, gradient, gradient)
        np.multiply(v, self._beta2, v)
        np.add(v, gradient, v)
        np.sqrt(v, buffer)
        np.add(buffer, self._epsilon, buffer)
        np.divide(m, buffer, buffer)
        np.multiply(buffer, self._rate, buffer)
        np.subtract(parameters, buffer, parameters)


def clip_by_global_norm_into(gradient: FloatArray, max_norm: float) -> float:
    """Scale `gradient` [P] in place so that its Euclidean norm is at most `max_norm`; the norm before.

    Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013, arXiv:1211.5063.
    """
    norm = math.sqrt(gradient.dot(gradient))
    if math.isinf(norm):  # the squares may overflow where the numbers do not
        norm = float(np.linalg.norm(gradient.astype(np.float64)))
    if norm > max_norm:
        gradient *= max_norm / norm
    return norm


def scheduled_learning_rate(initial: float, schedule: LearningRateSchedule, progress: float) -> float:
    """Step size when the share `progress` of the budget is used: constant, or falling linearly to 5 % of `initial`."""
    if schedule == "constant":
        return initial
    return initial * (1 - (1 - FINAL_LEARNING_RATE) * min(max(progress, 0.0), 1.0))
