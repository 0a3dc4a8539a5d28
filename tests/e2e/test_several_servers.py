"""Several server processes on one PostgreSQL database."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.e2e.server import ServerProcess

ENDLESS = {"total_timesteps": 1_000_000_000}
LONG = {"total_timesteps": 60_000, "seed": 2}


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers with a worker each, on a new schema, started at once."""
    with postgres.schema() as url:
        settings = {"database_url": url, "checkpoint_seconds": 0.2, "workers": 1, "max_queued": 1}
        both = ServerProcess(tmp_path, **settings), ServerProcess(tmp_path, **settings)
        for server in both:
            server.launch()
        for server in both:
            server.until(server._answers)
        yield both
        for server in both:
            server.close()


Servers = tuple[ServerProcess, ServerProcess]


def test_jobs_and_models_of_one_server_are_those_of_the_other(servers: Servers) -> None:
    first, second = servers
    job = first.train(model_name="shared", total_timesteps=600, seed=1)
    assert second.wait(job)["status"] == "completed"
    assert second.versions("shared") == first.versions("shared")
    ask = {"model_name": "shared", "observation": [0.1, 0.0, 0.05, 0.0]}
    answers = [server.client.post("/inference", json=ask).json() for server in servers]
    assert answers[0] == answers[1]
    # A new version, or none, is noticed by the cache of the other.
    again = second.train(model_name="shared", total_timesteps=1_200, seed=2)
    second.wait(again)
    newest = second.client.post("/inference", json=ask).json()
    first.until(lambda: first.client.post("/inference", json=ask).json() == newest)
    assert second.client.delete("/models/shared").status_code == 200
    first.until(lambda: first.client.post("/inference", json=ask).status_code == 404)


def test_queue_limit_stop_events_and_repeated_requests_hold_across_servers(servers: Servers) -> None:
    first, second = servers
    running = [first.train(**ENDLESS), first.train(**ENDLESS)]  # one of them on the other server
    first.until(lambda: all(first.status(job)["status"] == "running" for job in running))
    headers = {"Idempotency-Key": "once"}
    body = {"total_timesteps": 700, "model_name": "waiting"}
    waiting = first.client.post("/train", json=body, headers=headers).json()["job_id"]
    assert second.client.post("/train", json=body, headers=headers).json()["job_id"] == waiting
    assert second.client.post("/train", json=body).status_code == 429
    assert second.status(waiting)["waiting_reason"] == "The only worker is busy."
    seen = []
    with second.client.stream("GET", f"/training/{running[0]}/events") as events:
        for line in events.iter_lines():
            if line.startswith("event: "):
                seen.append(line.removeprefix("event: "))
            if seen.count("progress") == 2 and "stop" not in seen:
                answer = second.client.post(f"/training/{running[0]}/stop")
                assert answer.json()["message"] == "Training job stopped", answer.text
                seen.append("stop")
            if line.startswith("data: ") and seen[-1] == "done":
                assert json.loads(line.removeprefix("data: "))["status"] == "stopped"
    # One of the two jobs had its worker at the other server.
    assert second.client.post(f"/training/{running[1]}/stop").json()["message"] == "Training job stopped"
    assert first.wait(waiting)["status"] == "completed"


def test_server_that_is_killed_loses_nothing(servers: Servers) -> None:
    first, second = servers
    undisturbed = second.train(model_name="undisturbed", **LONG)
    assert second.wait(undisturbed)["status"] == "completed"
    jobs = [first.train(model_name=f"disturbed-{number}", **LONG) for number in range(2)]
    second.until(lambda: all(second.status(job)["progress"] > 0.2 for job in jobs))
    first.stop(signal.SIGKILL)
    for number, job in enumerate(jobs):
        assert second.wait(job)["status"] == "completed"
        assert [sha for _, sha in second.versions(f"disturbed-{number}")] == [second.versions("undisturbed")[0][1]]
    assert "the server ended while it was running" in second.log()


def test_sweep_goes_on_when_its_server_is_killed_and_no_trial_is_lost_or_made_twice(servers: Servers) -> None:
    first, second = servers
    body = {
        "search_space": {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True}},
        "training": {"total_timesteps": 2_000, "hidden_sizes": [8], "n_eval_episodes": 1},
        "n_trials": 6,
        "max_parallel": 2,
        "seed": 1,
        "pruner": "none",
    }
    sweep = first.client.post("/sweeps", json=body).json()["sweep_id"]
    second.until(lambda: len(second.client.get(f"/sweeps/{sweep}").json()["trials"]) >= 2)
    first.stop(signal.SIGKILL)
    second.until(lambda: second.client.get(f"/sweeps/{sweep}").json()["status"] == "completed")
    trials = second.client.get(f"/sweeps/{sweep}").json()["trials"]
    assert [(trial["number"], trial["status"]) for trial in trials] == [(number, "completed") for number in range(6)]
    jobs = second.client.get("/training/jobs").json()["jobs"]
    assert sorted(job["job_id"] for job in jobs) == sorted(trial["job_id"] for trial in trials)
