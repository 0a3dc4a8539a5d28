"""Who gets in: keys, scopes, rates, hosts and origins, over HTTP."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from adapters.http.app import create_app
from adapters.http.gate import FAILURES_PER_MINUTE, AccessRules, Gate
from adapters.storage.keys_file import KeysFile, create, revoke
from application.access import Limits, Scope
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings
from tests.integration.conftest import QUICK

Client = TestClient[Litestar]
Serve = Callable[..., Client]
ROUTES = {
    Scope.READ: [
        ("GET", "/training/jobs"),
        ("GET", "/training/x/status"),
        ("GET", "/models"),
        ("GET", "/models/x"),
        ("GET", "/environments"),
        ("GET", "/reward-functions"),
        ("GET", "/metrics"),
    ],
    Scope.INFER: [
        ("POST", "/inference"),
        ("POST", "/models/x/evaluate"),
        ("GET", "/models/x/replay"),
        ("GET", "/models/x/play"),
        ("POST", "/plays/x/push"),
    ],
    Scope.TRAIN: [("POST", "/train"), ("POST", "/training/x/stop"), ("POST", "/training/x/resume")],
    Scope.ADMIN: [("DELETE", "/models/x")],
}
PUBLIC = ["/", "/health", "/health/live", "/health/ready", "/docs", "/redoc", "/openapi.json"]


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves the API under the given rules."""
    with ExitStack() as stack:

        def start(base_url: str = "http://testserver.local", **rules: Any) -> Client:
            container = build(Settings(data_dir=str(tmp_path), executor="inline"))
            app = create_app(container.use_cases, VERSION, AccessRules(**rules), container.start, container.close)
            return stack.enter_context(TestClient(app, base_url=base_url, raise_server_exceptions=False))

        yield start


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def make_key(file: Path, *scopes: Scope, **limits: int) -> str:
    return create(file, "ci", scopes, limits, datetime(2026, 1, 2, tzinfo=UTC))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["code"], body["request_id"]) == (code, answer.headers["x-request-id"])
    return body


def test_every_route_passes_the_gate(serve: Serve) -> None:
    app = serve().app
    handlers = [handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers]
    assert len(handlers) > 10
    assert len(app.routes) == sum(isinstance(route, HTTPRoute) for route in app.routes)
    for handler in handlers:
        check: Any = handler.resolve_before_request()
        assert isinstance(check.__self__, Gate), handler


def test_public_routes_need_no_key_and_all_others_do(serve: Serve, file: Path) -> None:
    make_key(file, Scope.ADMIN)
    client = serve(key_owner=KeysFile(file, Limits()))
    assert [client.get(path).status_code for path in PUBLIC] == [200] * len(PUBLIC)
    for method, path in (route for routes in ROUTES.values() for route in routes):
        answer = client.request(method, path)
        assert "needs a key" in problem(answer, 401, "unauthenticated")["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("scope", [*Scope])
def test_key_opens_the_routes_of_its_scope_and_admin_all(serve: Serve, file: Path, scope: Scope) -> None:
    key = make_key(file, scope)
    client = serve(key_owner=KeysFile(file, Limits()))
    for needed, routes in ROUTES.items():
        for method, path in routes:
            answer = client.request(method, path, headers=bearer(key))
            if scope in {needed, Scope.ADMIN}:
                assert answer.status_code not in {401, 403}
            else:
                found = problem(answer, 403, "missing-scope")
                assert f"needs the scope {needed}, and key " in found["detail"]
                assert found["detail"].endswith(f"(ci) has {scope}.")


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {key}"},
        {"Authorization": "bearer  {key} "},
        {"X-API-Key": "{key}"},
        {"Authorization": "Basic eDp5", "X-API-Key": "{key}"},
    ],
)
def test_key_is_taken_from_either_header(serve: Serve, file: Path, headers: dict[str, str]) -> None:
    key = make_key(file, Scope.READ)
    client = serve(key_owner=KeysFile(file, Limits()))
    assert client.get("/models", headers={name: text.format(key=key) for name, text in headers.items()}).status_code == 200


