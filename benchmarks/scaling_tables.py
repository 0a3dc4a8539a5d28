"""What `make bench-scaling` and `make bench-workers` found, as rows for docs/scaling.md."""

from benchmarks import record

HEADS = {
    "workers": "| time of a step | 1 worker | 2 workers | 4 workers |\n| --- | --- | --- | --- |",
    "inference": "| inference, 32 connections | requests/s | CPU of the servers for one |\n| --- | --- | --- |",
    "jobs": "| 200 jobs of 64 steps | jobs/s | CPU of servers and workers for one |\n| --- | --- | --- |",
    "reports": "| a report, through one server's queue | progress | checkpoint |\n| --- | --- | --- |",
    "nodes": "| 8 jobs of 150,000 steps | jobs/s |\n| --- | --- |",
}


def tables() -> dict[str, list[str]]:
    """The rows of each table, as Markdown."""
    scaling, workers = record.read("scaling"), record.read("workers")
    if scaling is None or workers is None:
        return {}
    return {
        "workers": [
            f"| {task['step']} | "
            + " | ".join(f"{rate:,} steps/s ({task['ratio_to_one'][n]:.2f})" for n, rate in task["steps_per_second"].items())
            + " |"
            for task in workers["tasks"]
        ],
        "inference": [
            f"| {name} | {each['requests_per_second']:,.0f} | {each['cpu_microseconds_per_request']:.0f} µs |"
            for name, each in scaling["inference"].items()
        ],
        "jobs": [
            f"| {name} | {each['jobs_per_second']:.0f} | {each['cpu_milliseconds_per_job']:.1f} ms |"
            for name, each in scaling["jobs"].items()
        ],
        "reports": [
            f"| {name} | {each['progress_milliseconds']:.2f} ms | {each['checkpoint_milliseconds']:.2f} ms |"
            for name, each in scaling["reports"].items()
        ],
        "nodes": [f"| {name} | {each['jobs_per_second']:.2f} |" for name, each in scaling["nodes"].items()],
    }


if __name__ == "__main__":
    for name, rows in tables().items():
        print(HEADS[name], *rows, "", sep="\n")
