"""The policies' distributions for training: fused forms of `domain.distributions` at one batch size, without allocation.

A head reads the network's output for a minibatch and gives log π(a); then, for factors per sample, the gradient of
Σ factor·log π(a) + entropy_factor·H with respect to the output. Actions are encoded once an update, as rows of numbers
that are shuffled together with all else. Arrays that a method gives are valid until the head's next `log_prob_into`.
"""

from typing import Any, Protocol

import numpy as np

from domain.arrays import ActionArray, FloatArray
from domain.distributions import LOG_2PI


class Head(Protocol):
    """Features first: output [A, B], encoded actions [R, B]."""

    def log_prob_into(self, output: FloatArray, actions: FloatArray) -> FloatArray:
        """Log π(a), [B]."""
        ...

    def entropy(self) -> FloatArray:
        """H, [B], a new array."""
        ...

    def gradient_into(self, factor: FloatArray, entropy_factor: FloatArray | None) -> FloatArray:
        """∂(Σ factor·log π(a) + entropy_factor·H)/∂output, [A, B]; factors [B]."""
        ...


def encode_actions(actions: ActionArray, num_outputs: int) -> FloatArray:
    """What a head takes for actions, int [B] or latent float [B, A]: float32 [R, B].

    Latent actions as they are; of two actions −1 for the first and 1 for the second; of more a one for the one taken.
    """
    if actions.ndim == 2:
        return np.ascontiguousarray(actions.T, dtype=np.float32)
    if num_outputs == 2:
        return np.asarray(2 * actions - 1, dtype=np.float32)[None]
    return np.asarray(actions == np.arange(num_outputs)[:, None], dtype=np.float32)


def make_head(num_outputs: int, log_std: FloatArray, log_std_grad: FloatArray, batch_size: int) -> Head:
    """The head of a network with this many outputs; `log_std` and its gradient are empty where actions are discrete."""
    if len(log_std):
        return Gaussian(log_std, log_std_grad, batch_size)
    if num_outputs == 2:
        return TwoActions(batch_size, log_std.dtype)
    return ManyActions(num_outputs, batch_size, log_std.dtype)


class TwoActions:
    """`Categorical` over two actions: with x = ±(logit₁ − logit₀), the logit of the action taken, π(a) = 1 / (1 + e^−x).

    Everything is a row of B numbers, which numpy handles in a third of the time that [2, B] with reductions takes.
    """

    def __init__(self, batch_size: int, dtype: np.dtype[np.floating[Any]]) -> None:
        self._logit, self._log_prob, self._buffer = (np.empty(batch_size, dtype) for _ in range(3))
        self._gradient = np.empty((2, batch_size), dtype)
        self._first, self._second = self._gradient
        self._sign = self._logit
        self._zero, self._minus_one = np.array(0, dtype), np.array(-1, dtype)

    def log_prob_into(self, output: FloatArray, actions: FloatArray) -> FloatArray:
        """Log π(a) = min(x, 0) − log(1 + e^−|x|)."""
        logit, log_prob, softplus = self._logit, self._log_prob, self._buffer
        self._sign = actions[0]
        np.subtract(output[1], output[0], logit)
        np.multiply(logit, self._sign, logit)
        np.copysign(logit, self._minus_one, softplus)
        np.exp(softplus, softplus)
        np.log1p(softplus, softplus)
        np.minimum(logit, self._zero, out=log_prob)
        np.subtract(log_prob, softplus, log_prob)
        return self._log_prob

    def entropy(self) -> FloatArray:
        """H = (1 − π(a))·x − log π(a)."""
        return np.asarray(-np.expm1(self._log_prob) * self._logit - self._log_prob)

    def gradient_into(self, factor: FloatArray, entropy_factor: FloatArray | None) -> FloatArray:
        """∂log π(a)/∂x = 1 − π(a); ∂H/∂x = −π(a)·(1 − π(a))·x."""
        if entropy_factor is not None:
            factor = factor - entropy_factor * np.exp(self._log_prob) * self._logit
        first, second = self._first, self._second
        np.expm1(self._log_prob, first)
        np.multiply(first, factor, first)
        np.multiply(first, self._sign, first)
        np.negative(first, second)
        return self._gradient