@pytest.mark.parametrize("key", ["x", "grpo_ab_cd", "{key}x", "\xff", "a" * 50_000])
def test_wrong_key_is_401_and_never_repeated_in_answer_or_log(
    serve: Serve, file: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = make_key(file, Scope.READ)
    client = serve(key_owner=KeysFile(file, Limits()))
    sent = key.format(key=right)
    answer = client.get("/models", headers={"X-API-Key": sent.encode("latin-1")})
    assert "mistyped, or was revoked" in problem(answer, 401, "unauthenticated")["detail"]
    assert "a wrong key came from address" in caplog.text
    assert right.split("_", 2)[2] not in answer.text + caplog.text


def test_key_when_revoked_stops_working_on_a_running_server(serve: Serve, file: Path) -> None:
    clock = Clock()
    key = make_key(file, Scope.READ)
    client = serve(key_owner=KeysFile(file, Limits(), clock))
    assert client.get("/models", headers=bearer(key)).status_code == 200
    revoke(file, key.split("_")[1])
    clock.now += 1
    problem(client.get("/models", headers=bearer(key)), 401, "unauthenticated")


@pytest.mark.parametrize("path", ["/train", "/inference"])
def test_body_without_a_key_is_never_read(serve: Serve, file: Path, path: str) -> None:
    make_key(file, Scope.ADMIN)
    client = serve(key_owner=KeysFile(file, Limits()))
    read: list[bool] = []

    async def receive() -> Any:
        read.append(True)
        return {"type": "http.request", "body": b"{}", "more_body": False}

    statuses: list[int] = []

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"x"), (b"content-length", b"9999999")],
        "client": None,
        "server": ("x", 80),
        "state": {},
    }
    asyncio.run(client.app(scope, receive, send))
    assert (statuses[0], read) == (401, [])


