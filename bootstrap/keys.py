"""Makes, lists and revokes API keys: `python -m bootstrap.keys create NAME --scopes read,infer,train`."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from adapters.storage import keys_file
from application.access import Scope
from bootstrap.lists import items
from bootstrap.settings import exit_with, load_or_exit
from domain.errors import StorageFailure


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        exit_with(f"{message}; `python -m bootstrap.keys --help` says more.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit code 2 and one sentence when it cannot be done."""
    given = _parser().parse_args(arguments)
    path = Path(given.file or load_or_exit([]).api_keys_file)
    if path == Path():
        exit_with("there is no keys file: name one with --file FILE, or set GRPO_API_KEYS_FILE.")
    try:
        if given.command == "create":
            _create(path, given.name, given.scopes, dict(given.limit))
        elif given.command == "list":
            _list(path)
        elif not keys_file.revoke(path, given.id):
            exit_with(f"there is no key {given.id!r} in {path}; `list` shows those that there are.")
    except StorageFailure as error:
        exit_with(str(error))


def _create(path: Path, name: str, scopes: list[Scope], limits: dict[str, int]) -> None:
    """The key alone goes to standard output, so that a script can take it."""
    key = keys_file.create(path, name, scopes, limits, datetime.now(UTC))
    print(f"A key for {name}, scopes {', '.join(scopes)}. It is shown this once and kept nowhere:", file=sys.stderr)
    print(key)


def _list(path: Path) -> None:
    for entry in keys_file.entries(path):
        limits = "".join(f" {name}={number}" for name, number in sorted(entry.limits.items()))
        print(f"{entry.id}  {entry.created_at:%Y-%m-%d %H:%M}  {','.join(entry.scopes)}{limits}  {entry.name}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m bootstrap.keys", description="API keys of the server.", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="make a key and show it once", allow_abbrev=False)
    create.add_argument("name", type=_name, help="whose key it is")
    create.add_argument("--scopes", type=_scopes, required=True, help=f"comma list of {', '.join(Scope)}")
    create.add_argument(
        "--limit",
        type=_limit,
        action="append",
        default=[],
        metavar="LIMIT=NUMBER",
        help=f"{', '.join(keys_file.LIMITS)}; 0 = none",
    )
    listed = commands.add_parser("list", help="all keys, without their secrets", allow_abbrev=False)
    revoke = commands.add_parser("revoke", help="end a key, also for a running server", allow_abbrev=False)
    revoke.add_argument("id", help="the key's id, as `list` shows it")
    for command in (create, listed, revoke):
        command.add_argument("--file", help="the keys file; default: the setting api_keys_file (GRPO_API_KEYS_FILE)")
    return parser


def _name(text: str) -> str:
    if not re.fullmatch(keys_file.NAME, text):
        raise argparse.ArgumentTypeError(f"a name has 1 to 64 letters, digits, '.', '_', '-' or spaces, got {text!r}")
    return text


def _scopes(text: str) -> list[Scope]:
    found = items(text)
    for item in found or [text]:
        if item not in [*Scope]:
            raise argparse.ArgumentTypeError(f"scopes are {', '.join(Scope)}, got {item!r}")
    return [scope for scope in Scope if scope in found]


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in keys_file.LIMITS:
        raise argparse.ArgumentTypeError(f"limits are {', '.join(keys_file.LIMITS)}, got {name!r}")
    if not re.fullmatch(r"[0-9]{1,13}", number) or int(number) > keys_file.MAX_LIMIT:
        raise argparse.ArgumentTypeError(f"a limit is a whole number from 0 to {keys_file.MAX_LIMIT}, got {text!r}")
    return name, int(number)


if __name__ == "__main__":
    main()
