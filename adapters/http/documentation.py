"""The two pages that show the schema, Swagger UI and ReDoc, from files that are installed here.

The files are those of the package `offapi` (the extra `[docs]`). Where it is missing, the pages are Litestar's own, which load
theirs from a CDN.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin, RedocRenderPlugin, SwaggerRenderPlugin
from litestar.params import FromPath

from adapters.http.pages import page

ASSETS = "/docs/assets/{version:str}/{name:str}"
TYPES = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
    "redoc.js": "text/javascript",
}
# ReDoc loads its name in the menu as a picture from its makers' host; this one stands in the script itself.
_PICTURES = (b"https://cdn.redoc.ly/redoc/logo-mini-full.svg", b"https://cdn.redoc.ly/redoc/logo-mini.svg")
_OWN_PICTURE = (
    b"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='44' height='12'>"
    b"<text y='10' font-family='sans-serif' font-size='11'>Redocly</text></svg>"
)

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GRPO API</title>
<link rel="icon" href="data:,">
<style>body {{ margin: 0 }}</style>
"""
_SWAGGER = """<link rel="stylesheet" href="{assets}/swagger_style.css">
<script src="{assets}/swagger_bundle.js"></script>
</head>
<body>
<div id="page"></div>
<script>
SwaggerUIBundle({{
  url: "/openapi.json", dom_id: "#page", validatorUrl: null, deepLinking: true, displayRequestDuration: true,
  filter: true, defaultModelsExpandDepth: 0, requestSnippetsEnabled: true
}});
</script>
</body>
</html>
"""
_REDOC = """<script type="module" src="{assets}/redoc.js"></script>
</head>
<body>
<div id="page"></div>
<script type="module">
import {{ init }} from "{assets}/redoc.js";
init("/openapi.json", {{ disableTelemetry: true }}, document.getElementById("page"));
</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    media_type: str
    etag: str


def documentation_routes(folder: Path | None) -> Router:
    """`/docs`, `/redoc`, and where there is a folder of `offapi`, the files that they load."""
    swagger, redoc = (
        (_litestars(SwaggerRenderPlugin()), _litestars(RedocRenderPlugin()))
        if folder is None
        else (_installed(_SWAGGER), _installed(_REDOC))
    )

    @get("/docs", sync_to_thread=False, include_in_schema=False)
    def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
        return page(swagger(request))

    @get("/redoc", sync_to_thread=False, include_in_schema=False)
    def redoc_page(request: Request[Any, Any, Any]) -> Response[bytes]:
        return page(redoc(request))

    if folder is None:
        return Router("/", route_handlers=[docs, redoc_page])
    read = cache(lambda name: _read(folder / name))

    @get(ASSETS, sync_to_thread=True, include_in_schema=False)
    def asset(request: Request[Any, Any, Any], version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
        if name not in TYPES or version != _installed_version():
            raise NotFoundException
        found = read(name)
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": found.etag}
        if found.etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)

    return Router("/", route_handlers=[docs, redoc_page, asset])


def installed_assets() -> Path | None:
    """The folder of the package, or None. It is not imported: that would read all its files into memory."""
    found = find_spec("offapi")
    folders = found.submodule_search_locations if found else None
    return Path(folders[0]) if folders else None


@cache
def _installed_version() -> str:
    return version("offapi")


def _installed(template: str) -> Callable[[Request[Any, Any, Any]], bytes]:
    assets = ASSETS.replace("/{name:str}", "").replace("{version:str}", _installed_version())
    html = (_HEAD + template).format(assets=assets).encode()
    return lambda _: html


def _litestars(plugin: OpenAPIRenderPlugin) -> Callable[[Request[Any, Any, Any]], bytes]:
    return lambda request: plugin.render(request, request.app.openapi_schema.to_schema())


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    for picture in _PICTURES:
        content = content.replace(picture, _OWN_PICTURE)
    return Asset(content, TYPES[path.name], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
