"""A model at play: the stream of its steps, and pushes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from litestar import Litestar
from litestar.testing import TestClient

from adapters.environments.factory import GymnasiumEnvironments
from adapters.http.controllers import plays
from adapters.http.pace import Pace
from application.play import MOST_PLAYS
from bootstrap.container import Container
from tests.factories import make_model, make_policy
from tests.integration.asgi import Exchange, service_of, until

Talk = Callable[[Litestar, Container], Awaitable[None]]


class Slide(gymnasium.Env[Any, Any]):
    """Shows the process that steps it; ends after three steps."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0.0, 2.0**22, (1,), dtype=np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self._shown(), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return self._shown(), 1.0, self.steps == 3, False, {}

    def _shown(self) -> Any:
        import os  # noqa: PLC0415 - in the process that steps

        return np.array([os.getpid()], dtype=np.float32)


@pytest.fixture
def slide() -> Iterator[str]:
    gymnasium.register("tests/Slide-v0", entry_point=f"{__name__}:Slide", max_episode_steps=5)
    yield "tests/Slide-v0"
    del gymnasium.registry["tests/Slide-v0"]


@pytest.fixture
def talk(slide: str) -> Iterator[Callable[[Talk], None]]:
    """Lets a coroutine talk to the application, which has the models `quick` of CartPole and `slide` of a foreign one."""
    environments = GymnasiumEnvironments(foreign_apart=True)
    models = {"quick": "CartPole-v1", "slide": slide}
    app, container = service_of(
        environments, *(make_model(name, policy=make_policy(environments.describe(env))) for name, env in models.items())
    )
    yield lambda conversation: asyncio.run(conversation(app, container))
    container.close()


def test_stream_begins_with_start_and_shows_steps_in_order(talk: Any) -> None:
    async def conversation(app: Litestar, _: Container) -> None:
        exchange = await Exchange(app, "GET", "/models/quick/play?seed=3&speed=10").begin()
        assert exchange.status == 200
        assert exchange.headers["content-type"].startswith("text/event-stream")
        assert exchange.headers["cache-control"] == "no-store"
        assert exchange.headers["x-accel-buffering"] == "no"
        kind, start = await exchange.event()
        assert kind == "start"
        assert start.pop("play_id")
        assert start == {
            "model_name": "quick",
            "model_version": 1,
            "env_name": "CartPole-v1",
            "seed": 3,
            "step_seconds": 0.02,
            "observation_space": {"type": "box", "shape": [4], "low": start["observation_space"]["low"], "high": HIGH},
            "action_space": {"type": "discrete", "n": 2, "start": 0},
            "pushable": True,
        }
        steps = [await exchange.event()]
        while not steps[-1][1]["episode"]:
            steps.append(await exchange.event())
        assert {kind for kind, _ in steps} == {"step"}
        first = steps[0][1]
        assert first.keys() == STEP_FIELDS
        expected, _ = gymnasium.make("CartPole-v1").reset(seed=3)
        assert first["observation"] == expected.tolist()
        assert [step["t"] for _, step in steps if step["episode"] == 0] == list(range(sum(not s["episode"] for _, s in steps)))
        assert steps[-2][1]["terminated"] or steps[-2][1]["truncated"]
        assert all(step["pushed"] == 0 for _, step in steps)
        await exchange.leave()

    talk(conversation)


HIGH = [4.800000190734863, None, 0.41887903213500977, None]
STEP_FIELDS = {
    "t",
    "episode",
    "observation",
    "action",
    "action_probs",
    "value",
    "reward",
    "return",
    "terminated",
    "truncated",
    "pushed",
}


