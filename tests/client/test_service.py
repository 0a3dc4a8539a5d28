"""The client against the real service."""

import asyncio
from contextlib import aclosing, closing
from itertools import islice
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from grpo_client import (
    AsyncClient,
    BadRequest,
    Client,
    Conflict,
    Invalid,
    JobStatus,
    Model,
    NotFound,
    Prediction,
)
from grpo_client.calls import Call

OBSERVATION = [0.1, 0.0, 0.05, 0.0]


def test_job_from_start_to_model(client: Client) -> None:
    job = client.train("CartPole-v1", total_timesteps=300, seed=3, hidden_sizes=[8])
    assert job.config["hidden_sizes"] == [8]
    ended = job.wait(progress=False, timeout=60)
    assert (ended.status, ended.current_timesteps, ended.ended) == ("completed", 300, True)
    assert ended.metrics["group/reward_std"] >= 0
    assert job.status() == ended
    [version] = job.model.info().versions
    assert (version.job_id, version.config) == (job.id, job.config)
    assert job.model.predict(OBSERVATION).action in {0, 1}
    assert job.model.delete() == f"Model '{job.config['model_name']}' deleted"
    with pytest.raises(NotFound, match="no model"):
        job.model.predict(OBSERVATION)


def test_run_when_its_configuration_is_sent_again_makes_the_same_model(client: Client) -> None:
    first = client.train(total_timesteps=300, model_name="twin", hidden_sizes=[8])
    again = client.train(**first.config)
    assert again.id != first.id
    one, two = first.model.info().versions
    assert (one.sha256, one.job_id, two.job_id) == (two.sha256, first.id, again.id)


def test_train_when_the_key_is_the_same_gives_the_same_job(client: Client) -> None:
    jobs = [client.train(total_timesteps=300, hidden_sizes=[8], idempotency_key="key-1") for _ in range(2)]
    assert jobs[0].id == jobs[1].id
    with pytest.raises(Invalid) as told:
        client.train(total_timesteps=400, idempotency_key="key-1")
    assert told.value.code == "idempotency-key-reused"


def test_job_when_it_is_taken_up_by_its_id_is_the_same(client: Client, quick: Model) -> None:
    job = client.job(str(quick.info().versions[0].job_id))
    assert (job.model.name, job.config["total_timesteps"]) == ("quick", 600)
    with pytest.raises(Conflict) as told:
        job.stop()
    assert told.value.code == "job-already-ended"
    with pytest.raises(Conflict) as told:
        job.resume(total_timesteps=900)
    assert told.value.code == "job-not-resumable"


def test_jobs_come_by_pages_and_states(client: Client) -> None:
    client.train(total_timesteps=300, hidden_sizes=[8])
    first, second = client.jobs(limit=2)
    assert isinstance(first, JobStatus)
    assert client.jobs(limit=1, after=first.job_id) == [second]
    assert client.jobs(status=["failed", "running"]) == []
    with pytest.raises(Invalid, match="limit"):
        client.jobs(limit=0)


def test_wrong_fields_are_all_told(client: Client) -> None:
    with pytest.raises(Invalid) as told:
        client.train(learning_rate=0, n_steps=-1)
    assert {error.field for error in told.value.errors} == {"learning_rate", "n_steps"}
    assert told.value.request_id


@pytest.mark.parametrize("name", ["nobody", "名前", "a/b", "../train", "a?b", "a b"])
def test_model_that_is_not_there_is_not_found_or_no_name(client: Client, name: str) -> None:
    with pytest.raises((NotFound, Invalid)):
        client.model(name).info()


def test_prediction_of_many_is_that_of_each(quick: Model) -> None:
    many = quick.predict(np.array([OBSERVATION, [0, 0, -0.1, 0]]))
    one = quick.predict(np.array(OBSERVATION, np.float32))
    assert many.action[0] == one.action
    assert many.action_probs[0] == pytest.approx(one.action_probs, rel=1e-4)
    assert len(many.value) == 2


def test_prediction_when_the_observation_does_not_fit_is_refused(quick: Model) -> None:
    with pytest.raises(Invalid) as told:
        quick.predict([1.0])
    assert told.value.code == "invalid-observation"


