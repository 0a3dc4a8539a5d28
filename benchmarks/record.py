"""Results files: what was measured, with all that is needed to measure it again."""

import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "gymnasium", "litestar", "msgspec", "uvicorn", "uvloop", "httptools", "sqlite-utils", "psycopg", "ray")
LEARNING_PACKAGES = ("numpy", "gymnasium", "box2d", "mujoco", "torch", "stable-baselines3")


def write(name: str, measured: dict[str, Any]) -> Path:
    """Write results/<name>.json and return its path."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"circumstances": circumstances()} | measured, indent=2) + "\n", encoding="utf-8")
    print(f"written: benchmarks/results/{path.name}")
    return path


def read(name: str) -> dict[str, Any] | None:
    """The newest results of that name, None where there are none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def circumstances(packages: Iterable[str] = PACKAGES) -> dict[str, Any]:
    """Command, commit, time, machine and versions."""
    commit, changed = _commit()
    return {
        "command": f"python -m {_module()} {' '.join(sys.argv[1:])}".strip(),
        "commit": commit,
        "changed_since_commit": changed,
        "time": now(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {package: _version(package) for package in packages},
    }


def now() -> str:
    """The time, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _module() -> str:
    """The program that is run, as `python -m` names it."""
    spec = sys.modules["__main__"].__spec__
    return spec.name.removesuffix(".__main__") if spec else f"benchmarks.{Path(sys.argv[0]).stem}"


@functools.cache
def _commit() -> tuple[str, bool]:
    """The commit, and whether a Python file differs from it: as it was when first asked, near the start of the process."""
    return _git("rev-parse", "HEAD"), bool(_git("status", "--porcelain", "--", ":(top)*.py"))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=RESULTS)
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
