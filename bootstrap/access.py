"""From settings to the rules of the gate."""

from pathlib import Path

from adapters.http.gate import AccessRules
from adapters.storage.keys_file import LIMITS, KeysFile
from application.access import Limits, with_changes
from bootstrap.listener import is_loopback
from bootstrap.lists import hosts, origins
from bootstrap.settings import Settings

LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "[::1]"}


def access_rules(settings: Settings, address: str) -> AccessRules:
    """`address`: the numeric one that the server listens on. Raises StorageFailure for keys that cannot be read."""
    limits = with_changes(Limits(), {name: getattr(settings, f"limit_{name}") for name in LIMITS})
    return AccessRules(
        key_owner=KeysFile(Path(settings.api_keys_file), limits) if settings.api_keys_file else None,
        limits=limits,
        allowed_hosts=_allowed_hosts(settings, address),
        cors_origins=frozenset(origins(settings.cors_origins)),
    )


def _allowed_hosts(settings: Settings, address: str) -> frozenset[str] | None:
    """Without keys a page that gives its own name the address of this machine would be let in: only known names are served."""
    named = hosts(settings.allowed_hosts)
    if not named and (settings.api_keys_file or not is_loopback(address)):
        return None
    return frozenset({*LOOPBACK_HOSTS, settings.host.lower(), *named})
