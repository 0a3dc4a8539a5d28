"""A trained policy as it is kept and served: a network with its normaliser, its spaces and its value read-out."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from domain.arrays import ActionArray, FloatArray, check_shape
from domain.distributions import Categorical
from domain.network import MLP, FrozenMLP
from domain.normalizer import Normalizer
from domain.spaces import Box, EnvironmentSpec, encode_observations
from domain.value import predict_value


@dataclass(frozen=True)
class Prediction:
    """Answers for B observations.

    `actions`: Discrete: int [B], values of the space; Box: float [B, A], within bounds, flattened.
    `action_probs`: Discrete: [B, n]; Box: None. `values`: expected discounted native return, [B].
    """

    actions: ActionArray
    action_probs: FloatArray | None
    values: FloatArray


@dataclass(frozen=True)
class Policy:
    """Immutable; everything that acting needs.

    `parameters`: float32 [P], the network's flat vector, followed by log σ [A] for a Box action space.
    `value_weights`: float32 [H + 1], read-out of the last hidden layer, bias last.
    """

    environment: EnvironmentSpec
    network: MLP
    parameters: FloatArray
    normalizer: Normalizer | None
    value_weights: FloatArray

    def __post_init__(self) -> None:
        log_std = self.environment.action_space.size if self.environment.continuous else 0
        ends = (self.environment.observation_space.size, self.environment.action_space.size)
        if (self.network.sizes[0], self.network.sizes[-1]) != ends:
            raise ValueError(f"a network of {self.network.sizes} does not join {ends[0]} features to {ends[1]} actions")
        if self.normalizer is not None:
            check_shape("normalizer.mean", self.normalizer.mean, ends[:1])
            check_shape("normalizer.var", self.normalizer.var, ends[:1])
        check_shape("parameters", self.parameters, (self.network.num_parameters + log_std,))
        check_shape("value_weights", self.value_weights, (self.network.sizes[-2] + 1,))

    @cached_property
    def _frozen_network(self) -> FrozenMLP:
        return FrozenMLP(self.network, self.parameters)

    def predict(
        self, observations: FloatArray, deterministic: bool = True, rng: np.random.Generator | None = None
    ) -> Prediction:
        """Act on raw observations, [B, D] for a Box and [B, 1] for a Discrete space.

        `rng` is needed unless `deterministic`. Raises ValueError for a value outside a Discrete observation space.
        """
        encoded = encode_observations(self.environment.observation_space, observations)
        prediction = self.predict_features(encoded, deterministic, rng)
        space = self.environment.action_space
        if isinstance(space, Box) or not space.start:
            return prediction
        return replace(prediction, actions=prediction.actions + space.start)

    def predict_features(
        self, features: FloatArray, deterministic: bool = True, rng: np.random.Generator | None = None
    ) -> Prediction:
        """Act on encoded observations [B, D], as a VectorEnvironment gives and takes them: Discrete actions count from 0."""
        inputs = self.normalizer.apply(features) if self.normalizer is not None else features
        hidden, output = self._frozen_network(inputs)
        values = predict_value(self.value_weights, hidden)
        space = self.environment.action_space
        if isinstance(space, Box):
            latent = output
            if not deterministic:
                log_std = self.parameters[self.network.num_parameters :]
                latent = output + np.exp(log_std) * _generator(rng).standard_normal(output.shape, dtype=np.float32)
            return Prediction(scale_actions(space, latent), None, values)
        scores = output if deterministic else output + _generator(rng).gumbel(size=output.shape)
        return Prediction(scores.argmax(axis=1), Categorical.probabilities(output.T).T, values)

    def __call__(self, observations: FloatArray) -> ActionArray:
        """Deterministic actions for a batch of raw observations."""
        return self.predict(observations).actions


def scale_actions(space: Box, latent: FloatArray) -> FloatArray:
    """Map latent actions, [B, A] with 1 = half the range, to the environment's, clipped to its bounds.

    A coordinate without two finite bounds is passed on unscaled and clipped to the bound that it has.
    """
    low, high = np.asarray(space.low, dtype=np.float32), np.asarray(space.high, dtype=np.float32)
    bounded = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore"):
        center = np.where(bounded, (low + high) / 2, np.float32(0))
        half_range = np.where(bounded, (high - low) / 2, np.float32(1))
    return np.clip(center + half_range * latent, low, high)


def _generator(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise ValueError("a stochastic action needs a random generator")
    return rng
