"""What each setting does: another value teaches another policy, and what is kept of a run is what was asked for."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from domain.arrays import ActionArray, BoolArray
from domain.config import TrainingConfig
from domain.policy import Policy
from domain.rewards import simple_cartpole
from domain.trainer import Metrics, Trainer
from tests.factories import make_config
from tests.fakes import CartPoleLikeVector, FakeEnvironments, FakeVector, IdentityVector, TargetVector

# whole episodes of groups of four, in which every one of the settings below can matter
NONE = np.array([])
LIVELY = {"total_timesteps": 600, "learning_rate": 0.02, "beta": 0.1, "num_generations": 4, "loss_type": "grpo"}
CHANGED: dict[str, dict[str, Any]] = {
    "seed": {"seed": 8},
    "total_timesteps": {"total_timesteps": 500},
    "max_episode_steps": {"max_episode_steps": 10},
    "n_steps": {"n_steps": 10, "segment_start": "fresh"},
    "n_envs": {"n_envs": 12},
    "num_generations": {"num_generations": 8},
    "batch_size": {"batch_size": 32},
    "n_epochs": {"n_epochs": 9},
    "learning_rate": {"learning_rate": 0.01},
    "lr_schedule": {"lr_schedule": "linear"},
    "gamma": {"gamma": 0.9},
    "epsilon": {"epsilon": 0.1, "epsilon_high": 0.2},
    "epsilon_high": {"epsilon_high": 0.3},
    "beta": {"beta": 0.0},
    "ref_model_sync_steps": {"ref_model_sync_steps": 2},
    "ent_coef": {"ent_coef": 0.01},
    "target_kl": {"target_kl": 0.001},
    "max_grad_norm": {"max_grad_norm": 0.01},
    "loss_type": {"loss_type": "dapo"},
    "scale_rewards": {"scale_rewards": "none"},
    "importance_sampling_level": {"importance_sampling_level": "sequence"},
    "supervision": {"supervision": "outcome"},
    "norm_obs": {"norm_obs": False},
    "noise_correlation": {"noise_correlation": 0.5},
    "ema_decay": {"ema_decay": 0.5},
    "gae_lambda": {"gae_lambda": 0.9},
    "log_std_init": {"log_std_init": -1.0},
    "hidden_sizes": {"hidden_sizes": (8, 8)},
    "activation": {"activation": "relu"},
    "num_workers": {"num_workers": 2},
}


def configure(kind: type[FakeVector], **changes: Any) -> TrainingConfig:
    return make_config(**({"env_name": kind.SPEC.env_name, "hidden_sizes": (8,), "max_episode_steps": 20} | changes))


def learned(**changes: Any) -> bytes:
    with Trainer(FakeEnvironments(TargetVector), configure(TargetVector, **(LIVELY | changes))) as trainer:
        [*trainer.run()]
        return trainer.policy.parameters.tobytes()


@pytest.mark.parametrize("name", CHANGED)
def test_setting_when_it_is_another_then_another_policy_is_learned(name: str) -> None:
    assert learned(**CHANGED[name]) != learned()


@pytest.mark.parametrize(
    "changes", [{"segment_start": "branched"}, {"segment_start": "carried", "num_generations": 8}, {"scale_rewards": "group"}]
)
def test_settings_of_segments_when_they_are_others_then_another_policy_is_learned(changes: dict[str, Any]) -> None:
    fresh = {"n_steps": 10, "segment_start": "fresh"}
    assert learned(**(fresh | changes)) != learned(**fresh)


def test_reset_probability_when_it_is_another_then_another_policy_is_learned() -> None:
    branched = {"n_steps": 5, "segment_start": "branched"}
    assert learned(**branched, reset_probability=0.0) != learned(**branched, reset_probability=1.0)


def test_settings_of_these_tests_then_are_all_there_are() -> None:
    names = {"env_name", "model_name", "reward_function_type", "segment_start", "reset_probability"}
    watching = {"eval_freq", "n_eval_episodes"}  # tests/unit/test_evaluations.py: they change no bit
    assert CHANGED.keys() | names | watching == {field.name for field in fields(TrainingConfig)}


@pytest.mark.parametrize("start", [{"n_envs": 32, "num_generations": 16}, {"n_steps": 16}])
def test_shaped_reward_then_is_learned_from_and_the_native_one_reported(start: dict[str, Any]) -> None:
    def first_update(name: str) -> tuple[Metrics, Policy, CartPoleLikeVector]:
        environments = FakeEnvironments(CartPoleLikeVector)
        with Trainer(environments, configure(CartPoleLikeVector, reward_function_type=name, **start)) as trainer:
            metrics = next(trainer.run())
            (vector,) = environments.made
            assert isinstance(vector, CartPoleLikeVector)
            return metrics, trainer.policy, vector

    metrics, policy, vector = first_update("simple_cartpole")
    assert metrics["rollout/reward_mean"] == pytest.approx(
        simple_cartpole(NONE, NONE, np.array(vector.reached)).mean(), rel=1e-6
    )
    assert 0.2 < metrics["rollout/reward_mean"] < 0.8
    assert metrics["rollout/ep_rew_mean"] == metrics["rollout/ep_len_mean"] > 1
    native, other, _ = first_update("environment")
    assert native["rollout/reward_mean"] == 1.0
    assert not np.array_equal(policy.parameters, other.parameters)


def test_value_then_expects_the_discounted_native_rewards_of_an_episode_that_is_cut_by_time_only() -> None:
    class Endless(CartPoleLikeVector):
        def ends(self, actions: ActionArray) -> BoolArray:
            return np.zeros(self.num_envs, dtype=np.bool_)

    config = configure(Endless, reward_function_type="simple_cartpole", gamma=0.9, total_timesteps=600)
    with Trainer(FakeEnvironments(Endless), config) as trainer:
        [*trainer.run()]
    observations = np.random.default_rng(0).uniform(-0.2, 0.2, (50, 4)).astype(np.float32)
    np.testing.assert_allclose(trainer.policy.predict_features(observations).values, 10.0, rtol=0.02)


def test_metrics_then_have_the_names_of_their_fields() -> None:
    config = configure(IdentityVector, beta=0.1, total_timesteps=500)
    with Trainer(FakeEnvironments(), config) as trainer:
        *_, last = trainer.run()
    assert set(last) == {
        "rollout/ep_rew_mean",
        "rollout/ep_len_mean",
        "rollout/reward_mean",
        "group/reward_std",
        "group/frac_reward_zero_std",
        "kl",
        "train/loss",
        "train/approx_kl",
        "train/clip_fraction",
        "train/entropy",
        "train/grad_norm",
        "train/learning_rate",
    }
    assert 1 <= last["rollout/ep_len_mean"] <= 20
    assert last["train/learning_rate"] == 3e-4
    assert last["kl"] > 0
    assert last["train/entropy"] == pytest.approx(np.log(5), abs=0.01)


def test_policy_when_parameters_are_averaged_then_is_the_average() -> None:
    with Trainer(FakeEnvironments(), configure(IdentityVector, total_timesteps=500, ema_decay=0.9)) as trainer:
        [*trainer.run()]
        arrays = trainer.checkpoint().arrays
    assert trainer.policy.parameters is arrays["average"]
    assert not np.array_equal(arrays["average"], arrays["parameters"])


@pytest.mark.parametrize(("sync", "moved"), [(None, False), (2, True)])
def test_reference_policy_then_is_the_first_one_or_a_recent_one(sync: int | None, moved: bool) -> None:
    config = configure(IdentityVector, total_timesteps=100_000, beta=0.1, ref_model_sync_steps=sync)
    with Trainer(FakeEnvironments(), config) as trainer:
        first, run, references = trainer.policy.parameters.copy(), trainer.run(), []
        for _ in range(3):
            next(run)
            references.append(trainer.checkpoint().arrays["reference"])
            if len(references) == 2:
                second = trainer.policy.parameters.copy()
    assert np.array_equal(references[0], first)
    assert np.array_equal(references[2], second if moved else first)


def test_normalizer_then_has_seen_every_simulated_observation_once() -> None:
    with Trainer(FakeEnvironments(), configure(IdentityVector, total_timesteps=500)) as trainer:
        [*trainer.run()]
        normalizer = trainer.policy.normalizer
    assert normalizer is not None
    assert normalizer.count == 500
    np.testing.assert_allclose(normalizer.mean, 0.2, atol=0.08)
    np.testing.assert_allclose(normalizer.var, normalizer.mean * (1 - normalizer.mean), rtol=1e-9)  # of one-hot vectors


def test_policy_when_observations_are_not_normalized_then_has_no_normalizer() -> None:
    with Trainer(FakeEnvironments(), configure(IdentityVector, total_timesteps=100, norm_obs=False)) as trainer:
        [*trainer.run()]
        assert trainer.policy.normalizer is None
