"""How a request fares on a bad line: what is sent again, what is not, and what the caller is told."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from grpo_client import (
    ApiError,
    AsyncClient,
    BadRequest,
    Client,
    ConnectionFailed,
    NotFound,
    NotInstalled,
    RateLimited,
    ServerError,
    UnexpectedAnswer,
)
from tests.client.scripted import SILENCE, Answer, ScriptedServer, talking

HEALTHY = Answer(body=b'{"status":"healthy","timestamp":"2026-11-23T12:46:39+00:00","active_jobs":0,"loaded_models":1,"new":1}')
STARTED = Answer(body=b'{"job_id":"j","message":"Training started","config":{"env_name":"CartPole-v1","model_name":"m"}}')
BUSY = Answer(503, b'{"detail":"The server is about to end.","code":"shutting-down"}', headers={"Retry-After": "2"})
FULL = Answer(429, b'{"detail":"The queue is full.","code":"queue-full"}', headers={"Retry-After": "7"})


@pytest.mark.parametrize("trouble", [SILENCE, BUSY, FULL, Answer(503, b"")], ids=["broken", "503", "429", "bare-503"])
def test_get_when_it_fails_once_is_sent_again(trouble: Answer, pauses: list[float]) -> None:
    with talking(trouble, HEALTHY) as (_server, client):
        assert client.health().loaded_models == 1
    asked = trouble.headers.get("Retry-After", "0.25")
    assert pauses == [float(asked)]


def test_get_when_it_keeps_failing_gives_up_after_three_more(pauses: list[float]) -> None:
    with talking(*[SILENCE] * 9) as (server, client), pytest.raises(ConnectionFailed):
        client.health()
    assert len(server.requests) == 4
    assert pauses == [0.25, 0.5, 1.0]


def test_train_when_it_is_sent_again_carries_the_same_idempotency_key(pauses: list[float]) -> None:
    with talking(SILENCE, BUSY, STARTED, STARTED) as (server, client):
        assert client.train(total_timesteps=1000).id == "j"
        client.train(total_timesteps=1000)
    first, second, third, other = [request.headers["idempotency-key"] for request in server.requests]
    assert first == second == third != other
    assert server.requests[0].body == b'{"env_name":"CartPole-v1","total_timesteps":1000}'


def test_train_when_a_key_is_given_carries_it(pauses: list[float]) -> None:
    with talking(STARTED) as (server, client):
        client.train(idempotency_key="mine")
    assert server.requests[0].headers["idempotency-key"] == "mine"


@pytest.mark.parametrize("key", ["two\nlines", "é", 5])
def test_train_with_a_key_that_cannot_be_sent_names_it(key: Any) -> None:
    with talking() as (server, client):
        with pytest.raises(ValueError, match="idempotency_key must consist of printable ASCII"):
            client.train(idempotency_key=key)
        assert server.requests == []


def test_field_that_has_the_name_of_a_parameter_is_sent() -> None:
    fields: dict[str, Any] = {"self": 1}
    with talking(STARTED) as (server, client):
        client.train(**fields)
    assert server.requests[0].body == b'{"env_name":"CartPole-v1","self":1}'


@pytest.mark.parametrize("states", ["completed", ["completed"], ("completed",)], ids=str)
def test_jobs_takes_one_state_or_several(states: str | Sequence[str]) -> None:
    with talking(Answer(body=b'{"jobs":[]}')) as (server, client):
        assert client.jobs(status=states) == []
    assert server.requests[0].target == "/training/jobs?status=completed"


@pytest.mark.parametrize("trouble", [SILENCE, BUSY, FULL], ids=["broken", "503", "429"])
def test_delete_when_it_fails_is_not_sent_again(trouble: Answer, pauses: list[float]) -> None:
    with talking(*[trouble] * 2) as (server, client), pytest.raises((ConnectionFailed, ApiError)):
        client.model("m").delete()
    assert len(server.requests) == 1
    assert pauses == []


def test_rate_limit_when_the_pause_would_be_long_is_told_at_once(pauses: list[float]) -> None:
    with talking(Answer(429, b"{}", headers={"Retry-After": "600"})) as (_server, client), pytest.raises(RateLimited) as told:
        client.health()
    assert told.value.retry_after == 600
    assert pauses == []


def test_ready_when_the_server_is_not_says_which_checks_failed(pauses: list[float]) -> None:
    problem = b'{"detail":"Not ready: storage.","code":"not-ready","status":503}'
    with (
        talking(Answer(503, problem)) as (_server, client),
        pytest.raises(ServerError, match=r"Not ready: storage\. \(503 not-ready\)"),
    ):
        client.ready()
    assert pauses == []


def test_client_that_may_not_try_again_does_not(pauses: list[float]) -> None:
    with talking(SILENCE, retries=0) as (_server, client), pytest.raises(ConnectionFailed):
        client.health()
    assert pauses == []


def test_extra_that_is_not_installed_is_an_error_of_its_own(pauses: list[float]) -> None:
    problem = b'{"detail":"ONNX needs: pip install onnx.","code":"extra-not-installed","request_id":"r1"}'
    with talking(Answer(501, problem)) as (_server, client), pytest.raises(NotInstalled, match="pip install onnx") as told:
        client.model("m").export(format="onnx")
    assert (told.value.code, told.value.request_id) == ("extra-not-installed", "r1")


def test_page_of_a_proxy_when_it_is_an_error_is_quoted_shortly(pauses: list[float]) -> None:
    with talking(Answer(413, b"<h1>too large</h1>" * 100, "text/html")) as (_server, client), pytest.raises(BadRequest) as told:
        client.health()
    assert told.value.detail.startswith("<h1>too large</h1>")
    assert len(told.value.detail) == 200


def test_page_of_a_proxy_when_it_says_ok_is_an_unexpected_answer(pauses: list[float]) -> None:
    with (
        talking(Answer(200, b"<h1>Welcome</h1>", "text/html")) as (_server, client),
        pytest.raises(UnexpectedAnswer, match="did not answer as this API does"),
    ):
        client.health()


def test_server_that_is_not_there_is_named(pauses: list[float]) -> None:
    with ScriptedServer([]) as server:
        url = server.url
    with Client(url, retries=0) as client, pytest.raises(ConnectionFailed, match=rf"{url} cannot be reached.*Is the server"):
        client.health()


def test_answer_that_does_not_come_in_time_is_not_asked_for_again(pauses: list[float]) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    with Client(transport=httpx.MockTransport(late)) as client, pytest.raises(ConnectionFailed, match="not answered in time"):
        client.health()
    assert pauses == []


def test_async_client_when_a_request_fails_once_sends_it_again(pauses: list[float]) -> None:
    async def ask(url: str) -> int:
        async with AsyncClient(url) as client:
            return (await client.health()).loaded_models

    with ScriptedServer([SILENCE, BUSY, HEALTHY]) as server:
        assert asyncio.run(ask(server.url)) == 1
    assert pauses == [0.25, 2.0]


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://", "", "http://a:99999", f"http://{'a' * 64}"])
def test_address_that_is_none_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="base_url must"):
        Client(url)


@pytest.mark.parametrize("key", ["", "clé", "two words", "line\n"])
def test_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="api_key must consist of printable ASCII") as told:
        Client(api_key=key)
    assert not key or key not in str(told.value)


def test_key_is_sent_and_never_shown() -> None:
    with talking(HEALTHY, api_key="grpo_secret") as (server, client):
        client.health()
        assert "grpo_secret" not in repr(client)
    assert server.requests[0].headers["authorization"] == "Bearer grpo_secret"


def test_evaluation_of_many_episodes_may_take_longer_than_other_answers(pauses: list[float]) -> None:
    patience = {}

    def answer(request: httpx.Request) -> httpx.Response:
        patience[request.url.path] = request.extensions["timeout"]["read"]
        return httpx.Response(404, json={"detail": "There is no such model."})

    for timeout in (30, 1000, None):
        with Client(transport=httpx.MockTransport(answer), timeout=timeout) as client:
            for ask in (client.model("m").info, client.model("m").evaluate):
                with pytest.raises(NotFound):
                    ask()
        assert patience == {"/models/m": timeout, "/models/m/evaluate": timeout and max(timeout, 600)}
