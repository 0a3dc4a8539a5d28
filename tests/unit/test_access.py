"""Scopes, and the limits of a client on a training configuration."""

import pytest

from application.access import Client, Limits, Scope, check_limits, with_changes
from domain.errors import InvalidConfiguration
from tests.factories import ARM, CARTPOLE, make_config

CI = "key ab12cd34 (ci)"


def client(**limits: int) -> Client:
    return Client(CI, limits=Limits(**limits))


def test_key_with_admin_may_do_everything_and_others_what_they_have() -> None:
    assert all(Client(CI, frozenset({Scope.ADMIN})).may(scope) for scope in Scope)
    reader = Client(CI, frozenset({Scope.READ}))
    assert [scope for scope in Scope if reader.may(scope)] == [Scope.READ]
    assert not any(Client(CI, frozenset()).may(scope) for scope in Scope)


def test_configuration_at_every_limit_passes() -> None:
    network = 4 * 64 + 64 + 64 * 64 + 64 + 64 * 2 + 2
    limits = client(total_timesteps=1_000, n_envs=8, max_episode_steps=500, parameters=network)
    check_limits(make_config(), CARTPOLE, limits)
    check_limits(make_config(), CARTPOLE, Client(CI))


@pytest.mark.parametrize(
    ("limits", "field", "said"),
    [
        ({"total_timesteps": 999}, "total_timesteps", f"total_timesteps must be at most 999, the limit for {CI}, got 1000."),
        ({"n_envs": 7}, "n_envs", f"n_envs must be at most 7, the limit for {CI}, got 8."),
        ({"max_episode_steps": 499}, "max_episode_steps", f"at most 499, the limit for {CI}, got 500."),
        ({"parameters": 4_609}, "hidden_sizes", f"at most 4609 weights and biases, the limit for {CI}; [64, 64] makes 4610"),
    ],
)
def test_configuration_beyond_a_limit_is_refused_with_value_limit_and_owner(
    limits: dict[str, int], field: str, said: str
) -> None:
    with pytest.raises(InvalidConfiguration) as error:
        check_limits(make_config(), CARTPOLE, client(**limits))
    assert [entry.field for entry in error.value.errors] == [field]
    assert said in str(error.value)


def test_configuration_beyond_several_limits_names_each() -> None:
    with pytest.raises(InvalidConfiguration) as error:
        check_limits(make_config(), ARM, client(total_timesteps=1, n_envs=1, max_episode_steps=1, parameters=1))
    assert [entry.field for entry in error.value.errors] == ["total_timesteps", "n_envs", "max_episode_steps", "hidden_sizes"]


def test_limits_with_changes_replace_those_that_are_named_and_zero_lifts_one() -> None:
    changed = with_changes(Limits(n_envs=8, jobs=2), {"jobs": 0, "total_timesteps": 5})
    assert changed == Limits(n_envs=8, jobs=None, total_timesteps=5)
