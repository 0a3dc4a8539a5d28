"""The error table of the API, row by row: each a problem with a sentence, and nothing is left behind."""

from dataclasses import replace
from typing import Any

import gymnasium
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.http.problems import MAX_BODY_BYTES

Client = TestClient[Litestar]
JSON = {"Content-Type": "application/json"}


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem in an answer, after checking that it is one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["type"] == f"urn:grpo:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b'{"env_name": }', b"\xff\xfe", b"[" * 100_000, b'{"model_name": "\\ud800"}']
)
@pytest.mark.parametrize("path", ["/train", "/inference"])
def test_malformed_json_is_400(client: Client, path: str, body: bytes) -> None:
    assert "not valid JSON" in problem(client.post(path, content=body, headers=JSON), 400)["detail"]


@pytest.mark.parametrize("body", [b"[]", b"3", b'"text"', b"null", b"[{}]"])
@pytest.mark.parametrize("path", ["/train", "/inference"])
def test_body_that_is_no_object_is_400(client: Client, path: str, body: bytes) -> None:
    assert "must be a JSON object" in problem(client.post(path, content=body, headers=JSON), 400)["detail"]


WRONG_FIELDS = [
    ("learning_rate", 0, "above 0"),
    ("learning_rate", -1e-3, "above 0"),
    ("learning_rate", 1.5, "at most 1"),
    ("learning_rate", "fast", 'got "fast"'),
    ("learning_rate", None, "got null"),
    ("n_steps", 0, "at least 1"),
    ("n_steps", -32, "at least 1"),
    ("n_steps", 2.5, "got 2.5"),
    ("n_steps", True, "got true"),
    ("batch_size", 0, "at least 1"),
    ("batch_size", -1, "at least 1"),
    ("n_epochs", 0, "at least 1"),
    ("n_epochs", -1, "at least 1"),
    ("total_timesteps", 0, "at least 1"),
    ("total_timesteps", -5, "at least 1"),
    ("total_timesteps", 10**9 + 1, "at most 1000000000"),
    ("total_timesteps", 10**30, "total_timesteps"),
    ("total_timesteps", "5000", 'got "5000"'),
    ("gamma", 1.01, "at most 1"),
    ("epsilon", 0, "above 0"),
    ("beta", -0.1, "at least 0"),
    ("gae_lambda", 1.01, "at most 1 or null"),
    ("gae_lambda", -0.1, "at least 0"),
    ("gae_lambda", "0.9", 'got "0.9"'),
    ("log_std_init", -5.1, "at least -5"),
    ("log_std_init", 2.1, "at most 2"),
    ("log_std_init", None, "got null"),
    ("noise_correlation", 1, "at most 0.999"),
    ("seed", -1, "at least 0"),
    ("n_envs", 1, "at least 2"),
    ("loss_type", "ppo", "dapo"),
    ("scale_rewards", 3, "scale_rewards"),
    ("norm_obs", "yes", "norm_obs"),
    ("hidden_sizes", [], "1 to 8 integers"),
    ("hidden_sizes", [0], "1 to 8 integers"),
    ("hidden_sizes", [64, "x"], "hidden_sizes"),
    ("importance_sampling_level", "sequence", "loss_type"),
    ("reward_function_type", "fun", "optimized_cartpole"),
    ("env_name", "", "env_name"),
    ("env_name", "NoSuchThing-v0", "NoSuchThing-v0"),
    ("env_name", "os:CartPole-v1", "os:CartPole-v1"),
    ("env_name", "a" * 10_000, "env_name"),
    ("env_name", "Blackjack-v1", "Blackjack-v1"),
    ("env_name", 7, "env_name"),
    ("model_name", "", "1 to 128 characters"),
    ("model_name", "../escape", "got '../escape'"),
    ("model_name", "a/b", "got 'a/b'"),
    ("model_name", "..", "begin with a letter"),
    ("model_name", "nul\0byte", "letters and digits"),
    ("model_name", "x" * 300, "300 characters"),
    ("model_name", "line\n", "letters and digits"),
    ("model_name", "-flag", "begin with a letter"),
]