def test_version_that_is_not_there_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="version"):
        client.model("quick", version=9).predict(OBSERVATION)


def test_policy_plays_an_episode_of_a_discrete_environment(quick: Model) -> None:
    act, environment = quick.policy(), gym.make("CartPole-v1")
    observation, _ = environment.reset(seed=0)
    over, steps = False, 0
    while not over:
        observation, _, terminated, truncated, _ = environment.step(act(observation))
        over, steps = terminated or truncated, steps + 1
    environment.close()
    assert 1 <= steps <= 500


def test_policy_plays_in_a_vector_environment_of_a_box(client: Client) -> None:
    job = client.train("Pendulum-v1", total_timesteps=400, hidden_sizes=[8])
    act, environments = job.model.policy(deterministic=False), gym.make_vec("Pendulum-v1", num_envs=3)
    observations, _ = environments.reset(seed=0)
    actions = act(observations)
    assert (actions.shape, actions.dtype) == ((3, 1), np.float32)
    environments.step(actions)
    environments.close()
    single = gym.make("Pendulum-v1")
    observation, _ = single.reset(seed=0)
    assert single.action_space.contains(act(observation))
    single.close()


def test_policy_takes_the_numbers_of_a_discrete_observation(client: Client) -> None:
    job = client.train("FrozenLake-v1", total_timesteps=400, hidden_sizes=[8])
    act, environment = job.model.policy(), gym.make("FrozenLake-v1")
    observation, _ = environment.reset(seed=0)
    assert environment.action_space.contains(act(observation))
    environment.close()


def test_models_are_listed(client: Client, quick: Model) -> None:
    [listed] = [model for model in client.models() if model.name == "quick"]
    assert (listed.version, listed.env_name, listed.sha256) == (1, "CartPole-v1", quick.info().versions[0].sha256)


def test_events_of_a_job_tell_its_whole_story(client: Client) -> None:
    job = client.train(total_timesteps=600, hidden_sizes=[8], eval_freq=300, n_eval_episodes=2)
    told = list(job.events())
    assert [event.kind for event in told if event.kind in {"status", "eval", "done"}].count("eval") >= 2
    assert (told[-1].kind, told[-1].data["status"]) == ("done", "completed")
    [end] = [event for event in told if event.data.get("model_version")]
    assert end.data["model_name"] == job.model.name
    assert list(job.events(after=told[2].id)) == told[3:]
    assert list(job.events(after=told[-1].id)) == []
    with pytest.raises(Invalid, match="id of an event"):
        list(job.events(after="yesterday"))


def test_history_of_a_job_is_a_table(client: Client) -> None:
    job = client.train(total_timesteps=600, hidden_sizes=[8], eval_freq=300, n_eval_episodes=2)
    history = job.metrics()
    assert history.timesteps[-1] == 600
    assert {len(column) for column in history.metrics.values()} == {len(history.timesteps)} == {len(history.times)}
    assert [point.episodes for point in history.evaluations] == [2] * len(history.evaluations)
    assert len(history.evaluations) >= 2
    assert len(job.metrics(max_points=2).timesteps) == 2
    with pytest.raises(Invalid, match="max_points"):
        job.metrics(max_points=1)


def test_plot_of_a_job_is_a_picture(client: Client, quick: Model) -> None:
    assert b"<svg" in client.job(str(quick.info().versions[0].job_id)).plot()


def test_evaluation_with_the_same_seed_is_the_same(quick: Model) -> None:
    report = quick.evaluate(episodes=20, seed=3)
    assert report == quick.evaluate(episodes=20, seed=3)
    assert (report.episodes, len(report.returns), sum(report.histogram.counts)) == (20, 20, 20)
    assert report.ci95 is not None
    assert report.ci95[0] <= report.mean_reward <= report.ci95[1]
    with pytest.raises(Invalid, match="episodes"):
        quick.evaluate(episodes=0)


def test_replay_of_a_seed_is_the_same_episode(quick: Model) -> None:
    replay = quick.replay(seed=5)
    assert replay == quick.replay(seed=5)
    assert replay.return_ == sum(replay.rewards) == replay.length
    assert len(replay.observations) == len(replay.actions) + 1
    assert quick.replay(seed=5, max_steps=3).length == 3
    assert quick.replay(seed=6).trajectory_sha256 != replay.trajectory_sha256


