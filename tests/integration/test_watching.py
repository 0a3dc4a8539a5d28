"""The learning curve over HTTP: as figures, as a picture, and as events."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.http.controllers.watching import metrics_response
from application import watching
from application.watching import History, thinned
from domain.job import JobEvent
from tests.factories import NOON, make_job
from tests.integration.conftest import service

WATCHED = {"total_timesteps": 3_000, "model_name": "watched", "seed": 3, "eval_freq": 1_000, "n_eval_episodes": 2}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Litestar]]:
    with service(tmp_path_factory.mktemp("watched")) as client:
        yield client


@pytest.fixture(scope="module")
def job_id(client: TestClient[Litestar]) -> str:
    answer = client.post("/train", json=WATCHED)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job_id"])


def parse(text: str) -> list[tuple[str | None, str, Any]]:
    """Id, kind and data of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.partition(": ")[::2] for line in block.splitlines() if line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields.get("id"), fields["event"], json.loads(fields["data"])))
    return found


def events(client: TestClient[Litestar], job_id: str, last: str | None = None) -> list[tuple[str | None, str, Any]]:
    answer = client.get(f"/training/{job_id}/events", headers={} if last is None else {"Last-Event-ID": last})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    return parse(answer.text)


def test_metrics_are_columns_of_one_length_with_evaluations(client: TestClient[Litestar], job_id: str) -> None:
    found = client.get(f"/training/{job_id}/metrics").json()
    assert (found["job_id"], found["status"], found["diagnosis"]) == (job_id, "completed", [])
    steps = found["timesteps"]
    assert steps == sorted(set(steps))
    assert steps[-1] == 3_000
    assert {len(column) for column in found["metrics"].values()} | {len(found["times"])} == {len(steps)}
    assert found["metrics"].keys() >= {"rollout/ep_rew_mean", "train/entropy", "time/fps", "group/frac_reward_zero_std"}
    assert [point["timesteps"] // 1_000 for point in found["evaluations"]] == [1, 2, 3]
    assert client.get(f"/training/{job_id}/status").json()["metrics"].keys() >= {"eval/mean_reward", "time/fps"}


def test_metrics_when_thinned_keep_the_first_and_the_last_point(client: TestClient[Litestar], job_id: str) -> None:
    whole = client.get(f"/training/{job_id}/metrics").json()
    thin = client.get(f"/training/{job_id}/metrics", params={"max_points": 3}).json()
    assert len(whole["timesteps"]) > 3
    assert len(thin["timesteps"]) == 3
    assert set(thin["timesteps"]) <= set(whole["timesteps"])
    assert (thin["timesteps"][0], thin["timesteps"][-1]) == (whole["timesteps"][0], whole["timesteps"][-1])
    assert thin["evaluations"] == whole["evaluations"]


def test_events_of_more_than_a_page_are_all_told(
    client: TestClient[Litestar], job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = events(client, job_id)
    for size in (2, len(whole) - 1):  # the last page full as well
        monkeypatch.setattr(watching, "PAGE", size)
        assert events(client, job_id) == whole


@pytest.mark.parametrize(("count", "most"), [(2, 2), (5, 4), (100, 2), (100, 99), (7, 7), (0, 2), (1, 2)])
def test_points_when_thinned_are_distinct_and_span_the_run(count: int, most: int) -> None:
    points = [JobEvent(job_id="a", time=NOON, kind="metrics", id=n) for n in range(count)]
    kept = [point.id for point in thinned(points, most)]
    assert len(kept) == min(count, most)
    assert kept == sorted(set(kept))
    assert (kept[:1], kept[-1:]) == ([0][:count], [count - 1][:count])


def test_metric_that_some_updates_lack_is_null_there() -> None:
    point = JobEvent(job_id="job", time=NOON, kind="metrics", data={"timesteps": 1, "metrics": {"a": 1.0}})
    other = replace(point, data={"timesteps": 2, "metrics": {"b": 2.0}})
    assert metrics_response(History(make_job(), [point, other], [], [])).metrics == {"a": [1.0, None], "b": [None, 2.0]}


@pytest.mark.parametrize("query", ["max_points=1", "max_points=x", "max_points=10001", "most=3"])
def test_metrics_when_asked_wrongly_say_what_is_allowed(client: TestClient[Litestar], job_id: str, query: str) -> None:
    answer = client.get(f"/training/{job_id}/metrics?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.text


def test_events_of_an_ended_job_tell_its_whole_life_and_end(client: TestClient[Litestar], job_id: str) -> None:
    told = events(client, job_id)
    kinds = [kind for _, kind, _ in told]
    assert kinds[0] == "status"
    assert kinds[-2:] == ["status", "done"]
    assert {"metrics", "eval"} <= set(kinds)
    ids = [int(identity) for identity, _, _ in told[:-1] if identity is not None]
    assert ids == sorted(set(ids))
    assert told[-1][0] == f"{ids[-1]}.done"
    assert told[-1][2] == client.get(f"/training/{job_id}/status").json()
    assert told[-2][2] | {"time": ""} == {
        "status": "completed",
        "timesteps": 3_000,
        "reason": "its training is over",
        "model_name": "watched",
        "model_version": 1 if "2" not in versions(client) else 2,
        "time": "",
    }


def versions(client: TestClient[Litestar]) -> set[str]:
    return {str(kept["version"]) for kept in client.get("/models/watched").json()["versions"]}


def test_events_behind_any_id_are_those_that_the_client_has_not_seen(client: TestClient[Litestar], job_id: str) -> None:
    told = events(client, job_id)
    for index in (0, len(told) // 2, len(told) - 2):
        assert events(client, job_id, told[index][0]) == told[index + 1 :]
        by_query = client.get(f"/training/{job_id}/events", params={"after": str(told[index][0])})
        assert parse(by_query.text) == told[index + 1 :]


def test_events_behind_the_end_are_none_and_a_browser_is_told_to_stop(client: TestClient[Litestar], job_id: str) -> None:
    last = events(client, job_id)[-1][0]
    answer = client.get(f"/training/{job_id}/events", headers={"Last-Event-ID": str(last)})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "1.done2", "9" * 19, "١"])
def test_events_behind_an_id_that_is_none_of_ours_are_refused(client: TestClient[Litestar], job_id: str, last: str) -> None:
    answer = client.get(f"/training/{job_id}/events", params={"after": last})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Last-Event-ID"


@pytest.mark.parametrize("what", ["metrics", "events", "plot.svg"])
def test_watching_a_job_that_does_not_exist_is_not_found(client: TestClient[Litestar], what: str) -> None:
    assert client.get(f"/training/nobody/{what}").json()["code"] == "job-not-found"


def test_plot_is_an_svg_without_scripts_that_names_what_it_shows(client: TestClient[Litestar], job_id: str) -> None:
    answer = client.get(f"/training/{job_id}/plot.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    root = ET.fromstring(answer.content)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert root.tag.rpartition("}")[2] == "svg"
    assert "path" in tags
    assert "script" not in tags
    for text in (b"CartPole-v1, watched", b"environment steps", b"mean return of the last episodes", b"evaluation"):
        assert text in answer.content
    assert not [name for element in root.iter() for name in element.attrib if name.endswith(("href", "src"))]
    assert client.get(f"/training/{job_id}/plot.svg").content == answer.content


def test_plot_of_a_job_whose_name_has_any_letters_is_well_formed(client: TestClient[Litestar]) -> None:
    job = client.post("/train", json={"total_timesteps": 200, "model_name": "棒_ñ", "seed": 1}).json()["job_id"]
    answer = client.get(f"/training/{job}/plot.svg")
    assert "棒_ñ".encode() in answer.content
    ET.fromstring(answer.content)
