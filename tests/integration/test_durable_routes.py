"""Versions, resume, pages and repeated requests over HTTP."""

from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.integration.conftest import QUICK

Client = TestClient[Litestar]


def train(client: Client, headers: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    answer = client.post("/train", json={"total_timesteps": 300, "seed": 1} | fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def problem(answer: Any, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return str(answer.json()["detail"])


def infer(client: Client, **fields: Any) -> Any:
    return client.post("/inference", json={"model_name": "m", "observation": [0.1, 0.0, 0.05, 0.0]} | fields)


def test_training_under_an_existing_name_makes_the_next_version(client: Client) -> None:
    jobs = [train(client, model_name="m", seed=seed)["job_id"] for seed in (1, 2, 1)]
    model = client.get("/models/m").json()
    assert (model["name"], model["status"]) == ("m", "saved")
    assert [(kept["version"], kept["job_id"], kept["seed"]) for kept in model["versions"]] == [
        (1, jobs[0], 1),
        (2, jobs[1], 2),
        (3, jobs[2], 1),
    ]
    first, second, third = model["versions"]
    assert first["sha256"] == third["sha256"] != second["sha256"]
    assert len(first["sha256"]) == 64
    assert first["env_name"] == first["config"]["env_name"] == "CartPole-v1"
    assert first["config"]["model_name"] == "m"
    assert first["timesteps"] == 300
    assert (first["evaluation"]["episodes"], first["evaluation"]["seed"]) == (10, 0)
    assert 0 < first["evaluation"]["mean_reward"] == first["evaluation"]["mean_length"] <= 500
    assert [(kept["name"], kept["version"]) for kept in client.get("/models").json()["models"]] == [("m", 3)]


def test_inference_takes_the_newest_version_or_the_one_that_is_named(client: Client) -> None:
    train(client, model_name="m", seed=1)
    before = infer(client).json()
    assert infer(client, model_version=1).json() == before
    train(client, model_name="m", seed=2)
    newest = infer(client).json()
    assert newest != before
    assert infer(client, model_version=None).json() == newest
    assert infer(client, model_version=2).json() == newest
    assert infer(client, model_version=1).json() == before
    assert problem(infer(client, model_version=3), 404, "model-not-found") == (
        "There is no version 3 of model 'm'. GET /models/{name} lists what exists."
    )
    for wrong in (0, -1, 1.5, "1", True, 2**63):
        problem(infer(client, model_version=wrong), 422, "invalid-input")


def test_version_when_deleted_is_gone_and_the_others_stay(client: Client) -> None:
    for seed in (1, 2):
        train(client, model_name="m", seed=seed)
    first = infer(client, model_version=1).json()
    answer = client.delete("/models/m?model_version=2")
    assert (answer.status_code, answer.json()) == (200, {"message": "Version 2 of model 'm' deleted"})
    problem(client.delete("/models/m?model_version=2"), 404, "model-not-found")
    problem(client.delete("/models/m?model_version=0"), 422, "invalid-query")
    problem(client.delete("/models/m?model_version=new"), 422, "invalid-query")
    assert "'version'" in problem(client.delete("/models/m?version=2"), 422, "invalid-query")
    problem(client.delete("/models/m?model_version=1&model_version=2"), 422, "invalid-query")
    assert infer(client).json() == first
    problem(infer(client, model_version=2), 404, "model-not-found")
    assert client.delete("/models/m").json() == {"message": "Model 'm' deleted"}
    problem(client.get("/models/m"), 404, "model-not-found")
    problem(client.get("/models/-m"), 422, "invalid-model-name")


def test_jobs_by_pages_come_newest_first_and_say_whether_there_are_more(client: Client) -> None:
    assert client.get("/training/jobs").json() == {"jobs": []}
    ids = [train(client, total_timesteps=10, model_name="m")["job_id"] for _ in range(5)][::-1]
    seen: list[str] = []
    pages = 0
    more = True
    while more:
        page = client.get("/training/jobs", params={"limit": 2} | ({"after": seen[-1]} if seen else {})).json()
        seen += [job["job_id"] for job in page["jobs"]]
        more = page["has_more"]
        pages += 1
    assert (seen, pages) == (ids, 3)
    assert client.get("/training/jobs").json().keys() == {"jobs"}
    assert len(client.get("/training/jobs?status=completed").json()["jobs"]) == 5
    assert client.get("/training/jobs?status=failed&status=queued").json()["jobs"] == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "'1001'"),
        ("limit=many", "'many'"),
        ("limit=9999999999999999999999", "limit"),
        ("after=nobody", "'nobody'"),
        ("status=dreaming", "'dreaming'"),
        ("status=completed&status=x", "status"),
        ("limits=2", "'limits'"),
        ("limit=1&limit=2", "limit"),
    ],
)
def test_page_with_a_wrong_parameter_is_422_and_names_it(client: Client, query: str, said: str) -> None:
    assert said in problem(client.get(f"/training/jobs?{query}"), 422, "invalid-query")


def test_request_when_repeated_with_its_key_gives_the_same_answer_and_no_second_job(client: Client) -> None:
    key = {"Idempotency-Key": "order-66"}
    first = train(client, key, total_timesteps=200)
    assert train(client, key, total_timesteps=200) == first
    again = client.post(
        "/train", content=b'{"seed":1, "total_timesteps":200}', headers=key | {"content-type": "application/json"}
    )
    assert again.json() == first
    detail = problem(
        client.post("/train", json={"total_timesteps": 201, "seed": 1}, headers=key), 422, "idempotency-key-reused"
    )
    assert first["job_id"] in detail
    assert train(client, {"Idempotency-Key": "another"}, total_timesteps=200)["job_id"] != first["job_id"]
    assert len(client.get("/training/jobs").json()["jobs"]) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tbed"])
def test_idempotency_key_that_cannot_be_one_is_422(client: Client, key: str) -> None:
    answer = client.post("/train", json={}, headers={"Idempotency-Key": key})
    assert "Idempotency-Key" in problem(answer, 422, "invalid-query")
    assert client.get("/training/jobs").json() == {"jobs": []}


def test_resume_of_a_job_that_cannot_be_is_refused_and_changes_nothing(trained: Client) -> None:
    [job] = trained.get("/training/jobs").json()["jobs"]
    url = f"/training/{job['job_id']}/resume"
    assert "is completed" in problem(trained.post(url), 409, "job-not-resumable")
    problem(trained.post("/training/nobody/resume"), 404, "job-not-found")
    problem(trained.post(url, json={"total_timesteps": "more"}), 422, "invalid-input")
    problem(trained.post(url, json={"n_envs": 2}), 422, "invalid-input")
    problem(trained.post(url, json=[]), 400, "malformed-body")
    problem(trained.post(url, content=b"x", headers={"content-type": "text/plain"}), 415, "unsupported-media-type")
    assert trained.get("/training/jobs").json()["jobs"] == [job]
    assert QUICK["total_timesteps"] == job["total_timesteps"]


def test_error_about_a_huge_value_is_of_sensible_size(client: Client) -> None:
    for body in ({"hidden_sizes": [1] * 100_000}, {"x" * 100_000: 1}, {"model_name": "é" * 100_000}):
        answer = client.post("/train", json=body)
        assert answer.status_code == 422
        assert len(answer.content) < 10_000


def test_batch_of_too_many_observations_is_422(client: Client) -> None:
    train(client, model_name="m")
    answer = client.post("/inference", json={"model_name": "m", "observation": [[0, 0, 0, 0]] * 100_001})
    assert "at most 100000 observations, got 100001" in problem(answer, 422, "invalid-observation")