@pytest.mark.parametrize(("field", "value", "said"), WRONG_FIELDS, ids=[f"{f}={str(v)[:20]!r}" for f, v, _ in WRONG_FIELDS])
def test_wrong_field_of_a_job_is_422_and_leaves_no_job(client: Client, field: str, value: Any, said: str) -> None:
    found = problem(client.post("/train", json={field: value}), 422)
    assert said in found["detail"]
    assert field in {error["field"].partition("[")[0] for error in found["errors"]}
    assert client.get("/training/jobs").json() == {"jobs": []}


def test_environments_that_make_no_whole_groups_are_422(client: Client) -> None:
    found = problem(client.post("/train", json={"n_envs": 10, "num_generations": 4}), 422)
    assert "whole number of groups" in found["detail"]


def test_generalized_advantages_of_whole_trajectories_are_422(client: Client) -> None:
    body = {"gae_lambda": 0.9, "supervision": "outcome", "segment_start": "fresh"}
    found = problem(client.post("/train", json=body), 422)
    assert [error["field"] for error in found["errors"]] == ["supervision"]
    assert "gae_lambda" in found["detail"]
    assert client.get("/training/jobs").json() == {"jobs": []}


def test_field_name_that_is_half_a_surrogate_pair_is_explained(client: Client) -> None:
    found = problem(client.post("/train", content=b'{"\\ud800": NaN}', headers=JSON), 422)
    assert found["errors"][0]["field"] == "\\ud800"


