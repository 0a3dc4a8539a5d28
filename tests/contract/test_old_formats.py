"""Data files that older versions wrote (tests/data): all that is in them is there after the upgrade, and cut-off jobs end."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.http.app import create_app
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings

FILES = sorted((Path(__file__).parent.parent / "data").glob("*.db"))
AFTERWARDS = {"completed": "completed", "stopped": "stopped", "running": "completed", "queued": "completed"}


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def said(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the old server said of its file."""
    return dict(json.loads(request.param.with_suffix(".json").read_text(encoding="utf-8")))


@pytest.fixture
def client(request: pytest.FixtureRequest, said: dict[str, Any], tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    """This version on a copy of the file; it trains what is left of the jobs when it starts."""
    shutil.copyfile(request.node.callspec.params["said"], tmp_path / "grpo.db")
    container = build(Settings(data_dir=str(tmp_path), executor="inline"))
    app = create_app(container.use_cases, VERSION, on_startup=container.start, on_shutdown=container.close)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_there_are_files_of_old_formats() -> None:
    assert [path.name for path in FILES] == ["0.1.0.db", "6fdb861.db", "81499bc.db"]


def test_job_of_an_old_file_is_listed_and_ends_unless_it_had_ended(client: TestClient[Litestar], said: dict[str, Any]) -> None:
    jobs = client.get("/training/jobs").json()["jobs"]
    # The newest first, as the old server listed them.
    assert [job["job_id"] for job in jobs] == [*reversed(said["jobs"])]
    expected = {job_id: AFTERWARDS[status] for job_id, status in said["jobs"].items()}
    assert {job["job_id"]: job["status"] for job in jobs} == expected, jobs
    assert all(job["progress"] == 1 for job in jobs if job["status"] == "completed")


def test_model_of_an_old_file_answers_as_it_did(client: TestClient[Litestar], said: dict[str, Any]) -> None:
    assert {model["name"] for model in client.get("/models").json()["models"]} == {*said["models"], "running", "queued"}
    assert len(said["predictions"]) == 6
    for prediction in said["predictions"]:
        answer = client.post("/inference", json=prediction["request"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["action"] == prediction["answer"]["action"]
        # Another processor may round the last bits in another way.
        assert answer.json()["action_probs"] == pytest.approx(prediction["answer"]["action_probs"], rel=1e-4)
        assert answer.json()["value"] == pytest.approx(prediction["answer"]["value"], rel=1e-4)


def test_model_of_an_old_file_says_where_it_comes_from_and_can_be_moved(
    client: TestClient[Litestar], said: dict[str, Any]
) -> None:
    for name in said["models"]:
        first = client.get(f"/models/{name}").json()["versions"][0]
        assert (first["version"], first["seed"], first["env_name"]) == (1, 1, "CartPole-v1")
        assert first["job_id"] in said["jobs"]
        assert first["config"]["hidden_sizes"] == [8]
        assert 0 < first["timesteps"] <= first["config"]["total_timesteps"]
        assert len(first["sha256"]) == 64
        file = client.get(f"/models/{name}/export?model_version=1").content
        octets = {"Content-Type": "application/octet-stream"}
        moved = client.post("/models?model_name=moved", content=file, headers=octets)
        assert moved.status_code == 200, moved.text
        last = client.get("/models/moved").json()["versions"][-1]
        assert (last["job_id"], last["timesteps"]) == (first["job_id"], first["timesteps"])
