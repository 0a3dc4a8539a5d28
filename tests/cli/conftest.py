"""The command line within this process, beside a server, and on a data folder of its own."""

import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from adapters.cli.root import run
from adapters.http.app import create_app
from adapters.http.gate import AccessRules
from application.access import Client as KeyOwner
from application.access import Limits, Scope
from bootstrap import in_process
from bootstrap.cli import ThisMachine
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings
from grpo_client import Client

PATIENCE_SECONDS = 20
KEYS = {b"reads": KeyOwner("reader", frozenset({Scope.READ}), Limits())}


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Grpo = Callable[..., Answer]


@pytest.fixture
def grpo(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Grpo:
    """Runs a command where standard output is no terminal. Without --url it works on a folder of this test."""
    monkeypatch.setenv("GRPO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("GRPO_EXECUTOR", "inline")
    # The log of this process is pytest's.
    monkeypatch.setattr(in_process, "configure", lambda level, form: None)

    def call(*arguments: str, given: str | None = None) -> Answer:
        if given is not None:
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
        code = run(ThisMachine(), arguments)
        return Answer(code, *capsys.readouterr())

    return call


def serving(folder: Path, access: AccessRules) -> Iterator[str]:
    container = build(Settings(data_dir=str(folder), executor="inline"))
    ready = threading.Event()

    def start() -> None:
        container.start()
        ready.set()

    app = create_app(container.use_cases, VERSION, access, on_startup=start, on_shutdown=container.close)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(PATIENCE_SECONDS)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with a model named `quick`."""
    for address in serving(tmp_path_factory.mktemp("server"), AccessRules()):
        with Client(address) as client:
            client.train("CartPole-v1", total_timesteps=600, model_name="quick", seed=7)
        yield address


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one key, `reads`, which may read."""
    yield from serving(tmp_path_factory.mktemp("guarded"), AccessRules(key_owner=KEYS.get))
