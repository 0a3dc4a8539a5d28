"""One server for one data folder: a lock that the operating system takes away when the process ends, however it ends."""

import sys
from pathlib import Path

from domain.errors import StorageFailure

if sys.platform != "win32":
    import fcntl

NAME = "grpo.lock"


class FolderInUse(StorageFailure):
    """Another process holds the folder."""


class FolderLock:
    """Holds a folder until `close`. Raises FolderInUse when another process holds it, StorageFailure when it cannot be used."""

    def __init__(self, folder: Path) -> None:
        try:
            self._file = (folder / NAME).open("a")
        except OSError as error:
            raise StorageFailure(f"{NAME} cannot be opened: {error}.") from error
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                self._file.close()
                raise FolderInUse("another server is using it; stop that one, or give this one a folder of its own.") from error

    def close(self) -> None:
        """Idempotent."""
        self._file.close()
