"""Size of the runtime dependencies, and seconds from the start of the server to its first answer.

python -m benchmarks.footprint
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import record
from benchmarks.server import ROOT, Server

RUNS = 7
BOOTSTRAP = ("pip", "pip-", "setuptools", "setuptools-", "pkg_resources", "_distutils_hack")


def installed_megabytes(environment: Path) -> float:
    """Bytes on disk of what `pip install -r requirements.txt` brought, compiled files included, in MB (10⁶)."""
    [packages] = environment.glob("lib/python*/site-packages")
    own = [entry for entry in packages.iterdir() if not entry.name.startswith(BOOTSTRAP)]
    files = [file for entry in own for file in ([entry] if entry.is_file() else entry.rglob("*")) if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "environment"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        python = environment / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(ROOT / "requirements.txt")], check=True)
        seconds = []
        for _ in range(RUNS):
            with Server(str(python)) as server:
                seconds.append(server.seconds_to_answer)
        summary = {
            "goal_megabytes": 160,
            "megabytes": installed_megabytes(environment),
            "goal_seconds_to_answer": 1.2,
            "median_seconds_to_answer": statistics.median(seconds),
            "max_seconds_to_answer": max(seconds),
        }
    print(", ".join(f"{key} {value:.2f}" for key, value in summary.items()))
    record.write("footprint", {"summary": summary, "seconds_to_answer": seconds})


if __name__ == "__main__":
    main()
