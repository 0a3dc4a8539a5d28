"""What the runs say, as Markdown tables and drawings: ours and PPO side by side."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks import aggregates, curves
from benchmarks.aggregates import Summary
from benchmarks.store import Run, Store
from benchmarks.tasks import TASKS, Algorithm, Task

CURVES = Path(__file__).parent.parent / "docs" / "curves"
SHORT: dict[Algorithm, str] = {"ours": "ours", "ppo": "PPO"}
PPO_SOURCES = {
    "zoo": "those of rl-baselines3-zoo",
    "defaults": "Stable-Baselines3's defaults with 8 environments",
    "guide": "the values that ours is given",
}
NOTHING = "not measured yet"


def learning(store: Store, names: Iterable[str] = TASKS) -> str:
    """One row for each task."""
    columns = ("task", "steps", "goal", "value", "ours, mean", "PPO, mean")
    comparison = ("ours − PPO, IQM [95 %]", "ours, solved", "PPO, solved")
    rows = []
    for name in names:
        task, found = TASKS[name], _runs(store, name)
        both = [summary(task, runs) for runs in found.values()]
        if any(both):
            means, solved = (number(one.mean) if one else "–" for one in both), map(_solved, both)
            difference = _difference(found["ours"], found["ppo"])
            value = "ridge" if any(run["configuration"].get("gae_lambda") is not None for run in found["ours"]) else "–"
            rows.append([f"{task.env_name}, {name}", f"{task.budget:,}", _goal(task), value, *means, difference, *solved])
    return markdown(columns + comparison, rows)


def learning_details(store: Store, names: Iterable[str] = TASKS) -> str:
    """One row for each task and algorithm."""
    columns = (
        *("task", "algorithm", "seeds", "mean", "IQM [95 %]", "worst", "solved", "steps to solve"),
        *("seconds to solve", "CPU seconds to solve", "CPU seconds in all", "most steps", "mean, sampled actions"),
    )
    rows = []
    for name, algorithm in ((task, algorithm) for task in names for algorithm in TASKS[task].algorithms):
        if one := summary(TASKS[name], store.current(name, algorithm)):
            scores = (number(one.mean), f"{number(one.iqm)} {_interval(one.iqm_interval)}", number(one.worst), _solved(one))
            seconds = [_time(value, "{:.3g}") for value in (one.seconds_to_solve, one.cpu_seconds_to_solve, one.cpu_seconds)]
            more = (f"{one.most_timesteps:,}", number(one.stochastic_mean))
            steps = _time(one.steps_to_solve, "{:,.0f}")
            rows.append([name, SHORT[algorithm], str(one.seeds), *scores, steps, *seconds, *more])
    return markdown(columns, rows)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a sentence where there are no rows."""
    lines = (columns, ["---"] * len(columns), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else NOTHING


def provenance(store: Store, names: Iterable[str] = TASKS) -> str:
    """Of which commits and versions the runs are, so that a mixture shows."""
    lines = []
    for algorithm, title in SHORT.items():
        runs = [run for name in names for run in store.current(name, algorithm)]
        if runs:
            lines.append(f"* {title}: {_counted(map(_commit, runs))}; {_counted(map(_versions, runs))}.")
    sources = {name: TASKS[name].ppo_source for name in names if store.current(name, "ppo")}
    for source, what in PPO_SOURCES.items():
        if tasks := [name for name, one in sources.items() if one == source]:
            lines.append(f"* PPO's hyper-parameters, {what}: {', '.join(tasks)}.")
    return "\n".join(lines)


def gallery(store: Store) -> str:
    """The drawings, as Markdown images."""
    shown = [name for name in TASKS if any(_runs(store, name).values())]
    return "\n".join(f"![{TASKS[name].env_name}, {name}: score over environment steps](curves/{name}.svg)" for name in shown)


def draw_curves(store: Store, names: Iterable[str] = TASKS, folder: Path = CURVES) -> list[Path]:
    """Write <folder>/<task>.svg for each task that has runs; returns the paths."""
    paths = []
    for name in names:
        task = TASKS[name]
        found = _runs(store, name)
        bands = {algorithm: curves.band(runs, task.budget) for algorithm, runs in found.items() if runs}
        if not bands:
            continue
        seeds = ", ".join(f"{SHORT[algorithm]} {_seeds(len(found[algorithm]))}" for algorithm in bands)
        folder.mkdir(parents=True, exist_ok=True)
        paths.append(folder / f"{name}.svg")
        drawing = curves.draw(f"{task.env_name}, {name} ({seeds})", bands, task.budget, task.goal, task.lowest_drawn)
        paths[-1].write_text(drawing, encoding="utf-8")
    return paths


def summary(task: Task, runs: list[Run]) -> Summary | None:
    """None where there are no runs."""
    return aggregates.summarize(runs, task.threshold) if runs else None


def number(value: float) -> str:
    """At most four figures, with a true minus sign."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return text.replace("-", "−")


def _runs(store: Store, name: str) -> dict[Algorithm, list[Run]]:
    """The current runs of both algorithms; none of one that the task does not measure."""
    return {algorithm: store.current(name, algorithm) if algorithm in TASKS[name].algorithms else [] for algorithm in SHORT}


def _goal(task: Task) -> str:
    if task.goal is None:
        return "more than PPO"
    mean = f"≥ {number(task.goal)}"
    return mean if task.solved is None else f"{mean}, each seed ≥ {number(task.solved)}"


def _difference(ours: list[Run], others: list[Run]) -> str:
    if not ours or not others:
        return "–"
    middle, bounds = aggregates.difference([run["score"] for run in ours], [run["score"] for run in others])
    return f"{number(middle)} {_interval(bounds)}"


def _interval(bounds: tuple[float, float]) -> str:
    return f"[{number(bounds[0])}, {number(bounds[1])}]"


def _solved(one: Summary | None) -> str:
    return "–" if one is None or one.solved is None else f"{one.solved} of {one.seeds}"


def _time(value: float, form: str) -> str:
    return "–" if math.isinf(value) else form.format(value)


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"


def _commit(run: Run) -> str:
    circumstances = run["circumstances"]
    return f"commit {circumstances['commit'][:7] or 'unknown'}" + (
        " with changes" if circumstances["changed_since_commit"] else ""
    )


def _versions(run: Run) -> str:
    circumstances = run["circumstances"]
    there = {"python": circumstances["python"]} | circumstances["packages"]
    return " ".join(f"{name} {version}" for name, version in there.items() if version != "not installed")


def _counted(values: Iterable[str]) -> str:
    """Each value with how often it occurs, if there are several."""
    counts = Counter(values)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ({count} runs)" for value, count in counts.most_common())
