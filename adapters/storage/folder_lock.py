"""One process for one data folder: a lock that the operating system takes away when the process ends, however it ends."""

import sys
import time
from pathlib import Path

import msgspec

from domain.errors import StorageFailure

if sys.platform != "win32":
    import fcntl

NAME = "grpo.lock"
POLL_SECONDS = 0.05


class Holder(msgspec.Struct, frozen=True):
    """Who holds a folder, and where it is reached: a server at its `url`, a command at its Unix `socket`.

    `trains`: it takes up jobs.
    """

    pid: int
    url: str | None = None
    socket: str | None = None
    trains: bool = False


class FolderInUse(StorageFailure):
    """Another process holds the folder: `holder`, where it has said who it is."""

    def __init__(self, holder: Holder | None) -> None:
        self.holder = holder
        if holder is None:
            who = "another process is using it"
        elif holder.url is None:
            who = f"another grpo command is using it, process {holder.pid}"
        else:
            who = f"another server is using it, at {holder.url}"
        super().__init__(f"{who}; stop that one, or give this one a folder of its own.")


class FolderLock:
    """Holds a folder until `close`, and says in the lock file who does.

    A command is soon done, so `patience_seconds` are waited for it; a server is not waited for.
    Raises FolderInUse when another process holds the folder, StorageFailure when it cannot be used.
    """

    def __init__(self, folder: Path, holder: Holder | None = None, patience_seconds: float = 0.0) -> None:
        end = time.monotonic() + patience_seconds
        try:
            self._file = (folder / NAME).open("a")
        except OSError as error:
            raise StorageFailure(f"{NAME} cannot be opened: {error}.") from error
        while not self._taken():
            other = holder_of(folder)
            if time.monotonic() >= end or (other is not None and other.url is not None):
                self._file.close()
                raise FolderInUse(other)
            time.sleep(POLL_SECONDS)
        self._write(holder)

    def _taken(self) -> bool:
        if sys.platform != "win32":
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    def _write(self, holder: Holder | None) -> None:
        """What a process wrote that was killed is written over."""
        try:
            self._file.truncate(0)
            if holder is not None:
                self._file.write(msgspec.json.encode(holder).decode())
                self._file.flush()
        except OSError as error:
            self._file.close()
            raise StorageFailure(f"{NAME} cannot be written: {error}.") from error

    def close(self) -> None:
        """Idempotent."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()


def holder_of(folder: Path) -> Holder | None:
    """Who says that it holds the folder; it may have been killed since. None where nobody does."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None
