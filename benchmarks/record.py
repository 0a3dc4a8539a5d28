"""Results files: what was measured, with all that is needed to measure it again."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "gymnasium", "litestar", "msgspec", "uvicorn", "uvloop", "httptools", "sqlite-utils")


def write(name: str, measured: dict[str, Any]) -> Path:
    """Write results/<name>.json and return its path."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"circumstances": _circumstances()} | measured, indent=2) + "\n", encoding="utf-8")
    print(f"written: benchmarks/results/{path.name}")
    return path


def read(name: str) -> dict[str, Any] | None:
    """The newest results of that name, None where there are none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _circumstances() -> dict[str, Any]:
    module = Path(sys.argv[0]).stem
    return {
        "command": f"python -m benchmarks.{module} {' '.join(sys.argv[1:])}".strip(),
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": bool(_git("status", "--porcelain", "--", "*.py")),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {package: _version(package) for package in PACKAGES},
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=RESULTS)
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
