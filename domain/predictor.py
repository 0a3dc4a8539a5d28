"""Predictions one at a time: `Policy.predict` for a single observation, with all that is constant worked out before."""

import math

import numpy as np

from domain.arrays import FloatArray
from domain.network import FrozenMLP
from domain.normalizer import CLIP
from domain.policy import Policy
from domain.spaces import Box

MAX_ACTIONS = 16


class Predictor:
    """Immutable and thread-safe. Equal to `policy.predict` on one row, up to rounding, in a third of the time.

    A ufunc on a handful of numbers costs what a few dozen Python operations do, so the softmax of few actions is made of these.
    """

    def __init__(self, policy: Policy) -> None:
        """For a policy that `fits`."""
        self._network = FrozenMLP(policy.network, policy.parameters)
        self._scale = policy.normalizer.scale if policy.normalizer is not None else None
        self._low, self._high = np.array(-CLIP, np.float32), np.array(CLIP, np.float32)
        self._value_weights, self._value_bias = policy.value_weights[:-1].copy(), float(policy.value_weights[-1])
        self._first_action = getattr(policy.environment.action_space, "start", 0)

    @staticmethod
    def fits(policy: Policy) -> bool:
        """Whether the policy sees a Box and chooses among few actions."""
        spaces = policy.environment.observation_space, policy.environment.action_space
        return isinstance(spaces[0], Box) and not isinstance(spaces[1], Box) and spaces[1].n <= MAX_ACTIONS

    def __call__(self, observation: FloatArray) -> tuple[int, list[float], float]:
        """The most likely action, a value of the space; the probabilities of all; the value. `observation`: raw, [D]."""
        features = observation.astype(np.float32)
        if self._scale is not None:
            mean, inverse_std = self._scale
            np.subtract(features, mean, features)
            np.multiply(features, inverse_std, features)
            np.maximum(features, self._low, out=features)
            np.minimum(features, self._high, out=features)
        hidden, output = self._network(features)
        logits: list[float] = output.tolist()
        highest = max(logits)
        weights = [math.exp(logit - highest) for logit in logits]
        total = sum(weights)
        value = float(hidden.dot(self._value_weights)) + self._value_bias
        return self._first_action + logits.index(highest), [weight / total for weight in weights], value