class ManyActions:
    """`Categorical` over any number of actions; they are encoded one-hot."""

    def __init__(self, num_actions: int, batch_size: int, dtype: np.dtype[np.floating[Any]]) -> None:
        shape = (num_actions, batch_size)
        self._log_probs, self._probabilities, self._chosen = (np.empty(shape, dtype) for _ in range(3))
        self._row, self._log_prob = np.empty(batch_size, dtype), np.empty(batch_size, dtype)
        self._actions = self._chosen

    def log_prob_into(self, output: FloatArray, actions: FloatArray) -> FloatArray:
        """Log softmax at the action taken."""
        log_probs, probabilities, row = self._log_probs, self._probabilities, self._row
        self._actions = actions
        np.maximum.reduce(output, axis=0, out=row)
        np.subtract(output, row, log_probs)
        np.exp(log_probs, probabilities)
        np.add.reduce(probabilities, axis=0, out=row)
        np.divide(probabilities, row, probabilities)
        np.subtract(log_probs, np.log(row, row), log_probs)
        np.multiply(log_probs, actions, self._chosen)
        np.add.reduce(self._chosen, axis=0, out=self._log_prob)
        return self._log_prob

    def entropy(self) -> FloatArray:
        """H = −Σ p log p."""
        return np.asarray(-(self._probabilities * self._log_probs).sum(axis=0))

    def gradient_into(self, factor: FloatArray, entropy_factor: FloatArray | None) -> FloatArray:
        """∂log π(a)/∂logits = 1[a] − p; ∂H/∂logits = −p·(log p + H)."""
        gradient = self._chosen
        np.subtract(self._actions, self._probabilities, gradient)
        np.multiply(gradient, factor, gradient)
        if entropy_factor is not None:
            np.add(self._log_probs, self.entropy(), self._log_probs)
            np.multiply(self._log_probs, self._probabilities, self._log_probs)
            np.multiply(self._log_probs, entropy_factor, self._log_probs)
            np.subtract(gradient, self._log_probs, gradient)
        return gradient


class Gaussian:
    """`DiagonalGaussian`. The gradient with respect to log σ, which is a parameter, is written where the caller said."""

    def __init__(self, log_std: FloatArray, log_std_grad: FloatArray, batch_size: int) -> None:
        """`log_std`: view of the parameters, [A], read anew for each minibatch; `log_std_grad`: view of the gradient, [A]."""
        shape, dtype = (len(log_std), batch_size), log_std.dtype
        self._log_std, self._log_std_grad = log_std, log_std_grad
        self._z, self._buffer = np.empty(shape, dtype), np.empty(shape, dtype)
        self._inverse_std, self._log_prob = np.empty((len(log_std), 1), dtype), np.empty(batch_size, dtype)
        self._half, self._entropy = np.array(-0.5, dtype), 0.0

    def log_prob_into(self, output: FloatArray, actions: FloatArray) -> FloatArray:
        """Log π(a) = −Σ (z²/2 + log σ + log 2π / 2)."""
        z, total, size = self._z, float(self._log_std.sum()), len(self._log_std)
        self._entropy = total + size * (1 + LOG_2PI) / 2
        np.exp(-self._log_std, self._inverse_std[:, 0])
        np.subtract(actions, output, z)
        np.multiply(z, self._inverse_std, z)
        np.multiply(z, z, self._buffer)
        np.add.reduce(self._buffer, axis=0, out=self._log_prob)
        np.multiply(self._log_prob, self._half, self._log_prob)
        np.subtract(self._log_prob, total + size * LOG_2PI / 2, self._log_prob)
        return self._log_prob

    def entropy(self) -> FloatArray:
        """H = Σ (log σ + (1 + log 2π) / 2), the same for every sample."""
        return np.full_like(self._log_prob, self._entropy)

    def gradient_into(self, factor: FloatArray, entropy_factor: FloatArray | None) -> FloatArray:
        """∂log π(a)/∂mean = z/σ; ∂log π(a)/∂log σ = z² − 1; ∂H/∂log σ = 1."""
        # z² is still in the buffer, so that the sum over samples is one product.
        np.dot(self._buffer, factor, self._log_std_grad)
        self._log_std_grad -= factor.sum()
        if entropy_factor is not None:
            self._log_std_grad += entropy_factor.sum()
        np.multiply(self._z, factor, self._buffer)
        np.multiply(self._buffer, self._inverse_std, self._buffer)
        return self._buffer
