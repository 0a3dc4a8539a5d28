"""Every documented route, as a client sees it."""

import math
from datetime import datetime

import pytest
from litestar import Litestar
from litestar.testing import TestClient

Client = TestClient[Litestar]
OBSERVATION = [0.1, 0.0, 0.05, 0.0]


def test_index_lists_the_endpoints(client: Client) -> None:
    answer = client.get("/").json()
    assert answer["message"] == "GRPO API Server"
    assert answer["endpoints"]["train"] == "POST /train"
    assert answer["endpoints"]["inference"] == "POST /inference"
    assert {"health", "models"} <= answer["endpoints"].keys()


def test_health_of_an_idle_service_counts_nothing(client: Client) -> None:
    answer = client.get("/health").json()
    assert answer["status"] == "healthy"
    assert (answer["active_jobs"], answer["loaded_models"]) == (0, 0)
    assert datetime.fromisoformat(answer["timestamp"]).utcoffset() is not None


def test_train_without_a_body_field_uses_the_documented_defaults(client: Client) -> None:
    answer = client.post("/train", json={"total_timesteps": 300}).json()
    config = answer["config"]
    assert answer["message"] == "Training started"
    assert config["env_name"] == "CartPole-v1"
    assert config["reward_function_type"] == "optimized_cartpole"
    assert (config["learning_rate"], config["n_steps"], config["batch_size"], config["n_epochs"]) == (3e-4, 32, 64, 10)
    assert config["model_name"] == f"grpo_model_{answer['job_id']}"
    assert isinstance(config["seed"], int)


@pytest.mark.parametrize("gae_lambda", [None, 0, 0.95, 1])
def test_train_with_generalized_advantages_or_without_completes(client: Client, gae_lambda: float | None) -> None:
    body = {"total_timesteps": 300, "n_steps": 32, "gae_lambda": gae_lambda, "log_std_init": -1, "model_name": "valued"}
    answer = client.post("/train", json=body).json()
    assert (answer["config"]["gae_lambda"], answer["config"]["log_std_init"]) == (gae_lambda, -1)
    assert client.get(f"/training/{answer['job_id']}/status").json()["status"] == "completed"
    inferred = client.post("/inference", json={"model_name": "valued", "observation": OBSERVATION})
    assert inferred.status_code == 200


def test_status_of_a_completed_job_shows_all_fields(trained: Client) -> None:
    [job] = trained.get("/training/jobs").json()["jobs"]
    status = trained.get(f"/training/{job['job_id']}/status").json()
    assert trained.get("/models/quick").json()["versions"][0]["config"] == status.pop("config")
    assert status == job
    assert (status["status"], status["progress"]) == ("completed", 1.0)
    assert (status["current_timesteps"], status["total_timesteps"]) == (600, 600)
    assert status["error_message"] is None
    assert datetime.fromisoformat(status["start_time"]) <= datetime.fromisoformat(status["end_time"])
    assert status["metrics"]["rollout/ep_rew_mean"] >= 8
    assert all(math.isfinite(value) for value in status["metrics"].values())


def test_jobs_are_listed_newest_first(client: Client) -> None:
    ids = [client.post("/train", json={"total_timesteps": 50, "model_name": f"m{i}"}).json()["job_id"] for i in range(3)]
    assert [job["job_id"] for job in client.get("/training/jobs").json()["jobs"]] == ids[::-1]


def test_same_config_again_gives_the_same_policy(client: Client) -> None:
    config = client.post("/train", json={"total_timesteps": 400, "model_name": "first"}).json()["config"]
    client.post("/train", json=config | {"model_name": "second"})
    answers = [
        client.post("/inference", json={"model_name": name, "observation": OBSERVATION}).json() for name in ("first", "second")
    ]
    assert answers[0] == answers[1]


