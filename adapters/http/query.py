"""Parameters behind the question mark: a misspelt one must not go unnoticed, since a deletion may hang on it."""

from typing import Any

from litestar import Request

from domain.errors import FieldError, InvalidQuery


def refuse_unknown(request: Request[Any, Any, Any], *single: str, several: str | None = None) -> None:
    """Raises InvalidQuery for a parameter that is not named here, or one of `single` that is given more than once."""
    allowed = [*single, *([several] if several else [])]
    errors = [
        FieldError(name, f"Unknown parameter {name[:100]!r}; allowed: {', '.join(allowed) or 'none'}.")
        for name in request.query_params
        if name not in allowed
    ]
    given = {name: len(request.query_params.getall(name, [])) for name in single}
    errors += [FieldError(name, f"{name} may be given once, got it {n} times.") for name, n in given.items() if n > 1]
    if errors:
        raise InvalidQuery(*errors)
