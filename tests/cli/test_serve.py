"""`grpo serve` as a process, and commands beside it: what starts, stops and goes on there."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bootstrap.listener import own_url
from tests.cli.conftest import Grpo

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its address."""
    settings = {"port": "0", "data-dir": str(tmp_path / "served"), "log-format": "text", "executor": "process"}
    command = [str(Path(sys.executable).parent / "grpo"), "serve", *(f"--{name}={value}" for name, value in settings.items())]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    line = next(line for line in process.stderr if "serving on" in line)
    yield process, line.partition("serving on ")[2].partition(",")[0]
    process.kill()
    process.communicate()


def test_job_on_a_server_is_stopped_and_goes_on_from_the_command_line(
    grpo: Grpo, server: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, url = server
    started = grpo("train", "--url", url, "--timesteps", "3000000", "--name", "long", "--detach", "--json").json
    busy = grpo("jobs", "--data-dir", str(tmp_path / "served"))
    assert (busy.code, f"reach it with --url {url}." in busy.err) == (4, True)
    first = next(line for line in grpo_lines(grpo, url) if line["event"] == "status")
    assert first["data"]["status"] == "running"
    stopped = grpo("stop", started["job_id"], "--url", url)
    assert stopped.code == 0
    assert f"The job {started['job_id']} is stopped at" in stopped.out
    raised = grpo("resume", started["job_id"][:8], "--timesteps", "10", "--url", url)
    assert (raised.code, raised.err.startswith("error: --timesteps: ")) == (2, True)
    assert grpo("resume", "--url", url, "--detach").out.strip() == started["job_id"]
    assert grpo("stop", "--url", url, "--json").json["status"] == "stopped"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        (("0.0.0.0", 8000), "http://127.0.0.1:8000"),
        (("::", 8000, 0, 0), "http://[::1]:8000"),
        (("2001:db8::1", 80, 0, 0), "http://[2001:db8::1]:80"),
    ],
)
def test_own_url_is_one_that_this_machine_reaches(address: tuple[str, int], url: str) -> None:
    assert own_url(cast("socket.socket", SimpleNamespace(getsockname=lambda: address))) == url


def grpo_lines(grpo: Grpo, url: str) -> list[dict[str, dict[str, str]]]:
    return grpo("logs", "--url", url, "--json").lines
