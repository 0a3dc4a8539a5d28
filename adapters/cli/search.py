"""What a sweep searches, as people write it."""

from collections.abc import Mapping
from typing import Any

from adapters.cli.failures import CommandFailed, ExitCode
from adapters.cli.fields import assignment, json_or_text

EXAMPLE = "learning_rate=1e-4..1e-2:log"


def parse_search(searched: tuple[str, ...]) -> dict[str, Mapping[str, Any]]:
    """FIELD=VALUES, of each field once."""
    space: dict[str, Mapping[str, Any]] = {}
    for given_text in searched:
        name, text = assignment("--search", given_text, EXAMPLE)
        if name in space:
            raise CommandFailed(ExitCode.USAGE, f"--search {name}: the field is given twice.")
        space[name] = _dimension(name, text)
    return space


def _dimension(name: str, text: str) -> Mapping[str, Any]:
    """LOW..HIGH, LOW..HIGH:log, a JSON list of choices, or a JSON object as in POST /sweeps."""
    value = json_or_text(text)
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {"type": "categorical", "choices": value}
    low, dots, high = text.removesuffix(":log").partition("..")
    ends = [json_or_text(end) for end in (low, high)]
    if not dots or any(isinstance(end, bool) or not isinstance(end, int | float) for end in ends):
        raise CommandFailed(
            ExitCode.USAGE,
            f"--search {name}: write LOW..HIGH, LOW..HIGH:log, or a JSON list of choices, got {text!r}.",
        )
    kind = "int" if all(isinstance(end, int) for end in ends) else "float"
    return {"type": kind, "low": ends[0], "high": ends[1], "log": text.endswith(":log")}
