"""Training: rollout, advantages, update, until the budget is used up.

A run is a pure function of its configuration (with the seed), the code and the machine. Between two updates its whole state
is in a Checkpoint, and a trainer made from a checkpoint goes on to the same bits.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from domain.advantages import group_std, scale_advantages
from domain.arrays import FloatArray
from domain.checkpoint import Checkpoint
from domain.config import TrainingConfig
from domain.errors import TrainingDiverged, UnusableCheckpoint
from domain.network import MLP, FrozenMLP
from domain.normalizer import Normalizer
from domain.optimizer import AdamState, AdamWorkspace, scheduled_learning_rate
from domain.policy import Policy
from domain.ports import EnvironmentFactory
from domain.rewards import check_reward_fits
from domain.ridge_value import RidgeValue
from domain.rollout import Interrupted, Rollout
from domain.sampler import Current, SamplerState, joined, make_basis
from domain.samplers import SamplersFactory, SamplersHere
from domain.update import Batch, Updater
from domain.value import MIN_SAMPLES, fit_value
from domain.value_readout import ValueReadOut

Metrics = dict[str, float]
_OWN_ARRAYS = {"parameters", "reference", "average", "adam_m", "adam_v", "normalizer_mean", "normalizer_var"}
_OWN_ARRAYS |= {"ridge_gram", "ridge_moment"}


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
    samplers: Sequence[SamplerState]
    rng: Mapping[str, Any]
    timesteps: int
    updates: int


class Trainer:
    """One training run. Not thread-safe. Close it, or use it as a context manager, to close its environments."""

    def __init__(
        self,
        environments: EnvironmentFactory,
        config: TrainingConfig,
        checkpoint: Checkpoint | None = None,
        make_samplers: SamplersFactory = SamplersHere,
    ) -> None:
        """Begin a run, or go on from a checkpoint of it. `make_samplers` decides where is sampled, and no bit of the result.

        Raises UnknownEnvironment, UnsupportedEnvironment, InvalidConfiguration (the reward does not fit), EnvironmentFailed,
        UnusableCheckpoint (it lacks what this version goes on from).
        """
        check_reward_fits(config.reward_function_type, config.env_name)
        self.config = config
        self.environment = environments.describe(config.env_name)
        space, actions = self.environment.observation_space, self.environment.action_space
        self._network = MLP((space.size, *config.hidden_sizes, actions.size), config.activation)
        self._log_std_size = actions.size if self.environment.continuous else 0
        self._rng = np.random.Generator(np.random.PCG64(config.seed))
        self._samplers = make_samplers(environments, config, self._rng)
        weights = self._network.init(self._rng)
        self._parameters = np.concatenate([weights, np.full(self._log_std_size, config.log_std_init, np.float32)])
        self._average = self._parameters.copy()
        self._reference = self._parameters.copy()
        self._adam = AdamWorkspace(AdamState.init(len(self._parameters)))
        self._updater = Updater(config, self._network, self._parameters, self._average, self._adam, self._rng)
        self._normalizer = Normalizer.identity(space.size)
        self._value = ValueReadOut(lambda: np.zeros(config.hidden_sizes[-1] + 1, dtype=np.float32))
        basis = make_basis(self.environment, config)
        self._ridge = None if basis is None else RidgeValue.zero(basis.size)
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
        return self.timesteps + self._samplers.under_way

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
        for prefix, state in zip(self._prefixes(), b.samplers, strict=True):
            arrays |= {f"{prefix}{name}": array for name, array in state.arrays.items()}
        if self.config.num_workers > 1:
            counters["worker_rngs"] = [state.rng for state in b.samplers]
        return Checkpoint(self.config, self.policy, arrays, counters, b.timesteps)

    def close(self) -> None:
        """Close the environments."""
        self._samplers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Divergence shows as overflow and NaN, which the check behind the update reports as what it is.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _iterate(self, should_stop: Callable[[], bool]) -> Metrics:
        config = self.config
        current = Current(self._parameters, self._normalizer, self._ridge)
        sample = joined(self._samplers.sample(current, config.total_timesteps - self.timesteps, should_stop))
        rollout, centred = sample.rollout, sample.centred
        progress = self.timesteps / config.total_timesteps
        self.timesteps += rollout.timesteps
        self._samplers.settle()
        self.updates += 1
        if self._ridge is not None and sample.features is not None and sample.targets is not None:
            self._ridge = self._ridge.updated(sample.features, sample.targets)
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
        metrics = self._metrics(rollout, sample.rewards, centred) | statistics | {"train/learning_rate": learning_rate}
        return {name: value for name, value in metrics.items() if math.isfinite(value)}

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
        episodes = self._samplers.episodes
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
            samplers=self._samplers.states(),
            rng=self._rng.bit_generator.state,
            timesteps=self.timesteps,
            updates=self.updates,
        )

    def _reset_to(self, boundary: _Boundary) -> None:
        self._parameters[:], self._average[:] = boundary.parameters, boundary.average
        self._reference[:] = boundary.reference
        self._adam.restore(boundary.m, boundary.v, boundary.adam_step)
        self._normalizer, self._value, self._ridge = boundary.normalizer, boundary.value, boundary.ridge
        self._samplers.restore(boundary.samplers)
        self._rng.bit_generator.state = boundary.rng
        self.timesteps, self.updates = boundary.timesteps, boundary.updates

    def _restore(self, checkpoint: Checkpoint) -> None:
        arrays, counters = checkpoint.arrays, checkpoint.counters
        ridge = None
        if self._ridge is not None:
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
                samplers=self._sampler_states(arrays, counters),
                rng=counters["rng"],
                timesteps=counters["timesteps"],
                updates=counters["updates"],
            )
        )

    def _prefixes(self) -> list[str]:
        """Of the names of each sampler's arrays in a checkpoint."""
        number = self.config.num_workers
        return [""] if number == 1 else [f"worker{index}/" for index in range(number)]

    def _sampler_states(self, arrays: Mapping[str, NDArray[Any]], counters: Mapping[str, Any]) -> list[SamplerState]:
        states = []
        for index, prefix in enumerate(self._prefixes()):
            names = [name for name in arrays if name.startswith(prefix) and name not in _OWN_ARRAYS]
            rng = counters["worker_rngs"][index] if prefix else None
            states.append(SamplerState({name.removeprefix(prefix): arrays[name] for name in names}, rng))
        return states