def test_play_goes_on_until_it_is_left_and_can_be_pushed(client: Client, quick: Model) -> None:
    with closing(quick.play(seed=1, speed=10)) as play:
        start = next(play)
        assert (start.kind, start.data["seed"], start.data["pushable"]) == ("start", 1, True)
        assert client.push(start.data["play_id"], 1.0) == "Pushed"
        steps = list(islice(play, 30))
    assert {event.kind for event in steps} == {"step"}
    assert 1.0 in [event.data["pushed"] for event in steps]
    with pytest.raises(NotFound):
        client.push("nobody", 0.5)


def test_model_that_is_exported_and_imported_predicts_the_same(client: Client, quick: Model, tmp_path: Path) -> None:
    file = quick.export(tmp_path / "quick.safetensors")
    assert (tmp_path / "quick.safetensors").read_bytes() == file
    imported = client.import_model(tmp_path / "quick.safetensors", name="travelled")
    assert imported == client.import_model(bytes(file), name="travelled")
    assert (imported.name, imported.version, imported.sha256) == ("travelled", 1, file.sha256)
    assert client.model("travelled").predict(OBSERVATION) == quick.predict(OBSERVATION)
    with pytest.raises(Invalid) as told:
        client.import_model(b"nonsense")
    assert told.value.code == "invalid-model-file"


def test_onnx_export_tells_its_parity(quick: Model) -> None:
    graph = quick.export(format="onnx")
    assert graph.parity is not None
    assert graph.parity["equal_actions"] == graph.parity["observations"] > 100
    assert quick.export().parity is None


def test_what_can_be_trained_and_learned_from_is_told(client: Client) -> None:
    environments = {environment.env_name: environment for environment in client.environments()}
    cartpole = environments["CartPole-v1"]
    assert cartpole.available
    assert cartpole.observation_space is not None
    assert cartpole.observation_space.shape == [4]
    assert cartpole.defaults is not None
    job = client.train(**cartpole.defaults | {"total_timesteps": 300, "hidden_sizes": [8]})
    assert job.config["reward_function_type"] == cartpole.reward_functions[0]
    rewards = {reward.name: reward for reward in client.reward_functions()}
    assert rewards["simple_cartpole"].bounds == (0.1, 1.0)
    assert rewards["environment"].env_names is None


def test_server_tells_that_it_is_well(client: Client) -> None:
    assert client.health().status == "healthy"
    assert client.ready().checks["storage"] == "ok"


def test_async_client_does_the_same(url: str) -> None:
    async def use() -> tuple[list[JobStatus], list[Prediction]]:
        async with AsyncClient(url) as client:
            jobs = await asyncio.gather(*(client.train(total_timesteps=300, seed=seed, hidden_sizes=[8]) for seed in range(3)))
            ended = await asyncio.gather(*(job.wait(progress=False) for job in jobs))
            return list(ended), [await job.model.predict(OBSERVATION) for job in jobs]

    ended, predictions = asyncio.run(use())
    assert [status.status for status in ended] == ["completed"] * 3
    assert all(sum(prediction.action_probs) == pytest.approx(1) for prediction in predictions)


def test_async_events_can_be_left_early(url: str) -> None:
    async def first() -> str:
        async with AsyncClient(url) as client:
            [job] = [await client.job(status.job_id) for status in await client.jobs(limit=1)]
            async with aclosing(job.events()) as told:
                async for event in told:
                    return event.kind
        return "nothing"

    assert asyncio.run(first()) == "status"


def test_async_policy_is_awaited(url: str) -> None:
    async def act() -> int:
        async with AsyncClient(url) as client:
            return int(await client.model("quick").policy()(np.array(OBSERVATION)))

    assert asyncio.run(act()) in {0, 1}


def test_method_that_the_server_does_not_know_is_a_bad_request(client: Client) -> None:
    with pytest.raises(BadRequest, match="not allowed"):
        client._session.send(Call("PUT", "/models", lambda answer: answer))
