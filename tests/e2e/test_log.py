"""Standard error of a real server: where nobody reads it, where it is full or closed, and where it is a terminal."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import ServerProcess

LINES = 600  # of some 200 bytes each; a pipe holds 65,536 bytes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, workers=1)
    yield server
    server.close()


def flood_and_train(server: ServerProcess) -> None:
    """More lines than a pipe holds, a job beside them, and an end in order."""
    for _ in range(LINES):
        assert server.client.get("/nothing").status_code == 404
    job = server.train(total_timesteps=3_000, model_name="m")
    assert server.wait(job)["status"] == "completed"
    answer = server.client.post("/inference", json={"model_name": "m", "observation": [0, 0, 0, 0]})
    assert answer.status_code == 200
    assert server.stop() == 0


def test_log_that_nobody_reads_holds_up_no_request_no_job_and_no_exit(server: ServerProcess) -> None:
    read, write = os.pipe()
    server.start(stderr=write, GRPO_LOG_LEVEL="debug")
    os.close(write)
    flood_and_train(server)
    os.close(read)


def test_log_whose_reader_has_gone_holds_up_nothing(server: ServerProcess) -> None:
    read, write = os.pipe()
    os.close(read)
    server.start(stderr=write)
    os.close(write)
    flood_and_train(server)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_log_on_a_full_disk_holds_up_nothing_and_counts_what_is_lost(server: ServerProcess) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    server.start(stderr=full)
    os.close(full)
    server.client.get("/models")

    def counted() -> bool:
        lines = server.client.get("/metrics").text.splitlines()
        return any(line.startswith("grpo_log_lines_dropped_total") and float(line.split()[1]) >= 5 for line in lines)

    server.until(counted)
    flood_and_train(server)


def test_log_when_standard_error_is_closed_goes_into_no_other_file(server: ServerProcess) -> None:
    server.start(closed_stderr=True)
    assert server.process is not None
    assert Path(f"/proc/{server.process.pid}/fd/2").readlink() == Path("/dev/null")
    flood_and_train(server)


def test_log_when_it_is_no_terminal_is_json_with_the_ids_of_requests_and_jobs(server: ServerProcess) -> None:
    server.start()
    job = server.client.post("/train", json={"total_timesteps": 300}, headers={"X-Request-ID": "r-1"}).json()["job_id"]
    server.wait(job)
    server.until(lambda: "training completed" in server.log())
    assert server.stop() == 0
    entries = [json.loads(line) for line in server.log().splitlines()]
    of_job = [(entry["logger"], entry.get("request_id")) for entry in entries if entry.get("job_id") == job]
    assert of_job == [
        ("grpo.queue", "r-1"),
        ("grpo.queue", "r-1"),
        ("grpo.worker", None),
        ("grpo.worker", None),
        ("grpo.queue", None),
    ]
    assert {"uvicorn.error", "grpo", "grpo.access"} <= {entry["logger"] for entry in entries}


def test_log_on_a_terminal_is_for_people(server: ServerProcess) -> None:
    ours, theirs = os.openpty()
    server.start(stderr=theirs)
    os.close(theirs)
    said = b""
    while b"serving on" not in said:
        said += os.read(ours, 4_096)
    assert not said.startswith(b"{")
    assert server.stop(signal.SIGINT) == 0
    os.close(ours)
