"""What a real server does when processes die, hang or are ended, and when its disk fails for a while."""

import contextlib
import json
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import ROOT, ServerProcess, free_port

ENDLESS = {"total_timesteps": 1_000_000_000}
LONG = {"total_timesteps": 60_000, "seed": 2}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path, checkpoint_seconds=0.2).start()
    yield server
    server.close()


def under_way(server: ServerProcess, job: str) -> bool:
    return bool(server.status(job)["status"] == "running" and server.status(job)["current_timesteps"] > 0)


def kill_worker(server: ServerProcess) -> set[int]:
    pids = set(server.workers_pids())
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def test_job_whose_worker_is_killed_goes_on_by_itself_to_the_same_bits(server: ServerProcess) -> None:
    undisturbed = server.train(model_name="undisturbed", **LONG)
    assert server.wait(undisturbed)["status"] == "completed"
    job = server.train(model_name="disturbed", **LONG)
    for share in (0.2, 0.5):
        server.until(lambda share=share: server.status(job)["progress"] > share)
        kill_worker(server)
    status = server.wait(job)
    assert (status["status"], status["progress"], status["error_message"]) == ("completed", 1.0, None)
    assert server.versions("disturbed") == server.versions("undisturbed")
    assert "is queued: The worker process ended unexpectedly (signal SIGKILL" in server.log()


def test_job_whose_worker_is_killed_before_any_checkpoint_fails_after_the_attempts_allowed(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, workers=1, checkpoint_seconds=60, max_attempts=2).start()
    try:
        job = server.train(**ENDLESS)
        killed: set[int] = set()
        for _ in range(2):
            server.until(lambda killed=frozenset(killed): under_way(server, job) and set(server.workers_pids()) - killed)
            killed |= kill_worker(server)
        status = server.wait(job)
        assert (status["status"], status["error_code"]) == ("failed", "too-many-attempts")
        assert "2 times in a row without a new checkpoint" in status["error_message"]
        again = server.train(total_timesteps=200)
        assert server.wait(again)["status"] == "completed"
    finally:
        server.close()


def test_worker_that_gives_no_sign_of_life_is_killed_and_its_job_goes_on(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, workers=1, lease_seconds=1, checkpoint_seconds=0.2).start()
    try:
        job = server.train(model_name="slept", **LONG)
        server.until(lambda: server.status(job)["progress"] > 0.2)
        [worker] = server.workers_pids()
        os.kill(worker, signal.SIGSTOP)
        assert server.wait(job)["status"] == "completed"
        assert f"job {job} gave no sign of life for 1 s" in server.log()
    finally:
        server.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_shutdown_takes_a_checkpoint_refuses_new_jobs_and_ends_in_order(tmp_path: Path, how: signal.Signals) -> None:
    server = ServerProcess(tmp_path, checkpoint_seconds=3600).start()  # so that only the shutdown makes one
    try:
        job = server.train(model_name="gone_on_with", **LONG)
        server.until(lambda: server.status(job)["progress"] > 0.1)
        assert server.process is not None
        server.process.send_signal(how)
        answer = answer_while_draining(server)
        assert server.process.wait(5) == 0
        assert answer is None or (answer.status_code, answer.json()["code"]) == (503, "shutting-down")
        assert "Traceback" not in server.log()
        rows = query(tmp_path, "select status, current_timesteps, attempts from jobs")
        assert rows[0][0] == "queued"
        assert rows[0][1] > 0
        assert rows[0][2] == 0
        assert query(tmp_path, "select count(*) from checkpoints") == [(1,)]
        server.start()
        assert server.wait(job)["status"] == "completed"
        undisturbed = server.train(model_name="undisturbed", **LONG)
        assert server.wait(undisturbed)["status"] == "completed"
        assert server.versions("gone_on_with") == server.versions("undisturbed")
    finally:
        server.close()


def answer_while_draining(server: ServerProcess) -> httpx.Response | None:
    """The first answer that is no success, to a new job; None if the server was too quick to be asked."""
    while True:
        try:
            answer = server.client.post("/train", json={"total_timesteps": 1})
        except httpx.TransportError:
            return None
        if answer.status_code != 200:
            return answer


