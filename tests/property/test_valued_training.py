"""Training with `gae_lambda`: what the advantages and the ridge value of a run are made of, and that it learns."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from adapters.storage.codec import decode_checkpoint, encode_checkpoint
from domain.advantages import generalized_advantages, returns_to_go
from domain.arrays import ActionArray, BoolArray, FloatArray
from domain.config import TrainingConfig
from domain.errors import InvalidConfiguration, TrainingDiverged
from domain.evaluation import evaluate
from domain.ridge_value import Basis, RidgeValue
from domain.rollout import Rollout
from domain.sampler import Current
from domain.samplers import SamplersHere
from domain.trainer import Trainer
from tests.factories import assert_same_array, assert_same_checkpoint, make_config
from tests.fakes import (
    FakeEnvironments,
    FakeVector,
    IdentityVector,
    NaNObservationVector,
    NaNRewardVector,
    TargetVector,
)

STARTS: dict[str, dict[str, Any]] = {
    "branched": {"n_steps": 16, "segment_start": "branched", "num_generations": 4},
    "fresh": {"n_steps": 16, "segment_start": "fresh", "num_generations": 4},
    "carried": {"n_steps": 16, "segment_start": "carried"},
    "episodes": {"segment_start": "fresh", "num_generations": 4},
}
SYMBOLS = np.hstack([np.ones((5, 1)), np.eye(5)])  # the features of the five observations of the identity environment
shares = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
starts = pytest.mark.parametrize("start", STARTS)


def configure(kind: type[FakeVector], **changes: Any) -> TrainingConfig:
    fields = {"env_name": kind.SPEC.env_name, "hidden_sizes": (8,), "max_episode_steps": 20, "gae_lambda": 0.9}
    return make_config(**(fields | changes))


def ridge_of(trainer: Trainer) -> RidgeValue:
    """The value that a checkpoint holds."""
    checkpoint = trainer.checkpoint()
    arrays = checkpoint.arrays
    return RidgeValue.of(arrays["ridge_gram"], arrays["ridge_moment"], checkpoint.counters["ridge_count"])


@st.composite
def rollouts(draw: DrawFn) -> Rollout:
    """Of eight members of the identity environment, whose episodes end in every way, and who may idle from some step on."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = length, members = draw(st.integers(1, 6)), 8
    valid = np.arange(length)[:, None] < rng.integers(0, length + 1, members)
    valid[:, 0] = True
    how = rng.integers(0, 4, shape)
    symbols, following = (np.eye(5, dtype=np.float32)[rng.integers(0, 5, shape)] for _ in range(2))
    rewards = rng.normal(size=shape) * valid
    return Rollout(symbols, rng.integers(0, 5, shape), following, rewards, valid, (how == 3) & valid, (how == 2) & valid)


def estimate(rollout: Rollout, value: RidgeValue, gamma: float, gae_lambda: float) -> tuple[FloatArray, FloatArray]:
    """Advantages and what the value should have been, [T, N], from the number that it has for each symbol."""
    numbers = value(SYMBOLS)
    values, following = (
        np.where(rollout.valid, numbers[observations.argmax(axis=2)], 0)
        for observations in (rollout.observations, rollout.next_observations)
    )
    advantages = generalized_advantages(
        rollout.rewards, values, following, rollout.terminated, rollout.ended, gamma, gae_lambda
    )
    return advantages, advantages + values


def fitted(value: RidgeValue, rollout: Rollout, targets: FloatArray) -> RidgeValue:
    return value.updated(SYMBOLS[rollout.observations[rollout.valid].argmax(axis=1)], targets[rollout.valid])


def compared_by(trainer: Trainer, rollout: Rollout) -> FloatArray:
    """What an iteration with this rollout would compare members by; the value learns from it."""
    assert isinstance(trainer._samplers, SamplersHere)
    [sampler] = trainer._samplers._samplers
    assert trainer._ridge is not None
    current = Current(trainer._parameters, trainer._normalizer, trainer._ridge)
    returns, features, targets = sampler._returns(rollout, rollout.rewards, current)
    assert features is not None
    assert targets is not None
    trainer._ridge = trainer._ridge.updated(features, targets)
    return returns


