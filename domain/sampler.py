"""The sampling half of an iteration: a rollout of whole groups, its rewards, returns and group-relative advantages.

One sampler has all groups of a run, or several have some each (`num_workers`): what a group needs is in the group, so its
advantages are computed where it was sampled. What needs all groups (scaling by the batch, the normaliser, the ridge value)
is left to whoever joins the samples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.actor import make_actor
from domain.advantages import generalized_advantages, group_advantages, returns_to_go
from domain.arrays import FloatArray
from domain.config import TrainingConfig
from domain.network import MLP
from domain.normalizer import Normalizer
from domain.ports import EnvironmentFactory
from domain.rewards import REWARD_FUNCTIONS
from domain.ridge_value import Basis, RidgeValue
from domain.rollout import Collector, Rollout
from domain.shaping import training_rewards
from domain.spaces import Discrete, EnvironmentSpec


@dataclass(frozen=True)
class Current:
    """What a rollout is made with: parameters float32 [P], the normaliser, and the value where `gae_lambda` is set."""

    parameters: FloatArray
    normalizer: Normalizer
    ridge: RidgeValue | None


@dataclass(frozen=True)
class Sample:
    """A rollout; what was learned from, [T, N]; advantages within each group, unscaled, [T, N].

    With a value: the features [B, F] of the valid samples and the λ-returns [B] that it is to learn.
    """

    rollout: Rollout
    rewards: FloatArray
    centred: FloatArray
    features: FloatArray | None = None
    targets: FloatArray | None = None


@dataclass(frozen=True)
class SamplerState:
    """What the next rollout goes on from: arrays by name, and the generator's state where the sampler has one of its own."""

    arrays: Mapping[str, NDArray[Any]]
    rng: Mapping[str, Any] | None = None


def make_basis(environment: EnvironmentSpec, config: TrainingConfig) -> Basis | None:
    """The features of the value, where there is one: the same for equal configurations."""
    if config.gae_lambda is None:
        return None
    space = environment.observation_space
    return Basis(space.size, isinstance(space, Discrete), config.seed)


class Sampler:
    """Samples groups from environments of its own. Not thread-safe."""

    def __init__(
        self, environments: EnvironmentFactory, config: TrainingConfig, rng: np.random.Generator, *, own_rng: bool = False
    ) -> None:
        """`config`: of which `n_envs` are stepped here. `own_rng`: nobody else draws from `rng`, so its state is kept here.

        Raises UnknownEnvironment, UnsupportedEnvironment, EnvironmentFailed.
        """
        self._config, self._rng, self._own_rng = config, rng, own_rng
        self._environment = environments.describe(config.env_name)
        space, actions = self._environment.observation_space, self._environment.action_space
        self._network = MLP((space.size, *config.hidden_sizes, actions.size), config.activation)
        self._reward = REWARD_FUNCTIONS[config.reward_function_type]
        self._basis = make_basis(self._environment, config)
        self._vector = environments.make(config.env_name, config.n_envs, config.max_episode_steps)
        self._collector = Collector(self._vector, config, rng)

    @property
    def under_way(self) -> int:
        """Steps since the last `settle`."""
        return self._collector.under_way

    def settle(self) -> None:
        """The steps that were under way are counted elsewhere now."""
        self._collector.under_way = 0

    @property
    def episodes(self) -> Sequence[tuple[float, int]]:
        """Native return and length of the last 100 episodes that ended here."""
        return self._collector.episodes.ended

    def sample(self, current: Current, budget: int, should_stop: Callable[[], bool]) -> Sample:
        """At most `budget` (1 or more) environment steps. Raises Interrupted, EnvironmentFailed, RewardFailed."""
        config = self._config
        normalizer = current.normalizer if config.norm_obs else None
        actor = make_actor(config, self._environment, self._network, current.parameters, normalizer, self._rng)
        rollout = self._collector.collect(actor, budget, should_stop)
        rewards = training_rewards(self._reward, self._environment, rollout)
        returns, features, targets = self._returns(rollout, rewards, current)
        centred = group_advantages(returns, rollout.valid, config.num_generations, config.supervision)
        return Sample(rollout, rewards, centred, features, targets)

    def state(self) -> SamplerState:
        """Of the moment, as copies."""
        return SamplerState(self._collector.state(), self._rng.bit_generator.state if self._own_rng else None)

    def restore(self, state: SamplerState) -> None:
        """Take up what `state` gave."""
        self._collector.restore({**state.arrays})
        if state.rng is not None:
            self._rng.bit_generator.state = state.rng

    def close(self) -> None:
        """Close the environments."""
        self._vector.close()

    def _returns(
        self, rollout: Rollout, rewards: FloatArray, current: Current
    ) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
        """What the members of a group are compared by: whole returns, or generalised advantages; [T, N].

        With the latter, the samples for the value.
        """
        config = self._config
        if self._basis is None or current.ridge is None:
            return returns_to_go(rewards, rollout.ended, config.gamma), None, None
        valid, value = rollout.valid, current.ridge
        apply = current.normalizer.apply if config.norm_obs else lambda observations: observations
        now = self._basis(apply(_rows(rollout.observations)))
        following = self._basis(apply(_rows(rollout.next_observations)))
        features = now[valid.ravel()]
        if not value.count:  # in the first rollout a value of whole returns is better than none
            value = value.updated(features, returns_to_go(rewards, rollout.ended, config.gamma)[valid])
        advantages, targets = self._estimate(rollout, rewards, value(now), value(following))
        return advantages, features, targets

    def _estimate(
        self, rollout: Rollout, rewards: FloatArray, values: FloatArray, next_values: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Generalised advantages [T, N], and the λ-returns of the valid samples, from values [T · N]."""
        valid, gae_lambda = rollout.valid, self._config.gae_lambda or 0.0
        values, next_values = values.reshape(valid.shape) * valid, next_values.reshape(valid.shape) * valid
        advantages = generalized_advantages(
            rewards, values, next_values, rollout.terminated, rollout.ended, self._config.gamma, gae_lambda
        )
        return advantages, (advantages + values)[valid]


def joined(samples: Sequence[Sample]) -> Sample:
    """The groups of all samples side by side, in their order; shorter rollouts end with steps that are not valid."""
    if len(samples) == 1:
        return samples[0]
    steps = max(len(sample.centred) for sample in samples)

    def side_by_side(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        padded = [np.concatenate([a, np.zeros((steps - len(a), *a.shape[1:]), dtype=a.dtype)]) for a in arrays]
        return np.concatenate(padded, axis=1)

    columns = (field.name for field in fields(Rollout))
    rollout = Rollout(*(side_by_side([getattr(sample.rollout, name) for sample in samples]) for name in columns))
    rewards, centred = (side_by_side([getattr(sample, name) for sample in samples]) for name in ("rewards", "centred"))
    features = [sample.features for sample in samples if sample.features is not None]
    targets = [sample.targets for sample in samples if sample.targets is not None]
    if not features:
        return Sample(rollout, rewards, centred)
    return Sample(rollout, rewards, centred, np.concatenate(features), np.concatenate(targets))


def _rows(observations: FloatArray) -> FloatArray:
    """[T, N, D] as [T · N, D]."""
    return observations.reshape(-1, observations.shape[-1])
