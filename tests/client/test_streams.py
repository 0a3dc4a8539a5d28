"""Event streams on a bad line: nothing is missed, nothing comes twice, and what cannot heal is told."""

import asyncio

import httpx
import pytest

from grpo_client import AsyncClient, Client, ConnectionFailed, Event, NotFound, RateLimited, UnexpectedAnswer
from tests.client.scripted import SILENCE, Answer, ScriptedServer, events, talking

FIRST = 'id: 1\nevent: status\ndata: {"status":"running"}\n\n'
PROGRESS = 'event: progress\ndata: {"progress":0.5}\n\n'
SECOND = 'id: 2\nevent: metrics\ndata: {"timesteps":100}\n\n'
HALF_OF_SECOND = 'id: 2\nevent: metrics\ndata: {"timest'
DONE = 'id: 2.done\nevent: done\ndata: {"status":"completed"}\n\n'
HEARTBEAT = ": heartbeat\n\n"
STATUS = b"""{"job_id":"j","status":"running","progress":0.5,"current_timesteps":1,"total_timesteps":2,"env_name":"e",
    "model_name":"m","created_at":"2026-11-23T12:46:39+00:00"}"""
TOLD = [
    Event("status", {"status": "running"}, "1"),
    Event("metrics", {"timesteps": 100}, "2"),
    Event("done", {"status": "completed"}, "2.done"),
]


def followed(*answers: Answer, after: str | None = None) -> tuple[list[Event], list[str | None]]:
    """The events of a job, and from where each connection was asked to go on."""
    with talking(Answer(body=STATUS), *answers) as (server, client):
        told = list(client.job("j").events(after))
    return told, [request.headers.get("last-event-id") for request in server.requests[1:]]


@pytest.mark.parametrize(
    "answers",
    [
        [events(FIRST + SECOND + DONE)],
        [events(HEARTBEAT + FIRST + HEARTBEAT + SECOND + HEARTBEAT + DONE)],
        [events(FIRST, cut=True), events(SECOND + DONE)],
        [events(FIRST), events(SECOND + DONE)],
        [events(FIRST + HALF_OF_SECOND, cut=True), events(SECOND + DONE)],
        [SILENCE, events(FIRST), SILENCE, SILENCE, events(SECOND), events(DONE)],
        [Answer(503, headers={"Retry-After": "1"}), events(FIRST), Answer(502), events(SECOND + DONE)],
        [events(FIRST + SECOND + DONE + "id: 3\nevent: status\ndata: {}\n\n")],
    ],
    ids=["whole", "heartbeats", "cut", "ended", "cut-within-an-event", "silent", "busy", "more-after-the-end"],
)
def test_events_however_the_connection_breaks_come_once_each(answers: list[Answer], pauses: list[float]) -> None:
    told, _ = followed(*answers)
    assert told == TOLD


def test_events_when_the_connection_breaks_go_on_behind_the_last_that_was_whole(pauses: list[float]) -> None:
    _, asked = followed(events(FIRST + PROGRESS + HALF_OF_SECOND, cut=True), events(HEARTBEAT), events(SECOND + DONE))
    assert asked == [None, "1", "1"]


def test_events_when_a_place_is_given_begin_behind_it(pauses: list[float]) -> None:
    told, asked = followed(events(SECOND + DONE), after="1")
    assert (told, asked) == (TOLD[1:], ["1"])


def test_progress_has_the_place_of_the_event_before(pauses: list[float]) -> None:
    told, _ = followed(events(PROGRESS + FIRST + PROGRESS + DONE))
    places = [(event.kind, event.id) for event in told]
    assert places == [("progress", None), ("status", "1"), ("progress", "1"), ("done", "2.done")]


def test_events_when_the_server_has_nothing_more_end(pauses: list[float]) -> None:
    told, asked = followed(events(FIRST + SECOND), Answer(204))
    assert (told, asked) == (TOLD[:2], [None, "2"])


