"""Whole runs on small environments: what is used, what is learned, what is not, and how they fail."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from domain.arrays import FloatArray
from domain.config import TrainingConfig
from domain.errors import EnvironmentFailed, InvalidConfiguration, TrainingDiverged, UnknownEnvironment
from domain.evaluation import evaluate
from domain.trainer import Metrics, Trainer
from tests.factories import make_config
from tests.fakes import (
    FailingVector,
    FakeEnvironments,
    FakeVector,
    IdentityVector,
    IndifferentVector,
    NaNObservationVector,
    NaNRewardVector,
    PartialVector,
    TargetVector,
)

SMALL = {"hidden_sizes": (8,), "max_episode_steps": 20}
STARTS: dict[str, dict[str, Any]] = {
    "branched": {"n_steps": 16, "segment_start": "branched", "num_generations": 4},
    "fresh": {"n_steps": 16, "segment_start": "fresh", "num_generations": 4},
    "carried": {"n_steps": 16, "segment_start": "carried"},
    "episodes": {"segment_start": "fresh", "num_generations": 4},
}
starts = pytest.mark.parametrize("start", STARTS)
kinds = pytest.mark.parametrize("kind", [IdentityVector, TargetVector], ids=["discrete", "box"])


def configure(kind: type[FakeVector], **changes: Any) -> TrainingConfig:
    return make_config(**({"env_name": kind.SPEC.env_name} | SMALL | changes))


@st.composite
def budgets(draw: DrawFn) -> dict[str, Any]:
    """Fields that decide how many steps are simulated when."""
    size, groups = draw(st.integers(2, 5)), draw(st.integers(1, 3))
    n_steps = draw(st.one_of(st.none(), st.integers(1, 12)))
    start = "fresh" if n_steps is None else draw(st.sampled_from(["branched", "fresh", "carried"]))
    n_envs = size * groups
    return {
        "n_envs": n_envs,
        "num_generations": n_envs if start == "carried" else size,
        "n_steps": n_steps,
        "segment_start": start,
        "total_timesteps": draw(st.integers(1, 300)),
        "max_episode_steps": draw(st.integers(1, 20)),
        "reset_probability": draw(st.sampled_from([0.0, 0.5, 1.0])),
    }


@kinds
@given(fields=budgets())
@settings(max_examples=40)
def test_budget_then_is_used_up_and_never_exceeded(kind: type[FakeVector], fields: dict[str, Any]) -> None:
    environments = FakeEnvironments(kind)
    config = configure(kind, n_epochs=1, hidden_sizes=(2,), **fields)
    length = config.n_steps or config.max_episode_steps
    used = 0
    with Trainer(environments, config) as trainer:
        for _ in trainer.run():
            assert environments.simulated == trainer.timesteps == trainer.simulated_timesteps
            assert 0 < trainer.timesteps - used <= config.n_envs * length
            used = trainer.timesteps
        assert trainer.done
    assert environments.simulated == used == config.total_timesteps
    assert environments.made[0].longest <= config.max_episode_steps
    assert environments.made[0].closed


@starts
@kinds
def test_flat_rewards_then_leave_every_bit_of_the_parameters(kind: type[FakeVector], start: str) -> None:
    class Flat(kind):  # type: ignore[misc, valid-type]
        def reward(self, actions: FloatArray) -> FloatArray:
            return np.full(self.num_envs, 0.1)

        def ends(self, actions: FloatArray) -> FloatArray:
            return np.zeros(self.num_envs, dtype=np.bool_)

    # three members: the mean of three times 0.1 is not 0.1
    shape = STARTS[start] | {"n_envs": 3, "num_generations": 3}
    with Trainer(FakeEnvironments(Flat), configure(kind, total_timesteps=600, **shape)) as trainer:
        before = trainer.policy.parameters.copy()
        metrics = [*trainer.run()]
        assert trainer.checkpoint().counters["adam_step"] > 0
    np.testing.assert_array_equal(trainer.policy.parameters, before)
    assert [m["group/frac_reward_zero_std"] for m in metrics] == [1.0] * len(metrics)


@pytest.mark.parametrize("start", ["fresh", "episodes"])
def test_rewards_that_a_shared_start_decides_then_leave_every_bit_of_the_parameters(start: str) -> None:
    # every step pays another number, the same for all members of a group: the group's mean takes all of it away
    config = configure(IndifferentVector, total_timesteps=600, **STARTS[start])
    with Trainer(FakeEnvironments(IndifferentVector), config) as trainer:
        before = trainer.policy.parameters.copy()
        metrics = [*trainer.run()]
    np.testing.assert_array_equal(trainer.policy.parameters, before)
    assert len({m["rollout/reward_mean"] for m in metrics}) == len(metrics) > 2


def drift(kind: type[FakeVector], seeds: int) -> FloatArray:
    """Change of the mean probability of each action over a run, in standard errors over seeds."""
    observations = np.random.default_rng(0).random((32, 2)).astype(np.float32)
    changes = []
    for seed in range(seeds):
        config = configure(kind, total_timesteps=1_024, seed=seed, learning_rate=3e-3, n_epochs=4, **STARTS["carried"])
        with Trainer(FakeEnvironments(kind), config) as trainer:
            before = trainer.policy.predict_features(observations).action_probs
            [*trainer.run()]
            after = trainer.policy.predict_features(observations).action_probs
        assert before is not None
        assert after is not None
        changes.append((after - before).mean(axis=0))
    return np.asarray(np.mean(changes, axis=0) / (np.std(changes, axis=0) / np.sqrt(seeds)))


def test_reward_when_no_action_changes_it_then_moves_the_policy_nowhere_in_the_mean() -> None:
    # Members differ in their rewards here, so every single run moves. The seeds are fixed; for others, one coordinate would
    # be outside of 3.5 standard errors about once in 2,000 times.
    assert np.abs(drift(IndifferentVector, seeds=40)).max() < 3.5


def test_reward_when_an_action_changes_it_a_little_then_moves_the_policy_there() -> None:
    # the same measure notices a preference of a tenth of the rewards' range, so the test above is not blind
    towards, *away = drift(PartialVector, seeds=40)
    assert towards > 7
    assert max(away) < -3.5


@starts
def test_identity_environment_then_is_learned(start: str) -> None:
    environments = FakeEnvironments(IdentityVector)
    config = configure(IdentityVector, total_timesteps=6_000, learning_rate=1e-2, **STARTS[start])
    with Trainer(environments, config) as trainer:
        before = evaluate(trainer.policy, environments, episodes=50).mean_reward
        metrics = [*trainer.run()]
        assert before < 8
        assert evaluate(trainer.policy, environments, episodes=50).returns == (20.0,) * 50
        probabilities = trainer.policy.predict_features(np.eye(5, dtype=np.float32)).action_probs
    assert probabilities is not None
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert metrics[0]["rollout/reward_mean"] < 0.4
    assert metrics[-1]["rollout/reward_mean"] > 0.9


@pytest.mark.parametrize(("start", "correlation"), [*((start, 0.0) for start in STARTS), ("fresh", 0.5)])
def test_continuous_target_then_is_learned(start: str, correlation: float) -> None:
    environments = FakeEnvironments(TargetVector)
    fields = {"total_timesteps": 12_000, "learning_rate": 1e-2, "gamma": 0.5, "noise_correlation": correlation}
    with Trainer(environments, configure(TargetVector, **fields, **STARTS[start])) as trainer:
        # an action that ignores the target costs 2/3 a step in the mean
        assert evaluate(trainer.policy, environments, episodes=50).mean_reward < -6
        [*trainer.run()]
        report = evaluate(trainer.policy, environments, episodes=50)
        assert set(report.lengths) == {20}
        assert report.mean_reward / 20 > -0.03
        log_std = trainer.policy.parameters[-2:]
        assert np.all(log_std < -0.3)


@pytest.mark.parametrize("start", ["episodes", "carried"])
def test_environment_that_fails_then_ends_the_run_and_leaves_the_last_policy(start: str) -> None:
    class Failing(FailingVector):
        good = 450

    with Trainer(FakeEnvironments(Failing), configure(Failing, **STARTS[start])) as trainer:
        kept = [trainer.policy.parameters.copy()]
        with pytest.raises(EnvironmentFailed, match="out of order"):
            kept.extend(trainer.policy.parameters.copy() for _ in trainer.run())
        assert len(kept) > 2
        assert np.array_equal(trainer.policy.parameters, kept[-1])
        assert not np.array_equal(kept[-2], kept[-1])
        assert trainer.checkpoint().counters["updates"] == len(kept) - 1


@starts
@pytest.mark.parametrize("kind", [NaNRewardVector, NaNObservationVector])
@pytest.mark.parametrize("norm_obs", [True, False])
def test_environment_that_gives_nan_then_ends_the_run_as_diverged(kind: type[FakeVector], start: str, norm_obs: bool) -> None:
    with Trainer(FakeEnvironments(kind), configure(kind, norm_obs=norm_obs, **STARTS[start])) as trainer:
        with pytest.raises(TrainingDiverged, match="a parameter is not a finite number any more"):
            [*trainer.run()]
        assert np.isfinite(trainer.policy.parameters).all()
        assert trainer.checkpoint().timesteps < trainer.timesteps


@kinds
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("hidden_sizes", [(8,), (16, 16, 16, 16)], ids=["flat", "deep"])
@pytest.mark.parametrize("ent_coef", [0.0, 10.0])
def test_learning_rate_when_huge_then_parameters_stay_finite_or_the_run_ends_as_diverged(
    kind: type[FakeVector], activation: str, hidden_sizes: tuple[int, ...], ent_coef: float
) -> None:
    fields = {"learning_rate": 1.0, "max_grad_norm": 1e6, "beta": 1.0, "total_timesteps": 2_000, **STARTS["fresh"]}
    fields |= {"activation": activation, "hidden_sizes": hidden_sizes, "ent_coef": ent_coef}
    metrics: list[Metrics] = []
    with Trainer(FakeEnvironments(kind), configure(kind, **fields)) as trainer:
        try:
            metrics.extend(trainer.run())
        except TrainingDiverged as error:
            assert "a smaller learning_rate (now 1) or max_grad_norm (1e+06) may help" in str(error)  # noqa: PT017
        assert np.isfinite(trainer.policy.parameters).all()
        assert np.isfinite(trainer.policy.value_weights).all()
    assert all(np.isfinite(value) for figures in metrics for value in figures.values())


def test_learning_rate_when_huge_then_can_end_a_run_as_diverged() -> None:
    fields = {"learning_rate": 1.0, "max_grad_norm": 1e6, "activation": "relu", "hidden_sizes": (64,) * 6}
    with (
        Trainer(FakeEnvironments(TargetVector), configure(TargetVector, total_timesteps=4_000, **fields)) as trainer,
        pytest.raises(TrainingDiverged),
    ):
        [*trainer.run()]


def test_trainer_when_the_environment_is_unknown_then_is_refused() -> None:
    with pytest.raises(UnknownEnvironment):
        Trainer(FakeEnvironments(IdentityVector), configure(TargetVector))


def test_trainer_when_the_reward_does_not_fit_then_is_refused() -> None:
    with pytest.raises(InvalidConfiguration, match="does not fit Identity-v0"):
        Trainer(FakeEnvironments(), configure(IdentityVector, reward_function_type="simple_cartpole"))
