"""`grpo keys`: API keys of the server on this machine."""

import sys

import rich_click as click

from adapters.cli.machine import Machine
from adapters.cli.output import note, print_table, write_json
from adapters.cli.session import local

_FILE = click.option("--file", metavar="FILE", help="The keys file; default: the setting api_keys_file (GRPO_API_KEYS_FILE).")


@click.group()
def keys() -> None:
    """Make, list and revoke API keys of the server on this machine."""


@keys.command("create")
@local
@click.argument("name")
@click.option("--scopes", required=True, metavar="LIST", help="Comma list of read, infer, train, admin.")
@click.option(
    "--limit", "limits", multiple=True, metavar="LIMIT=NUMBER", help="The key's own limit, as often as needed; 0 = none."
)
@_FILE
def create(machine: Machine, name: str, scopes: str, limits: tuple[str, ...], file: str | None, as_json: bool) -> None:
    """Make a key and show it, this once."""
    key = machine.keys.create(file, name, scopes, limits)
    if as_json:
        write_json({"name": name, "key": key})
        return
    # The key alone goes to standard output, so that a script can take it.
    note(f"A key for {name}. It is shown this once and kept nowhere:")
    sys.stdout.write(key + "\n")


@keys.command("list")
@local
@_FILE
def list_(machine: Machine, file: str | None, as_json: bool) -> None:
    """Show all keys, without their secrets."""
    entries = machine.keys.entries(file)
    if as_json:
        write_json({"keys": entries})
        return
    print_table(
        ["ID", "CREATED", "SCOPES", "LIMITS", "NAME"],
        [
            [
                entry.id,
                f"{entry.created_at:%Y-%m-%d %H:%M}",
                ",".join(entry.scopes),
                " ".join(f"{name}={limit}" for name, limit in sorted(entry.limits.items())) or "-",
                entry.name,
            ]
            for entry in entries
        ],
    )


@keys.command("revoke")
@local
@click.argument("key_id", metavar="ID")
@_FILE
def revoke(machine: Machine, key_id: str, file: str | None, as_json: bool) -> None:
    """End a key, also for a running server."""
    machine.keys.revoke(file, key_id)
    if as_json:
        write_json({"revoked": key_id})
    else:
        note(f"The key {key_id} opens nothing any more; a running server knows within a second.")
