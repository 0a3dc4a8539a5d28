"""Which names a model may have."""

import re

from domain.errors import FieldError, InvalidModelName

MAX_LENGTH = 128
_ALLOWED = re.compile(r"[^\W_][\w.\-]*")


def model_name_error(name: object) -> str | None:
    """The sentence that says why `name` is not allowed, or None.

    Allowed: 1–128 characters, letters and digits of any script, `.`, `_` and `-`; the first a letter or digit.
    """
    if isinstance(name, str) and 1 <= len(name) <= MAX_LENGTH and _ALLOWED.fullmatch(name):
        return None
    shown = repr(name) if not isinstance(name, str) or len(name) <= MAX_LENGTH else f"{name[:20]!r}… ({len(name)} characters)"
    return (
        f"model_name must have 1 to {MAX_LENGTH} characters, letters and digits of any script, '.', '_' or '-', "
        f"and begin with a letter or digit, got {shown}."
    )


def check_model_name(name: str) -> str:
    """Return `name`, or raise InvalidModelName."""
    if error := model_name_error(name):
        raise InvalidModelName(FieldError("model_name", error))
    return name
