"""The tuner by Optuna: within the space, the same for the same trials, better than chance, and gone with its extra."""

import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tuning.optuna_tuner import OptunaTuner
from domain.model_errors import ExtraNotInstalled
from domain.sweep import Dimension, Sweep, Trial, TrialStatus
from tests.factories import NOON

SPACE = {
    "learning_rate": Dimension(type="float", low=1e-5, high=1.0, log=True),
    "gamma": Dimension(type="float", low=0.5, high=0.99),
    "n_epochs": Dimension(type="int", low=1, high=10, step=4),
    "hidden_sizes": Dimension(type="categorical", choices=([8], [16, 16])),
}
TUNER = OptunaTuner()


def sweep(seed: int = 0, space: dict[str, Dimension] = SPACE) -> Sweep:
    return Sweep(id="s", created_at=NOON, training={}, search_space=space, n_trials=50, max_parallel=1, seed=seed)


def trials_of(found: Sweep, count: int, value: Any) -> list[Trial]:
    """As many trials, one after the other, each completed with the value of its parameters."""
    trials: list[Trial] = []
    for number in range(count):
        parameters = TUNER.propose(found, trials)
        trial = Trial(sweep_id="s", number=number, parameters=parameters, value=float(value(parameters)))
        trials.append(replace(trial, status=TrialStatus.COMPLETED))
    return trials


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from(TrialStatus), max_size=14))
@settings(max_examples=15)
def test_proposal_then_lies_in_the_space_and_is_a_function_of_seed_and_trials(seed: int, states: list[TrialStatus]) -> None:
    found, trials = sweep(seed), []
    for number, status in enumerate(states):
        trial = Trial(sweep_id="s", number=number, parameters=TUNER.propose(found, trials), status=status)
        trials.append(replace(trial, value=float(number) if status.ended else None))
    proposed = TUNER.propose(found, trials)
    assert proposed == OptunaTuner().propose(found, trials)
    assert proposed.keys() == SPACE.keys()
    assert 1e-5 <= proposed["learning_rate"] <= 1
    assert 0.5 <= proposed["gamma"] <= 0.99
    assert proposed["n_epochs"] in (1, 5, 9)
    assert proposed["hidden_sizes"] in ([8], [16, 16])


def test_search_when_it_knows_some_trials_finds_better_ones_than_at_random() -> None:
    space = {name: SPACE[name] for name in ("gamma", "learning_rate")}
    found = sweep(3, space)
    trials = trials_of(found, 40, lambda parameters: -abs(parameters["gamma"] - 0.6))
    early, late = ([trial.value or 0 for trial in part] for part in (trials[:10], trials[-10:]))
    assert sum(late) > sum(early)
    importances = TUNER.importances(found, trials)
    assert sum(importances.values()) == pytest.approx(1)
    assert importances["gamma"] > importances["learning_rate"]


def test_importances_when_too_little_is_known_are_none() -> None:
    found = sweep()
    assert TUNER.importances(found, trials_of(found, 3, lambda _: 1.0)) == {}
    assert TUNER.importances(found, trials_of(found, 6, lambda _: 1.0)) == {}
    one = sweep(space={"n_epochs": Dimension(type="int", low=3, high=3)})
    assert TUNER.importances(one, trials_of(one, 6, lambda _: 1.0)) == {}


def test_trial_that_lies_below_the_median_of_the_others_is_pruned() -> None:
    good = {number: [(100, 10.0 + number), (200, 20.0)] for number in range(5)}
    assert TUNER.should_prune(sweep(), good | {7: [(100, 3.0)]}, 7)
    assert not TUNER.should_prune(sweep(), good | {7: [(100, 13.0)]}, 7)
    assert not TUNER.should_prune(sweep(), good | {7: []}, 7)
    assert not TUNER.should_prune(replace(sweep(), pruner="none"), good | {7: [(100, 3.0)]}, 7)
    assert not TUNER.should_prune(sweep(), {0: good[0], 7: [(100, 3.0)]}, 7)  # too few to say


def test_tuner_without_its_extra_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ExtraNotInstalled, match="pip install optuna"):
        TUNER.propose(sweep(), [])
