"""Writes the tables and curves of docs/benchmarks.md and the READMEs from the results files: python -m benchmarks.report."""

from pathlib import Path

from benchmarks import record, speed_tables, tables
from benchmarks.store import Store

ROOT = Path(__file__).parent.parent


def filled(store: Store) -> dict[str, str]:
    """The tables by the name of their markers."""
    footprint = {
        "megabytes": "MB of runtime dependencies (goal ≤ 160)",
        "median_seconds_to_answer": "seconds from start to the first answer, median (goal ≤ 1.2)",
        "max_seconds_to_answer": "slowest",
    }
    return {
        "learning": tables.learning(store),
        "learning-details": tables.learning_details(store),
        "learning-curves": tables.gallery(store),
        "learning-runs": tables.provenance(store),
        **speed_tables.all_tables(),
        "footprint": speed_tables.figures("footprint", footprint),
        "benchmarks": f"{tables.learning(store)}\n\n{summary()}",
    }


def summary() -> str:
    """The few figures of the READMEs."""
    rows = (
        ("training", "median_cpu_milliseconds", "CPU time of the quick start's training", "{:.0f} ms"),
        ("http", "idle_1_connections", "inference, requests/s on one connection", "{:,.0f}"),
        ("http", "training_1_connections", "the same while a job trains", "{:,.0f}"),
        ("footprint", "megabytes", "runtime dependencies", "{:.0f} MB"),
        ("footprint", "median_seconds_to_answer", "start to first answer", "{:.2f} s"),
    )
    found = [((record.read(name) or {}).get("summary", {}).get(key), label, form) for name, key, label, form in rows]
    return tables.markdown(
        ("figure", "value"), [(label, form.format(value)) for value, label, form in found if value is not None]
    )


def fill(document: Path, named: dict[str, str]) -> None:
    """Replace what stands between `<!-- name:start -->` and `<!-- name:end -->`."""
    text = document.read_text(encoding="utf-8")
    for name, table in named.items():
        start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
        if start in text and end in text:
            before, _, rest = text.partition(start)
            text = f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}"
    document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    runs = Store()
    tables.draw_curves(runs)
    for name in ("README.md", "README.ja.md", "docs/benchmarks.md"):
        fill(ROOT / name, filled(runs))
