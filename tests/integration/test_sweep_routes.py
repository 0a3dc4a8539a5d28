"""Sweeps over HTTP: real trials, the best of them, and clear refusals."""

import json
import time
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

Client = TestClient[Litestar]
SPACE = {"learning_rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True}}
QUICK = {"total_timesteps": 300, "hidden_sizes": [8], "n_eval_episodes": 1}


def start(client: Client, **fields: Any) -> dict[str, Any]:
    answer = client.post("/sweeps", json={"search_space": SPACE, "training": QUICK, "seed": 1} | fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def until_ended(client: Client, sweep_id: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while (sweep := client.get(f"/sweeps/{sweep_id}").json())["status"] in {"running", "stopping"}:
        assert time.monotonic() < end, sweep
        time.sleep(0.05)
    return dict(sweep)


def test_sweep_ends_with_the_best_configuration_which_repeats_its_run(client: Client) -> None:
    sent = start(client, n_trials=5, max_parallel=1)
    assert (sent["status"], sent["trials"], sent["best"], sent["importances"]) == ("running", [], None, {})
    assert (
        sent["training"]
        == {
            "env_name": "CartPole-v1",
            "model_name": sent["training"]["model_name"],
            "eval_freq": 30,
        }
        | QUICK
    )
    sweep = until_ended(client, sent["sweep_id"])
    assert sweep["status"] == "completed"
    values = [trial["value"] for trial in sweep["trials"]]
    best = sweep["best"]
    assert best["value"] == max(values) == values[best["number"]]
    assert 1e-4 <= best["parameters"]["learning_rate"] <= 1e-1
    again = client.post("/train", json=best["config"] | {"model_name": "again"}).json()["job_id"]
    assert client.get(f"/training/{again}/status").json()["status"] == "completed"
    models = [client.get(f"/models/{name}").json()["versions"][-1]["sha256"] for name in (best["model_name"], "again")]
    assert models[0] == models[1]
    [listed] = client.get("/sweeps").json()["sweeps"]
    assert listed == {name: sweep[name] for name in listed}
    assert sweep["importances"] in ({}, {"learning_rate": 1.0})
    more = client.post(f"/sweeps/{sent['sweep_id']}/resume", json={"n_trials": 6})
    assert more.json()["n_trials"] == 6
    assert len(until_ended(client, sent["sweep_id"])["trials"]) == 6


def test_same_seed_gives_the_same_trials(client: Client) -> None:
    ids = [start(client, n_trials=3, max_parallel=1)["sweep_id"] for _ in range(2)]
    first, second = (until_ended(client, sweep_id)["trials"] for sweep_id in ids)
    same = ("number", "parameters", "value", "status")
    assert [{name: trial[name] for name in same} for trial in first] == [
        {name: trial[name] for name in same} for trial in second
    ]


def test_stop_and_resume_of_what_has_ended_are_conflicts(client: Client) -> None:
    sweep_id = start(client, n_trials=1)["sweep_id"]
    until_ended(client, sweep_id)
    for action, code in (("stop", "sweep-already-ended"), ("resume", "sweep-not-resumable")):
        answer = client.post(f"/sweeps/{sweep_id}/{action}")
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    answer = client.get("/sweeps/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "sweep-not-found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "search_space"),
        ({"search_space": {}}, "search_space"),
        ({"search_space": SPACE, "what": 1}, "what"),
        ({"search_space": SPACE, "training": {"what": 1}}, "training.what"),
        ({"search_space": {"gamma": {"type": "grid"}}}, "search_space.gamma.type"),
        ({"search_space": {"gamma": {"type": "float", "low": 0, "high": 2}}}, "search_space.gamma"),
        ({"search_space": SPACE, "training": {"env_name": "Nope-v0"}}, "env_name"),
        ({"search_space": SPACE, "n_trials": 1e9}, "n_trials"),
        ({"search_space": SPACE, "pruner": "hyperband"}, "pruner"),
    ],
)
def test_wrong_body_is_refused_with_the_field(client: Client, body: dict[str, Any], field: str) -> None:
    answer = client.post("/sweeps", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get("/sweeps").json() == {"sweeps": []}


def test_answers_hold_no_number_that_is_none(client: Client) -> None:
    sweep_id = start(client, n_trials=1)["sweep_id"]
    until_ended(client, sweep_id)
    json.loads(client.get(f"/sweeps/{sweep_id}").text, parse_constant=pytest.fail)
