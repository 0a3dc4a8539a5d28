"""One policy update: its fused float32 steps against the plain formulas, its minibatches, its early end."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.arrays import FloatArray
from domain.config import ImportanceSamplingLevel, LossType, TrainingConfig
from domain.distributions import Categorical, DiagonalGaussian
from domain.network import MLP
from domain.objective import Objective, ObjectiveTerms, sample_weights
from domain.optimizer import AdamState, AdamWorkspace, adam_update
from domain.rollout import Interrupted
from domain.update import Batch, Updater
from tests.factories import make_config
from tests.strategies import generators

NETWORK = MLP((2, 4, 3))
TWO_ACTIONS = MLP((2, 4, 2))
kinds = pytest.mark.parametrize("continuous", [False, True], ids=["categorical", "gaussian"])
HUGE = 1_000_000


class Run(NamedTuple):
    """What one update left behind."""

    parameters: FloatArray
    average: FloatArray
    steps: int
    metrics: dict[str, float]


def make_parameters(rng: np.random.Generator, continuous: bool, network: MLP = NETWORK) -> FloatArray:
    return (0.5 * rng.standard_normal(network.num_parameters + 3 * continuous)).astype(np.float32)


def make_batch(rng: np.random.Generator, continuous: bool, lengths: list[int], reference: FloatArray | None = None) -> Batch:
    count = sum(lengths)
    actions = rng.standard_normal((count, 3)).astype(np.float32) if continuous else rng.integers(3, size=count)
    return Batch(
        features=rng.standard_normal((count, 2)).astype(np.float32),
        actions=actions,
        advantages=rng.standard_normal(count),
        trajectories=rng.permutation(np.repeat(np.arange(len(lengths)), lengths)),
        reference=reference,
    )


def update(parameters: FloatArray, batch: Batch, learning_rate: float = 0.01, network: MLP = NETWORK, **changes: Any) -> Run:
    parameters = parameters.copy()
    average, adam = parameters.copy(), AdamWorkspace(AdamState.init(len(parameters)))
    config = make_config(**({"batch_size": HUGE, "n_epochs": 1} | changes))
    updater = Updater(config, network, parameters, average, adam, np.random.default_rng(0))
    metrics = updater.update(batch, learning_rate, lambda: False)
    return Run(parameters, average, adam.state.step, metrics)


def plain_update(
    start: FloatArray, batch: Batch, learning_rate: float, config: TrainingConfig, network: MLP = NETWORK
) -> FloatArray:
    """The same with one minibatch an epoch, in float64 and by the pure functions."""
    parameters, features = start.astype(np.float64), batch.features.T.astype(np.float64)
    weights = sample_weights(batch.trajectories, config.loss_type, config.n_steps or config.max_episode_steps)

    def distribution(values: FloatArray) -> Categorical | DiagonalGaussian:
        output, log_std = network.forward(values, features)[-1], values[network.num_parameters :]
        return DiagonalGaussian(output, log_std, batch.actions.T) if len(log_std) else Categorical(output, batch.actions)

    terms = ObjectiveTerms(
        old_log_prob=distribution(parameters).log_prob(),
        advantages=weights * batch.advantages,
        weights=weights,
        reference_log_prob=None if batch.reference is None else distribution(batch.reference.astype(np.float64)).log_prob(),
        trajectories=batch.trajectories if config.importance_sampling_level == "sequence" else None,
    )
    objective = Objective(config.epsilon, config.epsilon_high or config.epsilon, config.ent_coef, config.beta)
    state = AdamState.init(len(parameters), np.float64)
    for _ in range(config.n_epochs):
        output_grad, log_std_grad = objective.gradient(distribution(parameters), terms)
        gradient = network.backward(parameters, network.forward(parameters, features), output_grad)
        if log_std_grad is not None:
            gradient = np.concatenate([gradient, log_std_grad])
        gradient *= min(1.0, config.max_grad_norm / float(np.linalg.norm(gradient)))
        step, state = adam_update(state, gradient, learning_rate)
        parameters = parameters + step
    return parameters


@kinds
@pytest.mark.parametrize(
    ("loss_type", "level"), [("grpo", "token"), ("dapo", "token"), ("dr_grpo", "token"), ("grpo", "sequence")]
)
@given(generators)
@settings(max_examples=8)
def test_update_then_equals_the_plain_formulas(
    loss_type: LossType, level: ImportanceSamplingLevel, continuous: bool, rng: np.random.Generator
) -> None:
    start = make_parameters(rng, continuous)
    near = start + 0.05 * rng.standard_normal(len(start)).astype(np.float32)
    batch = make_batch(rng, continuous, [9, 2, 13], near)
    changes = {
        "loss_type": loss_type,
        "importance_sampling_level": level,
        "n_epochs": 4,
        "epsilon": 0.1,
        "epsilon_high": 0.3,
        "beta": 0.2,
        "ent_coef": 0.05,
        "max_episode_steps": 20,
    }
    expected = plain_update(start, batch, 0.02, make_config(batch_size=HUGE, **changes))
    assert np.abs(expected - start).max() > 0.01
    np.testing.assert_allclose(update(start, batch, 0.02, **changes).parameters, expected, atol=1e-5)


@pytest.mark.parametrize("level", ["token", "sequence"])
@given(generators)
@settings(max_examples=8)
def test_update_of_two_actions_then_equals_the_plain_formulas(level: ImportanceSamplingLevel, rng: np.random.Generator) -> None:
    start = make_parameters(rng, continuous=False, network=TWO_ACTIONS)
    batch = make_batch(rng, continuous=False, lengths=[9, 2, 13], reference=start[::-1].copy())
    batch = replace(batch, actions=batch.actions % 2)
    changes = {"n_epochs": 4, "beta": 0.2, "ent_coef": 0.05, "loss_type": "grpo", "importance_sampling_level": level}
    expected = plain_update(start, batch, 0.02, make_config(batch_size=HUGE, **changes), TWO_ACTIONS)
    assert np.abs(expected - start).max() > 0.01
    run = update(start, batch, 0.02, TWO_ACTIONS, **changes)
    np.testing.assert_allclose(run.parameters, expected, atol=1e-5)
    assert set(run.metrics) >= {"train/loss", "train/entropy", "kl"}


@pytest.mark.parametrize("samples", [80, 64, 140])
def test_metrics_then_are_means_over_the_samples_of_the_last_epoch(samples: int) -> None:
    rng = np.random.default_rng(5)
    batch, start = make_batch(rng, continuous=False, lengths=[samples]), make_parameters(rng, continuous=False)
    unmoved = update(start, batch, learning_rate=1e-12, batch_size=40, n_epochs=2).metrics
    whole = update(start, batch, learning_rate=1e-12, batch_size=HUGE, n_epochs=1).metrics
    for name in ("train/loss", "train/entropy"):
        assert unmoved[name] == pytest.approx(whole[name], abs=1e-6)


@kinds
def test_metrics_of_the_first_minibatch_then_are_those_of_the_policy_before_it(continuous: bool) -> None:
    rng = np.random.default_rng(3)
    batch, start = make_batch(rng, continuous, [20]), make_parameters(rng, continuous)
    metrics = update(start, batch, learning_rate=0.5).metrics
    assert metrics["train/approx_kl"] == pytest.approx(0, abs=1e-6)
    assert metrics["train/clip_fraction"] == 0.0
    assert metrics["train/loss"] == pytest.approx(-batch.advantages.mean(), abs=1e-6)
    if continuous:
        entropy = start[NETWORK.num_parameters :].sum() + 1.5 * (1 + np.log(2 * np.pi))
        assert metrics["train/entropy"] == pytest.approx(entropy, abs=1e-5)
    assert set(metrics) == {"train/loss", "train/approx_kl", "train/clip_fraction", "train/entropy", "train/grad_norm"}


def test_metrics_when_a_reference_is_held_then_tell_the_divergence_from_it() -> None:
    rng = np.random.default_rng(3)
    reference = make_parameters(rng, continuous=False)
    batch = make_batch(rng, continuous=False, lengths=[20], reference=reference)
    assert update(reference, batch, beta=0.1).metrics["kl"] == 0.0
    metrics = update(make_parameters(rng, continuous=False), batch, beta=0.1).metrics
    assert metrics["kl"] > 0.01


@pytest.mark.parametrize(
    ("samples", "batch_size", "steps"),
    [
        (64, 64, 1),
        (79, 64, 1),  # 15 are left over, too few
        (80, 64, 2),
        (128, 64, 2),
        (15, 64, 0),
        (16, 64, 1),
        (7, 4, 1),  # where batches are small, a partial one is dropped
        (8, 4, 2),
        (3, 1, 3),
    ],
)
@kinds
def test_minibatches_then_are_full_ones_and_a_last_one_of_at_least_sixteen(
    samples: int, batch_size: int, steps: int, continuous: bool
) -> None:
    rng = np.random.default_rng(0)
    batch, start = make_batch(rng, continuous, [samples]), make_parameters(rng, continuous)
    run = update(start, batch, batch_size=batch_size, n_epochs=3)
    assert run.steps == 3 * steps
    assert (run.metrics == {}) == (steps == 0)
    assert np.array_equal(run.parameters, start) == (steps == 0)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.sampled_from([1, 16, 40]), generators)
@settings(max_examples=30)
def test_minibatches_when_ratios_are_those_of_trajectories_then_hold_whole_ones(
    lengths: list[int], batch_size: int, rng: np.random.Generator
) -> None:
    batch = make_batch(rng, continuous=False, lengths=lengths)
    seen = minibatches_of(batch, batch_size)
    smallest = min(16, batch_size)
    for chosen in seen:
        assert len(np.unique(chosen)) == len(chosen) >= smallest
        ids = np.unique(batch.trajectories[chosen])
        assert len(chosen) == sum(lengths[trajectory] for trajectory in ids)
    used = np.concatenate([*seen, np.zeros(0, dtype=np.int64)])
    assert len(np.unique(used)) == len(used) > sum(lengths) - max(smallest, 1)
    assert all(len(chosen) >= batch_size for chosen in seen[:-1])


def minibatches_of(batch: Batch, batch_size: int) -> list[np.ndarray]:
    """Sample numbers of each minibatch of one epoch."""
    parameters = np.zeros(NETWORK.num_parameters, dtype=np.float32)
    config = make_config(batch_size=batch_size, loss_type="grpo", importance_sampling_level="sequence")
    adam = AdamWorkspace(AdamState.init(len(parameters)))
    updater = Updater(config, NETWORK, parameters, parameters.copy(), adam, np.random.default_rng(0))
    numbered = Batch(np.column_stack([np.arange(len(batch.features))] * 2), batch.actions, batch.advantages, batch.trajectories)
    return [m.inputs[0].astype(np.int64) for m in updater._samples(numbered).minibatches()]


def test_update_when_the_policy_has_moved_too_far_then_ends() -> None:
    rng = np.random.default_rng(1)
    batch, start = make_batch(rng, continuous=False, lengths=[64]), make_parameters(rng, continuous=False)
    free = update(start, batch, 0.02, n_epochs=10)
    assert free.steps == 10
    for target in (1e-6, 1e-3):
        bounded = update(start, batch, 0.02, n_epochs=10, target_kl=target)
        assert 1 <= bounded.steps < 10
        assert bounded.metrics["train/approx_kl"] > 1.5 * target
        assert np.array_equal(bounded.parameters, update(start, batch, 0.02, n_epochs=bounded.steps).parameters)
    assert update(start, batch, 0.02, n_epochs=10, target_kl=100).steps == 10


def test_average_then_follows_the_parameters_minibatch_by_minibatch() -> None:
    rng = np.random.default_rng(1)
    batch, start = make_batch(rng, continuous=False, lengths=[20]), make_parameters(rng, continuous=False)
    expected = start.astype(np.float64)
    for epochs in (1, 2, 3):  # with one minibatch an epoch, these are the first steps of the same run
        expected += 0.25 * (update(start, batch, n_epochs=epochs).parameters - expected)
    np.testing.assert_allclose(update(start, batch, n_epochs=3, ema_decay=0.75).average, expected, atol=1e-6)
    assert np.array_equal(update(start, batch, n_epochs=3).average, start)


def test_log_std_when_driven_down_then_stops_at_minus_five() -> None:
    start = np.zeros(NETWORK.num_parameters + 3, dtype=np.float32)
    batch = Batch(
        features=np.zeros((20, 2), dtype=np.float32),
        actions=np.zeros((20, 3), dtype=np.float32),  # all at the mean: a narrower policy makes them likelier
        advantages=np.ones(20),
        trajectories=np.zeros(20, dtype=np.int64),
    )
    run = update(start, batch, learning_rate=1.0, n_epochs=20, epsilon=1.0, epsilon_high=10.0, max_grad_norm=1e6)
    assert run.parameters[NETWORK.num_parameters :].min() < -1
    start[NETWORK.num_parameters :] = -4.5
    run = update(start, batch, learning_rate=1.0, n_epochs=1)
    assert run.parameters[NETWORK.num_parameters :].tolist() == [-5.0, -5.0, -5.0]


def test_gradient_norm_then_bounds_what_adam_sees() -> None:
    rng = np.random.default_rng(1)
    batch, start = make_batch(rng, continuous=False, lengths=[64]), make_parameters(rng, continuous=False)
    wide = update(start, batch, max_grad_norm=1e6)
    narrow = update(start, batch, max_grad_norm=1e-9)  # far below Adam's ε of 1e-5: hardly a step is made
    assert wide.metrics["train/grad_norm"] == narrow.metrics["train/grad_norm"] > 1e-3
    assert np.abs(wide.parameters - start).max() > 0.009
    assert np.abs(narrow.parameters - start).max() < 1e-5


def stopping_after(polls: int) -> Callable[[], bool]:
    left = iter([False] * polls)
    return lambda: next(left, True)


def test_update_when_stopped_then_does_no_further_minibatch() -> None:
    rng = np.random.default_rng(1)
    batch, parameters = make_batch(rng, continuous=False, lengths=[64]), make_parameters(rng, continuous=False)
    adam = AdamWorkspace(AdamState.init(len(parameters)))
    updater = Updater(make_config(batch_size=16), NETWORK, parameters, parameters.copy(), adam, np.random.default_rng(0))
    with pytest.raises(Interrupted):
        updater.update(batch, 0.01, stopping_after(7))
    assert adam.state.step == 7
