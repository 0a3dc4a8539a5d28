"""Which training configurations exist, and what is said of the others."""

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from domain.config import BOOLEANS, CHOICES, INTEGER_BOUNDS, NUMBER_BOUNDS, OPTIONAL, Bounds, TrainingConfig
from domain.errors import InvalidConfiguration
from tests.factories import make_config

# fields that must go together with a value for the configuration to be a whole
PARTNERS: dict[str, dict[str, Any]] = {
    "importance_sampling_level": {"loss_type": "grpo"},
    "n_envs": {"n_steps": None},
    "num_generations": {"n_steps": None},
    "num_workers": {"n_steps": None, "n_envs": 128, "num_generations": 2},
}


def errors_of(**changes: Any) -> dict[str, str]:
    with pytest.raises(InvalidConfiguration) as caught:
        make_config(**changes)
    assert len({error.field for error in caught.value.errors}) == len(caught.value.errors)
    return {error.field: error.message for error in caught.value.errors}


def make_with(name: str, value: Any) -> TrainingConfig:
    changes = PARTNERS.get(name, {}) | {name: value}
    if name in ("n_envs", "num_generations"):
        changes |= {"n_envs": value, "num_generations": value}
    return make_config(**changes)


def test_every_field_but_the_names_and_the_network_then_has_bounds_or_choices() -> None:
    bounded = {*CHOICES, *INTEGER_BOUNDS, *NUMBER_BOUNDS, *BOOLEANS}
    assert {field.name for field in fields(TrainingConfig)} - bounded == {
        "env_name",
        "model_name",
        "reward_function_type",
        "hidden_sizes",
    }
    assert bounded | OPTIONAL == bounded


def test_configuration_when_made_then_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        make_config().gamma = 0.5  # type: ignore[misc]


@pytest.mark.parametrize("name", INTEGER_BOUNDS)
def test_integer_then_is_allowed_up_to_its_bounds_and_no_further(name: str) -> None:
    bounds = INTEGER_BOUNDS[name]
    low, high = int(bounds.low), int(bounds.high)
    assert getattr(make_with(name, low), name) == low
    assert getattr(make_with(name, high), name) == high
    for wrong in (low - 1, high + 1, float(low + 1), True, "1", float("nan"), [1]):
        assert errors_of(**{name: wrong})[name].endswith(f", got {wrong!r}.")


@pytest.mark.parametrize("name", NUMBER_BOUNDS)
def test_number_then_is_allowed_up_to_its_bounds_and_no_further(name: str) -> None:
    bounds = NUMBER_BOUNDS[name]
    smallest = bounds.low + 1e-12 if bounds.above else bounds.low
    for right in (smallest, bounds.high):
        assert getattr(make_config(**{name: right}), name) == right
    wrong = [bounds.low - 1e-12, bounds.high + 1e-3, float("nan"), float("inf"), True, "0.5", [0.5]]
    for value in wrong + ([bounds.low] if bounds.above else []):
        assert errors_of(**{name: value})[name].endswith(f", got {value!r}.")


@pytest.mark.parametrize("name", CHOICES)
def test_choice_then_is_one_of_the_words(name: str) -> None:
    for word in CHOICES[name]:
        assert getattr(make_with(name, word), name) == word
    for wrong in ("nonsense", None, 1, ["grpo"], ""):
        assert errors_of(**{name: wrong})[name] == f"{name} must be one of {', '.join(CHOICES[name])}, got {wrong!r}."


def test_reward_function_then_is_any_name_since_plug_ins_bring_their_own() -> None:
    for right in ("environment", "my-plugin.upright_2", "x" * 128):
        assert make_config(reward_function_type=right).reward_function_type == right
    for wrong in ("", "2fast", "a b", "a/b", "名", "x" * 129, "line\n", None, 1):
        assert errors_of(reward_function_type=wrong)["reward_function_type"].endswith(f"the first a letter, got {wrong!r}.")


