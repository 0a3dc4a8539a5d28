"""GET /models/{model_name}/export and POST /models, from one service to another."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from safetensors.numpy import load

from adapters.http.app import create_app
from adapters.http.controllers.portable import MAX_MODEL_BYTES
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings

Client = TestClient[Litestar]
BYTES = {"Content-Type": "application/octet-stream"}
OBSERVATIONS = [[0.1, -0.2, 0.03, 0.4], [-2.0, 1.5, -0.2, 3.0], [0.0, 0.0, 0.0, 0.0]]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Client]:
    """Another service, with nothing in it, where no environment may be trained but Acrobot."""
    container = build(Settings(data_dir=str(tmp_path / "elsewhere"), executor="inline", env_allow="Acrobot-v1"))
    app = create_app(container.use_cases, VERSION, on_startup=container.start, on_shutdown=container.close)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def predictions(client: Client, name: str) -> Any:
    answer = client.post("/inference", json={"model_name": name, "observation": OBSERVATIONS})
    assert answer.status_code == 200, answer.text
    return answer.json()


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    return dict(answer.json())


def test_model_when_moved_to_another_service_then_predicts_the_same_bits(trained: Client, elsewhere: Client) -> None:
    [version] = trained.get("/models/quick").json()["versions"]
    file = trained.get("/models/quick/export")
    assert file.status_code == 200
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"] == (
        "attachment; filename=\"quick-v1.safetensors\"; filename*=UTF-8''quick-v1.safetensors"
    )
    assert file.headers["x-model-sha256"] == version["sha256"]
    assert "policy/parameters" in load(file.content)
    answer = elsewhere.post("/models", params={"model_name": "移した"}, content=file.content, headers=BYTES)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "message": "Model '移した' imported as version 1",
        "name": "移した",
        "version": 1,
        "env_name": "CartPole-v1",
        "sha256": version["sha256"],
        "size_bytes": version["size_bytes"],
    }
    [moved] = elsewhere.get("/models/移した").json()["versions"]
    assert version["imported_at"] is None
    assert moved["imported_at"] > moved["created_at"]
    same = {name: value for name, value in version.items() if name not in {"imported_at", "config"}}
    assert {name: moved[name] for name in same} == same
    assert moved["config"] == version["config"] | {"model_name": "移した"}
    assert predictions(elsewhere, "移した") == predictions(trained, "quick")
    again = elsewhere.get("/models/移した/export")
    assert again.headers["x-model-sha256"] == version["sha256"]
    assert "filename*=UTF-8''%E7%A7%BB%E3%81%97%E3%81%9F-v1.safetensors" in again.headers["content-disposition"]


def test_model_when_imported_where_it_came_from_then_is_a_version_of_its_own_and_once_only(trained: Client) -> None:
    file = trained.get("/models/quick/export", params={"model_version": 1}).content
    assert [trained.post("/models", content=file, headers=BYTES).json()["version"] for _ in range(2)] == [2, 2]
    versions = trained.get("/models/quick").json()["versions"]
    assert [version["imported_at"] is None for version in versions] == [True, False]
    assert versions[0]["sha256"] == versions[1]["sha256"]


def test_model_as_onnx_then_runs_in_onnxruntime_and_its_parity_is_told(trained: Client) -> None:
    file = trained.get("/models/quick/export", params={"format": "onnx"})
    assert file.status_code == 200
    assert 'filename="quick-v1.onnx"' in file.headers["content-disposition"]
    assert file.headers["x-model-sha256"] == trained.get("/models/quick").json()["versions"][0]["sha256"]
    parity = json.loads(file.headers["x-onnx-parity"])
    assert parity["observations"] == parity["equal_actions"] == 259
    runtime = onnxruntime.InferenceSession(file.content)
    action, probabilities, value = runtime.run(None, {"observation": np.array(OBSERVATIONS, np.float32)})
    expected = predictions(trained, "quick")
    assert action.tolist() == expected["action"]
    np.testing.assert_allclose(probabilities, expected["action_probs"], atol=1e-5)
    np.testing.assert_allclose(value, expected["value"], rtol=1e-4, atol=1e-5)
    told = problem(trained.post("/models", content=file.content, headers=BYTES), 422)
    assert "is an ONNX file" in told["detail"]


def test_onnx_without_its_package_is_501_in_one_sentence(trained: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    told = problem(trained.get("/models/quick/export?format=onnx"), 501)
    assert told["code"] == "extra-not-installed"
    assert "`pip install onnx`" in told["detail"]


def test_export_of_what_is_not_there_is_told(trained: Client) -> None:
    for path, status, said in (
        ("/models/absent/export", 404, "There is no model 'absent'"),
        ("/models/quick/export?model_version=9", 404, "There is no version 9"),
        ("/models/quick/export?format=pickle", 422, "format must be one of safetensors, onnx, got 'pickle'"),
        ("/models/quick/export?form=onnx", 422, "Unknown parameter 'form'; allowed: format, model_version"),
        ("/models/..%5c/export", 422, "model_name must have"),
    ):
        assert said in problem(trained.get(path), status)["detail"]


@pytest.mark.parametrize(
    ("content", "headers", "params", "status", "code"),
    [
        (b"", BYTES, {}, 422, "invalid-model-file"),
        (b"PK\x03\x04" + bytes(40), BYTES, {}, 422, "invalid-model-file"),
        (b"{}", {"Content-Type": "application/json"}, {}, 415, "unsupported-media-type"),
        (b"x", BYTES, {"name": "x"}, 422, "invalid-query"),
    ],
    ids=["empty", "zip", "json", "misspelt"],
)
def test_body_that_is_no_model_is_refused_and_nothing_is_kept(
    client: Client, content: bytes, headers: dict[str, str], params: dict[str, str], status: int, code: str
) -> None:
    told = problem(client.post("/models", content=content, headers=headers, params=params), status)
    assert told["code"] == code
    assert client.get("/models").json() == {"models": []}


def test_body_that_is_larger_than_the_limit_is_told_the_limit_of_its_route(client: Client) -> None:
    told = problem(client.post("/models", content=bytes(MAX_MODEL_BYTES + 1), headers=BYTES), 413)
    assert f"{MAX_MODEL_BYTES} bytes" in told["detail"]
    assert told["code"] == "body-too-large"
    told = problem(client.post("/train", content=b" " * (16 * 1024 * 1024 + 1)), 413)
    assert f"{16 * 1024 * 1024} bytes" in told["detail"]


def test_name_that_no_model_can_have_is_refused_for_a_good_file(trained: Client) -> None:
    file = trained.get("/models/quick/export").content
    told = problem(trained.post("/models?model_name=../up", content=file, headers=BYTES), 422)
    assert told["code"] == "invalid-model-name"


def test_methods_of_models_are_told(client: Client) -> None:
    assert client.options("/models").headers["allow"] == "GET, OPTIONS, POST"
    assert client.put("/models").status_code == 405
