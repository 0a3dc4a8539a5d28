"""The keys file of this machine: what `grpo keys` does to it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.machine import Key
from adapters.storage import keys_file
from application.access import Scope
from bootstrap import settings
from bootstrap.lists import items
from domain.errors import StorageFailure


class KeysOfSettings:
    """The keys file that is named, or that of the settings."""

    def create(self, file: str | None, name: str, scopes: str, limits: Sequence[str]) -> str:
        path = _path(file)
        name, checked = _name(name), _scopes(scopes)
        own = dict(map(_limit, limits))
        try:
            return keys_file.create(path, name, checked, own, datetime.now(UTC))
        except StorageFailure as error:
            raise CommandFailed(ExitCode.FAILED, str(error)) from error

    def entries(self, file: str | None) -> list[Key]:
        try:
            found = keys_file.entries(_path(file))
        except StorageFailure as error:
            raise CommandFailed(ExitCode.FAILED, str(error)) from error
        return [Key(entry.id, entry.name, [*entry.scopes], entry.limits, entry.created_at) for entry in found]

    def revoke(self, file: str | None, key_id: str) -> None:
        path = _path(file)
        try:
            found = keys_file.revoke(path, key_id)
        except StorageFailure as error:
            raise CommandFailed(ExitCode.FAILED, str(error)) from error
        if not found:
            sentence = f"there is no key {key_id!r} in {path}; `grpo keys list` shows those that there are."
            raise CommandFailed(ExitCode.NOT_FOUND, sentence)


def _path(file: str | None) -> Path:
    try:
        path = Path(file or settings.of_this_process([]).api_keys_file)
    except settings.InvalidSettings as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error
    if path == Path():
        sentence = "there is no keys file: name one with --file FILE, or set GRPO_API_KEYS_FILE."
        raise CommandFailed(ExitCode.USAGE, sentence)
    return path


def _name(text: str) -> str:
    if not re.fullmatch(keys_file.NAME, text):
        raise _usage(f"a name has 1 to 64 letters, digits, '.', '_', '-' or spaces, got {text!r}.")
    return text


def _scopes(text: str) -> list[Scope]:
    found = items(text)
    for item in found or [text]:
        if item not in [*Scope]:
            raise _usage(f"--scopes: scopes are {', '.join(Scope)}, got {item!r}.")
    return [scope for scope in Scope if scope in found]


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in keys_file.LIMITS:
        raise _usage(f"--limit: limits are {', '.join(keys_file.LIMITS)}, got {name!r}.")
    if not re.fullmatch(r"[0-9]{1,13}", number) or int(number) > keys_file.MAX_LIMIT:
        raise _usage(f"--limit: a limit is a whole number from 0 to {keys_file.MAX_LIMIT}, got {text!r}.")
    return name, int(number)


def _usage(sentence: str) -> CommandFailed:
    return CommandFailed(ExitCode.USAGE, sentence)
