"""Pages for people: HTML with headers that let it load and do only what it was made for."""

import hashlib
import re
from base64 import b64encode
from functools import lru_cache

from litestar import MediaType, Response

_SCRIPT = re.compile(rb"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.DOTALL)
_SOURCE = re.compile(rb"""src=["']([^"']+)["']""")
_LINK = re.compile(rb"<link[^>]*>")
_TARGET = re.compile(rb"""href=["']([^"'?]+)""")
# What the scripts of the documentation load by themselves.
_LOGO, _FONTS = "https://cdn.redoc.ly/redoc/logo-mini.svg", "https://fonts.gstatic.com"


def page(html: bytes) -> Response[bytes]:
    """The page with the headers of a page."""
    headers = {
        "Content-Security-Policy": content_security_policy(html),
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
    }
    return Response(html, media_type=MediaType.HTML, headers=headers)


@lru_cache(8)
def content_security_policy(html: bytes) -> str:
    """Allows the scripts, styles and icons that stand in the page, each by its address or hash, and requests to this server."""
    scripts: list[str] = []
    styles: list[str] = []
    icons: list[str] = []
    for script in _SCRIPT.finditer(html):
        source = _SOURCE.search(script["attributes"])
        scripts.append(source[1].decode() if source else _hash(script["code"]))
    for link in _LINK.findall(html):
        target = _TARGET.search(link)
        if target:
            (styles if b"stylesheet" in link else icons).append(target[1].decode())
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src", *scripts]),
            # Both pages write styles while they run.
            " ".join(["style-src 'unsafe-inline'", *styles]),
            " ".join(["img-src 'self' data:", _LOGO, *icons]),
            f"font-src {_FONTS}",
            "connect-src 'self'",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _hash(code: bytes) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(code).digest()).decode()}'"