def test_client_beyond_its_rate_is_429_with_retry_after_and_others_are_not(serve: Serve, file: Path) -> None:
    clock = Clock()
    slow, fast = make_key(file, Scope.READ, requests_per_minute=2), make_key(file, Scope.READ)
    client = serve(key_owner=KeysFile(file, Limits()), clock=clock)
    codes = [client.get("/models", headers=bearer(slow)).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    answer = client.get("/models", headers=bearer(slow))
    assert "(ci) is 2 requests per minute; try again in 30 s." in problem(answer, 429, "too-many-requests")["detail"]
    assert answer.headers["retry-after"] == "30"
    assert client.get("/models", headers=bearer(fast)).status_code == 200
    clock.now += 30
    assert client.get("/models", headers=bearer(slow)).status_code == 200


def test_address_without_keys_has_the_rate_of_the_settings_and_health_is_never_refused(serve: Serve) -> None:
    client = serve(limits=Limits(requests_per_minute=1), clock=Clock())
    assert [client.get("/models").status_code for _ in range(2)] == [200, 429]
    assert client.get("/docs").status_code == 429
    assert [client.get("/health").status_code for _ in range(3)] == [200] * 3


def test_request_that_lacks_the_scope_counts_too(serve: Serve, file: Path) -> None:
    key = make_key(file, Scope.INFER, requests_per_minute=1)
    client = serve(key_owner=KeysFile(file, Limits()), clock=Clock())
    assert [client.get("/models", headers=bearer(key)).status_code for _ in range(2)] == [403, 429]


def test_failed_authentications_are_bounded_by_address_and_do_not_lock_out_a_right_key(serve: Serve, file: Path) -> None:
    key = make_key(file, Scope.READ)
    client = serve(key_owner=KeysFile(file, Limits()), clock=Clock())
    codes = [client.get("/models", headers=bearer("wrong")).status_code for _ in range(FAILURES_PER_MINUTE + 1)]
    assert codes == [401] * FAILURES_PER_MINUTE + [429]
    assert int(client.get("/models").headers["retry-after"]) == 1
    assert client.get("/models", headers=bearer(key)).status_code == 200


STRANGERS = ["https://evil.example", "null", "http://testserver.local.evil.example", "http://testserver.local:81"]


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize(("method", "path"), [("POST", "/train"), ("POST", "/inference"), ("DELETE", "/models/quick")])
def test_page_of_another_site_may_change_nothing(serve: Serve, origin: str, method: str, path: str) -> None:
    client = serve()
    answer = client.request(method, path, headers={"Origin": origin}, content=b"{}")
    assert "GRPO_CORS_ORIGINS" in problem(answer, 403, "cross-site-request")["detail"]
    assert client.get("/training/jobs", headers={"Origin": origin}).json() == {"jobs": []}


def test_page_without_an_origin_of_its_own_may_change_nothing_where_no_host_is_named(serve: Serve) -> None:
    answer = serve().post("/train", headers={"Origin": "null", "Host": ""}, content=b"{}")
    problem(answer, 403, "cross-site-request")


@pytest.mark.parametrize("origin", ["http://testserver.local", "https://TESTSERVER.local"])
def test_page_of_the_server_itself_may_train(serve: Serve, origin: str) -> None:
    assert serve().post("/train", json={"total_timesteps": 50}, headers={"Origin": origin}).status_code == 200


def test_page_of_a_named_origin_may_train_and_read_and_others_see_no_cors_header(serve: Serve) -> None:
    app, other = "https://app.example", "https://evil.example"
    client = serve(cors_origins=frozenset({app}))
    asked = {"Origin": app, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    preflight = client.options("/train", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == app
    answer = client.post("/train", json={"total_timesteps": 50}, headers={"Origin": app})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, app)
    refused = client.get("/nothing", headers={"Origin": app})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (404, app)
    assert client.options("/train", headers=asked | {"Origin": other}).status_code == 400
    strange = client.get("/models", headers={"Origin": other})
    assert "access-control-allow-origin" not in strange.headers
    assert not [name for found in (preflight, answer, strange) for name in found.headers if "credentials" in name]


def test_without_origins_no_cors_header_is_ever_sent(serve: Serve) -> None:
    answer = serve().options("/train", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_host_that_is_this_machine_is_served(serve: Serve, host: str) -> None:
    assert serve(allowed_hosts=LOOPBACK).get("/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "127.0.0.1.nip.io", "::1"])
@pytest.mark.parametrize("path", ["/", "/models", "/health", "/docs"])
def test_host_that_is_another_name_is_refused_on_every_route(serve: Serve, host: str, path: str) -> None:
    answer = serve(allowed_hosts=LOOPBACK).get(path, headers={"Host": host})
    assert "GRPO_ALLOWED_HOSTS" in problem(answer, 403, "host-not-allowed")["detail"]


def test_job_beyond_the_limits_of_its_key_is_422_names_each_and_leaves_no_job(serve: Serve, file: Path) -> None:
    key = make_key(file, Scope.TRAIN, Scope.READ, total_timesteps=1_000, parameters=5_000)
    client = serve(key_owner=KeysFile(file, Limits(n_envs=4)))
    body = {"total_timesteps": 1_001, "n_envs": 8, "hidden_sizes": [4_096, 4_096]}
    found = problem(client.post("/train", json=body, headers=bearer(key)), 422, "invalid-configuration")
    assert [error["field"] for error in found["errors"]] == ["total_timesteps", "n_envs", "hidden_sizes"]
    assert f"the limit for key {key.split('_')[1]} (ci)" in found["detail"]
    assert client.get("/training/jobs", headers=bearer(key)).json() == {"jobs": []}


def test_job_beyond_the_limits_of_the_settings_is_422_for_an_address(serve: Serve) -> None:
    client = serve(limits=Limits(total_timesteps=500))
    found = problem(client.post("/train", json=QUICK), 422, "invalid-configuration")
    assert "at most 500, the limit for address " in found["detail"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_page_has_the_headers_of_a_page(serve: Serve, path: str) -> None:
    answer = serve().get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "'sha256-" in scripts
    assert (answer.headers["x-frame-options"], answer.headers["referrer-policy"]) == ("DENY", "no-referrer")


@pytest.mark.parametrize("path", [*PUBLIC, "/models", "/nothing"])
def test_every_answer_forbids_guessing_its_type(serve: Serve, path: str) -> None:
    assert serve().get(path).headers["x-content-type-options"] == "nosniff"


def test_schema_tells_of_keys_scopes_and_refusals(serve: Serve, file: Path) -> None:
    make_key(file, Scope.ADMIN)
    schema = serve(key_owner=KeysFile(file, Limits())).get("/openapi.json").json()
    assert {kind["type"] for kind in schema["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    assert schema["paths"]["/inference"]["post"]["security"] == [{"bearer": ["infer"]}, {"header": ["infer"]}]
    assert schema["paths"]["/models/{model_name}"]["delete"]["security"][0] == {"bearer": ["admin"]}
    assert "security" not in schema["paths"]["/health"]["get"]
    assert {"401", "403", "429"} <= schema["paths"]["/train"]["post"]["responses"].keys()
    assert "The queue is full. Too many requests" in schema["paths"]["/train"]["post"]["responses"]["429"]["description"]
    assert {"401", "429"}.isdisjoint(schema["paths"]["/health"]["get"]["responses"])


def test_schema_of_a_server_without_keys_needs_none(serve: Serve) -> None:
    assert serve().get("/openapi.json").json()["paths"]["/train"]["post"]["security"][0] == {}


def test_file_whose_last_key_is_revoked_lets_a_new_one_in(serve: Serve, file: Path) -> None:
    clock = Clock()
    revoke(file, make_key(file, Scope.READ).split("_")[1])
    client = serve(key_owner=KeysFile(file, Limits(), clock), clock=clock)
    assert client.get("/models", headers=bearer("grpo_x_y")).status_code == 401
    key = make_key(file, Scope.READ)
    clock.now += 2
    assert client.get("/models", headers=bearer(key)).status_code == 200
