"""Kills the service again and again while it trains, and compares every model with that of a run that was left alone.

python -m tests.chaos [--kills N] [--seed N] [--scale X] [--report FILE]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks import record
from tests.chaos.jobs import jobs
from tests.chaos.run import Outcome, compare, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="blows by SIGKILL")
    parser.add_argument("--seed", type=int, default=0, help="of the kinds and moments of the blows")
    parser.add_argument("--scale", type=float, default=1.0, help="of the jobs' budgets")
    parser.add_argument("--report", type=Path, default=record.RESULTS / "chaos.json")
    arguments = parser.parse_args()
    circumstances = record.circumstances()
    bodies = jobs(arguments.scale)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        undisturbed = run(Path(folder) / "undisturbed", bodies)
        between = time.monotonic()
        disturbed = run(Path(folder) / "disturbed", bodies, arguments.kills, arguments.seed)
        ended = time.monotonic()
    faults = compare(undisturbed, disturbed)
    kills = sum(disturbed.blows.values()) - disturbed.blows["SIGTERM to the server"]
    if kills != arguments.kills:
        faults.append(f"{kills} of {arguments.kills} kills hit a running job: the jobs are too short")
    rows = [row(name, undisturbed, disturbed) for name in disturbed.jobs]
    report = {
        "circumstances": circumstances,
        "seed": arguments.seed,
        "kills": kills,
        "blows": dict(disturbed.blows),
        "signals": dict(disturbed.signals),
        "undisturbed_seconds": round(between - begun, 1),
        "disturbed_seconds": round(ended - between, 1),
        "jobs": rows,
        "faults": faults,
    }
    arguments.report.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for each in rows:
        print(
            f"{each['model']:<25}{each['status']:<11}{each['total_timesteps']:>9,} steps  {each['sha256'][:16]}  {each['same']}"
        )
    print(f"{kills} kills: {', '.join(f'{count} × {kind}' for kind, count in disturbed.blows.items())}")
    print(f"signals: {', '.join(f'{count} × {signal}' for signal, count in disturbed.signals.items())}")
    print(f"{report['undisturbed_seconds']} s undisturbed, {report['disturbed_seconds']} s disturbed")
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "every model is that of the undisturbed run, bit for bit")
    return 1 if faults else 0


def row(name: str, undisturbed: Outcome, disturbed: Outcome) -> dict[str, object]:
    """One job in the report."""
    job, versions = disturbed.jobs[name], disturbed.versions.get(name, [])
    return {
        "model": name,
        "environment": job["env_name"],
        "total_timesteps": job["total_timesteps"],
        "status": job["status"],
        "sha256": versions[-1][1] if versions else "",
        "same": bool(versions) and versions == undisturbed.versions.get(name),
    }


if __name__ == "__main__":
    raise SystemExit(main())
