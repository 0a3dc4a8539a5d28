"""The service as a process: training beside it, stop, restart, kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import ROOT, ServerProcess, free_port

ENDLESS = {"total_timesteps": 1_000_000_000, "env_name": "CartPole-v1"}
OBSERVATION = [0.1, 0.0, 0.05, 0.0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path).start()
    yield server
    server.close()


def infer(server: ServerProcess, name: str) -> dict[str, object]:
    answer = server.client.post("/inference", json={"model_name": name, "observation": OBSERVATION})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_job_when_stopped_ends_and_keeps_what_it_learned(server: ServerProcess) -> None:
    job = server.train(model_name="stopped", **ENDLESS)
    server.until(lambda: server.status(job)["current_timesteps"] > 0)
    answer = server.client.post(f"/training/{job}/stop")
    assert (answer.status_code, answer.json()) == (200, {"message": "Training job stopped", "job_id": job})
    status = server.status(job)
    assert status["status"] == "stopped"
    assert 0 < status["progress"] < 1
    assert status["end_time"]
    assert infer(server, "stopped")["action"] in {0, 1}
    assert server.client.post(f"/training/{job}/stop").status_code == 409
    assert server.client.get("/health").json()["active_jobs"] == 0


def test_jobs_beyond_the_workers_wait_in_order_of_arrival(server: ServerProcess) -> None:
    running = [server.train(**ENDLESS) for _ in range(2)]
    waiting = [server.train(total_timesteps=200, model_name=f"waiting_{i}") for i in range(3)]
    assert [server.status(job)["status"] for job in running] == ["running", "running"]
    assert [server.status(job)["status"] for job in waiting] == ["queued"] * 3
    assert server.status(waiting[0])["start_time"] is None
    server.client.post(f"/training/{waiting[1]}/stop")
    assert server.status(waiting[1])["status"] == "stopped"
    server.client.post(f"/training/{running[0]}/stop")
    ended = [server.wait(job) for job in (waiting[0], waiting[2])]
    assert [status["status"] for status in ended] == ["completed", "completed"]
    assert ended[0]["start_time"] <= ended[1]["start_time"]


def test_job_beyond_the_queue_is_refused_with_retry_after_and_leaves_no_row(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, workers=1, max_queued=1).start()
    try:
        for _ in range(2):
            server.train(**ENDLESS)
        answer = server.client.post("/train", json=ENDLESS)
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.json()["code"] == "queue-full"
        assert len(server.client.get("/training/jobs").json()["jobs"]) == 2
    finally:
        server.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_service_when_restarted_has_all_jobs_and_models_and_goes_on(server: ServerProcess, how: signal.Signals) -> None:
    done = server.train(total_timesteps=500, model_name="done", seed=1)
    server.wait(done)
    before = infer(server, "done")
    undisturbed = server.train(total_timesteps=40_000, model_name="undisturbed", seed=2)
    cut_off = server.train(total_timesteps=40_000, model_name="cut_off", seed=2)
    server.until(lambda: server.status(cut_off)["progress"] > 0.1)
    server.stop(how)
    server.start()
    assert {job["job_id"] for job in server.client.get("/training/jobs").json()["jobs"]} == {done, undisturbed, cut_off}
    assert server.status(done)["status"] == "completed"
    assert infer(server, "done") == before
    assert [server.wait(job)["status"] for job in (undisturbed, cut_off)] == ["completed", "completed"]
    assert infer(server, "cut_off") == infer(server, "undisturbed")


def test_workers_of_a_killed_server_end_too(server: ServerProcess) -> None:
    job = server.train(**ENDLESS)
    server.until(lambda: server.status(job)["current_timesteps"] > 0)
    [worker] = server.workers_pids()
    server.stop(signal.SIGKILL)
    server.until(lambda: not _alive(worker))


def test_interrupt_from_the_terminal_ends_the_service_quietly(server: ServerProcess) -> None:
    job = server.train(**ENDLESS)
    server.until(lambda: server.status(job)["current_timesteps"] > 0)
    assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.log()


def test_progress_and_inference_go_on_while_training(server: ServerProcess) -> None:
    server.wait(server.train(total_timesteps=300, model_name="ready"))
    job = server.train(**ENDLESS)
    seen: set[int] = set()

    def moved_on() -> bool:
        seen.add(server.status(job)["current_timesteps"])
        infer(server, "ready")
        return len(seen) >= 4

    server.until(moved_on)
    server.client.post(f"/training/{job}/stop")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"GRPO_PORT": "many"}, "GRPO_PORT"),
        ({"GRPO_DATA_DIR": "run_api.py"}, "run_api.py"),
    ],
)
def test_service_that_cannot_start_says_why_in_one_sentence(settings: dict[str, str], said: str) -> None:
    environment = os.environ | {"GRPO_PORT": str(free_port())} | settings
    done = subprocess.run(
        [sys.executable, "run_api.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def start_another(data_dir: Path, port: int) -> subprocess.CompletedProcess[str]:
    """Run a second server until it ends by itself."""
    environment = os.environ | {"GRPO_PORT": str(port), "GRPO_DATA_DIR": str(data_dir)}
    command = [sys.executable, "run_api.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_second_server_on_one_port_or_folder_is_refused_and_touches_no_job(server: ServerProcess, tmp_path: Path) -> None:
    job = server.train(**ENDLESS)
    server.until(lambda: server.status(job)["current_timesteps"] > 0)
    elsewhere = tmp_path / "elsewhere"
    same_port = start_another(elsewhere, server.port)
    assert (same_port.returncode, same_port.stderr) == (
        2,
        f"error: cannot listen on 127.0.0.1:{server.port}: Address already in use\n",
    )
    assert not elsewhere.exists()
    same_folder = start_another(server.data_dir, free_port())
    assert same_folder.returncode == 2
    assert "another server is using it" in same_folder.stderr
    assert server.status(job)["status"] == "running"
    server.client.post(f"/training/{job}/stop")


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
