"""What a user gets who names little."""

from dataclasses import replace
from typing import Any

import pytest

from domain.config import TrainingConfig
from domain.errors import InvalidConfiguration
from domain.presets import resolve
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import ARM, CARTPOLE, LAKE

PENDULUM = EnvironmentSpec("Pendulum-v1", Box((3,), (-1.0, -1.0, -8.0), (1.0, 1.0, 8.0)), Box((1,), (-2.0,), (2.0,)), 200)


def resolved(environment: EnvironmentSpec = CARTPOLE, /, **given: Any) -> TrainingConfig:
    return resolve(given, environment, seed=11, model_name="unnamed")


def errors_of(environment: EnvironmentSpec = CARTPOLE, /, **given: Any) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as caught:
        resolved(environment, **given)
    return {error.field: error.message for error in caught.value.errors}


def test_nothing_given_then_the_shaped_reward_of_cartpole_is_learned_with_its_preset() -> None:
    config = resolved()
    assert (config.env_name, config.model_name, config.seed) == ("CartPole-v1", "unnamed", 11)
    assert (config.reward_function_type, config.total_timesteps, config.max_episode_steps) == (
        "optimized_cartpole",
        10_000,
        500,
    )
    assert (config.n_steps, config.segment_start, config.n_envs, config.num_generations) == (32, "branched", 6, 2)


def test_native_reward_of_cartpole_then_is_learned_from_whole_episodes() -> None:
    config = resolved(reward_function_type="environment")
    assert (config.n_steps, config.segment_start, config.n_envs, config.num_generations) == (None, "fresh", 8, 8)


def test_pendulum_then_has_many_small_groups_and_a_value() -> None:
    config = resolved(PENDULUM)
    assert (config.reward_function_type, config.max_episode_steps) == ("environment", 200)
    assert (config.n_steps, config.segment_start, config.n_envs, config.num_generations) == (64, "fresh", 32, 4)
    assert (config.gae_lambda, config.learning_rate, config.lr_schedule) == (0.95, 1e-3, "linear")


def test_environment_without_a_preset_then_is_learned_as_its_kind_is() -> None:
    lake, arm = resolved(LAKE), resolved(ARM, total_timesteps=100_000)
    assert (lake.norm_obs, lake.n_steps, lake.gae_lambda, lake.max_episode_steps) == (False, 128, 0.95, 1_000)
    assert (arm.n_steps, arm.gae_lambda, arm.noise_correlation, arm.norm_obs, arm.max_episode_steps) == (
        None,
        None,
        0.5,
        True,
        100,
    )


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({"dense_reward": True}, {"total_timesteps": 100_000}),
        ({"max_episode_steps": 5_000}, {"total_timesteps": 100_000}),
        ({"max_episode_steps": None}, {"total_timesteps": 39_999}),
        ({}, {"total_timesteps": 100_000, "max_episode_steps": 5_000}),
        ({}, {"total_timesteps": 3_999}),
    ],
)
def test_environment_without_a_preset_when_rewards_are_dense_or_episodes_few_then_segments_have_a_value(
    changes: dict[str, Any], given: dict[str, Any]
) -> None:
    assert resolved(ARM, total_timesteps=4_000).gae_lambda is None
    config = resolved(replace(ARM, **changes), **given)
    assert (config.n_steps, config.segment_start, config.gae_lambda, config.log_std_init) == (256, "carried", 0.95, -0.5)
    assert resolved(replace(ARM, action_space=Discrete(3), **changes), **given).log_std_init == 0


def test_simple_cartpole_then_is_learned_from_shorter_segments_in_more_epochs() -> None:
    config = resolved(reward_function_type="simple_cartpole")
    assert (config.n_steps, config.n_epochs, config.segment_start) == (16, 20, "branched")


def test_given_values_then_win_over_every_preset() -> None:
    given: dict[str, Any] = {
        "model_name": "mine",
        "seed": 3,
        "total_timesteps": 77,
        "max_episode_steps": 9,
        "n_steps": 5,
        "segment_start": "fresh",
        "reset_probability": 0.5,
        "epsilon": 0.3,
        "ema_decay": 0.0,
        "hidden_sizes": [3, 4],
        "learning_rate": 1e-2,
        "n_envs": 6,
        "num_generations": 3,
    }
    config = resolved(**given)
    assert {name: getattr(config, name) for name in given} == given | {"hidden_sizes": (3, 4)}


