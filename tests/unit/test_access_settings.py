"""Settings of access: what they become, and what is said of wrong ones."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.storage.keys_file import create
from application.access import Limits, Scope
from bootstrap.access import LOOPBACK_HOSTS, access_rules
from bootstrap.listener import is_loopback, listen
from bootstrap.settings import InvalidSettings, Settings, load
from domain.errors import StorageFailure

LOOPBACK, ANY = "127.0.0.1", "0.0.0.0"


@pytest.fixture
def keys(tmp_path: Path) -> str:
    path = tmp_path / "keys.json"
    create(path, "ci", [Scope.READ], {}, datetime(2026, 1, 2, tzinfo=UTC))
    return str(path)


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("GRPO_CORS_ORIGINS", "*", "'*' is no origin; write scheme://host"),
        ("GRPO_CORS_ORIGINS", "https://*.example", "is no origin"),
        ("GRPO_CORS_ORIGINS", "https://a.example, app.example", "'app.example' is no origin"),
        ("GRPO_CORS_ORIGINS", "https://a.example/", "is no origin"),
        ("GRPO_CORS_ORIGINS", "null", "is no origin"),
        ("GRPO_ALLOWED_HOSTS", "*", "'*' is no host"),
        ("GRPO_ALLOWED_HOSTS", "grpo.example:8000", "is no host"),
        ("GRPO_ALLOWED_HOSTS", "https://grpo.example", "is no host"),
        ("GRPO_ENV_ALLOW", "", "names no environment"),
        ("GRPO_ENV_ALLOW", " , ", "names no environment"),
        ("GRPO_LIMIT_JOBS", "-1", ">= 0"),
        ("GRPO_LIMIT_TOTAL_TIMESTEPS", "many", "got 'many'"),
    ],
)
def test_wrong_access_setting_is_named_with_its_origin_and_what_is_allowed(variable: str, text: str, said: str) -> None:
    with pytest.raises(InvalidSettings) as error:
        load([], {variable: text})
    assert variable in str(error.value)
    assert said in str(error.value)


def test_lists_from_the_environment_are_taken_apart_at_commas() -> None:
    settings = load(
        [], {"GRPO_CORS_ORIGINS": "https://A.example, http://localhost:3000,", "GRPO_ALLOWED_HOSTS": "Grpo.example,[fd00::1]"}
    )
    rules = access_rules(settings, LOOPBACK)
    assert rules.cors_origins == {"https://a.example", "http://localhost:3000"}
    assert rules.allowed_hosts == LOOPBACK_HOSTS | {"grpo.example", "[fd00::1]"}


def test_rules_by_default_are_no_keys_own_hosts_no_other_origins_and_a_bound_of_the_network() -> None:
    rules = access_rules(Settings(), LOOPBACK)
    assert rules.key_owner is None
    assert rules.allowed_hosts == LOOPBACK_HOSTS
    assert rules.cors_origins == frozenset()
    assert rules.limits == Limits(parameters=10_000_000)


def test_rules_with_keys_take_any_host_unless_some_are_named(keys: str) -> None:
    rules = access_rules(Settings(api_keys_file=keys), ANY)
    assert rules.key_owner is not None
    assert rules.allowed_hosts is None
    named = access_rules(Settings(api_keys_file=keys, allowed_hosts="grpo.example"), ANY)
    assert named.allowed_hosts == {*LOOPBACK_HOSTS, LOOPBACK, "grpo.example"}


def test_rules_hold_the_limits_of_the_settings_where_zero_is_none() -> None:
    settings = Settings(limit_requests_per_minute=60, limit_jobs=3, limit_parameters=0)
    assert access_rules(settings, LOOPBACK).limits == Limits(requests_per_minute=60, jobs=3)


def test_keys_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageFailure, match="cannot be read"):
        access_rules(Settings(api_keys_file=str(tmp_path / "none.json")), LOOPBACK)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("2001:db8::1", False),
        ("128.0.0.1", False),
    ],
)
def test_address_is_loopback_when_only_this_machine_reaches_it(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2"])
def test_loopback_is_listened_on_without_keys(host: str) -> None:
    with listen(Settings(host=host, port=0)) as listener:
        assert is_loopback(listener.getsockname()[0])


@pytest.mark.parametrize("host", ["0.0.0.0", "0", "::", "grpo.example"])
def test_address_that_others_reach_is_not_even_taken_without_keys(
    host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken: list[object] = []
    resolved = {"grpo.example": "192.0.2.7", "0": "0.0.0.0"}.get(host, host)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", (resolved, 8000))])
    monkeypatch.setattr(socket, "create_server", lambda *found, **_: taken.append(found))
    with pytest.raises(SystemExit) as exit_:
        listen(Settings(host=host))
    said = capsys.readouterr().err
    assert (exit_.value.code, taken) == (2, [])
    assert all(way in said for way in (host, "python -m bootstrap.keys create", "GRPO_API_KEYS_FILE", "127.0.0.1"))
    listen(Settings(host=host, api_keys_file="keys.json"))
    assert taken == [((resolved, 8000),)]
