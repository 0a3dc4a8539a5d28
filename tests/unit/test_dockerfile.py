"""The Dockerfile, read as Docker would: what it copies exists, who it runs as, and that its health check and command work."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.settings import PREFIX, InvalidSettings, Settings, load
from tests.e2e.server import ROOT, ServerProcess

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SHIPPED = {"domain", "application", "adapters", "bootstrap", "grpo_client", "run_api.py"}
SHIPPED |= {"requirements.txt", "requirements-cluster.txt"}


def instructions() -> list[tuple[str, str]]:
    """Each instruction with its arguments, comments gone and continued lines joined."""
    lines = re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, " ".join(rest.split())) for line in lines.splitlines() if line for name, _, rest in [line.partition(" ")]]


def arguments(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in arguments("ENV") for pair in line.split())


def health_command() -> list[str]:
    [check] = arguments("HEALTHCHECK")
    return list(json.loads(check.partition("CMD ")[2]))


def test_everything_that_is_copied_exists_and_reaches_the_daemon() -> None:
    copied = {name for line in arguments("COPY") if "--from" not in line for name in line.split()[:-1]}
    assert copied == SHIPPED
    assert all((ROOT / name).exists() for name in copied)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == copied


def test_every_package_that_the_service_imports_is_copied() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= SHIPPED


def test_image_runs_as_a_user_without_rights_that_may_write_data_only() -> None:
    names = [name for name, _ in instructions()]
    assert arguments("USER") == ["grpo"]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name in {"RUN", "COPY"})
    assert arguments("VOLUME") == ["/data"]
    assert "--owner grpo --group grpo --mode 0700 /data" in arguments("RUN")[1]


def test_every_base_image_is_a_slim_python_that_the_service_supports() -> None:
    assert {line.split()[0] for line in arguments("FROM")} == {"python:3.12-slim"}


def test_settings_of_the_image_exist_and_need_keys() -> None:
    given = {name: value for name, value in environment().items() if name.startswith(PREFIX)}
    settings = load([], given)
    assert (settings.host, settings.port, settings.data_dir) == ("0.0.0.0", 8000, "/data")
    assert settings.api_keys_file == "/data/keys.json"
    assert set(given) <= {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}
    with pytest.raises(InvalidSettings):
        load([], given | {"GRPO_PORT": "many"})


def test_health_check_passes_on_a_ready_server_and_fails_where_there_is_none(tmp_path: Path) -> None:
    """Also where keys are needed and hosts are named, as in the image."""
    keys = tmp_path / "keys.json"
    made = [sys.executable, "-m", "bootstrap.keys", "create", "me", "--scopes", "admin", "--file", str(keys)]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True)
    server = ServerProcess(tmp_path, workers=1, api_keys_file=keys, allowed_hosts="grpo.example").start()
    program, *rest = health_command()
    assert program == "python"
    asked = os.environ | {"GRPO_PORT": str(server.port)}
    try:
        assert subprocess.run([sys.executable, *rest], env=asked, check=False).returncode == 0
    finally:
        server.close()
    assert subprocess.run([sys.executable, *rest], env=asked, check=False, capture_output=True).returncode == 1
