"""What the command line needs of the machine that it runs on. The composition root provides it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Check:
    """One thing that `grpo doctor` looked at. `advice`: what to do about it; empty if all is well."""

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Key:
    """An API key without its secret."""

    id: str
    name: str
    scopes: Sequence[str]
    limits: Mapping[str, int]
    created_at: datetime


@dataclass(frozen=True)
class Reached:
    """A service on this machine. `trains`: it takes up jobs."""

    socket: Path
    trains: bool


class Keys(Protocol):
    """The keys file. `file`: its path, None for that of the settings. All raise CommandFailed."""

    def create(self, file: str | None, name: str, scopes: str, limits: Sequence[str]) -> str:
        """Make a key; the only time that it can be seen. `limits`: each NAME=NUMBER."""

    def entries(self, file: str | None) -> Sequence[Key]:
        """All keys in order of their making."""

    def revoke(self, file: str | None, key_id: str) -> None:
        """End a key, also for a running server."""


class Machine(Protocol):
    """The service on this machine."""

    version: str
    settings: Mapping[str, str]
    """What each setting of the server is for, by its name."""

    @property
    def keys(self) -> Keys:
        """The keys file."""

    def serve(self, arguments: Sequence[str]) -> None:
        """Serve until SIGINT or SIGTERM, with settings as flags. Raises SystemExit."""

    def open(self, data_dir: str | None, config: str | None, *, trains: bool, joins: bool) -> AbstractContextManager[Reached]:
        """The service on a data folder, behind a Unix socket until the block is left.

        It runs within this process; or, if `joins` and another command holds the folder, within that one.
        `trains`: it takes up jobs, also those that an earlier process left. Raises CommandFailed if the folder cannot be
        opened, for instance because a server holds it.
        """

    def examine(self, data_dir: str | None, config: str | None) -> Iterable[Check]:
        """Look at the installation, one thing after another."""
