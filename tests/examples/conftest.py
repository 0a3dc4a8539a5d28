"""A server process as the examples and docs/client.md ask for: with the environment of one of the examples."""

from collections.abc import Iterator

import pytest

from tests.e2e.server import ServerProcess


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"env_modules": "examples.own_environment", "env_allow": "gymnasium,Thermostat-v0"}
    server = ServerProcess(tmp_path_factory.mktemp("server"), **settings).start()
    yield f"http://127.0.0.1:{server.port}"
    server.close()
