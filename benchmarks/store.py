"""Runs on disk: results/learning/<task>-<algorithm>.jsonl, one line for each training seed, written as soon as it has ended."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS

Run = dict[str, Any]
"""The figures of one run: seed, configuration, score, timesteps, wall_seconds, cpu_seconds, curve, circumstances."""


class Store:
    """All runs below one folder. Two processes may write at once; a seed's new run takes the place of its old one."""

    def __init__(self, folder: Path = RESULTS / "learning") -> None:
        self._folder = folder

    def add(self, task: str, algorithm: str, run: Run) -> None:
        """Keep the run, in place of an earlier one of the same seed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with _locked(self._folder):
            others = [kept for kept in self.runs(task, algorithm) if kept["seed"] != run["seed"]]
            path = self._path(task, algorithm)
            unfinished = path.with_suffix(".tmp")
            lines = (json.dumps(kept, ensure_ascii=False) for kept in sorted([*others, run], key=lambda kept: kept["seed"]))
            unfinished.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            os.replace(unfinished, path)  # noqa: PTH105

    def runs(self, task: str, algorithm: str) -> list[Run]:
        """All runs, by seed."""
        path = self._path(task, algorithm)
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def current(self, task: str, algorithm: str) -> list[Run]:
        """The runs whose configuration is that of the newest run, by seed."""
        runs = self.runs(task, algorithm)
        if not runs:
            return []
        newest = max(runs, key=lambda run: str(run["circumstances"]["time"]))
        return [run for run in runs if run["configuration"] == newest["configuration"]]

    def missing(self, task: str, algorithm: str, configuration: dict[str, Any], seeds: Iterable[int]) -> list[int]:
        """The seeds without a run of this configuration."""
        wanted = as_json(configuration)
        done = {run["seed"] for run in self.runs(task, algorithm) if run["configuration"] == wanted}
        return [seed for seed in seeds if seed not in done]

    def _path(self, task: str, algorithm: str) -> Path:
        return self._folder / f"{task}-{algorithm}.jsonl"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def as_json(value: Any) -> Any:
    """The value as it comes back from a file: tuples as lists."""
    return json.loads(json.dumps(value))
