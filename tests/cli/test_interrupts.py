"""Ctrl-C while a job is begun and followed, each at a place that the test chooses."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from adapters.cli.follow import LineView
from grpo_client import Client
from tests.cli.conftest import Grpo
from tests.client.scripted import Answer, ScriptedServer, events

STARTED = Answer(body=b'{"job_id":"j","message":"Training started","config":{"env_name":"e","model_name":"m"}}')
STATE = """{"job_id":"j","status":"%s","progress":0.0,"current_timesteps":0,"total_timesteps":2,"env_name":"e",
    "model_name":"m","created_at":"2026-11-23T12:46:39+00:00","error_message":null}""".replace("\n", "")
STATUS = Answer(body=(STATE % "queued").encode())
STOPPING = Answer(body=b'{"message":"Training is stopping","job_id":"j"}')
RUNNING = 'id: 1\nevent: status\ndata: {"status":"running","timesteps":0,"reason":""}\n\n'
DONE = f"id: 1.done\nevent: done\ndata: {STATE % 'stopped'}\n\n"


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes Ctrl-C come at the end of a method."""

    def at(owner: type, name: str) -> None:
        method = getattr(owner, name)

        def then_interrupt(*arguments: Any, **named: Any) -> Any:
            result = method(*arguments, **named)
            signal.raise_signal(signal.SIGINT)
            return result

        monkeypatch.setattr(owner, name, then_interrupt)

    return at


def asked(server: ScriptedServer) -> list[str]:
    return [f"{request.method} {request.target}" for request in server.requests]


@pytest.mark.parametrize("moment", [(Client, "train"), (LineView, "__enter__")], ids=["taken-in", "before-the-first-event"])
def test_interrupt_before_the_first_event_stops_the_job(
    grpo: Grpo, interrupted: Callable[..., None], moment: tuple[type, str]
) -> None:
    interrupted(*moment)
    with ScriptedServer([STARTED, STATUS, STOPPING, events(RUNNING + DONE)]) as server:
        answer = grpo("train", "--url", server.url)
    assert asked(server) == ["POST /train", "GET /training/j/status", "POST /training/j/stop", "GET /training/j/events"]
    assert answer.code == 130
    assert "stopping as soon as it has begun" in answer.err
    assert "it had learned nothing yet" in answer.out


def test_second_interrupt_leaves_at_once(grpo: Grpo, interrupted: Callable[..., None]) -> None:
    interrupted(LineView, "show")
    with ScriptedServer([STARTED, STATUS, events(RUNNING), STOPPING, events(RUNNING), STATUS]) as server:
        answer = grpo("train", "--url", server.url)
        assert asked(server).count("POST /training/j/stop") == 1
        assert asked(server)[-1] == "GET /training/j/events"
    assert answer.code == 130
    assert answer.err.endswith("error: interrupted.\n")


def test_second_interrupt_before_the_job_is_known_leaves_at_once(grpo: Grpo, interrupted: Callable[..., None]) -> None:
    interrupted(Client, "train")
    interrupted(Client, "train")
    with ScriptedServer([STARTED, STATUS]) as server:
        answer = grpo("train", "--url", server.url)
        assert asked(server) == ["POST /train"]
    assert (answer.code, answer.err.splitlines()[-1]) == (130, "error: interrupted.")


def test_interrupt_after_a_job_was_followed_is_python_s_again(grpo: Grpo) -> None:
    before = signal.getsignal(signal.SIGINT)
    with ScriptedServer([STARTED, STATUS, events(RUNNING + DONE)]) as server:
        grpo("train", "--url", server.url)
    assert signal.getsignal(signal.SIGINT) is before


def test_events_as_json_lines_go_on_after_an_interrupt(grpo: Grpo, interrupted: Callable[..., None]) -> None:
    interrupted(Client, "train")
    with ScriptedServer([STARTED, STATUS, STOPPING, events(RUNNING + DONE)]) as server:
        answer = grpo("train", "--url", server.url, "--json")
    assert [line["event"] for line in answer.lines] == ["job", "status", "done"]
    assert answer.lines[-1]["data"]["status"] == "stopped"
