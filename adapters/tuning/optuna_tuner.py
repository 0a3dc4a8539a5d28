"""The Tuner by Optuna: a study in memory, made anew from what is kept of the sweep whenever it is asked."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from domain.model_errors import ExtraNotInstalled
from domain.sweep import Dimension, Sweep, Trial, TrialStatus
from domain.sweep_ports import History

if TYPE_CHECKING:
    import optuna

STARTUP_TRIALS = 10  # at random, before what was found guides the search
PRUNING_AFTER_TRIALS = 4
FEWEST_FOR_IMPORTANCES = 4
FEWEST_TO_JUDGE = 2


class OptunaTuner:
    """Tree-structured Parzen estimator, median pruning, and importances by PED-ANOVA. Thread-safe: it holds nothing.

    Sources: Bergstra et al., "Algorithms for hyper-parameter optimization", 2011; Watanabe et al., "PED-ANOVA: efficiently
    quantifying hyperparameter importance in arbitrary subspaces", 2023, arXiv:2304.10255.
    """

    def propose(self, sweep: Sweep, trials: Sequence[Trial]) -> dict[str, Any]:
        optuna = _optuna()
        seed = int.from_bytes(hashlib.sha256(f"{sweep.seed} {len(trials)}".encode()).digest()[:4])
        sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True, seed=seed)
        study = _study(sweep, trials, sampler)
        space = _distributions(sweep)
        chosen = study.ask(space).params
        return {name: _plain(sweep.search_space[name], value) for name, value in chosen.items()}

    def should_prune(self, sweep: Sweep, histories: Mapping[int, History], number: int) -> bool:
        optuna = _optuna()
        if sweep.pruner == "none" or not histories[number]:
            return False
        study = _study(sweep, [])
        for other, history in histories.items():
            if other != number and history:
                study.add_trial(_trial(optuna.trial.TrialState.COMPLETE, history=history, value=history[-1][1]))
        pruner = optuna.pruners.MedianPruner(n_startup_trials=PRUNING_AFTER_TRIALS, n_warmup_steps=0)
        running = _trial(optuna.trial.TrialState.RUNNING, history=histories[number])
        return bool(pruner.prune(study, running))

    def importances(self, sweep: Sweep, trials: Sequence[Trial]) -> Mapping[str, float]:
        optuna = _optuna()
        known = [trial for trial in trials if trial.status is TrialStatus.COMPLETED and trial.value is not None]
        varied = [name for name in sweep.search_space if len({str(trial.parameters[name]) for trial in known}) > 1]
        if len(known) < FEWEST_FOR_IMPORTANCES or not varied or len({trial.value for trial in known}) < FEWEST_TO_JUDGE:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(_study(sweep, known), evaluator=evaluator, params=varied)
        whole = math.fsum(found.values())
        return {name: value / whole for name, value in found.items()} if whole > 0 else {}


def _optuna() -> Any:
    try:
        import optuna  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ExtraNotInstalled("A sweep", "optuna") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _study(sweep: Sweep, trials: Sequence[Trial], sampler: Any = None) -> Any:
    """What is known, as Optuna sees it. Trials under way count as bad ones, so that the next is another."""
    optuna = _optuna()
    states = {
        TrialStatus.COMPLETED: optuna.trial.TrialState.COMPLETE,
        TrialStatus.WAITING: optuna.trial.TrialState.RUNNING,
        TrialStatus.RUNNING: optuna.trial.TrialState.RUNNING,
        TrialStatus.PRUNING: optuna.trial.TrialState.RUNNING,
        TrialStatus.FAILED: optuna.trial.TrialState.FAIL,
        TrialStatus.STOPPED: optuna.trial.TrialState.FAIL,
    }
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space = _distributions(sweep)
    for trial in trials:
        pruned = trial.status is TrialStatus.PRUNED
        # One that was pruned is known by its value so far.
        state = optuna.trial.TrialState.COMPLETE if pruned else states[trial.status]
        if state is optuna.trial.TrialState.COMPLETE and trial.value is None:
            state = optuna.trial.TrialState.FAIL
        parameters = {name: _stored(sweep.search_space[name], value) for name, value in trial.parameters.items()}
        value = trial.value if state is optuna.trial.TrialState.COMPLETE else None
        study.add_trial(_trial(state, parameters, space, value))
    return study


def _trial(
    state: Any,
    parameters: Mapping[str, Any] | None = None,
    space: "Mapping[str, optuna.distributions.BaseDistribution] | None" = None,
    value: float | None = None,
    history: History = (),
) -> Any:
    return _optuna().trial.create_trial(
        state=state,
        params={**(parameters or {})},
        distributions={**(space or {})},
        value=value,
        intermediate_values=dict(history),
    )


def _distributions(sweep: Sweep) -> "dict[str, optuna.distributions.BaseDistribution]":
    distributions = _optuna().distributions
    made = {}
    for name, dimension in sweep.search_space.items():
        if dimension.type == "categorical":
            made[name] = distributions.CategoricalDistribution([_stored(dimension, choice) for choice in dimension.choices])
        elif dimension.type == "int":
            low, high = int(dimension.low or 0), int(dimension.high or 0)
            high -= (high - low) % dimension.step
            made[name] = distributions.IntDistribution(low, high, log=dimension.log, step=dimension.step)
        else:
            made[name] = distributions.FloatDistribution(dimension.low or 0.0, dimension.high or 0.0, log=dimension.log)
    return made


def _stored(dimension: Dimension, value: Any) -> Any:
    """A choice that is a list, as Optuna takes it."""
    return repr(value) if dimension.type == "categorical" else value


def _plain(dimension: Dimension, value: Any) -> Any:
    if dimension.type == "categorical":
        return next(choice for choice in dimension.choices if repr(choice) == value)
    return value