def test_pause_when_the_server_asks_for_one_is_kept(pauses: list[float]) -> None:
    followed(events("retry: 3000\n" + FIRST, cut=True), SILENCE, Answer(503, headers={"Retry-After": "9"}), events(DONE))
    assert pauses == [3.0, 3.0, 9.0]


def test_pauses_when_nothing_comes_grow_until_the_client_gives_up(pauses: list[float]) -> None:
    with pytest.raises(ConnectionFailed, match="broke off"):
        followed(*[SILENCE] * 20)
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 10, 10, 10, 10, 10, 10]


def test_pauses_when_something_comes_begin_anew(pauses: list[float]) -> None:
    followed(SILENCE, SILENCE, events(HEARTBEAT), SILENCE, events(DONE))
    assert pauses == [0.25, 0.5, 0.25, 0.5]


def test_connection_on_which_no_heartbeat_comes_is_made_anew(pauses: list[float]) -> None:
    """A connection whose other side has vanished brings neither data nor an end."""
    read_timeouts = []

    class Vanishing(httpx.SyncByteStream):
        def __iter__(self) -> "Vanishing":
            raise httpx.ReadTimeout("nothing came")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/status"):
            return httpx.Response(200, content=STATUS)
        read_timeouts.append(request.extensions["timeout"]["read"])
        head = {"Content-Type": "text/event-stream"}
        return httpx.Response(200, headers=head, stream=Vanishing()) if len(read_timeouts) == 1 else httpx.Response(204)

    with Client(transport=httpx.MockTransport(answer), timeout=1) as client:
        assert list(client.job("j").events()) == []
    assert read_timeouts == [45, 45]  # the server's heartbeat comes every 15 seconds


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404, b'{"detail":"There is no training job \'j\'.","code":"job-not-found"}'), NotFound),
        (Answer(200, b"<h1>Welcome</h1>", "text/html"), UnexpectedAnswer),
        (events("data: no JSON\n\n"), UnexpectedAnswer),
    ],
    ids=["404", "page", "no-json"],
)
def test_stream_that_cannot_heal_is_an_error_at_once(answer: Answer, error: type[Exception], pauses: list[float]) -> None:
    with pytest.raises(error):
        followed(answer)
    assert pauses == []


def test_stream_that_is_refused_for_too_long_is_an_error(pauses: list[float]) -> None:
    with pytest.raises(RateLimited):
        followed(*[Answer(429, b"{}")] * 20)
    assert len(pauses) == 12


def test_play_when_the_connection_breaks_is_not_taken_up_again(pauses: list[float]) -> None:
    step = 'event: step\ndata: {"t":0}\n\n'
    with talking(events(step, cut=True)) as (server, client):
        play = client.model("m", 3).play(seed=4, speed=0.5)
        assert next(play) == Event("step", {"t": 0})
        with pytest.raises(ConnectionFailed):
            next(play)
    assert server.requests[0].target == "/models/m/play?seed=4&deterministic=true&model_version=3&speed=0.5"


def test_play_when_the_server_ends_it_ends(pauses: list[float]) -> None:
    with talking(events('event: end\ndata: {"reason":"time"}\n\n')) as (_server, client):
        assert [event.kind for event in client.model("m").play()] == ["end"]


def test_async_events_when_the_connection_breaks_come_once_each(pauses: list[float]) -> None:
    async def follow(url: str) -> list[Event]:
        async with AsyncClient(url) as client:
            job = await client.job("j")
            return [event async for event in job.events()]

    answers = [events(FIRST, cut=True), Answer(503), SILENCE, events(HALF_OF_SECOND), events(SECOND), Answer(204)]
    with ScriptedServer([Answer(body=STATUS), *answers]) as server:
        assert asyncio.run(follow(server.url)) == TOLD[:2]
    assert [request.headers.get("last-event-id") for request in server.requests[1:]] == [None, "1", "1", "1", "1", "2"]
