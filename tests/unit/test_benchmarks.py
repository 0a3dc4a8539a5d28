"""The learning benchmark: judge, algorithms, plan. PyTorch is not needed here."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.environments.factory import GymnasiumEnvironments
from benchmarks import learning, ours, ppo
from benchmarks.judge import CURVE_POINTS, Clock, Course, judge
from benchmarks.learning import Work
from benchmarks.store import Store
from benchmarks.tasks import TASKS, ZOO, Task
from domain.arrays import FloatArray
from domain.evaluation import evaluate
from domain.policy import Prediction
from domain.presets import resolve
from domain.spaces import Box, Discrete, EnvironmentSpec, encode_observations
from domain.trainer import Trainer

TINY = Task({"env_name": "CartPole-v1", "total_timesteps": 600}, 475, None)


class Constant:
    """Takes the same action always."""

    def __init__(self, environment: EnvironmentSpec, action: int = 1) -> None:
        self.environment = environment
        self.action = action

    def predict_features(
        self, features: FloatArray, deterministic: bool = True, rng: np.random.Generator | None = None
    ) -> Prediction:
        return Prediction(np.full(len(features), self.action), None, np.zeros(len(features), np.float32))


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# Judge.


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=10))
def test_clock_when_paused_then_it_counts_only_what_is_outside(spans: list[tuple[float, float]]) -> None:
    now = Time()
    clock = Clock(wall=now, cpu=now)
    for counted, paused in spans:
        now.now += counted
        with clock.paused():
            now.now += paused
    assert clock.wall == pytest.approx(sum(counted for counted, _ in spans))
    assert clock.cpu == clock.wall


@given(budget=st.integers(1_000, 100_000), update=st.integers(1, 5_000))
def test_course_when_trained_to_the_end_then_it_has_about_twenty_points_from_start_to_end(budget: int, update: int) -> None:
    course = Course(budget, 20, GymnasiumEnvironments(), Clock())
    course._environments = None  # type: ignore[assignment]
    visited: list[int] = []
    moments = [*range(0, budget, update), budget]
    with pytest.MonkeyPatch.context() as patch:
        report = Namespace(mean_reward=1.0)
        patch.setattr("benchmarks.judge.judge", lambda *_: report)
        for timesteps in moments:
            course.visit(timesteps, lambda: visited.append(timesteps))  # type: ignore[arg-type, return-value, func-returns-value]  # noqa: B023
    steps = [point[0] for point in course.points]
    assert steps == visited
    assert (steps[0], steps[-1]) == (0, budget)
    assert len(steps) <= CURVE_POINTS + 1
    assert len(steps) >= min(CURVE_POINTS, len(moments)) * 0.5


def test_judge_when_the_actor_is_a_policy_then_it_is_the_services_own_evaluation() -> None:
    environments = GymnasiumEnvironments()
    given_ = {"env_name": "CartPole-v1", "total_timesteps": 300}
    config = resolve(given_, environments.describe("CartPole-v1"), seed=3, model_name="m")
    with Trainer(environments, config) as trainer:
        policy = trainer.policy
    assert judge(policy, environments, 5, 7) == evaluate(policy, environments, 5, 7)


def test_judge_when_an_environment_has_no_time_limit_then_an_episode_ends_after_a_thousand_steps() -> None:
    environments = GymnasiumEnvironments()
    against_the_wall = Constant(environments.describe("CliffWalking-v1"), action=3)
    found = judge(against_the_wall, environments, 2)
    assert found.lengths == (1_000, 1_000)
    assert found.returns == (-1_000, -1_000)


@given(start=st.integers(-3, 3), n=st.integers(1, 9), data=st.data())
def test_decoding_when_an_observation_is_discrete_then_it_undoes_the_encoding(start: int, n: int, data: st.DataObject) -> None:
    space = Discrete(n, start)
    values = np.asarray(data.draw(st.lists(st.integers(start, start + n - 1), min_size=1, max_size=5)))
    environment = EnvironmentSpec("Any-v0", space, Discrete(2), None)
    assert ppo.decode(environment, encode_observations(space, values[:, None])).tolist() == values.tolist()


class Model:
    """What of a Stable-Baselines3 model is used, remembering what it saw."""

    def __init__(self, actions: Any, normalized: Any = None) -> None:
        self.actions, self.normalized, self.seen = actions, normalized, None

    def get_vec_normalize_env(self) -> "Model | None":
        return None if self.normalized is None else self

    def normalize_obs(self, observations: Any) -> Any:
        return observations * self.normalized

    def predict(self, observations: Any, deterministic: bool) -> tuple[Any, None]:
        self.seen = observations
        return self.actions, None


def test_player_when_training_was_normalized_then_the_model_sees_normalized_observations_in_their_shape() -> None:
    bounds = (-1.0,) * 4
    environment = EnvironmentSpec("Any-v0", Box((2, 2), bounds, bounds), Box((1, 2), (-1.0,) * 2, (1.0,) * 2), None)
    model = Model(np.asarray([[[0.5, -0.5]]], np.float32), normalized=10)
    found = ppo.Player(model, environment).predict_features(np.asarray([[1, 2, 3, 4]], np.float32))
    assert model.seen.tolist() == [[[10, 20], [30, 40]]]  # type: ignore[attr-defined]
    assert found.actions.tolist() == [[0.5, -0.5]]


def test_player_when_actions_do_not_count_from_zero_then_they_are_shifted() -> None:
    environment = EnvironmentSpec("Any-v0", Discrete(3, start=1), Discrete(2, start=5), None)
    model = Model(np.asarray([5, 6]))
    found = ppo.Player(model, environment).predict_features(np.eye(3, dtype=np.float32)[:2])
    assert model.seen.tolist() == [1, 2]  # type: ignore[attr-defined]
    assert found.actions.tolist() == [0, 1]


# Algorithms and tasks.


def test_ours_when_trained_twice_with_one_seed_then_the_figures_are_the_same() -> None:
    first, second = ours.train(TINY, 0), ours.train(TINY, 0)
    assert (first["timesteps"], first["curve"][0][0], first["curve"][-1][0]) == (600, 0, 600)
    assert first["score"] == second["score"]
    assert [point[::3] for point in first["curve"]] == [point[::3] for point in second["curve"]]


def test_ours_when_configured_then_only_what_the_task_names_is_given() -> None:
    assert TASKS["pendulum"].given == {"env_name": "Pendulum-v1", "total_timesteps": 100_000}
    found = ours.configuration(TASKS["quick-start"])
    assert (found["n_steps"], found["batch_size"], found["n_epochs"], found["learning_rate"]) == (32, 64, 10, 3e-4)
    assert "seed" not in found


def test_ppo_when_its_library_is_missing_then_one_sentence_names_the_make_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ppo, "find_spec", lambda name: None)
    with pytest.raises(ppo.MissingRequirement, match=r"make \.venv-bench/installed"):
        ppo.train(TASKS["acrobot"], 0)


def test_ppo_when_the_zoo_knows_the_environment_then_its_values_are_taken() -> None:
    found = ppo.configuration(TASKS["pendulum"])
    assert (found["gamma"], found["use_sde"], found["source"]) == (0.9, True, "zoo")
    assert ppo.configuration(TASKS["taxi"]) == {
        "env_name": "Taxi-v4",
        "total_timesteps": 200_000,
        "reward_function_type": "environment",
        "source": "defaults",
        "n_envs": 8,
    }
    with pytest.raises(ValueError, match="not measured"):
        ppo.configuration(TASKS["simple-cartpole"])


def test_ppo_when_a_schedule_is_linear_then_it_falls_to_zero() -> None:
    arguments = ppo._arguments(ppo.configuration(TASKS["native-cartpole"]))
    assert [arguments["learning_rate"](remaining) for remaining in (1.0, 0.5, 0.0)] == [0.001, 0.0005, 0.0]
    assert not {"env_name", "n_envs", "source"} & arguments.keys()


@pytest.mark.parametrize("name", TASKS)
def test_task_when_it_has_a_goal_then_its_seeds_and_algorithms_are_those_of_the_benchmark(name: str) -> None:
    task = TASKS[name]
    assert task.seeds >= (3 if task.goal is None else 10)
    assert task.ppo_source == "zoo" or task.env_name not in ZOO or name in {"quick-start", "simple-cartpole"}
    assert task.threshold is None or task.goal is not None


def test_plan_when_runs_are_there_then_only_the_missing_seeds_are_left_in_order_of_seeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    settings = learning.configuration(TASKS["acrobot"], "ours")
    store.add("acrobot", "ours", {"seed": 1, "configuration": settings})
    arguments = Namespace(first_seed=0, seeds=3, fresh=False)
    plan = learning.planned(["acrobot", "pendulum"], ["ours"], arguments, store)
    assert [(work.task, work.seed) for work in plan] == [
        ("acrobot", 0),
        ("pendulum", 0),
        ("pendulum", 1),
        ("acrobot", 2),
        ("pendulum", 2),
    ]
    arguments.fresh = True
    assert len(learning.planned(["acrobot", "pendulum"], ["ours"], arguments, store)) == 6


def test_tasks_when_chosen_by_environment_then_all_of_it_are_taken() -> None:
    assert learning.chosen_tasks(None, ["CartPole-v1"]) == ["quick-start", "native-cartpole", "simple-cartpole"]
    assert learning.chosen_tasks(["taxi"], ["Acrobot-v1"]) == ["acrobot", "taxi"]
    assert learning.chosen_tasks(None, None) == list(TASKS)


def test_plan_when_performed_then_each_run_is_in_the_store_with_its_circumstances(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert learning.perform([Work("simple-cartpole", "ours", 0)], 1, store) == 0
    [run] = store.runs("simple-cartpole", "ours")
    assert run["timesteps"] == 3_000
    assert run["circumstances"].keys() >= {"commit", "changed_since_commit", "command", "packages", "time", "jobs"}
    assert store.missing("simple-cartpole", "ours", learning.configuration(TASKS["simple-cartpole"], "ours"), [0, 1]) == [1]


def test_tasks_when_an_environment_cannot_be_made_here_then_they_are_left_out_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(TASKS, "tiny", Task({"env_name": "Nowhere-v0", "total_timesteps": 10}, 1, None))
    assert learning.installed(["acrobot", "tiny"]) == ["acrobot"]
    assert "tiny is left out: " in capsys.readouterr().err
