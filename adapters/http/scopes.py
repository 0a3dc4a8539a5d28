"""Which scope a route needs. One that is not named here needs that of its method, so that none is open by oversight."""

from functools import cache

from application.access import Scope

PUBLIC = {"/", "/docs", "/docs/assets/{version}/{name}", "/redoc", "/openapi.json", "/dashboard", "/dashboard/{path}"}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
ACTING = {
    "/inference",
    "/models/{model_name}/evaluate",
    "/models/{model_name}/replay",
    "/models/{model_name}/play",
    "/plays/{play_id}/push",
}
_BY_METHOD = {"GET": Scope.READ, "HEAD": Scope.READ, "POST": Scope.TRAIN}


def is_probe(path: str) -> bool:
    """Health checks, which are never refused: whoever asks too often would otherwise take the server for dead."""
    return path.startswith("/health")


@cache
def needed_scope(method: str, path: str) -> Scope | None:
    """`path`: the route's template, such as /models/{model_name}. None = open to everybody."""
    if path in PUBLIC or is_probe(path) or method == "OPTIONS":
        return None
    if path in ACTING:
        return Scope.INFER
    return _BY_METHOD.get(method, Scope.ADMIN)