@pytest.mark.parametrize(
    ("given", "n_envs", "num_generations"),
    [
        ({"n_envs": 12}, 12, 2),  # CartPole's preset: pairs
        ({"n_envs": 3}, 3, 3),
        ({"num_generations": 4}, 4, 4),
        ({"num_generations": 3}, 6, 3),
        ({"num_generations": 16}, 16, 16),
        ({"n_envs": 6, "num_generations": 3}, 6, 3),
        ({"segment_start": "carried"}, 6, 6),
        ({"segment_start": "carried", "n_envs": 5}, 5, 5),
        ({"segment_start": "carried", "num_generations": 5}, 5, 5),
        ({"n_steps": None, "n_envs": 5}, 5, 5),
    ],
)
def test_sizes_of_groups_when_one_is_given_then_the_other_follows(
    given: dict[str, Any], n_envs: int, num_generations: int
) -> None:
    config = resolved(**given)
    assert (config.n_envs, config.num_generations) == (n_envs, num_generations)


def test_sizes_of_groups_when_both_are_given_and_do_not_fit_then_are_refused() -> None:
    assert [*errors_of(n_envs=8, num_generations=3)] == ["n_envs"]
    assert [*errors_of(segment_start="carried", n_envs=8, num_generations=4)] == ["num_generations"]


@pytest.mark.parametrize("field", ["n_envs", "num_generations"])
@pytest.mark.parametrize("wrong", [0, -4, "8", 8.0, None, 5_000])
def test_sizes_of_groups_when_they_are_no_sizes_then_are_refused(field: str, wrong: Any) -> None:
    assert field in errors_of(**{field: wrong})


def test_more_workers_than_there_may_be_then_are_the_only_thing_that_is_wrong() -> None:
    assert errors_of(num_workers=10**9).keys() == {"num_workers"}


def test_n_steps_when_null_then_asks_for_episode_groups() -> None:
    config = resolved(n_steps=None)
    assert (config.n_steps, config.segment_start) == (None, "fresh")


@pytest.mark.parametrize(("alias", "name", "value"), [("group_size", "num_generations", 4), ("clip_range", "epsilon", 0.1)])
def test_alias_then_means_the_same(alias: str, name: str, value: Any) -> None:
    assert resolved(**{alias: value}) == resolved(**{name: value}) == resolved(**{alias: value, name: value})
    assert errors_of(**{alias: value, name: value * 2}) == {
        alias: f"{alias} is another name of {name}; they conflict: {value!r} and {value * 2!r}."
    }


def test_unknown_fields_then_are_refused_each() -> None:
    errors = errors_of(learning_rat=1, foo=2)
    assert [*errors] == ["learning_rat", "foo"]
    assert errors["foo"].startswith("'foo' is no field of a training configuration; known: activation, ")


def test_branches_when_the_environment_cannot_be_copied_then_are_refused() -> None:
    assert "Pendulum-v1 is none" in errors_of(PENDULUM, segment_start="branched")["segment_start"]
    assert resolved(PENDULUM, segment_start="branched", n_steps=None).segment_start == "fresh"


def test_reward_when_it_does_not_fit_the_environment_then_is_refused() -> None:
    assert [*errors_of(PENDULUM, reward_function_type="simple_cartpole")] == ["reward_function_type"]


def test_given_mapping_then_is_left_as_it_was() -> None:
    given = {"group_size": 4}
    resolve(given, CARTPOLE, seed=1, model_name="m")
    assert given == {"group_size": 4}


def test_outcome_supervision_when_the_preset_has_a_value_then_takes_whole_episodes() -> None:
    acrobot = EnvironmentSpec("Acrobot-v1", Box((6,), (-1.0,) * 6, (1.0,) * 6), Discrete(3), 500)
    config = resolved(acrobot, supervision="outcome")
    assert (config.n_steps, config.segment_start, config.gae_lambda) == (None, "fresh", None)
    assert [*errors_of(acrobot, supervision="outcome", gae_lambda=0.9)] == ["supervision"]
    assert resolved(PENDULUM, supervision="outcome").gae_lambda is None
    assert resolved(acrobot).gae_lambda == 0.95