def query(data_dir: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(data_dir / "grpo.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_job_when_stopped_and_resumed_over_a_restart_ends_with_the_bits_of_one_that_was_not(server: ServerProcess) -> None:
    job = server.train(model_name="resumed", **LONG)
    server.until(lambda: server.status(job)["progress"] > 0.2)
    server.client.post(f"/training/{job}/stop")
    assert server.status(job)["status"] == "stopped"
    server.stop(signal.SIGKILL)
    server.start()
    answer = server.client.post(f"/training/{job}/resume")
    assert (answer.status_code, answer.json()["job_id"]) == (200, job)
    assert server.wait(job)["status"] == "completed"
    assert server.client.post(f"/training/{job}/resume").status_code == 409
    undisturbed = server.train(model_name="undisturbed", **LONG)
    server.wait(undisturbed)
    [(_, cut_short), (version, whole)] = server.versions("resumed")
    assert version == 2
    assert whole == server.versions("undisturbed")[0][1] != cut_short


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process can be set on Linux only")
def test_disk_when_full_gives_503_and_jobs_end_when_there_is_room_again(server: ServerProcess) -> None:
    server.wait(server.train(total_timesteps=300, model_name="ready"))
    job = server.train(model_name="patient", **LONG)
    server.until(lambda: under_way(server, job))
    assert server.process is not None
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        answer = server.client.post("/train", json={"total_timesteps": 300})
        assert (answer.status_code, answer.json()["code"]) == (503, "storage-failure")
        assert int(answer.headers["retry-after"]) > 0
        assert server.client.post("/inference", json={"model_name": "ready", "observation": [0.0] * 4}).status_code == 200
        assert server.client.get("/health/ready").status_code == 503
        server.until(lambda: "training completed after 60000 steps" in server.log())  # which the worker says
        assert server.status(job)["status"] == "running"
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert server.wait(job)["status"] == "completed"
    undisturbed = server.train(model_name="undisturbed", **LONG)
    server.wait(undisturbed)
    assert server.versions("patient") == server.versions("undisturbed")
    assert query(server.data_dir, "pragma integrity_check") == [("ok",)]


def start_on(data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run a server until it ends by itself."""
    environment = os.environ | {"GRPO_PORT": str(free_port()), "GRPO_DATA_DIR": str(data_dir)}
    command = [sys.executable, "run_api.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_database_that_is_damaged_or_newer_ends_the_start_with_a_sentence_and_is_left_as_it_was(server: ServerProcess) -> None:
    server.wait(server.train(total_timesteps=300))
    server.stop()
    path = server.data_dir / "grpo.db"
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('grpo', 'm999_of_tomorrow', '2030')"
        )
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[8192:12288] = b"\xff" * 4096
    for content, said in [
        (whole, "was written by a newer version of this service (it has 'm999_of_tomorrow')"),
        (bytes(damaged), "damaged"),
        (b"no database at all" * 100, "its file is not a database"),
    ]:
        path.write_bytes(content)
        done = start_on(server.data_dir)
        assert done.returncode == 2
        assert done.stderr.startswith("error: the data folder ")
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert path.read_bytes() == content


def test_database_when_another_program_holds_it_answers_what_it_can_and_503_for_the_rest(server: ServerProcess) -> None:
    server.wait(server.train(total_timesteps=300))
    connection = sqlite3.connect(server.data_dir / "grpo.db")
    connection.execute("begin immediate")
    try:
        assert server.client.get("/training/jobs").status_code == 200
        answer = server.client.post("/train", json={"total_timesteps": 300})
        assert (answer.status_code, answer.json()["code"]) == (503, "storage-failure")
        assert "another program has locked it" in answer.json()["detail"]
    finally:
        connection.close()
    assert server.wait(server.train(total_timesteps=300))["status"] == "completed"


def test_shutdown_while_a_worker_is_frozen_refuses_new_jobs_and_ends_in_time(server: ServerProcess) -> None:
    job = server.train(model_name="frozen", **LONG)
    server.until(lambda: server.status(job)["progress"] > 0.2)
    [worker] = server.workers_pids()
    os.kill(worker, signal.SIGSTOP)
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    answer = answer_while_draining(server)
    assert answer is not None
    assert (answer.status_code, answer.json()["code"]) == (503, "shutting-down")
    assert int(answer.headers["retry-after"]) > 0
    assert server.client.get("/health/ready").status_code == 503
    assert server.process.wait(5) == 0
    server.start()
    assert server.wait(job)["status"] == "completed"


def test_file_that_is_removed_while_the_server_runs_takes_no_new_job(server: ServerProcess) -> None:
    server.wait(server.train(total_timesteps=300))
    path = server.data_dir / "grpo.db"
    path.rename(server.data_dir / "moved.db")
    answer = server.client.post("/train", json={"total_timesteps": 300})
    assert (answer.status_code, answer.json()["code"]) == (503, "storage-failure")
    assert "was removed or replaced" in answer.json()["detail"]
    assert server.client.get("/health/ready").status_code == 503
    (server.data_dir / "moved.db").rename(path)
    assert server.wait(server.train(total_timesteps=300))["status"] == "completed"


def test_folder_that_cannot_be_written_ends_the_start_with_a_sentence() -> None:
    done = start_on(Path("/proc"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: the data folder '/proc' cannot be used: grpo.lock cannot be opened")
    assert len(done.stderr.strip().splitlines()) == 1


def test_header_without_end_is_refused(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(64):
                connection.sendall(b"a" * 65_536)
        with contextlib.suppress(ConnectionError):
            assert connection.recv(4096).startswith(b"HTTP/1.1 431 ")
    assert server.client.get("/health/live").status_code == 200


def test_request_that_does_not_come_to_its_end_before_the_server_does_is_told_so(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /train HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: slow\r\nContent-Length: 100\r\n\r\n{")
        server.until(lambda: server.client.get("/health/live").status_code == 200)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"content-type: application/problem+json" in head.lower()
    problem = json.loads(body)
    assert (problem["code"], problem["request_id"]) == ("shutting-down", "slow")
    assert server.process.wait(5) == 0
    assert "Traceback" not in server.log()
