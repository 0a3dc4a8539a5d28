"""Two API servers, PostgreSQL and two Ray nodes, killed again and again; every model is compared with an undisturbed one.

python -m tests.chaos_cluster [--jobs N] [--kills N] [--seed N] [--scale X] [--report FILE]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks import record
from tests.chaos_cluster.run import compare, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--kills", type=int, default=12, help="blows by SIGKILL: servers and nodes by turns of chance")
    parser.add_argument("--seed", type=int, default=0, help="of the kinds and moments of the blows")
    parser.add_argument("--scale", type=float, default=1.0, help="of the jobs' budgets")
    parser.add_argument("--report", type=Path, default=record.RESULTS / "chaos_cluster.json")
    arguments = parser.parse_args()
    circumstances = record.circumstances()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        begun = time.monotonic()
        undisturbed = run(Path(folder) / "undisturbed", arguments.jobs, arguments.scale)
        between = time.monotonic()
        disturbed = run(Path(folder) / "disturbed", arguments.jobs, arguments.scale, arguments.kills, arguments.seed)
        ended = time.monotonic()
    faults = compare(undisturbed, disturbed)
    if sum(disturbed.blows.values()) != arguments.kills:
        faults.append(f"{sum(disturbed.blows.values())} of {arguments.kills} blows hit running jobs: the jobs are too short")
    report = {
        "circumstances": circumstances,
        "seed": arguments.seed,
        "blows": dict(disturbed.blows),
        "undisturbed_seconds": round(between - begun, 1),
        "disturbed_seconds": round(ended - between, 1),
        "jobs": [
            {"model": name, "status": job.status, "sha256": job.sha256, "same": job == undisturbed.jobs.get(name)}
            for name, job in sorted(disturbed.jobs.items())
        ],
        "faults": faults,
    }
    arguments.report.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for job in report["jobs"]:
        print(f"{job['model']:<28}{job['status']:<11}{job['sha256'][:16]}  {job['same']}")
    print(f"blows: {', '.join(f'{count} × {kind}' for kind, count in disturbed.blows.items())}")
    print(f"{report['undisturbed_seconds']} s undisturbed, {report['disturbed_seconds']} s disturbed")
    print("\n".join(f"FAULT: {fault}" for fault in faults) or "every model is that of the undisturbed run, bit for bit")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
