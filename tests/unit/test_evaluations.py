"""Evaluation during training: when it is due, that it changes nothing, which policy is kept, and what a stop leaves."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from adapters.environments.factory import GymnasiumEnvironments
from adapters.storage.memory import MemoryModelRepository
from application.worker import run_training
from domain.checkpoint import Best, Checkpoint, EvaluationSummary
from domain.config import TrainingConfig
from domain.ports import EnvironmentFactory, TrainingTask, VectorEnvironment
from domain.reports import Ended, Evaluated, Progressed, Report
from tests.factories import assert_same_policy, make_checkpoint, make_config, make_job, make_policy
from tests.queue_world import World

CONFIG = make_config(total_timesteps=3_000, n_envs=8, num_generations=8, n_steps=16, segment_start="carried", seed=3)
EVALUATED = replace(CONFIG, eval_freq=500, n_eval_episodes=3)


class CountingEnvironments(GymnasiumEnvironments):
    """Counts the evaluations that were begun."""

    evaluations = 0

    def make(self, env_name: str, num_envs: int, max_episode_steps: int) -> VectorEnvironment:
        self.evaluations += num_envs == EVALUATED.n_eval_episodes
        return super().make(env_name, num_envs, max_episode_steps)


def run(
    config: TrainingConfig,
    checkpoint: Checkpoint | None = None,
    stop: Callable[[list[Report]], bool] = lambda _: False,
    environments: EnvironmentFactory | None = None,
) -> list[Report]:
    reports: list[Report] = []
    task = TrainingTask(make_job(config=config), environments or GymnasiumEnvironments(), checkpoint, checkpoint_seconds=1_000)
    run_training(task, reports.append, lambda: stop(reports))
    return reports


def evaluations(reports: list[Report]) -> list[Evaluated]:
    return [report for report in reports if isinstance(report, Evaluated)]


def end(reports: list[Report]) -> Ended:
    assert isinstance(reports[-1], Ended)
    return reports[-1]


@pytest.fixture(scope="module")
def evaluated() -> list[Report]:
    return run(EVALUATED)


def test_evaluations_come_after_each_multiple_of_eval_freq_and_the_best_is_marked(evaluated: list[Report]) -> None:
    found = evaluations(evaluated)
    assert [report.timesteps // 500 for report in found] == [1, 2, 3, 4, 5, 6]
    assert all(report.timesteps % 500 < 128 for report in found)
    best = float("-inf")
    for report in found:
        assert report.evaluation.episodes == 3
        assert report.best == (report.evaluation.mean_reward >= best)
        best = max(best, report.evaluation.mean_reward)


def test_evaluation_changes_no_bit_of_the_training(evaluated: list[Report]) -> None:
    assert_same_policy(end(evaluated).checkpoint.policy, end(run(CONFIG)).checkpoint.policy)


def test_best_policy_is_the_one_that_was_evaluated_best(evaluated: list[Report]) -> None:
    best = end(evaluated).checkpoint.best
    assert best is not None
    found = evaluations(evaluated)
    marked = [report for report in found if report.best][-1]
    assert (best.timesteps, best.evaluation) == (marked.timesteps, marked.evaluation)
    assert best.evaluation.mean_reward == max(report.evaluation.mean_reward for report in found)


def test_evaluation_at_the_last_step_is_the_final_one(evaluated: list[Report]) -> None:
    assert evaluations(evaluated)[-1].timesteps == 3_000
    assert end(evaluated).evaluation == evaluations(evaluated)[-1].evaluation


def test_job_that_was_stopped_in_an_evaluation_makes_up_for_it_and_ends_like_an_undisturbed_one(
    evaluated: list[Report],
) -> None:
    environments = CountingEnvironments()
    first = run(EVALUATED, stop=lambda _: environments.evaluations == 2, environments=environments)
    assert end(first).stopped
    second = run(EVALUATED, end(first).checkpoint)
    assert [(r.timesteps, r.evaluation) for r in evaluations(first) + evaluations(second)] == [
        (r.timesteps, r.evaluation) for r in evaluations(evaluated)
    ]
    ours, theirs = end(second).checkpoint, end(evaluated).checkpoint
    assert_same_policy(ours.policy, theirs.policy)
    assert ours.best is not None
    assert theirs.best is not None
    assert_same_policy(ours.best.policy, theirs.best.policy)


def points(reports: list[Report]) -> list[int]:
    return [point.timesteps for report in reports if isinstance(report, Progressed) for point in report.points]


def test_points_of_a_run_that_is_cut_off_and_goes_on_are_those_of_an_undisturbed_one() -> None:
    config = replace(CONFIG, total_timesteps=8_000)
    whole = run(config)
    cut = run(
        config, stop=lambda reports: bool(reports) and isinstance(reports[-1], Progressed) and reports[-1].timesteps > 2_000
    )
    assert end(cut).stopped
    again = run(config, end(cut).checkpoint)
    assert points(cut)[:-1] + points(again) in (points(whole), [p for p in points(whole) if p != points(cut)[-1]])
    assert points(whole)[-1] == 8_000


def test_points_of_a_long_run_are_some_thousand_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("application.progress.MOST_POINTS", 10)
    found = points(run(CONFIG))
    assert found[0] == 128
    assert found[-1] == 3_000
    assert 10 <= len(found) <= 12


def ended(timesteps: int, best: Best | None, mean: float = 10.0) -> Ended:
    evaluation = EvaluationSummary(mean, 0.0, mean, 3, 0)
    checkpoint = replace(make_checkpoint(timesteps=timesteps), best=best, policy=make_policy(seed=1))
    return Ended("a", checkpoint, {}, stopped=False, evaluation=evaluation)


def test_best_policy_when_it_is_not_the_last_is_kept_behind_it_as_the_newest_version() -> None:
    world = World(models=MemoryModelRepository())
    world.submit("a")
    best = Best(make_policy(seed=2), 640, EvaluationSummary(99.0, 1.0, 99.0, 3, 0))
    world.executor.report(ended(1_000, best))
    versions = world.models.versions("a")
    assert [(kept.timesteps, kept.evaluation and kept.evaluation.mean_reward) for kept in versions] == [
        (1_000, 10.0),
        (640, 99.0),
    ]
    assert_same_policy(world.models.get("a").policy, best.policy)
    assert world.jobs.events("a")[-1].data["model_version"] == 2


def test_best_policy_when_it_is_the_last_is_kept_once() -> None:
    world = World()
    world.submit("a")
    best = Best(make_policy(seed=1), 1_000, EvaluationSummary(10.0, 0.0, 10.0, 3, 0))
    world.executor.report(ended(1_000, best))
    assert [kept.timesteps for kept in world.models.versions("a")] == [1_000]
