"""Sweeps over fakes: trials are proposed, submitted once, pruned, stopped, resumed, and outlive any death."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from adapters.storage.memory_sweeps import MemorySweepRepository
from application.access import ANYBODY, Client, Limits
from application.sweep_runner import SweepRunner
from application.sweeps import GetSweep, ResumeSweep, StartSweep, StopSweep
from application.training import ResumeTraining, StartTraining, StopTraining
from domain.checkpoint import EvaluationSummary
from domain.errors import InvalidConfiguration
from domain.job import JobStatus
from domain.reports import Evaluated, Failed
from domain.sweep import Dimension, Sweep, SweepStatus, Trial, TrialStatus
from domain.sweep_errors import SweepAlreadyEnded, SweepNotFound, SweepNotResumable
from domain.sweep_ports import History
from tests.queue_world import World, ended, lost

SPACE = {"learning_rate": Dimension(type="float", low=1e-4, high=1e-2, log=True)}


class CountingTuner:
    """Proposes one number after another; prunes the trials that a test names."""

    def __init__(self) -> None:
        self.pruned: set[int] = set()

    def propose(self, sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
        return {"learning_rate": (len(trials) + 1) * 1e-4}

    def should_prune(self, sweep: Sweep, histories: Mapping[int, History], number: int) -> bool:
        assert histories[number]
        return number in self.pruned

    def importances(self, sweep: Sweep, trials: Sequence[Trial]) -> Mapping[str, float]:
        return {}


class SweepWorld(World):
    """A queue, and sweeps on it."""

    def __init__(self, before: "SweepWorld | None" = None, **settings: Any) -> None:
        super().__init__(before.jobs if before else None, before.models if before else None, **settings)
        self.sweeps = before.sweeps if before else MemorySweepRepository()
        self.tuner = CountingTuner()
        environments = self.runner._environments
        ids = iter(range(len(self.jobs.list()), 1_000))
        start = StartTraining(environments, self.queue, self.clock, lambda: f"job{next(ids)}", lambda: 7)
        resume = ResumeTraining(environments, self.queue, self.jobs)
        self.trainer = SweepRunner(self.sweeps, self.jobs, self.tuner, start, StopTraining(self.queue), resume, self.clock)
        self.start = StartSweep(self.sweeps, environments, self.tuner, self.clock, lambda: "sweep", lambda: 5)
        self.get = GetSweep(self.sweeps, environments, self.tuner)
        self.stop = StopSweep(self.sweeps, self.clock, self.trainer.advance)
        self.resume = ResumeSweep(self.sweeps, self.clock, self.trainer.advance)

    def begin(self, n_trials: int = 3, max_parallel: int = 2, client: Client = ANYBODY, **training: Any) -> None:
        self.start({"total_timesteps": 1_000} | training, SPACE, n_trials, max_parallel, client)

    def look(self) -> list[str]:
        """Advance, and say how the trials are."""
        self.trainer.tend()
        return [trial.status.value for trial in self.sweeps.trials("sweep")]

    def evaluated(self, job: str, timesteps: int, mean: float) -> None:
        summary = EvaluationSummary(mean_reward=mean, std_reward=0.0, mean_length=10.0, episodes=10, seed=0)
        self.executor.report(Evaluated(job, timesteps, summary, best=True))


def test_sweep_when_advanced_runs_so_many_trials_at_once_and_keeps_the_best() -> None:
    world = SweepWorld(max_queued_jobs=10)
    world.begin()
    assert world.look() == ["running", "running"]
    assert [*world.executor.tasks] == ["job0"]
    for number, job in enumerate(["job0", "job1", "job2"]):
        world.evaluated(job, 500, 10.0 * (2 - number) ** 2)
        world.evaluated(job, 1_000, 5.0)
        world.executor.report(ended(job))
        world.look()
    report = world.get("sweep")
    assert (report.sweep.status, report.sweep.end_time) == (SweepStatus.COMPLETED, world.clock.now())
    assert [(trial.value, trial.job_id) for trial in report.trials] == [(40.0, "job0"), (10.0, "job1"), (5.0, "job2")]
    assert report.best is not None
    assert (report.best.number, report.best.parameters) == (0, {"learning_rate": 1e-4})
    configs = [world.jobs.get(f"job{number}").config for number in range(3)]
    assert [config.learning_rate for config in configs] == pytest.approx([1e-4, 2e-4, 3e-4])
    assert len({config.seed for config in configs}) == 3
    assert {config.eval_freq for config in configs} == {100}
    assert configs[0].model_name == f"{report.sweep.training['model_name']}_0"
    assert report.best_config == configs[0]


def test_seed_and_name_when_given_are_those_of_all_trials() -> None:
    world = SweepWorld(max_queued_jobs=10)
    world.begin(seed=3, model_name="mine", eval_freq=250)
    world.look()
    configs = [world.jobs.get(f"job{number}").config for number in range(2)]
    found = [(config.seed, config.model_name, config.eval_freq) for config in configs]
    assert found == [
        (3, "mine_0", 250),
        (3, "mine_1", 250),
    ]


def test_trial_when_the_queue_is_full_or_the_client_has_enough_jobs_waits() -> None:
    world = SweepWorld(max_queued_jobs=0)
    world.begin()
    assert world.look() == ["running", "waiting"]
    world.evaluated("job0", 500, 1.0)
    world.executor.report(ended("job0"))
    assert world.look() == ["completed", "running", "waiting"]
    world = SweepWorld(max_queued_jobs=10)
    world.begin(client=Client("me", limits=Limits(jobs=1)))
    assert world.look() == ["running", "waiting"]
    assert world.jobs.get("job0").owner == "me"


def test_server_that_dies_at_any_place_neither_loses_nor_doubles_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("add_trial", "save_trial"):
        for survived in (True, False):
            world = SweepWorld(max_queued_jobs=10)
            world.begin(max_parallel=1)
            real = getattr(world.sweeps, method)

            def die(trial: Trial, real: Any = real, survived: bool = survived) -> None:
                if survived:
                    real(trial)
                raise KeyboardInterrupt

            with monkeypatch.context() as patch:
                patch.setattr(world.sweeps, method, die)
                with pytest.raises(KeyboardInterrupt):
                    world.trainer.tend()
            after = SweepWorld(world, max_queued_jobs=10)
            after.runner.recover()
            assert after.look() == ["running"], (method, survived)
            assert [job.id for job in after.jobs.list()] == ["job0"], (method, survived)


def test_two_servers_advance_the_same_sweep_and_begin_each_trial_once() -> None:
    first = SweepWorld(max_queued_jobs=10)
    second = SweepWorld(first, max_queued_jobs=10)
    first.begin(max_parallel=3)
    first.look()
    assert second.look() == ["running"] * 3
    assert len(first.jobs.list()) == 3


def test_trial_that_is_behind_is_pruned_and_its_value_so_far_is_known() -> None:
    world = SweepWorld(max_queued_jobs=10)
    world.begin(max_parallel=1)
    world.look()
    world.tuner.pruned = {0}
    assert world.look() == ["running"]  # it was not evaluated yet
    world.evaluated("job0", 100, 3.0)
    assert world.look() == ["pruning"]
    assert world.executor.stopped == ["job0"]
    world.executor.report(ended("job0", stopped=True, timesteps=100))
    assert world.look() == ["pruned", "running"]
    assert world.sweeps.trials("sweep")[0].value == 3.0


def test_trial_that_is_done_before_it_could_be_pruned_counts() -> None:
    world = SweepWorld(max_queued_jobs=10)
    world.begin(max_parallel=1)
    world.look()
    world.evaluated("job0", 100, 3.0)
    world.tuner.pruned = {0}
    assert world.look() == ["pruning"]
    world.executor.report(ended("job0"))
    assert world.look() == ["completed", "running"]


def test_sweep_whose_last_trials_are_done_before_they_could_be_stopped_is_completed() -> None:
    world = SweepWorld(max_queued_jobs=10)
    world.begin(n_trials=1)
    world.look()
    world.evaluated("job0", 1_000, 3.0)
    assert world.stop("sweep").status is SweepStatus.STOPPING
    world.executor.report(ended("job0"))
    world.look()
    assert world.sweeps.get("sweep").status is SweepStatus.COMPLETED


def test_trial_that_fails_is_one_failed_trial_and_too_many_in_a_row_end_the_sweep() -> None:
    world = SweepWorld(max_queued_jobs=10, max_attempts=1)
    world.begin(n_trials=20, max_parallel=1)
    world.look()
    for number in range(5):
        world.executor.report(Failed(f"job{number}", "training-diverged", "It diverged."))
        world.look()
    world.look()
    report = world.get("sweep")
    assert report.sweep.status is SweepStatus.FAILED
    assert report.sweep.message == "5 trials in a row have failed, the last one with: It diverged."
    assert [trial.status for trial in report.trials] == [TrialStatus.FAILED] * 5


def test_trial_without_an_evaluation_or_whose_worker_is_lost_too_often_fails_with_the_reason() -> None:
    world = SweepWorld(max_queued_jobs=10, max_attempts=1)
    world.begin(n_trials=2, max_parallel=2)
    world.look()
    world.executor.report(ended("job0"))
    world.executor.report(lost("job1"))
    assert world.look() == ["failed", "failed"]
    messages = [str(trial.message)[:20] for trial in world.sweeps.trials("sweep")]
    assert messages == [
        "It was not evaluated",
        "Training was cut off",
    ]
    assert world.get("sweep").sweep.message == "None of its trials was completed."


def test_sweep_when_stopped_stops_its_jobs_and_when_resumed_goes_on_with_them() -> None:
    world = SweepWorld(max_queued_jobs=10)
    world.begin(n_trials=3, max_parallel=2)
    world.look()
    assert world.stop("sweep").status is SweepStatus.STOPPING
    assert world.executor.stopped == ["job0"]
    assert world.status("job1") is JobStatus.STOPPED
    world.executor.report(ended("job0", stopped=True, timesteps=600))
    assert world.look() == ["stopped", "stopped"]
    assert world.look() == ["stopped", "stopped"]
    assert world.sweeps.get("sweep").status is SweepStatus.STOPPED
    with pytest.raises(SweepAlreadyEnded):
        world.stop("sweep")
    assert world.resume("sweep", 4).n_trials == 4
    assert world.look() == ["running", "running"]
    assert world.jobs.get("job0").status is JobStatus.RUNNING
    for number in range(4):
        world.evaluated(f"job{number}", 500, float(number))
        world.executor.report(ended(f"job{number}"))
        world.look()
    assert world.sweeps.get("sweep").status is SweepStatus.COMPLETED
    assert len(world.jobs.list()) == 4
    with pytest.raises(SweepNotResumable):
        world.resume("sweep")
    with pytest.raises(InvalidConfiguration, match="can be raised only"):
        world.resume("sweep", 3)
    assert world.resume("sweep", 5).status is SweepStatus.RUNNING
    with pytest.raises(SweepNotResumable):
        world.resume("sweep", 6)


def test_unknown_sweep_is_not_found() -> None:
    world = SweepWorld()
    for call in (world.get, world.stop, world.resume):
        with pytest.raises(SweepNotFound):
            call("nobody")


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "search_space must have 1 to 20 parameters, got 0"),
        ({"nonsense": Dimension(type="int", low=1, high=2)}, "search_space.nonsense is no field that can be searched"),
        ({"env_name": Dimension(type="categorical", choices=("a",))}, "search_space.env_name is no field that can be searched"),
        ({"group_size": Dimension(type="int", low=2, high=4)}, "it is another name of num_generations"),
        ({"gamma": Dimension(type="float", low=0.9)}, "search_space.gamma: float needs low and high, got 0.9 and None"),
        ({"gamma": Dimension(type="float", low=0.9, high=0.8)}, "low must not be above high, got 0.9 and 0.8"),
        ({"gamma": Dimension(type="float", low=0, high=1, log=True)}, "low must be above 0 where log is true, got 0"),
        ({"gamma": Dimension(type="float", low=0.5, high=1.5)}, r"gamma must be .*at most 1.*got 1\.5.* \(with gamma = 1\.5\)"),
        ({"n_epochs": Dimension(type="int", low=1, high=2.5)}, "low and high must be integers, got 1 and 2.5"),
        ({"n_epochs": Dimension(type="int", low=1, high=9, step=0)}, "step must be 1 or more"),
        ({"n_epochs": Dimension(type="int", low=1, high=9, choices=(1,))}, "choices are for categorical, not for int"),
        ({"activation": Dimension(type="categorical")}, "choices must be 1 to 50 values, got 0"),
        ({"activation": Dimension(type="categorical", choices=("relu", "relu"))}, "choices must be different values"),
        ({"activation": Dimension(type="categorical", choices=("gelu",))}, "activation must be one of tanh, relu, got 'gelu'"),
        ({"activation": Dimension(type="categorical", choices=("relu",), low=1)}, "categorical has choices only"),
        ({"n_envs": Dimension(type="int", low=2, high=9)}, "n_envs must be a whole number of groups.* n_envs = 9"),
        ({"total_timesteps": Dimension(type="int", low=2, high=9)}, "total_timesteps is no field that can be searched"),
    ],
)
def test_space_in_which_a_trial_could_not_train_is_refused_with_the_field(space: dict[str, Dimension], message: str) -> None:
    world = SweepWorld()
    with pytest.raises(InvalidConfiguration, match=message) as caught:
        world.start({"num_generations": 2, "reward_function_type": "environment"}, space, 3, 1, ANYBODY)
    assert all(error.field.startswith("search_space") for error in caught.value.errors)
    assert world.sweeps.list() == []


@pytest.mark.parametrize(
    ("training", "n_trials", "max_parallel", "seed", "message"),
    [
        ({}, 0, 1, 0, "n_trials must be an integer from 1 to 1000, got 0"),
        ({}, 1, 65, 0, "max_parallel must be an integer from 1 to 64, got 65"),
        ({}, 1, 1, -1, "seed must be an integer from 0 to"),
        ({"learning_rate": 0.1}, 1, 1, 0, "search_space.learning_rate is in training, too"),
        ({"batch_size": -1}, 1, 1, 0, "batch_size must be an integer"),
        ({"total_timesteps": 5_000}, 1, 1, 0, "total_timesteps must be at most 1000, the limit for me, got 5000"),
    ],
)
def test_sweep_that_cannot_be_is_refused_as_a_whole(
    training: dict[str, Any], n_trials: int, max_parallel: int, seed: int, message: str
) -> None:
    world = SweepWorld()
    client = Client("me", limits=Limits(total_timesteps=1_000))
    with pytest.raises(InvalidConfiguration, match=message):
        world.start({"total_timesteps": 500} | training, SPACE, n_trials, max_parallel, client, seed)
    assert world.sweeps.list() == []
