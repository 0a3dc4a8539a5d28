"""A sweep in words and tables."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.cli.lookup import SHOWN
from adapters.cli.output import moment, number, print_fields, print_table, say
from grpo_client import SweepStatus

ENDED = {"completed", "pruned", "failed", "stopped"}


def print_end(found: SweepStatus) -> None:
    """What a sweep that was followed has found."""
    say((found.status, "bold green" if found.status == "completed" else "bold yellow"), f": {best_sentence(found)}")
    if found.importances:
        say(f"importance: {importances(found)}")
    if found.best is not None:
        say((f"Watch it: grpo play {found.best.model_name}", "dim"))
    if found.status == "stopped":
        say((f"Go on: grpo sweeps resume {found.sweep_id[:SHOWN]}", "dim"))


def print_sweep(found: SweepStatus) -> None:
    """Everything about a sweep, its trials ranked by their returns."""
    print_fields(
        [
            ("sweep", found.sweep_id),
            ("status", found.status),
            ("why", found.message),
            ("environment", found.env_name),
            ("trials", summary(found)),
            ("best", best_sentence(found)),
            ("importance", importances(found) or None),
            ("created", moment(found.created_at)),
            ("ended", moment(found.end_time)),
        ]
    )
    if not found.trials:
        return
    say("")
    ranked = sorted(found.trials, key=lambda trial: (-trial.value if trial.value is not None else float("inf"), trial.number))
    print_table(
        ["TRIAL", "STATUS", "RETURN", "MODEL", "PARAMETERS"],
        [
            [str(trial.number), trial.status, number(trial.value), trial.model_name, trial.message or words(trial.parameters)]
            for trial in ranked
        ],
        numbers=["TRIAL", "RETURN"],
    )


def summary(found: SweepStatus) -> str:
    """How far it is."""
    done = sum(trial.status in ENDED for trial in found.trials)
    best = f", best return {number(found.best.value)}" if found.best else ""
    return f"{done} of {found.n_trials} done, {len(found.trials) - done} under way{best}"


def best_sentence(found: SweepStatus) -> str:
    """The best trial and its parameters."""
    if found.best is None:
        return "no trial was completed" if found.ended else "no trial is completed yet"
    return f"the best is trial {found.best.number}, return {number(found.best.value)}, with {words(found.best.parameters)}"


def importances(found: SweepStatus) -> str:
    """How much each parameter decides, the most important first; empty where that is not known."""
    ranked = sorted(found.importances.items(), key=lambda item: -item[1])
    return "  ".join(f"{name} {share:.0%}" for name, share in ranked)


def words(parameters: Mapping[str, Any]) -> str:
    """Names and values on one line."""
    return "  ".join(
        f"{name}={number(value) if isinstance(value, float) else msgspec.json.encode(value).decode()}"
        for name, value in parameters.items()
    )
