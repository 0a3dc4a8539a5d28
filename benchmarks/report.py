"""Writes the tables of docs/benchmarks.md and the READMEs from the results files: python -m benchmarks.report."""

from pathlib import Path
from typing import Any

from benchmarks import record

ROOT = Path(__file__).parent.parent
PPO = {
    "quick-start": "227 / 291 (10 seeds, native reward)",
    "native-cartpole": "196 / 235 (10 seeds)",
    "acrobot": "– / −84.2",
    "pendulum": "– / −181.4",
    "mountain-car-continuous": "– / 56 at 20,000 steps",
}
LEARNING = (
    "quick-start",
    "simple-cartpole",
    "native-cartpole",
    "acrobot",
    "pendulum",
    "mountain-car-continuous",
    "frozen-lake",
)


def learning() -> str:
    """One row for each task."""
    rows = [
        "| task | steps | seeds | median | mean | worst | at goal | untrained, median / mean | SB3 PPO, median / mean |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name in LEARNING:
        if (found := record.read(f"learning-{name}")) is None:
            continue
        s, given = found["summary"], found["given"]
        rows.append(
            f"| {given['env_name']}, {name} | {given['total_timesteps']:,} | {s['seeds']} | {_number(s['median'])} "
            f"| {_number(s['mean'])} | {_number(s['min'])} | {s['seeds_at_goal']} of {s['seeds']} ≥ {_number(s['goal'])} "
            f"| {_number(s['untrained_median'])} / {_number(s['untrained_mean'])} | {PPO.get(name, '–')} |"
        )
    return "\n".join(rows)


def figures(name: str, labels: dict[str, str]) -> str:
    """One row for each figure of a results file."""
    found = record.read(name)
    if found is None:
        return "not measured yet"
    rows = [f"| {label} | {_number(found['summary'][key])} |" for key, label in labels.items()]
    return "\n".join(["| figure | value |", "| --- | --- |", *rows])


def tables() -> dict[str, str]:
    """The tables by the name of their markers."""
    http = {
        "idle_1_connections": "requests/s, 1 connection, idle",
        "training_1_connections": "requests/s, 1 connection, while a job trains",
        "ratio_training_to_idle_1_connections": "ratio of the two (goal ≥ 0.6)",
        "ratio_to_original_1_connections": "times the original's 1,500 requests/s (goal ≥ 3)",
        "idle_16_connections": "requests/s, 16 connections, idle",
        "training_16_connections": "requests/s, 16 connections, while a job trains",
        "ratio_training_to_idle_16_connections": "ratio of the two",
    }
    training = {
        "median_cpu_milliseconds": "CPU ms of the quick start's 5,000 steps, median (goal ≤ 150)",
        "min_cpu_milliseconds": "fastest",
        "max_cpu_milliseconds": "slowest",
        "timesteps_per_second": "environment steps per second, updates included",
    }
    footprint = {
        "megabytes": "MB of runtime dependencies (goal ≤ 160)",
        "median_seconds_to_answer": "seconds from start to the first answer, median (goal ≤ 1.2)",
        "max_seconds_to_answer": "slowest",
    }
    named = {
        "learning": learning(),
        "training": figures("training", training),
        "http": figures("http", http),
        "footprint": figures("footprint", footprint),
    }
    return named | {"benchmarks": summary()}


def summary() -> str:
    """The few figures of the READMEs."""
    results: dict[str, Any] = {name: record.read(name) for name in ("learning-quick-start", "training", "http", "footprint")}
    if None in results.values():
        return "not measured yet"
    quick, training, http, size = (results[name]["summary"] for name in results)
    rows = [
        ("CartPole-v1, 5,000 steps: native return, median of seeds", f"{_number(quick['median'])} of 500"),
        ("seeds ≥ 475", f"{quick['seeds_at_goal']} of {quick['seeds']}"),
        ("CPU time of that training", f"{training['median_cpu_milliseconds']:.0f} ms"),
        ("inference, requests/s on one connection", f"{http['idle_1_connections']:,.0f}"),
        ("the same while a job trains", f"{http['training_1_connections']:,.0f}"),
        ("runtime dependencies", f"{size['megabytes']:.0f} MB"),
        ("start to first answer", f"{size['median_seconds_to_answer']:.2f} s"),
    ]
    return "\n".join(["| figure | value |", "| --- | --- |", *(f"| {label} | {value} |" for label, value in rows)])


def fill(document: Path, named: dict[str, str]) -> None:
    """Replace what stands between `<!-- name:start -->` and `<!-- name:end -->`."""
    text = document.read_text(encoding="utf-8")
    for name, table in named.items():
        start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
        if start in text and end in text:
            before, _, rest = text.partition(start)
            text = f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}"
    document.write_text(text, encoding="utf-8")


def _number(value: float) -> str:
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
    return text.replace("-", "−")


if __name__ == "__main__":
    for name in ("README.md", "README.ja.md", "docs/benchmarks.md"):
        fill(ROOT / name, tables())
