"""The page for people: files of the package, read once, and nothing else of the disk."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

FOLDER = Path(__file__).parent.parent / "dashboard"
MEDIA_TYPES = {
    ".html": MediaType.HTML,
    ".css": MediaType.CSS,
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
# Scripts and styles come from files of this server only; blob: is what the page itself made, such as a plot that it fetched.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class DashboardFile:
    """A file as it is sent. A browser keeps it, and asks with the tag whether it still holds: a new version shows at once."""

    content: bytes
    headers: dict[str, str]
    media_type: str


def read_files(folder: Path = FOLDER) -> dict[str, DashboardFile]:
    """Every file of the page by its path below the folder. What is not among them does not exist."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    # Modules import one another several levels deep; named by the page, they all come in one go.
    modules = [f'<link rel="modulepreload" href="dashboard/{name}">' for name in contents if name.endswith(".js")]
    contents["index.html"] = contents["index.html"].replace(b"<!-- modules -->", "\n    ".join(modules).encode())
    return {name: _file(name, content) for name, content in contents.items()}


def dashboard_routes() -> Router:
    """GET /dashboard and the files that it loads."""
    files = read_files()

    @get("/dashboard", sync_to_thread=False, include_in_schema=False)
    def dashboard(request: Request[Any, Any, Any]) -> Response[bytes] | Redirect:
        """The page. Its links are relative, so that it also works below a prefix of a proxy, but not with a slash behind it."""
        if request.scope["raw_path"].endswith(b"/"):
            return Redirect("../dashboard")
        return _answer(request, files["index.html"])

    @get("/dashboard/{path:path}", sync_to_thread=False, include_in_schema=False)
    def dashboard_file(request: Request[Any, Any, Any], path: FromPath[str]) -> Response[bytes]:
        """A file that the page loads."""
        file = files.get(path.removeprefix("/"))
        if file is None:
            raise NotFoundException
        return _answer(request, file)

    return Router("/", route_handlers=[dashboard, dashboard_file], tags=["system"])


def _file(name: str, content: bytes) -> DashboardFile:
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Content-Security-Policy": POLICY,
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
    return DashboardFile(content, headers, MEDIA_TYPES[Path(name).suffix])


def _answer(request: Request[Any, Any, Any], file: DashboardFile) -> Response[bytes]:
    if request.headers.get("if-none-match") == file.headers["ETag"]:
        return Response(b"", status_code=304, headers=file.headers, media_type=file.media_type)
    return Response(file.content, headers=file.headers, media_type=file.media_type)
