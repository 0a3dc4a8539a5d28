"""Evaluations and replays of a kept model over HTTP."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.environments.factory import GymnasiumEnvironments
from application.evaluation import MOST_AT_ONCE
from bootstrap.container import Container
from domain.arrays import ActionArray, BoolArray, FloatArray
from domain.ports import StepResult
from domain.spaces import Box, Discrete, EnvironmentSpec
from tests.factories import make_model, make_policy
from tests.fakes import FailingVector, FakeEnvironments, IndifferentVector
from tests.integration.asgi import Exchange, service_of, until

Client = TestClient[Litestar]
FIELDS = {
    "model_name",
    "model_version",
    "env_name",
    "episodes",
    "seed",
    "deterministic",
    "mean_reward",
    "std_reward",
    "ci95",
    "min_reward",
    "max_reward",
    "mean_length",
    "returns",
    "lengths",
    "histogram",
}


class EndlessVector(IndifferentVector):
    """Its episodes last for a million steps, and it counts how many are under way."""

    SPEC = EnvironmentSpec("Endless-v0", Box((2,), (0.0,) * 2, (1.0,) * 2), Discrete(3), 1_000_000)
    begun: ClassVar[threading.Semaphore] = threading.Semaphore(0)

    def ends(self, actions: ActionArray) -> BoolArray:
        return np.zeros(self.num_envs, dtype=np.bool_)

    def step(self, actions: ActionArray, active: BoolArray) -> StepResult:
        if not self.simulated:
            self.begun.release()
        return super().step(actions, active)


class LongVector(IndifferentVector):
    SPEC = EnvironmentSpec("Long-v0", Box((2,), (0.0,) * 2, (1.0,) * 2), Discrete(3), 300_000)


class HugeVector(IndifferentVector):
    SPEC = EnvironmentSpec("Huge-v0", Box((500,), (0.0,) * 500, (1.0,) * 500), Discrete(3), 10_000)

    def observe(self) -> FloatArray:
        return np.repeat(super().observe(), 250, axis=1)


@pytest.fixture(scope="module")
def quick() -> Iterator[Client]:
    """The service with two versions of a model of CartPole, named `quick`."""
    environments = GymnasiumEnvironments()
    cartpole = environments.describe("CartPole-v1")
    models = [make_model("quick", policy=make_policy(cartpole, seed), job_id=f"job {seed}") for seed in range(2)]
    app, container = service_of(environments, *models)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
    container.close()


Endless = tuple[Litestar, Container, FakeEnvironments]


@pytest.fixture
def endless() -> Iterator[Endless]:
    environments = FakeEnvironments(EndlessVector)
    app, container = service_of(environments, make_model("endless", policy=make_policy(EndlessVector.SPEC)))
    yield app, container, environments
    container.close()


def test_evaluation_without_a_body_tells_the_statistics_of_a_hundred_episodes(quick: Client) -> None:
    answer = quick.post("/models/quick/evaluate")
    assert answer.status_code == 200
    found = answer.json()
    assert found.keys() == FIELDS
    assert (found["model_name"], found["model_version"], found["env_name"]) == ("quick", 2, "CartPole-v1")
    assert (found["episodes"], found["seed"], found["deterministic"]) == (100, 0, True)
    returns = found["returns"]
    assert returns == found["lengths"]  # CartPole pays 1 a step
    assert found["mean_reward"] == found["mean_length"] == pytest.approx(np.mean(returns))
    assert found["std_reward"] == pytest.approx(np.std(returns))
    assert (found["min_reward"], found["max_reward"]) == (min(returns), max(returns))
    margin = 1.9842 * np.std(returns, ddof=1) / 10
    assert found["ci95"] == pytest.approx([np.mean(returns) - margin, np.mean(returns) + margin], rel=1e-4)
    assert sum(found["histogram"]["counts"]) == 100
    assert len(found["histogram"]["edges"]) == len(found["histogram"]["counts"]) + 1


def test_evaluation_with_the_same_seed_is_the_same_byte_for_byte_and_with_another_another(quick: Client) -> None:
    def answer(**body: Any) -> bytes:
        return quick.post("/models/quick/evaluate", json=body).content

    assert answer(episodes=120, seed=5) == answer(episodes=120, seed=5)
    assert answer(episodes=20, seed=5, deterministic=False) == answer(episodes=20, seed=5, deterministic=False)
    assert answer(episodes=20, seed=5) != answer(episodes=20, seed=6)


def test_evaluation_of_one_episode_has_a_point_for_an_interval(quick: Client) -> None:
    found = quick.post("/models/quick/evaluate", json={"episodes": 1}).json()
    assert found["ci95"] == [found["mean_reward"]] * 2
    assert found["histogram"]["counts"] == [1]


def test_evaluation_of_an_old_version_is_that_of_its_policy(quick: Client) -> None:
    old, new = (quick.post("/models/quick/evaluate", json={"model_version": version}).json() for version in (1, 2))
    assert (old["model_version"], new["model_version"]) == (1, 2)
    assert old["returns"] != new["returns"]
    assert quick.post("/models/quick/evaluate").json() == new


def test_evaluation_when_the_body_is_wrong_says_which_field_and_why() -> None:
    app, container = service_of(FakeEnvironments(LongVector), make_model("long", policy=make_policy(LongVector.SPEC)))
    with TestClient(app) as client:
        for body, field, said in WRONG:
            answer = client.post("/models/long/evaluate", json=body)
            assert (body, answer.status_code) == (body, 422)
            [error] = answer.json()["errors"]
            assert (error["field"], error["message"][: len(said)]) == (field, said)
    container.close()


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"episodes": 0}, "episodes", "episodes must be an integer from 1 to 1000, got 0."),
    ({"episodes": 1001}, "episodes", "episodes must be an integer from 1 to 1000, got 1001."),
    ({"seed": 2**32}, "seed", "seed must be an integer from 0 to 4294967295, got 4294967296."),
    ({"seeds": 1}, "seeds", "Unknown field 'seeds'; allowed: episodes, seed, deterministic, model_version."),
    ({"episodes": 1.5}, "episodes", "episodes must be an integer"),
    ({"episodes": 4}, "episodes", "4 episodes of Long-v0 may take 1200000 steps, more than 1000000; at most 3 episodes are "),
]


def test_evaluation_when_the_environment_fails_says_how() -> None:
    policy = make_policy(FailingVector.SPEC, normalized=False)
    app, container = service_of(FakeEnvironments(FailingVector), make_model("failing", policy=policy))
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.post("/models/failing/evaluate")
    container.close()
    assert answer.status_code == 500
    assert (answer.json()["code"], answer.json()["detail"]) == (
        "environment-failed",
        "Identity-v0 raised RuntimeError: out of order.",
    )


@pytest.mark.parametrize(("method", "path"), [("POST", "/models/endless/evaluate"), ("GET", "/models/endless/replay")])
def test_long_play_when_the_client_leaves_is_left_too(endless: Endless, method: str, path: str) -> None:
    app, _, environments = endless

    async def conversation() -> None:
        exchange = Exchange(app, method, path, {"episodes": 1} if method == "POST" else None)
        await asyncio.to_thread(EndlessVector.begun.acquire)
        await exchange.leave()
        await until(lambda: environments.made[-1].closed)

    asyncio.run(conversation())
    assert environments.simulated < 1_000_000


def test_long_evaluation_when_the_server_drains_is_told_so_at_once(endless: Endless) -> None:
    app, container, environments = endless

    async def conversation() -> None:
        exchange = Exchange(app, "POST", "/models/endless/evaluate", {"episodes": 1})
        await asyncio.to_thread(EndlessVector.begun.acquire)
        await asyncio.to_thread(container.drain, 0.1)
        assert (await exchange.begin()).status == 503
        assert b'"code":"shutting-down"' in await exchange.body()
        assert environments.made[-1].closed
        late = await Exchange(app, "GET", "/models/endless/replay").begin()
        assert late.status == 503

    asyncio.run(conversation())


def test_evaluation_beyond_those_that_may_be_at_once_is_refused_with_retry_after(endless: Endless) -> None:
    app, _, _ = endless

    async def conversation() -> None:
        open_ones = [Exchange(app, "POST", "/models/endless/evaluate", {"episodes": 1}) for _ in range(MOST_AT_ONCE)]
        for _ in open_ones:
            await asyncio.to_thread(EndlessVector.begun.acquire)
        refused = await Exchange(app, "GET", "/models/endless/replay").begin()
        assert (refused.status, refused.headers["retry-after"]) == (429, "2")
        assert b'"code":"too-many-evaluations"' in await refused.body()
        await asyncio.gather(*(exchange.leave() for exchange in open_ones))

    asyncio.run(conversation())


def test_replay_tells_the_episode_with_a_digest_that_anybody_can_compute(quick: Client) -> None:
    found = quick.get("/models/quick/replay?seed=4").json()
    parts = [
        np.array(found["observations"], "<f4").tobytes(),
        np.array(found["actions"], "<i8").tobytes(),
        np.array(found["rewards"], "<f8").tobytes(),
        bytes([found["terminated"], found["truncated"]]),
    ]
    assert found["trajectory_sha256"] == hashlib.sha256(b"".join(parts)).hexdigest()
    assert found["length"] == len(found["actions"]) == len(found["rewards"]) == len(found["observations"]) - 1
    assert found["return"] == sum(found["rewards"])
    assert quick.get("/models/quick/replay?seed=4").json() == found
    assert quick.get("/models/quick/replay?seed=5").json()["trajectory_sha256"] != found["trajectory_sha256"]


def test_replay_of_some_steps_is_the_beginning_of_the_whole(quick: Client) -> None:
    whole = quick.get("/models/quick/replay?seed=4&deterministic=false").json()
    part = quick.get("/models/quick/replay?seed=4&deterministic=false&max_steps=5").json()
    assert (part["length"], part["terminated"], part["truncated"]) == (5, False, True)
    assert part["observations"] == whole["observations"][:6]
    assert part["actions"] == whole["actions"][:5]


def test_replay_when_a_parameter_is_wrong_says_which(quick: Client) -> None:
    for query, said in [
        ("seed=-1", "seed is wrong: Expected int >= 0, got '-1'."),
        ("max_steps=0", "max_steps is wrong: Expected int >= 1, got '0'."),
        ("steps=5", "Unknown parameter 'steps'; allowed: seed, deterministic, model_version, max_steps."),
    ]:
        answer = quick.get(f"/models/quick/replay?{query}")
        assert answer.status_code == 422
        assert said in answer.json()["detail"]
    assert quick.get("/models/nobody/replay").status_code == 404


def test_replay_of_an_episode_that_is_too_large_says_how_much_may_be_asked_for() -> None:
    app, container = service_of(FakeEnvironments(HugeVector), make_model("huge", policy=make_policy(HugeVector.SPEC)))
    with TestClient(app) as client:
        refused = client.get("/models/huge/replay")
        assert client.get("/models/huge/replay?max_steps=4000").status_code == 200
    container.close()
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "field": "max_steps",
            "message": "An episode of Huge-v0 may have 10000 observations of 500 numbers, more than 2000000 numbers in all; "
            "ask for a part of it, with max_steps from 1 to 4000.",
        }
    ]


def test_evaluation_that_is_asked_for_behind_the_question_mark_is_refused(client: Client) -> None:
    answer = client.post("/models/shown/evaluate?episodes=3")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "episodes")