def test_inference_with_a_discrete_policy_gives_action_probabilities_and_value(trained: Client) -> None:
    answer = trained.post("/inference", json={"model_name": "quick", "observation": OBSERVATION, "deterministic": True}).json()
    assert answer["action"] in {0, 1}
    assert math.isclose(sum(answer["action_probs"]), 1, abs_tol=1e-6)
    assert answer["action"] == max((0, 1), key=lambda a: answer["action_probs"][a])
    assert math.isfinite(answer["value"])


def test_inference_with_many_observations_equals_one_by_one(trained: Client) -> None:
    observations = [[0.01 * i, 0.0, -0.01 * i, 0.1] for i in range(300)]
    batch = trained.post("/inference", json={"model_name": "quick", "observation": observations}).json()
    assert [len(batch[name]) for name in ("action", "action_probs", "value")] == [300, 300, 300]
    for index in (0, 7, 299):
        one = trained.post("/inference", json={"model_name": "quick", "observation": observations[index]}).json()
        assert one["action"] == batch["action"][index]
        assert one["value"] == pytest.approx(batch["value"][index], rel=1e-4)


def test_stochastic_inference_follows_the_probabilities(trained: Client) -> None:
    body = {"model_name": "quick", "observation": [OBSERVATION] * 2000, "deterministic": False}
    answer = trained.post("/inference", json=body).json()
    share = sum(answer["action"]) / 2000
    assert share == pytest.approx(answer["action_probs"][0][1], abs=0.06)


def test_inference_with_a_box_policy_stays_within_bounds(client: Client) -> None:
    client.post("/train", json={"env_name": "Pendulum-v1", "total_timesteps": 700, "model_name": "swing"})
    body = {"model_name": "swing", "observation": [[1.0, 0.0, 0.0]] * 50, "deterministic": False}
    answer = client.post("/inference", json=body).json()
    assert answer["action_probs"] is None
    assert all(-2 <= action[0] <= 2 for action in answer["action"])
    single = client.post("/inference", json={"model_name": "swing", "observation": [1.0, 0.0, 0.0]}).json()
    assert isinstance(single["action"], list)
    assert len(single["action"]) == 1


def test_inference_with_a_discrete_observation_takes_one_number(client: Client) -> None:
    client.post("/train", json={"env_name": "FrozenLake-v1", "total_timesteps": 400, "model_name": "lake"})
    answer = client.post("/inference", json={"model_name": "lake", "observation": [3]}).json()
    assert answer["action"] in {0, 1, 2, 3}


def test_model_is_loaded_after_its_first_use_and_gone_after_delete(trained: Client) -> None:
    def status() -> list[tuple[str, str]]:
        return [(model["name"], model["status"]) for model in trained.get("/models").json()["models"]]

    assert status() == [("quick", "saved")]
    trained.post("/inference", json={"model_name": "quick", "observation": OBSERVATION})
    assert status() == [("quick", "loaded")]
    assert trained.get("/health").json()["loaded_models"] == 1
    answer = trained.delete("/models/quick")
    assert answer.status_code == 200
    assert "quick" in answer.json()["message"]
    assert status() == []
    assert trained.post("/inference", json={"model_name": "quick", "observation": OBSERVATION}).status_code == 404


def test_model_trained_again_replaces_the_one_in_memory(trained: Client) -> None:
    body = {"model_name": "quick", "observation": OBSERVATION}
    before = trained.post("/inference", json=body).json()
    trained.post("/train", json={"total_timesteps": 900, "model_name": "quick", "seed": 8})
    assert trained.post("/inference", json=body).json() != before


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_page_is_html(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "GRPO API" in answer.text


def test_request_id_is_echoed_or_made_on_every_answer(client: Client) -> None:
    assert client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert len(client.get("/nothing").headers["x-request-id"]) == 32
    assert client.get("/health", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"] != "a b\tc"


def test_model_name_of_another_script_works_everywhere(client: Client) -> None:
    client.post("/train", json={"total_timesteps": 100, "model_name": "カートポール_1"})
    answer = client.post("/inference", json={"model_name": "カートポール_1", "observation": OBSERVATION})
    assert answer.status_code == 200
    assert client.delete("/models/カートポール_1").status_code == 200