@given(rollouts(), rollouts(), shares, shares)
@settings(max_examples=40)
def test_advantages_then_are_over_the_value_of_the_rollouts_before(
    first: Rollout, second: Rollout, gamma: float, gae_lambda: float
) -> None:
    config = configure(IdentityVector, gamma=gamma, gae_lambda=gae_lambda, norm_obs=False)
    with Trainer(FakeEnvironments(), config) as trainer:
        zero = ridge_of(trainer)
        assert zero.count == 0
        # the very first one has a fit of its own whole returns, which is not kept: its samples count once
        over = fitted(zero, first, returns_to_go(first.rewards, first.ended, gamma))
        kept = zero
        for rollout in (first, second):
            advantages, targets = estimate(rollout, over, gamma, gae_lambda)
            np.testing.assert_allclose(compared_by(trainer, rollout), advantages, atol=1e-4)
            over = kept = fitted(kept, rollout, targets)
            assert trainer._ridge is not None
            assert trainer._ridge.count == kept.count
            np.testing.assert_allclose(trainer._ridge(SYMBOLS), kept(SYMBOLS), atol=1e-4)


def test_value_when_observations_are_normalized_then_sees_the_normalized_ones_with_features_of_the_seed() -> None:
    rng = np.random.default_rng(3)
    seen, following = rng.normal(4, 3, (2, 6, 8, 2)).astype(np.float32)
    nobody, rewards = np.zeros((6, 8), dtype=np.bool_), rng.normal(size=(6, 8))
    rollout = Rollout(seen, seen, following, rewards, ~nobody, nobody, nobody)
    with Trainer(FakeEnvironments(TargetVector), configure(TargetVector, seed=21, gamma=0.9)) as trainer:
        next(trainer.run())
        before, normalizer = ridge_of(trainer), trainer.policy.normalizer
        assert normalizer is not None
        basis = Basis(2, one_hot=False, seed=21)
        values, next_values = (before(basis(normalizer.apply(rows.reshape(-1, 2)))).reshape(6, 8) for rows in (seen, following))
        expected = generalized_advantages(rewards, values, next_values, nobody, nobody, 0.9, 0.9)
        np.testing.assert_allclose(compared_by(trainer, rollout), expected, rtol=1e-4, atol=1e-4)


class EndlessVector(IdentityVector):
    """Pays 1 a step, whatever is done, and only the time limit ends an episode."""

    def reward(self, actions: ActionArray) -> FloatArray:
        return np.ones(self.num_envs)

    def ends(self, actions: ActionArray) -> BoolArray:
        return np.zeros(self.num_envs, dtype=np.bool_)


class OneStepVector(EndlessVector):
    """Every step is the last one, by its own rules."""

    def ends(self, actions: ActionArray) -> BoolArray:
        return np.ones(self.num_envs, dtype=np.bool_)


@pytest.mark.parametrize(("kind", "expected"), [(EndlessVector, 5.0), (OneStepVector, 1.0)], ids=["truncated", "terminated"])
@starts
def test_value_when_episodes_are_truncated_then_goes_on_behind_them_and_stops_where_they_terminate(
    start: str, kind: type[FakeVector], expected: float
) -> None:
    # rewards are 1: Σ 0.8ᵗ = 5 without an end; of the steps that an episode of three has left it would be 1.9 in the mean
    fields = {"gamma": 0.8, "gae_lambda": 0.5, "max_episode_steps": 3, "n_epochs": 1, "hidden_sizes": (2,)}
    config = configure(kind, total_timesteps=4_000 if kind is EndlessVector else 300, **(STARTS[start] | fields))
    with Trainer(FakeEnvironments(kind), config) as trainer:
        metrics = [*trainer.run()]
        assert metrics[-1]["rollout/ep_len_mean"] == (3 if kind is EndlessVector else 1)
        ridge = ridge_of(trainer)
    assert ridge.moment[0] / ridge.count == pytest.approx(expected, rel=0.02)  # the mean target


@starts
def test_identity_environment_then_is_learned(start: str) -> None:
    environments = FakeEnvironments(IdentityVector)
    config = configure(IdentityVector, total_timesteps=6_000, learning_rate=1e-2, **STARTS[start])
    with Trainer(environments, config) as trainer:
        assert evaluate(trainer.policy, environments, episodes=50).mean_reward < 8
        metrics = [*trainer.run()]
        assert evaluate(trainer.policy, environments, episodes=50).returns == (20.0,) * 50
    assert metrics[0]["rollout/reward_mean"] < 0.4
    assert metrics[-1]["rollout/reward_mean"] > 0.9