@pytest.mark.parametrize("name", sorted({*INTEGER_BOUNDS, *NUMBER_BOUNDS, *BOOLEANS}))
def test_null_then_is_allowed_where_a_field_may_be_absent(name: str) -> None:
    if name in OPTIONAL:
        assert getattr(make_config(**{name: None}), name) is None
        assert "or null, got" in errors_of(**{name: "x"})[name]
    else:
        assert name in errors_of(**{name: None})


@pytest.mark.parametrize("wrong", [1, 0, "true", None])
def test_boolean_when_something_else_then_is_refused(wrong: Any) -> None:
    assert errors_of(norm_obs=wrong) == {"norm_obs": f"norm_obs must be true or false, got {wrong!r}."}


@pytest.mark.parametrize("right", [(1,), (64, 64), (4096,), (2,) * 8])
def test_hidden_sizes_when_one_to_eight_layers_then_are_allowed(right: tuple[int, ...]) -> None:
    assert make_config(hidden_sizes=right).hidden_sizes == right


@pytest.mark.parametrize("wrong", [(), (0,), (4097,), (2,) * 9, (64.0,), (True,), 64, None, "64", [64]])
def test_hidden_sizes_when_something_else_then_are_refused(wrong: Any) -> None:
    shown = list(wrong) if isinstance(wrong, tuple) else wrong
    message = f"hidden_sizes must be 1 to 8 integers, each from 1 to 4096, got {shown!r}."
    assert errors_of(hidden_sizes=wrong) == {"hidden_sizes": message}


@pytest.mark.parametrize("wrong", ["", None, 7])
def test_environment_when_it_is_no_name_then_is_refused(wrong: Any) -> None:
    message = f"env_name must be a Gymnasium id such as 'CartPole-v1', got {wrong!r}."
    assert errors_of(env_name=wrong) == {"env_name": message}


def test_configuration_when_several_fields_are_wrong_then_names_each() -> None:
    errors = errors_of(gamma=1.5, n_epochs=0, model_name="-", loss_type="ppo")
    assert [*errors] == ["model_name", "n_epochs", "gamma", "loss_type"]
    assert errors["gamma"] == "gamma must be a number, at least 0 and at most 1, got 1.5."
    assert errors["n_epochs"] == "n_epochs must be an integer, at least 1 and at most 1000, got 0."


def test_learning_rate_when_zero_then_is_told_that_it_must_be_above() -> None:
    message = "learning_rate must be a number, above 0 and at most 1, got 0."
    assert errors_of(learning_rate=0) == {"learning_rate": message}


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"n_envs": 8, "num_generations": 3}, "n_envs", "got 8 with num_generations 3"),
        ({"importance_sampling_level": "sequence"}, "importance_sampling_level", "needs loss_type \"grpo\", got 'dapo'"),
        ({"n_steps": 4, "num_generations": 4}, "num_generations", "must equal n_envs where segments are carried over"),
        ({"n_steps": 4, "supervision": "outcome"}, "supervision", "leave n_steps out"),
    ],
)
def test_fields_when_they_do_not_fit_one_another_then_are_refused(changes: dict[str, Any], field: str, said: str) -> None:
    errors = errors_of(**changes)
    assert [*errors] == [field]
    assert said in errors[field]


@pytest.mark.parametrize(
    "changes",
    [
        {"n_envs": 8, "num_generations": 4},
        {"n_steps": 4, "num_generations": 4, "segment_start": "fresh", "supervision": "outcome"},
        {"n_steps": 4, "num_generations": 2, "segment_start": "branched"},
        {"supervision": "outcome", "num_generations": 4},
        {"importance_sampling_level": "sequence", "loss_type": "grpo", "n_steps": 4},
    ],
)
def test_fields_when_they_fit_one_another_then_make_a_configuration(changes: dict[str, Any]) -> None:
    config = make_config(**changes)
    assert config.num_groups == config.n_envs // config.num_generations


def test_bounds_then_say_what_they_allow() -> None:
    assert str(Bounds(0, 1)) == "at least 0 and at most 1"
    assert str(Bounds(0, 1_000_000, above=True)) == "above 0 and at most 1000000"
    assert (Bounds(0, 1, above=True).allows(0), Bounds(0, 1).allows(0), Bounds(0, 1).allows(1)) == (False, True, True)