@pytest.mark.parametrize(("query", "seconds"), [("", 0.02), ("?speed=0.5", 0.04), ("?speed=10", 0.002)])
def test_stream_has_the_pace_that_was_asked_for(talk: Any, query: str, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def pace(interval: float, now: float) -> Pace:
        asked.append(interval)
        return Pace(interval, now)

    async def conversation(app: Litestar, _: Container) -> None:
        exchange = await Exchange(app, "GET", f"/models/quick/play{query}").begin()
        assert [(await exchange.event())[0] for _ in range(2)] == ["start", "step"]
        await exchange.leave()

    monkeypatch.setattr(plays, "Pace", pace)
    talk(conversation)
    assert asked == [pytest.approx(seconds)]


def test_push_when_the_model_is_at_play_is_felt(talk: Any) -> None:
    async def conversation(app: Litestar, _: Container) -> None:
        exchange = await Exchange(app, "GET", "/models/quick/play?seed=3").begin()
        play_id = (await exchange.event())[1]["play_id"]
        pushed = await Exchange(app, "POST", f"/plays/{play_id}/push", {"force": -0.5}).begin()
        assert pushed.status == 200
        assert await pushed.body() == b'{"message":"Pushed","play_id":"%s"}' % play_id.encode()
        step: dict[str, Any] = {"pushed": 0}
        before = step
        while not step["pushed"]:
            before, step = step, (await exchange.event())[1]
        assert step["pushed"] == -0.5
        if before.get("observation"):
            assert step["observation"][1] < before["observation"][1]
        wrong = await Exchange(app, "POST", f"/plays/{play_id}/push", {"force": 1.5}).begin()
        assert wrong.status == 422
        assert b"force must be a number from -1 to 1, got 1.5." in await wrong.body()
        await exchange.leave()
        gone = await Exchange(app, "POST", f"/plays/{play_id}/push", {"force": 0.5}).begin()
        assert gone.status == 404

    talk(conversation)


def test_stream_when_the_client_leaves_makes_place_for_another(talk: Any) -> None:
    async def conversation(app: Litestar, container: Container) -> None:
        open_ones = [await Exchange(app, "GET", "/models/quick/play").begin() for _ in range(MOST_PLAYS)]
        refused = await Exchange(app, "GET", "/models/quick/play").begin()
        assert (refused.status, refused.headers["retry-after"]) == (429, "5")
        assert b'"code":"too-many-plays"' in await refused.body()
        for exchange in open_ones:
            assert (await exchange.event())[0] == "start"
        await asyncio.gather(*(exchange.leave() for exchange in open_ones))
        await until(lambda: not container.use_cases.plays._sessions)
        again = await Exchange(app, "GET", "/models/quick/play").begin()
        assert again.status == 200
        await again.event()
        await again.leave()

    talk(conversation)


def test_stream_when_the_server_drains_ends_at_once_and_says_so(talk: Any) -> None:
    async def conversation(app: Litestar, container: Container) -> None:
        slow = await Exchange(app, "GET", "/models/quick/play?speed=0.1").begin()
        quick = await Exchange(app, "GET", "/models/quick/play?speed=10").begin()
        await slow.event()
        await asyncio.to_thread(container.drain, 0.1)
        for exchange in (slow, quick):
            kinds = [await exchange.event()]
            while kinds[-1][0]:
                kinds.append(await exchange.event())
            assert kinds[-2] == ("end", {"reason": "shutting-down"})
            await exchange.task
        late = await Exchange(app, "GET", "/models/quick/play").begin()
        assert late.status == 503

    talk(conversation)


def test_foreign_environment_plays_in_a_process_of_its_own_and_cannot_be_pushed(talk: Any, slide: str) -> None:
    async def conversation(app: Litestar, _: Container) -> None:
        import os  # noqa: PLC0415

        exchange = await Exchange(app, "GET", "/models/slide/play?seed=1&speed=10&deterministic=false").begin()
        _, start = await exchange.event()
        assert (start["pushable"], start["env_name"]) == (False, slide)
        steps = [(await exchange.event())[1] for _ in range(4)]
        assert [(step["episode"], step["t"], step["terminated"]) for step in steps] == [
            (0, 0, False),
            (0, 1, False),
            (0, 2, True),
            (1, 0, False),
        ]
        assert steps[0]["action_probs"] is None
        assert {step["observation"][0] for step in steps}.isdisjoint({float(os.getpid())})
        refused = await Exchange(app, "POST", f"/plays/{start['play_id']}/push", {"force": 0.5}).begin()
        assert refused.status == 422
        assert b'"code":"not-pushable"' in await refused.body()
        await exchange.leave()

    talk(conversation)


def test_play_when_asked_for_what_is_not_there_says_so(trained: TestClient[Litestar]) -> None:
    for target, status, said in REFUSED:
        answer = trained.get(target)
        assert (target, answer.status_code) == (target, status)
        assert said in answer.json()["detail"]


REFUSED = [
    ("/models/nobody/play", 404, "There is no model 'nobody'."),
    ("/models/quick/play?model_version=9", 404, "There is no version 9 of model 'quick'."),
    ("/models/-/play", 422, "model_name must "),
    ("/models/quick/play?speed=11", 422, "speed is wrong: Expected float <= 10.0, got '11'."),
    ("/models/quick/play?speed=0.01", 422, "speed is wrong: Expected float >= 0.1, got '0.01'."),
    ("/models/quick/play?speed=nan", 422, "speed "),
    ("/models/quick/play?seed=x", 422, "seed is wrong: "),
    ("/models/quick/play?velocity=1", 422, "Unknown parameter 'velocity'; allowed: seed, deterministic, model_version, speed."),
]


def test_head_of_a_play_tells_the_headers_and_begins_nothing(trained: TestClient[Litestar]) -> None:
    for _ in range(MOST_PLAYS + 1):
        answer = trained.head("/models/quick/play")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")
    assert trained.head("/models/nobody/play").status_code == 404
    assert trained.options("/models/quick/play").headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "The field 'force' is required."),
        ({"force": "left"}, "force must be a number"),
        ({"force": 1, "angle": 2}, "Unknown field 'angle'; allowed: force."),
    ],
)
def test_push_when_the_body_is_wrong_says_what(client: TestClient[Litestar], body: dict[str, Any], said: str) -> None:
    answer = client.post("/plays/unknown/push", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert client.post("/plays/unknown/push", json={"force": 1}).json()["code"] == "play-not-found"
