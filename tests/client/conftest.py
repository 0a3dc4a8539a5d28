"""The real service over real HTTP, in a thread of this process; training happens within the request that asks for it."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn

from adapters.http.app import create_app
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings
from grpo_client import Client, Model, async_session, session


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with a model named `quick`."""
    folder: Path = tmp_path_factory.mktemp("service")
    container = build(Settings(data_dir=str(folder), executor="inline"))
    ready = threading.Event()

    def start() -> None:
        container.start()
        ready.set()

    app = create_app(container.use_cases, VERSION, on_startup=start, on_shutdown=container.close)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(20)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Client(address) as client:
            client.train("CartPole-v1", total_timesteps=600, model_name="quick", seed=7)
        yield address
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


@pytest.fixture
def quick(client: Client) -> Model:
    return client.model("quick")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that clients would have waited; they do not wait here."""
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(session, "time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setattr(async_session, "asyncio", SimpleNamespace(sleep=pause))
    return waited
