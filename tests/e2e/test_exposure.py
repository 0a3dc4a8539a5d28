"""What a real server refuses at its start, and whom it lets in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import ROOT, ServerProcess, free_port


def run(module: list[str], **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *module],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GRPO_HOST": "0.0.0.0"}, "python -m bootstrap.keys create"),
        ({"GRPO_HOST": "::"}, "listen on 127.0.0.1"),
        ({"GRPO_CORS_ORIGINS": "*"}, "'*' is no origin"),
        ({"GRPO_ENV_MODULES": "no_such_module"}, "env_modules names a module that cannot be imported"),
        ({"GRPO_PLUGINS": "no-such-plugin"}, "the setting plugins names 'no-such-plugin', and no distribution of that name"),
        ({"GRPO_HOST": "a" * 300}, "it is no name of a host"),
        ({"GRPO_API_KEYS_FILE": "absent.json"}, "absent.json cannot be read"),
        ({"GRPO_API_KEYS_FILE": "pyproject.toml"}, "pyproject.toml is damaged"),
    ],
)
def test_server_that_would_be_open_or_cannot_check_keys_does_not_start(
    settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = run(["run_api.py"], GRPO_PORT=str(free_port()), GRPO_DATA_DIR=str(tmp_path / "data"), **settings)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_server_with_keys_lets_in_whom_the_command_made_a_key_for_until_it_is_revoked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRPO_API_KEYS_FILE", str(tmp_path / "keys.json"))
    made = run(["-m", "bootstrap.keys", "create", "ci", "--scopes", "read"])
    assert made.returncode == 0, made.stderr
    key = {"X-API-Key": made.stdout.strip()}
    server = ServerProcess(tmp_path).start()
    try:
        assert server.client.get("/models").status_code == 401
        assert server.client.get("/models", headers=key).status_code == 200
        assert server.client.post("/train", headers=key, json={}).status_code == 403
        assert server.client.post("/train", content=b"x" * 1_000_000).status_code == 401
        revoked = run(["-m", "bootstrap.keys", "revoke", key["X-API-Key"].split("_")[1]])
        assert revoked.returncode == 0, revoked.stderr
        server.until(lambda: server.client.get("/models", headers=key).status_code == 401)
    finally:
        server.close()
    assert key["X-API-Key"].split("_", 2)[2] not in server.log()


def test_server_without_keys_answers_to_this_machine_only_and_to_no_foreign_page(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path).start()
    try:
        assert server.client.get("/health", headers={"Host": "evil.example"}).json()["code"] == "host-not-allowed"
        foreign = server.client.post("/train", headers={"Origin": "https://evil.example"}, json={})
        assert foreign.json()["code"] == "cross-site-request"
        assert server.client.get("/training/jobs").json() == {"jobs": []}
    finally:
        server.close()


def test_address_behind_a_proxy_on_this_machine_is_the_one_that_the_proxy_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRPO_LIMIT_REQUESTS_PER_MINUTE", "1")
    server = ServerProcess(tmp_path).start()
    try:
        seen = [
            server.client.get("/models", headers={"X-Forwarded-For": f"forged, {address}"}).status_code
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
        ]
    finally:
        server.close()
    assert seen == [200, 429, 200, 200, 429, 200]