@pytest.mark.parametrize(("start", "gae_lambda"), [*((start, 0.9) for start in STARTS), ("carried", 0.0), ("carried", 1.0)])
def test_continuous_target_then_is_learned(start: str, gae_lambda: float) -> None:
    environments = FakeEnvironments(TargetVector)
    fields = {"total_timesteps": 8_000, "learning_rate": 1e-2, "gamma": 0.5, "gae_lambda": gae_lambda}
    with Trainer(environments, configure(TargetVector, **fields, **STARTS[start])) as trainer:
        assert evaluate(trainer.policy, environments, episodes=50).mean_reward < -6
        [*trainer.run()]
        report = evaluate(trainer.policy, environments, episodes=50)
    assert set(report.lengths) == {20}
    assert report.mean_reward / 20 > -0.05


@starts
@pytest.mark.parametrize("kind", [NaNRewardVector, NaNObservationVector])
def test_environment_that_gives_nan_then_ends_the_run_as_diverged(kind: type[FakeVector], start: str) -> None:
    with Trainer(FakeEnvironments(kind), configure(kind, norm_obs=False, **STARTS[start])) as trainer:
        with pytest.raises(TrainingDiverged, match="a parameter is not a finite number any more"):
            [*trainer.run()]
        assert np.isfinite(trainer.policy.parameters).all()
        assert np.isfinite(ridge_of(trainer).weights).all()


@starts
@pytest.mark.parametrize("kind", [IdentityVector, TargetVector], ids=["discrete", "box"])
def test_run_when_resumed_from_the_bytes_of_its_beginning_then_ends_with_the_same_bits(
    kind: type[FakeVector], start: str
) -> None:
    config = configure(kind, total_timesteps=300, n_epochs=1, noise_correlation=0.5, **STARTS[start])
    with Trainer(FakeEnvironments(kind), config) as trainer:
        beginning = decode_checkpoint(encode_checkpoint(trainer.checkpoint()))
        assert (beginning.counters["ridge_count"], beginning.arrays["ridge_gram"].any()) == (0, False)
        [*trainer.run()]
        undisturbed = trainer.checkpoint()
    with Trainer(FakeEnvironments(kind), config, beginning) as resumed:
        [*resumed.run()]
        assert_same_checkpoint(resumed.checkpoint(), undisturbed)
        assert ridge_of(resumed).count > 0


def test_checkpoint_without_generalized_advantages_then_has_no_ridge() -> None:
    with Trainer(FakeEnvironments(), configure(IdentityVector, gae_lambda=None)) as trainer:
        next(trainer.run())
        checkpoint = trainer.checkpoint()
    assert not {name for name in checkpoint.arrays.keys() | checkpoint.counters.keys() if "ridge" in name}


@pytest.mark.parametrize("log_std_init", [-5.0, -0.7, 0.0, 2.0])
def test_log_std_init_then_is_that_of_the_first_rollout(log_std_init: float) -> None:
    config = configure(TargetVector, log_std_init=log_std_init, gae_lambda=None, learning_rate=1e-9)
    with Trainer(FakeEnvironments(TargetVector), config) as trainer:
        assert trainer.policy.parameters[-2:].tolist() == [np.float32(log_std_init)] * 2
        metrics = next(trainer.run())
    assert metrics["train/entropy"] == pytest.approx(2 * log_std_init + np.log(2 * np.pi) + 1, abs=1e-5)


def test_log_std_init_of_discrete_actions_then_changes_nothing() -> None:
    learned = []
    for log_std_init in (0.0, -2.0):
        config = configure(IdentityVector, log_std_init=log_std_init)
        with Trainer(FakeEnvironments(), config) as trainer:
            [*trainer.run()]
            learned.append(trainer.policy.parameters)
    assert_same_array(*learned)


@pytest.mark.parametrize("gae_lambda", [0.0, 0.5, 1.0])
def test_gae_lambda_when_trajectories_are_compared_whole_then_is_refused(gae_lambda: float) -> None:
    fields = {"segment_start": "fresh", "supervision": "outcome"}
    with pytest.raises(InvalidConfiguration, match="gae_lambda weighs single steps") as refused:
        configure(IdentityVector, gae_lambda=gae_lambda, **fields)
    assert [error.field for error in refused.value.errors] == ["supervision"]
    assert configure(IdentityVector, gae_lambda=None, **fields).gae_lambda is None
