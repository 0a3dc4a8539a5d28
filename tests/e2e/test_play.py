"""A model at play on a real server, and the end of that server."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, executor="inline").start()
    yield server
    server.close()


def test_stream_when_the_server_is_told_to_end_ends_with_it(server: ServerProcess) -> None:
    server.train(model_name="shown", total_timesteps=200)
    with server.client.stream("GET", "/models/shown/play?speed=0.1") as stream:
        lines = stream.iter_lines()
        start = next(line for line in lines if line.startswith("data: "))
        play_id = json.loads(start.removeprefix("data: "))["play_id"]
        assert httpx.post(f"{server.client.base_url}/plays/{play_id}/push", json={"force": 0.5}).status_code == 200
        pushed = next(json.loads(line[6:]) for line in lines if line.startswith("data: ") and '"pushed":0.5' in line)
        assert pushed["pushed"] == 0.5
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        rest = [line for line in lines if line]
    assert rest[-2:] == ["event: end", 'data: {"reason":"shutting-down"}']
    assert server.process.wait(10) == 0
    server.process = None
