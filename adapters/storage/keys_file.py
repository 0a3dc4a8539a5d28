"""API keys in a JSON file: made, listed, revoked, and looked up at every request.

A key is `grpo_<id>_<secret>`. The secret is 256 random bits, so a fast hash keeps it: nobody can try 2²⁵⁶ of them, whereas a
slow hash, made for words that people choose, would let strangers keep the server busy.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from application.access import Client, Limits, Scope, with_changes
from domain.errors import StorageFailure

NAME = r"\w[\w. -]{0,63}"
LIMITS = [field.name for field in fields(Limits)]
MAX_LIMIT = 10**12
LOOK_SECONDS = 1.0
_SECRET_BYTES = 32
_VERSION = 1
_MODE = 0o600
# What an unknown id is compared with, so that it takes as long as a known one.
_NOBODY = (bytes(32), None)

logger = logging.getLogger("grpo.keys")


class KeyEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A key without its secret."""

    id: Annotated[str, Meta(pattern=r"\A[0-9a-z]{1,32}\Z")]
    name: Annotated[str, Meta(pattern=rf"\A{NAME}\Z")]
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    created_at: Annotated[datetime, Meta(tz=True)]
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    limits: dict[str, Annotated[int, Meta(ge=0, le=MAX_LIMIT)]] = {}

    def __post_init__(self) -> None:
        if unknown := self.limits.keys() - set(LIMITS):
            raise ValueError(f"there is no limit {min(unknown)!r}; known: {', '.join(LIMITS)}")


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: list[KeyEntry]

    def __post_init__(self) -> None:
        if self.version != _VERSION:
            raise ValueError(f"its version is {self.version}, only {_VERSION} can be read")
        if len({entry.id for entry in self.keys}) != len(self.keys):
            raise ValueError("two keys have one id")


def entries(path: Path) -> list[KeyEntry]:
    """All keys of the file, in order of their making. Raises StorageFailure."""
    try:
        # A pipe or a device would be waited for without end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise StorageFailure(f"The keys file {path} is no file.")
        return msgspec.json.decode(path.read_bytes(), type=_Document).keys
    except OSError as error:
        raise StorageFailure(f"The keys file {path} cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StorageFailure(f"The keys file {path} is damaged: {str(error).rstrip('.')}.") from error


def create(path: Path, name: str, scopes: Sequence[Scope], limits: Mapping[str, int], now: datetime) -> str:
    """Add a key to the file, which is made when missing. Returns the key, which is kept nowhere. Raises StorageFailure."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(_SECRET_BYTES)
    entry = KeyEntry(key_id, name, [*scopes], now, hashlib.sha256(secret.encode()).hexdigest(), dict(limits))
    _change(path, lambda present: [*present, entry], missing_is_empty=True)
    return f"grpo_{key_id}_{secret}"


def revoke(path: Path, key_id: str) -> bool:
    """Remove a key; False where there is none of that id. Raises StorageFailure."""
    found: list[KeyEntry] = []

    def remove(present: list[KeyEntry]) -> list[KeyEntry]:
        found.extend(entry for entry in present if entry.id == key_id)
        return [entry for entry in present if entry.id != key_id]

    _change(path, remove, missing_is_empty=False)
    return bool(found)


def _change(path: Path, change: Callable[[list[KeyEntry]], list[KeyEntry]], *, missing_is_empty: bool) -> None:
    """Replace the file in one step. The new file, which one process alone can make, is also the lock."""
    new = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        raise StorageFailure(f"Another command is changing {path}; where none is, remove {new}.") from None
    except OSError as error:
        raise StorageFailure(f"{new} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            present = [] if missing_is_empty and not path.exists() else entries(path)
            document = msgspec.to_builtins(_Document(_VERSION, change(present)))
            file.write(json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException as error:
        new.unlink()
        if isinstance(error, OSError):
            raise StorageFailure(f"{path} cannot be written: {error.strerror}.") from error
        raise


class KeysFile:
    """The keys that are valid now: a file that has changed is read again, within a second.

    A file that is damaged or gone while the server runs lets nobody in, and the log says why. Not thread-safe: it belongs to
    the event loop.
    """

    def __init__(self, path: Path, defaults: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        """`defaults`: limits of a key that names none of its own; `clock`: seconds that never go back.

        Raises StorageFailure for a file that cannot be used.
        """
        self._path, self._defaults, self._clock = path, defaults, clock
        self._looked_at = clock()
        self._clients: dict[str, tuple[bytes, Client]] = {}
        self._stamp = self._read_stamp()
        self._load()

    def __len__(self) -> int:
        return len(self._clients)

    def __call__(self, key: bytes) -> Client | None:
        """Whose key it is; None for one that is malformed, unknown or revoked."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._refresh()
        prefix, _, rest = key.partition(b"_")
        key_id, _, secret = rest.partition(b"_")
        digest, client = self._clients.get(key_id.decode("latin-1"), _NOBODY)
        fits = hmac.compare_digest(hashlib.sha256(secret).digest(), digest)
        return client if fits and prefix == b"grpo" else None

    def _refresh(self) -> None:
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._load()
        except StorageFailure as error:
            self._clients = {}
            logger.error("%s No key is valid until the file can be read again.", error)  # noqa: TRY400 - no trace needed
        else:
            logger.info("%s was read again: %d keys are valid", self._path, len(self))

    def _read_stamp(self) -> tuple[int, ...] | None:
        """What differs when the file has been changed or replaced; None where there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino

    def _load(self) -> None:
        self._clients = {
            entry.id: (
                bytes.fromhex(entry.sha256),
                Client(f"key {entry.id} ({entry.name})", frozenset(entry.scopes), with_changes(self._defaults, entry.limits)),
            )
            for entry in entries(self._path)
        }
