"""Settings that hold several values: text with commas, since the environment has nothing else."""

import re
from collections.abc import Callable

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_HOST = re.compile(r"[\w.-]+|\[[0-9a-f:.]+\]")


def items(text: str) -> list[str]:
    """The values between the commas."""
    return [item for item in (part.strip() for part in text.split(",")) if item]


def origins(text: str) -> list[str]:
    """Sites, each scheme://host[:port]. Raises ValueError."""
    return _checked(text, _ORIGIN, lambda item: f"{item!r} is no origin; write scheme://host or scheme://host:port, and no *")


def hosts(text: str) -> list[str]:
    """Names or addresses of this server, without ports. Raises ValueError."""
    return _checked(text, _HOST, lambda item: f"{item!r} is no host; write a name or an address without scheme and port")


def patterns(text: str) -> list[str]:
    """Environment ids and patterns of such. Raises ValueError where there is none."""
    found = items(text)
    if not found:
        raise ValueError("it names no environment; write ids, patterns such as MyGame/*, gymnasium, or * for all")
    return found


CHECKS: dict[str, Callable[[str], list[str]]] = {"cors_origins": origins, "allowed_hosts": hosts, "env_allow": patterns}


def _checked(text: str, form: re.Pattern[str], sentence: Callable[[str], str]) -> list[str]:
    found = [item.lower() for item in items(text)]
    for item in found:
        if not form.fullmatch(item):
            raise ValueError(sentence(item))
    return found
