"""The whole service in this process: real storage, real environments, training within the request."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.http.app import create_app
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings

QUICK = {"env_name": "CartPole-v1", "total_timesteps": 600, "model_name": "quick", "seed": 7}


@contextmanager
def service(folder: Path) -> Iterator[TestClient[Litestar]]:
    """The service over this folder."""
    container = build(Settings(data_dir=str(folder), executor="inline"))
    app = create_app(container.use_cases, VERSION, on_startup=container.start, on_shutdown=container.close)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    with service(tmp_path) as client:
        yield client


@pytest.fixture
def trained(client: TestClient[Litestar]) -> TestClient[Litestar]:
    """The service with a model named `quick`."""
    answer = client.post("/train", json=QUICK)
    assert answer.status_code == 200, answer.text
    return client
