"""The schema's examples against the service itself, and the pages that show the schema, with and without installed files."""

from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.testing import TestClient

from adapters.environments.factory import GymnasiumEnvironments
from adapters.http import responses
from adapters.http.documentation import documentation_routes, installed_assets
from adapters.http.examples import ANSWERS, JOB, MODEL, PROBLEMS, REQUESTS
from adapters.http.pages import content_security_policy
from domain.presets import resolve
from tests.integration.conftest import QUICK

Client = TestClient[Litestar]
PAGES = ["/docs", "/redoc"]


def asset_paths(client: Client) -> list[str]:
    pages = "".join(client.get(path).text for path in PAGES)
    return sorted({part.split('"')[0] for part in pages.replace('href="', 'src="').split('src="')[1:] if part.startswith("/")})


@pytest.mark.parametrize("name", REQUESTS["POST /train"])
def test_example_of_a_training_is_a_configuration(name: str) -> None:
    _, body = REQUESTS["POST /train"][name]
    spec = GymnasiumEnvironments().describe(body.get("env_name", "CartPole-v1"))
    config = resolve(body, spec, seed=0, model_name="example")
    assert {field: getattr(config, field) for field in body} == body


def test_example_of_an_inference_is_answered(client: Client) -> None:
    client.post("/train", json=QUICK | {"model_name": MODEL})
    answers = [client.post("/inference", json=body) for _, body in REQUESTS["POST /inference"].values()]
    assert [answer.status_code for answer in answers] == [200] * 3


@pytest.mark.parametrize(("route", "name"), [(route, name) for route, named in ANSWERS.items() for name in named])
def test_example_of_an_answer_is_of_the_type_that_the_route_gives(client: Client, route: str, name: str) -> None:
    method, path = route.split(" ")
    described = client.get("/openapi.json").json()["paths"][path][method.lower()]["responses"]["200"]["content"]
    [media] = described.values()
    value = ANSWERS[route][name][1]
    assert media["examples"][name]["value"] == value
    kind = getattr(responses, media["schema"]["$ref"].rpartition("/")[2])
    assert msgspec.to_builtins(msgspec.convert(value, kind)) == value


def test_example_of_an_error_is_what_the_service_says(client: Client) -> None:
    client.post("/train", json=QUICK | {"model_name": MODEL})
    job = client.get("/training/jobs").json()["jobs"][0]["job_id"]
    given: dict[tuple[str, str], Any] = {
        ("POST /train", "422"): client.post("/train", json={"learning_rate": -1}),
        ("POST /inference", "422"): client.post("/inference", json={"model_name": MODEL, "observation": [0.1]}),
        ("GET /training/{job_id}/status", "404"): client.get("/training/nothing/status"),
        ("GET /models/{model_name}", "404"): client.get("/models/nothing"),
        ("POST /training/{job_id}/stop", "409"): client.post(f"/training/{job}/stop"),
    }
    assert given.keys() == PROBLEMS.keys()
    for place, answer in given.items():
        said = answer.json() | {"request_id": PROBLEMS[place]["request_id"]}
        assert said == PROBLEMS[place] | {"detail": PROBLEMS[place]["detail"].replace(JOB, job)}


def test_every_tag_and_operation_of_the_schema_is_described(client: Client) -> None:
    schema = client.get("/openapi.json").json()
    operations = [operation for item in schema["paths"].values() for operation in item.values()]
    described = {tag["name"] for tag in schema["tags"] if len(tag["description"]) > 20}
    assert {tag for operation in operations for tag in operation["tags"]} <= described
    assert all(operation["summary"] and operation["description"] for operation in operations)


def test_asset_is_sent_once_and_kept_for_ever(client: Client) -> None:
    paths = asset_paths(client)
    assert len(paths) == 3
    for path in paths:
        answer = client.get(path)
        assert (answer.status_code, len(answer.content) > 100_000) == (200, True)
        assert answer.headers["content-type"].startswith("text/css" if path.endswith(".css") else "text/javascript")
        assert "immutable" in answer.headers["cache-control"]
        again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])


@pytest.mark.parametrize("name", ["scalar.js", "__init__.py", "..%2F__init__.py", "%2Fetc%2Fpasswd"])
def test_file_that_no_page_loads_is_not_sent(client: Client, name: str) -> None:
    folder = asset_paths(client)[0].rpartition("/")[0]
    assert client.get(f"{folder}/{name}").status_code == 404


def test_asset_of_another_version_is_not_sent(client: Client) -> None:
    assert client.get("/docs/assets/0.0.0/redoc.js").json()["code"] == "route-not-found"


def test_file_of_a_page_names_no_picture_of_another_host(client: Client) -> None:
    [redoc] = [path for path in asset_paths(client) if path.endswith("redoc.js")]
    assert "cdn.redoc.ly" not in client.get(redoc).text


@pytest.mark.parametrize("path", PAGES)
def test_page_of_installed_files_allows_no_other_host(client: Client, path: str) -> None:
    answer = client.get(path)
    assert "http" not in answer.headers["content-security-policy"]
    assert "http" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_page_without_installed_files_is_litestars_with_its_hosts_allowed(path: str) -> None:
    config = OpenAPIConfig("GRPO API", "1", path="/schema")
    with TestClient(Litestar([documentation_routes(None)], openapi_config=config)) as client:
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "https://cdn." in scripts
    assert "https://fonts.gstatic.com" in policy
    assert "'self' https" not in scripts


def test_files_are_found_where_the_extra_is_installed() -> None:
    folder = installed_assets()
    assert folder is not None
    assert (folder / "redoc.js").exists()


def test_policy_of_a_page_that_loads_nothing_allows_nothing() -> None:
    parts = dict(part.partition(" ")[::2] for part in content_security_policy(b"<p>Hello</p>").split("; "))
    assert parts["default-src"] == "'none'"
    assert parts["script-src"] == ""
