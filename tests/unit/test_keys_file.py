"""API keys in a file: made, found, revoked, and what becomes of a file that is damaged."""

import hashlib
import json
import logging
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.storage.keys_file import LOOK_SECONDS, KeysFile, create, entries, revoke
from application.access import Limits, Scope
from domain.errors import StorageFailure

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def look_again(self) -> None:
        self.now += LOOK_SECONDS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def make(path: Path, name: str = "ci", scopes: tuple[Scope, ...] = (Scope.READ,), **limits: int) -> str:
    return create(path, name, scopes, limits, NOW)


def test_key_when_made_is_found_with_its_name_scopes_and_limits(path: Path) -> None:
    key = make(path, "build server", (Scope.READ, Scope.TRAIN), jobs=3, n_envs=0)
    client = KeysFile(path, Limits(n_envs=8, total_timesteps=9))(key.encode())
    assert client is not None
    assert client.name == f"key {key.split('_')[1]} (build server)"
    assert client.scopes == {Scope.READ, Scope.TRAIN}
    assert client.limits == Limits(jobs=3, n_envs=None, total_timesteps=9)


def test_file_holds_the_hash_of_256_bits_and_not_the_secret_and_is_private(path: Path) -> None:
    key = make(path)
    prefix, key_id, secret = key.split("_", 2)
    text = path.read_text(encoding="utf-8")
    [entry] = json.loads(text)["keys"]
    assert (prefix, entry["id"]) == ("grpo", key_id)
    assert len(secret) >= 43
    assert secret not in text
    assert entry["sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1],
        lambda key: key + b"x",
        lambda key: key.replace(b"grpo_", b"GRPO_"),
        lambda key: key.replace(b"_", b"-"),
        lambda key: b"grpo_00000000_" + key.split(b"_", 2)[2],
        lambda key: b"",
        lambda key: b"grpo",
        lambda key: b"\xff\x00_\xfe_",
        lambda key: key.split(b"_", 2)[2],
    ],
)
def test_key_that_is_not_exactly_one_of_the_file_is_nobodys(path: Path, change: Any) -> None:
    key = make(path).encode()
    keys = KeysFile(path, Limits())
    assert keys(key) is not None
    assert keys(change(key)) is None


def test_secret_is_compared_in_constant_time_also_for_an_unknown_id(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return one == other

    make(path)
    keys = KeysFile(path, Limits())
    monkeypatch.setattr("adapters.storage.keys_file.hmac.compare_digest", compare)
    assert keys(b"grpo_nobody_secret") is None
    assert compared == [32]


def test_unknown_id_is_not_found_by_a_secret_whose_hash_is_the_stand_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path)
    keys = KeysFile(path, Limits())
    monkeypatch.setattr("adapters.storage.keys_file.hmac.compare_digest", lambda *_: True)
    assert keys(b"grpo_nobody_x") is None


def test_key_when_revoked_is_refused_by_a_running_server_and_others_stay(path: Path) -> None:
    clock = Clock()
    one, other = make(path, "one"), make(path, "other")
    keys = KeysFile(path, Limits(), clock)
    assert revoke(path, one.split("_")[1])
    clock.look_again()
    assert keys(one.encode()) is None
    assert keys(other.encode()) is not None
    assert not revoke(path, "nobody")


def test_key_when_made_for_a_running_server_is_accepted(path: Path) -> None:
    clock = Clock()
    make(path)
    keys = KeysFile(path, Limits(), clock)
    new = make(path, "new")
    clock.look_again()
    assert keys(new.encode()) is not None


DAMAGES = [lambda path: path.write_bytes(b"{"), lambda path: path.unlink(), lambda path: path.write_bytes(b"")]


@pytest.mark.parametrize("damage", DAMAGES, ids=["cut off", "gone", "empty"])
def test_file_that_is_damaged_while_running_lets_nobody_in_until_it_is_whole(
    path: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    key = make(path).encode()
    whole = path.read_bytes()
    keys = KeysFile(path, Limits(), clock)
    damage(path)
    for _ in range(3):
        clock.look_again()
        assert keys(key) is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "No key is valid" in caplog.text
    path.write_bytes(whole)
    clock.look_again()
    assert keys(key) is not None


ENTRY = {"id": "ab", "name": "ci", "scopes": ["read"], "created_at": "2026-01-02T03:04:00Z", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (b"{", "damaged"),
        (b"[]", "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"[" * 100_000, "damaged"),
        ({"version": 2, "keys": []}, "version is 2"),
        ({"version": 1}, "keys"),
        ({"version": 1, "keys": [], "more": 1}, "more"),
        ({"version": 1, "keys": [ENTRY, ENTRY]}, "two keys have one id"),
        ({"version": 1, "keys": [ENTRY | {"scopes": []}]}, "scopes"),
        ({"version": 1, "keys": [ENTRY | {"scopes": ["root"]}]}, "root"),
        ({"version": 1, "keys": [ENTRY | {"sha256": "0" * 63}]}, "sha256"),
        ({"version": 1, "keys": [ENTRY | {"sha256": "0" * 64 + "\n"}]}, "sha256"),
        ({"version": 1, "keys": [ENTRY | {"id": "../x"}]}, "id"),
        ({"version": 1, "keys": [ENTRY | {"name": "a\nb"}]}, "name"),
        ({"version": 1, "keys": [ENTRY | {"created_at": "2026-01-02T03:04:00"}]}, "created_at"),
        ({"version": 1, "keys": [ENTRY | {"limits": {"jobs": -1}}]}, "limits"),
        ({"version": 1, "keys": [ENTRY | {"limits": {"jobs": "3"}}]}, "limits"),
        ({"version": 1, "keys": [ENTRY | {"limits": {"days": 3}}]}, "no limit 'days'"),
        ({"version": 1, "keys": [ENTRY | {"secret": "x"}]}, "secret"),
    ],
)
def test_file_that_is_malformed_is_refused_with_its_name_and_the_reason(path: Path, content: Any, said: str) -> None:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(StorageFailure) as error:
        KeysFile(path, Limits())
    assert str(path) in str(error.value)
    assert said in str(error.value)
    with pytest.raises(StorageFailure):
        make(path)


def test_file_that_is_missing_or_no_file_is_refused(path: Path) -> None:
    with pytest.raises(StorageFailure, match="No such file"):
        KeysFile(path, Limits())
    with pytest.raises(StorageFailure, match="is no file"):
        KeysFile(path.parent, Limits())
    os.mkfifo(path)
    with pytest.raises(StorageFailure, match="is no file"):
        KeysFile(path, Limits())


def test_two_commands_on_one_file_do_not_lose_a_key(path: Path) -> None:
    key = make(path)
    lock = path.with_name("keys.json.new")
    lock.touch()
    with pytest.raises(StorageFailure, match=r"Another command is changing.*remove .*keys\.json\.new"):
        make(path)
    lock.unlink()
    assert KeysFile(path, Limits())(key.encode()) is not None


def test_file_that_cannot_be_replaced_stays_and_leaves_nothing_beside_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("adapters.storage.keys_file.os.fsync", full)
    with pytest.raises(StorageFailure, match="No space left"):
        make(path)
    assert path.read_bytes() == before
    assert [*path.parent.iterdir()] == [path]


def test_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageFailure, match="cannot be written"):
        make(tmp_path / "nowhere" / "keys.json")


def test_keys_are_listed_without_secrets_in_order(path: Path) -> None:
    for name in ("b", "a", "ビルド"):
        make(path, name)
    assert [entry.name for entry in entries(path)] == ["b", "a", "ビルド"]
