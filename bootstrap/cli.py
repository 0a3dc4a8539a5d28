"""The command line `grpo`, also as `python -m bootstrap.cli`, with the services of this machine.

Heavy packages (numpy, Litestar) are imported only by the commands that need them, so that the others answer at once.
"""

import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from types import FrameType
from typing import NoReturn

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.machine import Check, Keys, Reached
from adapters.cli.root import run
from adapters.cli.streams import prepare
from bootstrap import settings
from bootstrap.version import VERSION


class ThisMachine:
    """The service on this machine, with the settings of its environment."""

    version = VERSION
    settings: Mapping[str, str] = settings.option_texts()

    @cached_property
    def keys(self) -> Keys:
        from bootstrap.keys_of_settings import KeysOfSettings

        return KeysOfSettings()

    def serve(self, arguments: Sequence[str]) -> None:
        from bootstrap import main

        main.main(arguments)

    def open(self, data_dir: str | None, config: str | None, *, trains: bool, joins: bool) -> AbstractContextManager[Reached]:
        loaded = _load(data_dir, config)
        settings.use_one_blas_thread()  # before numpy is imported
        from bootstrap.in_process import service

        return service(loaded, trains=trains, joins=joins)

    def examine(self, data_dir: str | None, config: str | None) -> Iterable[Check]:
        settings.use_one_blas_thread()
        from bootstrap.doctor import examine

        return examine(lambda: _load(data_dir, config))


def _load(data_dir: str | None, config: str | None) -> settings.Settings:
    flags = [f"--{name}={value}" for name, value in (("data-dir", data_dir), ("config", config)) if value is not None]
    try:
        return settings.of_this_process(flags)
    except settings.InvalidSettings as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Carry out one command and end the process with its exit code."""
    prepare()
    signal.signal(signal.SIGTERM, _terminate)
    # A terminal that is closed; a command that nohup has started ignores it.
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _hang_up)
    sys.exit(run(ThisMachine(), sys.argv[1:] if arguments is None else arguments))


def _terminate(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    """End as after any other command: a job that is being trained comes to a checkpoint, from which it can go on."""
    sys.exit(ExitCode.TERMINATED)


def _hang_up(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """Do as at SIGTERM, once: a shell and the system may both tell of the same closed terminal."""
    signal.signal(number, signal.SIG_IGN)
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    main()
