"""`grpo keys`, which is `python -m bootstrap.keys`: what it prints, and what it says of wrong arguments."""

import json
from pathlib import Path

import pytest

from adapters.cli.root import run
from adapters.storage.keys_file import KeysFile
from application.access import Limits, Scope
from bootstrap.cli import ThisMachine


def main(arguments: list[str]) -> int:
    return run(ThisMachine(), ["keys", *arguments])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("GRPO_API_KEYS_FILE", str(path))
    return path


def test_key_when_created_is_the_only_thing_on_standard_output_and_opens(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["create", "ci", "--scopes", "train,read", "--limit", "jobs=2", "--limit", "n_envs=0"])
    out, err = capsys.readouterr()
    client = KeysFile(file, Limits(n_envs=4))(out.strip().encode())
    assert client is not None
    assert (client.scopes, client.limits) == ({Scope.READ, Scope.TRAIN}, Limits(jobs=2))
    assert "shown this once" in err


def test_key_when_revoked_is_not_listed_any_more(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        main(["create", name, "--scopes", "read", "--limit", "requests_per_minute=60"])
    keys = capsys.readouterr().out.split()
    main(["list"])
    listed = capsys.readouterr().out
    assert [line.split()[-1] for line in listed.splitlines()] == ["NAME", "one", "two"]
    assert "requests_per_minute=60" in listed
    assert not any(key.split("_", 2)[2] in listed for key in keys)
    main(["revoke", keys[0].split("_")[1]])
    main(["list"])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["NAME", "two"]


def test_file_that_is_named_wins_over_the_setting(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    main(["create", "x", "--scopes", "admin", "--file", str(other)])
    assert other.exists()
    assert not file.exists()


def test_keys_when_asked_for_as_json_are_one_document(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create", "ci", "--scopes", "read", "--json"]) == 0
    created = json.loads(capsys.readouterr().out)
    main(["list", "--json"])
    [listed] = json.loads(capsys.readouterr().out)["keys"]
    assert (listed["name"], listed["scopes"], listed["limits"]) == ("ci", ["read"], {})
    assert created["key"].startswith(f"grpo_{listed['id']}_")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["make"], 2, "No such command 'make'"),
        (["create", "ci"], 2, "Missing option '--scopes'"),
        (["create", "ci", "--scopes", "root"], 2, "--scopes: scopes are read, infer, train, admin, got 'root'"),
        (["create", "ci", "--scopes", ","], 2, "scopes are"),
        (["create", "a\nb", "--scopes", "read"], 2, "a name has 1 to 64"),
        (["create", "", "--scopes", "read"], 2, "a name has 1 to 64"),
        (["create", "ci", "--scopes", "read", "--limit", "days=3"], 2, "--limit: limits are requests_per_minute"),
        (["create", "ci", "--scopes", "read", "--limit", "jobs=-1"], 2, "from 0 to"),
        (["create", "ci", "--scopes", "read", "--limit", "jobs"], 2, "from 0 to"),
        (["list"], 1, "cannot be read: No such file"),
        (["revoke", "ab"], 1, "cannot be read: No such file"),
    ],
)
def test_wrong_command_ends_with_its_code_and_one_sentence(
    file: Path, arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert not file.exists()


def test_unknown_id_when_revoked_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["create", "ci", "--scopes", "read"])
    assert main(["revoke", "nobody"]) == 3
    assert "there is no key 'nobody'" in capsys.readouterr().err


def test_command_without_any_file_says_how_to_name_one(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GRPO_API_KEYS_FILE")
    assert main(["list"]) == 2
    assert "--file FILE" in capsys.readouterr().err
