"""Use cases of sweeps."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from application.access import Client, check_limits
from domain.config import TrainingConfig
from domain.errors import FieldError, InvalidConfiguration
from domain.ports import Clock, EnvironmentFactory
from domain.presets import DEFAULT_ENV_NAME, DEFAULT_TOTAL_TIMESTEPS, resolve
from domain.sweep import (
    EVALUATIONS,
    SearchSpace,
    Sweep,
    SweepStatus,
    Trial,
    TrialStatus,
    best_of,
    check_search,
    corners,
)
from domain.sweep_errors import SweepAlreadyEnded, SweepNotResumable
from domain.sweep_ports import SweepRepository, Tuner

MOST_SEED = 2**32 - 1


@dataclass(frozen=True)
class SweepReport:
    """A sweep, its trials by number, the best of them with its whole configuration, and the parameters' importances."""

    sweep: Sweep
    trials: Sequence[Trial]
    best: Trial | None
    best_config: TrainingConfig | None
    importances: Mapping[str, float]


class StartSweep:
    """Check a sweep as a whole and keep it; its trials begin by themselves."""

    def __init__(
        self,
        sweeps: SweepRepository,
        environments: EnvironmentFactory,
        tuner: Tuner,
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
    ) -> None:
        self._sweeps, self._environments, self._tuner, self._clock = sweeps, environments, tuner, clock
        self._new_id, self._new_seed = new_id, new_seed

    def __call__(
        self,
        training: Mapping[str, Any],
        search_space: SearchSpace,
        n_trials: int,
        max_parallel: int,
        client: Client,
        seed: int | None = None,
        pruner: Literal["median", "none"] = "median",
    ) -> Sweep:
        """`training`: fields of POST /train that all trials share.

        Raises InvalidConfiguration, UnknownEnvironment, EnvironmentNotAllowed, UnsupportedEnvironment, ExtraNotInstalled; then
        nothing has been kept.
        """
        check_search(search_space, n_trials, max_parallel)
        if seed is not None and not 0 <= seed <= MOST_SEED:
            raise InvalidConfiguration(FieldError("seed", f"seed must be an integer from 0 to {MOST_SEED}, got {seed}."))
        if both := sorted(training.keys() & search_space.keys()):
            message = f"search_space.{both[0]} is in training, too: a field is either shared or searched."
            raise InvalidConfiguration(FieldError("search_space", message))
        sweep_id = self._new_id()
        sweep = Sweep(
            id=sweep_id,
            created_at=self._clock.now(),
            training=_shared(training, sweep_id),
            search_space={**search_space},
            n_trials=n_trials,
            max_parallel=max_parallel,
            seed=self._new_seed() if seed is None else seed,
            pruner=pruner,
            owner=client.name,
            limits=vars(client.limits),
        )
        self._check_corners(sweep, client)
        self._tuner.propose(sweep, [])
        self._sweeps.add(sweep)
        return sweep

    def _check_corners(self, sweep: Sweep, client: Client) -> None:
        """A sweep of which some trials could never train is refused as a whole."""
        environment = self._environments.describe(sweep.training["env_name"])
        for number, parameters in enumerate(corners(sweep.search_space)):
            trial = Trial(sweep_id=sweep.id, number=number, parameters=parameters)
            try:
                config = resolve(sweep.fields_of(trial), environment, seed=0, model_name="unused")
                check_limits(config, environment, client)
            except InvalidConfiguration as error:
                at = f" (with {', '.join(f'{name} = {value}' for name, value in parameters.items())})"
                places = {name: f"search_space.{name}" for name in parameters}
                raise InvalidConfiguration(
                    *(FieldError(places.get(one.field, f"training.{one.field}"), one.message + at) for one in error.errors)
                ) from None


class GetSweep:
    """A sweep as it is."""

    def __init__(self, sweeps: SweepRepository, environments: EnvironmentFactory, tuner: Tuner) -> None:
        self._sweeps, self._environments, self._tuner = sweeps, environments, tuner

    def __call__(self, sweep_id: str) -> SweepReport:
        """Raises SweepNotFound."""
        sweep = self._sweeps.get(sweep_id)
        trials = self._sweeps.trials(sweep_id)
        best, config = best_of(trials), None
        if best is not None:
            environment = self._environments.describe(sweep.training["env_name"])
            config = resolve(sweep.fields_of(best), environment, seed=0, model_name="unused")
        return SweepReport(sweep, trials, best, config, self._tuner.importances(sweep, trials))


class ListSweeps:
    """All sweeps, newest first."""

    def __init__(self, sweeps: SweepRepository) -> None:
        self._sweeps = sweeps

    def __call__(self) -> Sequence[Sweep]:
        return self._sweeps.list()


class StopSweep:
    """Begin no further trial, and stop those that run: what they have learned is kept."""

    def __init__(self, sweeps: SweepRepository, clock: Clock, advance: Callable[[str], None]) -> None:
        self._sweeps, self._clock, self._advance = sweeps, clock, advance

    def __call__(self, sweep_id: str) -> Sweep:
        """Raises SweepNotFound, SweepAlreadyEnded."""
        sweep = self._sweeps.get(sweep_id)
        if sweep.status.ended:
            raise SweepAlreadyEnded(sweep_id, sweep.status)
        self._sweeps.replace(sweep.to(SweepStatus.STOPPING, self._clock.now()), SweepStatus.RUNNING)
        self._advance(sweep_id)
        return self._sweeps.get(sweep_id)


class ResumeSweep:
    """Go on with a sweep that has ended, with more trials where more are asked for."""

    def __init__(self, sweeps: SweepRepository, clock: Clock, advance: Callable[[str], None]) -> None:
        self._sweeps, self._clock, self._advance = sweeps, clock, advance

    def __call__(self, sweep_id: str, n_trials: int | None = None) -> Sweep:
        """Trials that were stopped go on, too. Raises SweepNotFound, SweepNotResumable, InvalidConfiguration."""
        sweep, trials = self._sweeps.get(sweep_id), self._sweeps.trials(sweep_id)
        wanted = sweep.n_trials if n_trials is None else n_trials
        if wanted < sweep.n_trials:
            message = f"n_trials can be raised only: the sweep has {sweep.n_trials}, got {wanted}."
            raise InvalidConfiguration(FieldError("n_trials", message))
        check_search(sweep.search_space, wanted, sweep.max_parallel)
        stopped = [trial for trial in trials if trial.status is TrialStatus.STOPPED]
        if not sweep.status.ended or (len(trials) >= wanted and not stopped):
            raise SweepNotResumable(sweep_id, sweep.status, sweep.n_trials)
        for trial in stopped:
            self._sweeps.save_trial(replace(trial, status=TrialStatus.WAITING, value=None))
        going_on = replace(sweep, n_trials=wanted).to(SweepStatus.RUNNING, self._clock.now())
        self._sweeps.replace(going_on, sweep.status)
        self._advance(sweep_id)
        return self._sweeps.get(sweep_id)


def _shared(training: Mapping[str, Any], sweep_id: str) -> dict[str, Any]:
    """What all trials share, with everything that decides whether their values can be compared."""
    shared = {"env_name": DEFAULT_ENV_NAME, "total_timesteps": DEFAULT_TOTAL_TIMESTEPS} | {**training}
    shared.setdefault("model_name", f"sweep_{hashlib.sha256(sweep_id.encode()).hexdigest()[:8]}")
    budget = shared["total_timesteps"]
    if not shared.get("eval_freq"):
        shared["eval_freq"] = max(1, budget // EVALUATIONS) if isinstance(budget, int) else 1
    return dict(json.loads(json.dumps(shared)))