def test_several_wrong_fields_are_all_named(client: Client) -> None:
    found = problem(client.post("/train", json={"n_steps": 0, "batch_size": -1, "gamma": 2}), 422)
    assert {error["field"] for error in found["errors"]} == {"n_steps", "batch_size", "gamma"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_number_that_json_has_not_is_422_and_named(client: Client, number: str) -> None:
    body = f'{{"learning_rate": {number}}}'.encode()
    found = problem(client.post("/train", content=body, headers=JSON), 422)
    assert found["errors"][0]["field"] == "learning_rate"
    assert "finite" in found["detail"]


def test_unknown_field_is_422_and_the_known_ones_are_named(client: Client) -> None:
    detail = problem(client.post("/train", json={"learningrate": 1e-3}), 422)["detail"]
    assert "'learningrate'" in detail
    assert "learning_rate" in detail


def test_conflicting_aliases_are_422(client: Client) -> None:
    assert "conflict" in problem(client.post("/train", json={"clip_range": 0.1, "epsilon": 0.3}), 422)["detail"]
    assert "conflict" in problem(client.post("/train", json={"group_size": 4, "num_generations": 8}), 422)["detail"]


@pytest.mark.parametrize("reward", ["optimized_cartpole", "simple_cartpole"])
def test_reward_that_does_not_fit_the_environment_is_422(client: Client, reward: str) -> None:
    body = {"env_name": "Acrobot-v1", "reward_function_type": reward}
    found = problem(client.post("/train", json=body), 422)
    assert found["errors"][0]["field"] == "reward_function_type"
    assert "Acrobot-v1" in found["detail"]


def test_branched_segments_where_states_cannot_be_copied_are_422(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = replace(gymnasium.spec("FrozenLake-v1"), id="test/RandomLake-v0", kwargs={"map_name": None})
    monkeypatch.setitem(gymnasium.registry, lake.id, lake)
    body = {"env_name": lake.id, "n_steps": 32, "segment_start": "branched"}
    assert "fresh" in problem(client.post("/train", json=body), 422)["detail"]


WRONG_OBSERVATIONS = [
    ([0.1, 0.2, 0.3], "4 numbers, got 3"),
    ([0.1] * 5, "4 numbers, got 5"),
    ([], "4 numbers, got 0"),
    ([[0.1] * 4, [0.1] * 3], "observation[1]"),
    ([[0.1] * 4, 0.5], "observation[1]"),
    ([[]], "got 0"),
    ([0.1, 0.2, "x", 0.4], "observation"),
    ([0.1, None, 0.3, 0.4], "observation"),
    ([True, 0.1, 0.2, 0.3], "observation"),
    ("text", "observation"),
    ({"x": 1}, "observation"),
    ([[[0.1] * 4]], "observation"),
    ([1e39, 0, 0, 0], "finite"),
    ([10**400, 0, 0, 0], "observation"),
    ([1e200, 0, 0, 0], "observation[0]"),
]


@pytest.mark.parametrize(("observation", "said"), WRONG_OBSERVATIONS, ids=[str(o)[:30] for o, _ in WRONG_OBSERVATIONS])
def test_wrong_observation_is_422(trained: Client, observation: Any, said: str) -> None:
    found = problem(trained.post("/inference", json={"model_name": "quick", "observation": observation}), 422)
    assert said in found["detail"]
    assert found["errors"][0]["field"].startswith("observation")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_observation_with_a_number_that_json_has_not_is_422(trained: Client, number: str) -> None:
    body = f'{{"model_name": "quick", "observation": [0, {number}, 0, 0]}}'.encode()
    found = problem(trained.post("/inference", content=body, headers=JSON), 422)
    assert found["errors"][0]["field"] == "observation[1]"


@pytest.mark.parametrize("value", [-1, 16, 2.5])
def test_discrete_observation_outside_its_space_is_422(client: Client, value: float) -> None:
    client.post("/train", json={"env_name": "FrozenLake-v1", "total_timesteps": 100, "model_name": "lake"})
    found = problem(client.post("/inference", json={"model_name": "lake", "observation": [value]}), 422)
    assert "from 0 to 15" in found["detail"]


def test_inference_without_a_required_field_is_422(client: Client) -> None:
    assert "'observation' is required" in problem(client.post("/inference", json={"model_name": "m"}), 422)["detail"]


def test_unknown_job_or_model_is_404(client: Client) -> None:
    assert "'nobody'" in problem(client.get("/training/nobody/status"), 404)["detail"]
    assert "'nobody'" in problem(client.post("/training/nobody/stop"), 404)["detail"]
    assert "'nobody'" in problem(client.delete("/models/nobody"), 404)["detail"]
    body = {"model_name": "nobody", "observation": [0, 0, 0, 0]}
    assert "'nobody'" in problem(client.post("/inference", json=body), 404)["detail"]


def test_unknown_route_is_404(client: Client) -> None:
    assert "/nothing" in problem(client.get("/nothing"), 404)["detail"]


@pytest.mark.parametrize("name", ["..%2Fsecret", "%2e%2e", "a%00b", "x" * 300])
def test_model_name_that_cannot_exist_deletes_nothing(client: Client, name: str) -> None:
    assert client.delete(f"/models/{name}").status_code in {404, 422}


def test_stop_of_an_ended_job_is_409(trained: Client) -> None:
    [job] = trained.get("/training/jobs").json()["jobs"]
    assert "completed" in problem(trained.post(f"/training/{job['job_id']}/stop"), 409)["detail"]


def test_methods_of_a_path_are_those_of_the_schema(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        allowed = client.options(path).headers["allow"].split(", ")
        assert set(allowed) - {"HEAD"} == {method.upper() for method in operations} | {"OPTIONS"}


def test_wrong_method_is_405(client: Client) -> None:
    problem(client.get("/train"), 405)
    problem(client.put("/models/x"), 405)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_wrong_media_type_is_415(client: Client, media_type: str) -> None:
    answer = client.post("/train", content=b"{}", headers={"Content-Type": media_type})
    assert "application/json" in problem(answer, 415)["detail"]


def test_body_that_is_too_large_is_413(client: Client) -> None:
    answer = client.post("/train", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
    assert str(MAX_BODY_BYTES) in problem(answer, 413)["detail"]


def test_unforeseen_error_is_500_without_internals_and_logged_under_its_id(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("adapters.http.controllers.training.status_response", explode)
    client.post("/train", json={"total_timesteps": 50})
    answer = client.get("/training/jobs", headers={"X-Request-ID": "find-me"})
    found = problem(answer, 500)
    assert "secret" not in answer.text
    assert "find-me" in found["detail"]
    assert "find-me" in caplog.text
    assert "the secret of the house" in caplog.text
