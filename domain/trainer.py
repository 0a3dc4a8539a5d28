"""Training: rollout, advantages, update, until the budget is used up.

A run is a pure function of its configuration (with the seed), the code and the machine. Between two updates its whole state
is in a Checkpoint, and a trainer made from a checkpoint goes on to the same bits.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from domain.actor import make_actor
from domain.advantages import generalized_advantages, group_advantages, group_std, returns_to_go, scale_advantages
from domain.arrays import FloatArray
from domain.checkpoint import Checkpoint
from domain.config import TrainingConfig
from domain.errors import TrainingDiverged, UnusableCheckpoint
from domain.network import MLP, FrozenMLP
from domain.normalizer import Normalizer
from domain.optimizer import AdamState, AdamWorkspace, scheduled_learning_rate
from domain.policy import Policy
from domain.ports import EnvironmentFactory
from domain.rewards import REWARD_FUNCTIONS, check_reward_fits
from domain.ridge_value import Basis, RidgeValue
from domain.rollout import Collector, Interrupted, Rollout
from domain.shaping import training_rewards
from domain.spaces import Discrete
from domain.update import Batch, Updater
from domain.value import MIN_SAMPLES, fit_value
from domain.value_readout import ValueReadOut

Metrics = dict[str, float]


@dataclass(frozen=True)
class _Boundary:
    """The state between two updates, which is what survives when the next one is interrupted."""

    parameters: FloatArray
    average: FloatArray
    reference: FloatArray
    m: FloatArray
    v: FloatArray
    adam_step: int
    normalizer: Normalizer
    value: ValueReadOut
    ridge: RidgeValue | None
    collector: dict[str, NDArray[Any]]
    rng: Mapping[str, Any]
    timesteps: int
    updates: int


class Trainer:
    """One training run. Not thread-safe. Close it, or use it as a context manager, to close its environments."""

    def __init__(self, environments: EnvironmentFactory, config: TrainingConfig, checkpoint: Checkpoint | None = None) -> None:
        """Begin a run, or go on from a checkpoint of it.

        Raises UnknownEnvironment, UnsupportedEnvironment, InvalidConfiguration (the reward does not fit), EnvironmentFailed,
        UnusableCheckpoint (it lacks what this version goes on from).
        """
        check_reward_fits(config.reward_function_type, config.env_name)
        self.config = config
        self.environment = environments.describe(config.env_name)
        self._vector = environments.make(config.env_name, config.n_envs, config.max_episode_steps)
        space, actions = self.environment.observation_space, self.environment.action_space
        self._network = MLP((space.size, *config.hidden_sizes, actions.size), config.activation)
        self._log_std_size = actions.size if self.environment.continuous else 0
        self._reward = REWARD_FUNCTIONS[config.reward_function_type]
        self._rng = np.random.Generator(np.random.PCG64(config.seed))
        self._collector = Collector(self._vector, config, self._rng)
        weights = self._network.init(self._rng)
        self._parameters = np.concatenate([weights, np.full(self._log_std_size, config.log_std_init, np.float32)])
        self._average = self._parameters.copy()
        self._reference = self._parameters.copy()
        self._adam = AdamWorkspace(AdamState.init(len(self._parameters)))
        self._updater = Updater(config, self._network, self._parameters, self._average, self._adam, self._rng)
        self._normalizer = Normalizer.identity(space.size)
        self._value = ValueReadOut(lambda: np.zeros(config.hidden_sizes[-1] + 1, dtype=np.float32))
        self._basis: Basis | None = None
        self._ridge: RidgeValue | None = None
        if config.gae_lambda is not None:
            self._basis = Basis(space.size, isinstance(space, Discrete), config.seed)
            self._ridge = RidgeValue.zero(self._basis.size)
        self.timesteps = 0
        self.updates = 0
        if checkpoint is not None:
            try:
                self._restore(checkpoint)
            except (KeyError, IndexError, ValueError, TypeError) as error:
                self.close()
                raise UnusableCheckpoint(f"Training cannot go on from this checkpoint: {error!r}.") from error
        self._boundary = self._capture()

    @property
    def policy(self) -> Policy:
        """The policy after the last whole update; with `ema_decay`, the averaged one."""
        boundary = self._boundary
        return Policy(
            environment=self.environment,
            network=self._network,
            parameters=boundary.average if self.config.ema_decay else boundary.parameters,
            normalizer=boundary.normalizer if self.config.norm_obs else None,
            value_weights=boundary.value.weights,
        )

    @property
    def simulated_timesteps(self) -> int:
        """Environment steps so far, those of a rollout under way included."""
        return self.timesteps + self._collector.under_way

    @property
    def done(self) -> bool:
        """The budget is used up."""
        return self.timesteps >= self.config.total_timesteps

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Metrics]:
        """Train until the budget is used up or `should_stop()`; yields the (finite) metrics of every update.

        A stop takes effect within one step of the environment or one minibatch; the interrupted update leaves no trace.
        Raises TrainingDiverged, EnvironmentFailed, RewardFailed.
        """
        while not self.done and not should_stop():
            try:
                metrics = self._iterate(should_stop)
            except Interrupted:
                self._reset_to(self._boundary)
                return
            self._boundary = self._capture()
            yield metrics

    def checkpoint(self) -> Checkpoint:
        """The state after the last whole update."""
        b = self._boundary
        arrays = {"parameters": b.parameters, "reference": b.reference, "adam_m": b.m, "adam_v": b.v}
        arrays |= {"average": b.average} if self.config.ema_decay else {}
        arrays |= {"normalizer_mean": b.normalizer.mean, "normalizer_var": b.normalizer.var}
        counters: dict[str, Any] = {
            "timesteps": b.timesteps,
            "updates": b.updates,
            "adam_step": b.adam_step,
            "normalizer_count": b.normalizer.count,
            "rng": b.rng,
        }
        if b.ridge is not None:
            arrays |= {"ridge_gram": b.ridge.gram, "ridge_moment": b.ridge.moment}
            counters["ridge_count"] = b.ridge.count
        return Checkpoint(self.config, self.policy, arrays | b.collector, counters, b.timesteps)

    def close(self) -> None:
        """Close the environments."""
        self._vector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Divergence shows as overflow and NaN, which the check behind the update reports as what it is.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _iterate(self, should_stop: Callable[[], bool]) -> Metrics:
        config = self.config
        normalizer = self._normalizer if config.norm_obs else None
        actor = make_actor(config, self.environment, self._network, self._parameters, normalizer, self._rng)
        rollout = self._collector.collect(actor, config.total_timesteps - self.timesteps, should_stop)
        progress = self.timesteps / config.total_timesteps
        self.timesteps += rollout.timesteps
        self._collector.under_way = 0
        self.updates += 1
        rewards = training_rewards(self._reward, self.environment, rollout)
        returns = self._returns(rollout, rewards)
        centred = group_advantages(returns, rollout.valid, config.num_generations, config.supervision)
        advantages = scale_advantages(centred, rollout.valid, config.num_generations, config.scale_rewards)
        if config.norm_obs:
            self._normalizer = self._normalizer.updated(rollout.observations[rollout.valid])
        batch = self._batch(rollout, advantages)
        learning_rate = scheduled_learning_rate(config.learning_rate, config.lr_schedule, progress)
        statistics = self._updater.update(batch, learning_rate, should_stop)
        if not np.all(np.isfinite(self._parameters)):
            raise TrainingDiverged(
                f"Training diverged after {self.timesteps} steps: a parameter is not a finite number any more; "
                f"a smaller learning_rate (now {config.learning_rate:g}) or max_grad_norm ({config.max_grad_norm:g}) may help."
            )
        if config.ref_model_sync_steps and self.updates % config.ref_model_sync_steps == 0:
            self._reference[:] = self._parameters
        if rollout.timesteps >= MIN_SAMPLES:
            parameters = self._average if config.ema_decay else self._parameters
            self._value = ValueReadOut(partial(self._fit_value, rollout, parameters.copy(), self._normalizer))
        metrics = self._metrics(rollout, rewards, centred) | statistics | {"train/learning_rate": learning_rate}
        return {name: value for name, value in metrics.items() if math.isfinite(value)}

    def _returns(self, rollout: Rollout, rewards: FloatArray) -> FloatArray:
        """What the members of a group are compared by: whole returns, or generalised advantages; [T, N]."""
        if self._basis is None or self._ridge is None:
            return returns_to_go(rewards, rollout.ended, self.config.gamma)
        valid, value = rollout.valid, self._ridge
        now = self._basis(self._features(_rows(rollout.observations)))
        following = self._basis(self._features(_rows(rollout.next_observations)))
        samples = now[valid.ravel()]
        if not value.count:  # in the first rollout a value of whole returns is better than none
            value = value.updated(samples, returns_to_go(rewards, rollout.ended, self.config.gamma)[valid])
        advantages, targets = self._estimate(rollout, rewards, value(now), value(following))
        self._ridge = self._ridge.updated(samples, targets)
        return advantages

    def _estimate(
        self, rollout: Rollout, rewards: FloatArray, values: FloatArray, next_values: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Generalised advantages [T, N], and the λ-returns of the valid samples, from values [T · N]."""
        valid, gae_lambda = rollout.valid, self.config.gae_lambda or 0.0
        values, next_values = values.reshape(valid.shape) * valid, next_values.reshape(valid.shape) * valid
        advantages = generalized_advantages(
            rewards, values, next_values, rollout.terminated, rollout.ended, self.config.gamma, gae_lambda
        )
        return advantages, (advantages + values)[valid]

    def _batch(self, rollout: Rollout, advantages: FloatArray) -> Batch:
        return Batch(
            features=self._features(rollout.observations[rollout.valid]),
            actions=rollout.actions[rollout.valid],
            advantages=advantages[rollout.valid],
            trajectories=rollout.trajectories(),
            reference=self._reference if self.config.beta else None,
        )

    def _features(self, observations: FloatArray) -> FloatArray:
        return self._normalizer.apply(observations) if self.config.norm_obs else observations

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _fit_value(self, rollout: Rollout, parameters: FloatArray, normalizer: Normalizer) -> FloatArray:
        """Weights of the read-out for the policy that an update made of this rollout, from some 512 of its samples."""
        valid = rollout.valid
        chosen = slice(None, None, max(1, rollout.timesteps // 512))
        observations = np.concatenate([rollout.observations[valid][chosen], rollout.next_observations[valid][chosen]])
        features = normalizer.apply(observations) if self.config.norm_obs else observations
        hidden, _ = FrozenMLP(self._network, parameters)(features)
        phi = np.column_stack([hidden, np.ones(len(hidden), dtype=np.float32)])
        now, following = np.split(phi, 2)
        rewards, terminated = rollout.rewards[valid][chosen], rollout.terminated[valid][chosen]
        return fit_value(now, following, rewards, terminated, self.config.gamma)

    def _metrics(self, rollout: Rollout, rewards: FloatArray, centred: FloatArray) -> Metrics:
        metrics: Metrics = {}
        episodes = self._collector.episodes.ended
        if episodes:
            metrics["rollout/ep_rew_mean"] = math.fsum(r for r, _ in episodes) / len(episodes)
            metrics["rollout/ep_len_mean"] = sum(n for _, n in episodes) / len(episodes)
        spread = group_std(centred, rollout.valid, self.config.num_generations)
        metrics["rollout/reward_mean"] = float(rewards.sum() / rollout.timesteps)
        metrics["group/reward_std"] = float(spread.mean())
        metrics["group/frac_reward_zero_std"] = float(np.mean(spread < 1e-8))
        return metrics

    def _capture(self) -> _Boundary:
        m, v, step = self._adam.moments()
        return _Boundary(
            parameters=self._parameters.copy(),
            average=self._average.copy(),
            reference=self._reference.copy(),
            m=m,
            v=v,
            adam_step=step,
            normalizer=self._normalizer,
            value=self._value,
            ridge=self._ridge,
            collector=self._collector.state(),
            rng=self._rng.bit_generator.state,
            timesteps=self.timesteps,
            updates=self.updates,
        )

    def _reset_to(self, boundary: _Boundary) -> None:
        self._parameters[:], self._average[:] = boundary.parameters, boundary.average
        self._reference[:] = boundary.reference
        self._adam.restore(boundary.m, boundary.v, boundary.adam_step)
        self._normalizer, self._value, self._ridge = boundary.normalizer, boundary.value, boundary.ridge
        self._collector.restore(boundary.collector)
        self._rng.bit_generator.state = boundary.rng
        self.timesteps, self.updates = boundary.timesteps, boundary.updates

    def _restore(self, checkpoint: Checkpoint) -> None:
        arrays, counters = checkpoint.arrays, checkpoint.counters
        own = {"parameters", "reference", "average", "adam_m", "adam_v", "normalizer_mean", "normalizer_var"}
        own |= {"ridge_gram", "ridge_moment"}
        ridge = None
        if self._basis is not None:
            ridge = RidgeValue.of(arrays["ridge_gram"], arrays["ridge_moment"], counters["ridge_count"])
        self._reset_to(
            _Boundary(
                parameters=arrays["parameters"],
                average=arrays.get("average", arrays["parameters"]),
                reference=arrays["reference"],
                m=arrays["adam_m"],
                v=arrays["adam_v"],
                adam_step=counters["adam_step"],
                normalizer=Normalizer(arrays["normalizer_mean"], arrays["normalizer_var"], counters["normalizer_count"]),
                value=ValueReadOut(partial(np.asarray, checkpoint.policy.value_weights)),
                ridge=ridge,
                collector={name: array for name, array in arrays.items() if name not in own},
                rng=counters["rng"],
                timesteps=counters["timesteps"],
                updates=counters["updates"],
            )
        )


def _rows(observations: FloatArray) -> FloatArray:
    """[T, N, D] as [T · N, D]."""
    return observations.reshape(-1, observations.shape[-1])
