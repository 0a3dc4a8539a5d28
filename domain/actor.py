"""The policy while it explores: the same few numpy calls for every step of a rollout."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from domain.arrays import ActionArray, FloatArray, IntArray
from domain.config import TrainingConfig
from domain.network import MLP, Workspace
from domain.normalizer import CLIP, Normalizer
from domain.policy import scale_actions
from domain.spaces import Box, EnvironmentSpec

NOISE_CHUNK = 64


class Actor(Protocol):
    """Chooses actions for N members. Its parameters and normaliser are frozen for one rollout."""

    def act(self, observations: FloatArray) -> tuple[ActionArray, ActionArray]:
        """Samples as the policy sees them (int [N] or latent float [N, A]) and as the environment takes them.

        `observations`: features [N, D]. The arrays are new at every call.
        """
        ...


class _Forward:
    """Normalisation and the network on N members, in preallocated buffers."""

    def __init__(self, network: MLP, parameters: FloatArray, normalizer: Normalizer | None, num_envs: int) -> None:
        self._inputs = np.ones((network.sizes[0] + 1, num_envs), dtype=np.float32)
        self._features = self._inputs[:-1]
        self._scale = None if normalizer is None else [_columns(row, num_envs) for row in normalizer.scale]
        self._low, self._high = np.array(-CLIP, np.float32), np.array(CLIP, np.float32)
        self._workspace = Workspace(network, parameters, np.empty(network.num_parameters, np.float32), num_envs)

    def __call__(self, observations: FloatArray) -> FloatArray:
        """Network outputs [A, N], valid until the next call. `Normalizer.apply` and `MLP.forward` in other words."""
        features = self._features
        if self._scale is None:
            features[:] = observations.T
        else:
            mean, inverse_std = self._scale
            np.subtract(observations.T, mean, features)
            np.multiply(features, inverse_std, features)
            np.maximum(features, self._low, out=features)
            np.minimum(features, self._high, out=features)
        return self._workspace.forward_into(self._inputs)


def _columns(row: FloatArray, count: int) -> FloatArray:
    """`count` times the same column, [D, count]: without broadcasting a small operation takes a third of its time."""
    return np.repeat(row[:, None], count, axis=1)


class CategoricalActor:
    """Samples by the Gumbel-max trick: argmax(logits + Gumbel noise) follows the softmax; noise is drawn in chunks.

    Of two actions the second is taken where the difference of the logits is above that of the noise.
    Source: Maddison, Tarlow, Minka, "A* sampling", 2014, arXiv:1411.0030, section 2.
    """

    def __init__(
        self,
        forward: _Forward,
        num_actions: int,
        num_envs: int,
        chunk: int,
        rng: np.random.Generator,
        correlation: float = 0.0,
    ) -> None:
        self._forward, self._two_actions = forward, num_actions == 2
        self._noise = _gumbel_noise((chunk, num_actions, num_envs), rng)
        if correlation:
            self._noise = _held(self._noise, correlation, num_envs, rng)

    def act(self, observations: FloatArray) -> tuple[IntArray, IntArray]:
        logits, noise = self._forward(observations), next(self._noise)
        better = logits[1] - logits[0] > noise if self._two_actions else logits + noise
        actions = better.astype(np.intp) if self._two_actions else better.argmax(axis=0)
        return actions, actions


def _gumbel_noise(shape: tuple[int, int, int], rng: np.random.Generator) -> Iterator[FloatArray]:
    """Gumbel noise for one step after the other, [A, N]; for two actions that of the first minus that of the second, [N]."""
    while True:
        exponential = rng.standard_exponential(shape, dtype=np.float32)
        noise = -np.log(np.maximum(exponential, np.float32(1e-30)))
        yield from noise if shape[1] != 2 else noise[:, 0] - noise[:, 1]


def _held(noise: Iterator[FloatArray], probability: float, num_envs: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Each member keeps its noise of the step before with this probability, and takes new noise otherwise.

    So a single action still follows the policy, and neighbouring ones are alike: what a drawn-out push needs.
    """
    held = next(noise)
    while True:
        yield held
        held = np.where(rng.random(num_envs) < probability, held, next(noise))


class GaussianActor:
    """Samples a = μ(s) + σ·ε with ε an AR(1) process for each member: ε_t = ρ·ε_{t−1} + √(1 − ρ²)·n_t, n_t ~ N(0, 1).

    Every ε_t is standard normal, so a single action follows N(μ, σ²), whose log-probability training uses; neighbours are
    correlated, which a drawn-out push needs. Source: Wawrzyński, "Control policy with autocorrelated noise in reinforcement
    learning for robotics", 2015.
    """

    def __init__(
        self,
        forward: _Forward,
        space: Box,
        log_std: FloatArray,
        correlation: float,
        num_envs: int,
        rng: np.random.Generator,
    ) -> None:
        self._forward, self._space, self._rng = forward, space, rng
        self._std = np.exp(log_std)
        self._correlation = np.float32(correlation)
        self._innovation = np.float32(np.sqrt(1 - correlation**2))
        self._noise = rng.standard_normal((num_envs, len(log_std)), dtype=np.float32)

    def act(self, observations: FloatArray) -> tuple[FloatArray, FloatArray]:
        latent = self._forward(observations).T + self._std * self._noise
        fresh = self._rng.standard_normal(self._noise.shape, dtype=np.float32)
        self._noise = self._correlation * self._noise + self._innovation * fresh
        return latent, scale_actions(self._space, latent)


def make_actor(
    config: TrainingConfig,
    environment: EnvironmentSpec,
    network: MLP,
    parameters: FloatArray,
    normalizer: Normalizer | None,
    rng: np.random.Generator,
) -> Actor:
    """The actor for the environment's action space; `parameters` is the flat vector with log σ behind it."""
    forward = _Forward(network, parameters, normalizer, config.n_envs)
    space = environment.action_space
    if isinstance(space, Box):
        log_std = parameters[network.num_parameters :].copy()
        return GaussianActor(forward, space, log_std, config.noise_correlation, config.n_envs, rng)
    chunk = min(config.n_steps or NOISE_CHUNK, NOISE_CHUNK)
    return CategoricalActor(forward, space.n, config.n_envs, chunk, rng, config.noise_correlation)
