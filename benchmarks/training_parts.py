"""Where the time of a minibatch and of a rollout's step goes: each part called by itself, on real sizes."""

import statistics
import time
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from adapters.environments.factory import GymnasiumEnvironments
from domain.actor import make_actor
from domain.optimizer import clip_by_global_norm_into
from domain.presets import resolve
from domain.rollout import Collector
from domain.samplers import SamplersHere
from domain.samples import Samples
from domain.trainer import Trainer
from domain.update import Batch, Updater

N_STEPS = 32
SAFE_STEPS = 8  # a pole that starts upright does not fall before


def measure(n_envs: int, batch_size: int, n_epochs: int, repeats: int = 60) -> dict[str, float]:
    """Microseconds of CPU time by part: `minibatch/…` per minibatch, `step/…` per step of all members.

    A part is the lowest of many repetitions; a whole step the median, since no two rollouts start alike.
    """
    environments = GymnasiumEnvironments()
    given = {"n_steps": N_STEPS, "n_envs": n_envs, "batch_size": batch_size, "n_epochs": n_epochs, "total_timesteps": 10**9}
    given |= {"reward_function_type": "optimized_cartpole"}
    config = resolve(given, environments.describe("CartPole-v1"), seed=0, model_name="benchmark")
    with Trainer(environments, config) as trainer:
        next(iter(trainer.run()))
        minibatch = {f"minibatch/{name}": value for name, value in _minibatch(trainer, n_envs * N_STEPS, repeats).items()}
        return minibatch | {f"step/{name}": value for name, value in _step(trainer, repeats).items()}


def _minibatch(trainer: Trainer, count: int, repeats: int) -> dict[str, float]:
    updater, config, rng = trainer._updater, trainer.config, np.random.default_rng(0)
    features = rng.standard_normal((count, trainer.environment.observation_space.size)).astype(np.float32)
    batch = Batch(features, rng.integers(2, size=count), rng.standard_normal(count), np.arange(count) % config.n_envs)
    samples: Samples = updater._samples(batch)
    minibatch = next(samples.minibatches())
    learner = updater._learner(minibatch.size)
    head, network, adam = learner._head, learner._network, updater._adam
    output = network.forward_into(minibatch.inputs)
    log_prob = head.log_prob_into(output, minibatch.actions)
    factor = learner._surrogate.factor_into(log_prob, minibatch.terms, minibatch.limits)
    output_grad = head.gradient_into(factor, None)
    network.backward_into(output_grad)
    gradient, parameters = updater._gradient.copy(), updater._parameters
    scratch = gradient.copy()

    def adam_step() -> None:
        np.copyto(scratch, gradient)
        adam.update_into(parameters, scratch, 1e-9)

    def clip() -> None:
        clip_by_global_norm_into(scratch, 1e9)

    per_epoch = count // minibatch.size
    copying = _microseconds(lambda: np.copyto(scratch, gradient), repeats)
    found = {
        "forward pass": _microseconds(lambda: network.forward_into(minibatch.inputs), repeats),
        "log π": _microseconds(lambda: head.log_prob_into(output, minibatch.actions), repeats),
        "ratio and clip": _microseconds(
            lambda: learner._surrogate.factor_into(log_prob, minibatch.terms, minibatch.limits), repeats
        ),
        "gradient of log π": _microseconds(lambda: head.gradient_into(factor, None), repeats),
        "backward pass": _microseconds(lambda: network.backward_into(output_grad), repeats),
        "norm of the gradient": _microseconds(clip, repeats),
        "Adam": _microseconds(adam_step, repeats) - copying,
        "average of the parameters": _microseconds(lambda: _average(updater), repeats),
        "shuffling, a minibatch's share": _microseconds(samples.minibatches, repeats, 50) / per_epoch,
    }
    whole = _microseconds(lambda: updater.update(batch, 1e-9, lambda: False), repeats, 2) / (config.n_epochs * per_epoch)
    return found | {"Python between these, and what an update does once": whole - sum(found.values()), "together": whole}


def _average(updater: Updater) -> None:
    np.subtract(updater._parameters, updater._average, updater._gradient)
    np.multiply(updater._gradient, updater._average_rate, updater._gradient)
    np.add(updater._average, updater._gradient, updater._average)


def _step(trainer: Trainer, repeats: int) -> dict[str, float]:
    assert isinstance(trainer._samplers, SamplersHere)
    [sampler] = trainer._samplers._samplers
    config, vector, collector = trainer.config, sampler._vector, sampler._collector
    rng = np.random.default_rng(0)
    actor: Any = make_actor(config, trainer.environment, trainer._network, trainer._parameters, trainer._normalizer, rng)
    active, seeds = np.ones(config.n_envs, dtype=np.bool_), [*range(config.n_envs)]
    observations = vector.reset(seeds)
    actions = rng.integers(2, size=(SAFE_STEPS, config.n_envs))

    def steps() -> None:
        for row in actions:
            vector.step(row, active)

    forward = _microseconds(lambda: actor._forward(observations), repeats)
    act = _microseconds(lambda: actor.act(observations), repeats)
    stepping = min(timeit.repeat(steps, lambda: vector.reset(seeds), time.process_time, 10 * repeats, 1)) / SAFE_STEPS * 1e6
    rollouts = [_collect(collector, actor) for _ in range(10 * repeats)]
    whole = statistics.median(rollouts)
    return {
        "normalisation and forward pass": forward,
        "sampling": act - forward,
        "environment": stepping,
        "bookkeeping, and what a rollout does once": whole - act - stepping,
        "together": whole,
    }


def _collect(collector: Collector, actor: Any) -> float:
    """Microseconds of a step in one rollout."""
    begun = time.process_time()
    rollout = collector.collect(actor, 10**9, lambda: False)
    return (time.process_time() - begun) / len(rollout.rewards) * 1e6


def _microseconds(call: Callable[[], object], repeats: int, number: int = 200) -> float:
    call()
    return min(timeit.repeat(call, timer=time.process_time, number=number, repeat=repeats)) / number * 1e6
