"""A real PostgreSQL server that is restarted, and crashes, while jobs train."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import ServerProcess
from tests.own_postgres import OwnPostgres

LONG = {"total_timesteps": 60_000, "seed": 2}


@pytest.fixture
def database() -> Iterator[OwnPostgres]:
    database = OwnPostgres()
    database.start()
    yield database
    database.close()


@pytest.fixture
def server(tmp_path: Path, database: OwnPostgres) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, database_url=database.url, checkpoint_seconds=0.2, workers=1).start()
    yield server
    server.close()


def test_restart_and_crash_of_the_database_are_told_while_they_last_and_cost_nothing(
    server: ServerProcess, database: OwnPostgres
) -> None:
    undisturbed = server.train(model_name="undisturbed", **LONG)
    assert server.wait(undisturbed)["status"] == "completed"
    digests = [sha for _, sha in server.versions("undisturbed")]
    for mode in ("fast", "immediate"):
        job = server.train(model_name=mode, **LONG)
        server.until(lambda job=job: server.status(job)["progress"] > 0.2)  # type: ignore[misc]
        seen: list[tuple[str, str]] = []
        watcher = threading.Thread(target=watch, args=(server, job, seen))
        watcher.start()
        server.until(lambda seen=seen: seen)  # type: ignore[misc]

        database.stop(mode)
        refused = server.client.post("/train", json=LONG | {"model_name": "lost"})
        assert (refused.status_code, "PostgreSQL" in refused.json()["detail"]) == (503, True), refused.text
        assert server.client.get("/health").status_code == 503
        database.start()

        server.until(lambda: server.client.get("/health").status_code == 200)
        assert server.wait(job)["status"] == "completed"
        assert [sha for _, sha in server.versions(mode)] == digests
        watcher.join(timeout=server.patience_seconds)
        assert not watcher.is_alive()
        assert seen[-1][0] == "done"
        ids = [int(number) for kind, number in seen if kind not in {"done", "progress"}]
        assert ids == sorted(set(ids))
    assert server.client.get("/models/lost").status_code == 404
    assert len(server.client.get("/training/jobs").json()["jobs"]) == 3
    assert "Traceback" not in server.log()


def watch(server: ServerProcess, job: str, seen: list[tuple[str, str]]) -> None:
    """Write down kind and id of each event; one stream lasts through it all."""
    kind, number = "", ""
    with server.client.stream("GET", f"/training/{job}/events") as stream:
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "id":
                number = value
            elif name == "data":
                seen.append((kind, number))
