"""Events of a job from a real server: across its death without gap or repetition, and never in the way of its end."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.server import ServerProcess

LONG = {"total_timesteps": 30_000, "seed": 2}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, workers=1, checkpoint_seconds=0.2).start()
    yield server
    server.close()


def listen(server: ServerProcess, job: str, last: str | None) -> Iterator[tuple[str | None, str, Any]]:
    """Events until the stream ends, however that comes about."""
    headers = {} if last is None else {"Last-Event-ID": last}
    fields: dict[str, str] = {}
    try:
        with server.client.stream("GET", f"/training/{job}/events", headers=headers) as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    yield fields.get("id"), fields["event"], json.loads(fields["data"])
                    fields = {}
                else:
                    fields = {}
    except httpx.TransportError:
        return


def test_events_when_the_server_is_killed_go_on_behind_the_last_id_without_gap_or_repetition(server: ServerProcess) -> None:
    undisturbed = server.train(model_name="undisturbed", **LONG)
    server.wait(undisturbed)
    job = server.train(model_name="disturbed", **LONG)
    told: list[tuple[str, str, Any]] = []
    for identity, kind, data in listen(server, job, None):
        if identity is not None:
            told.append((identity, kind, data))
            if kind == "metrics" and data["timesteps"] > 10_000:
                break
    server.stop(signal.SIGKILL)
    server.start()
    told += [(identity, kind, data) for identity, kind, data in listen(server, job, told[-1][0]) if identity is not None]
    assert told[-1][1] == "done"
    assert told[-1][2]["status"] == "completed"
    whole = [(identity, kind, data) for identity, kind, data in listen(server, job, None) if identity is not None]
    assert told == whole
    assert "the server ended while it was running" in [data.get("reason") for _, kind, data in told if kind == "status"]
    curves = [server.client.get(f"/training/{name}/metrics").json() for name in (job, undisturbed)]
    for curve in curves:
        del curve["metrics"]["time/fps"]
    assert curves[0]["timesteps"] == curves[1]["timesteps"]
    assert curves[0]["metrics"] == curves[1]["metrics"]


def test_stream_when_the_server_shuts_down_ends_by_itself_and_holds_nothing_up(server: ServerProcess) -> None:
    job = server.train(total_timesteps=1_000_000_000)
    told = []
    for _, kind, data in listen(server, job, None):
        told.append((kind, data))
        if len(told) == 5:
            assert server.process is not None
            server.process.send_signal(signal.SIGTERM)
    assert told[-1][0] != "done"
    assert ("status", "queued") in [(kind, data.get("status")) for kind, data in told]
    assert server.process is not None
    assert server.process.wait(10) == 0
    server.process = None
