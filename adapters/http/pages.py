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
# What ReDoc loads by itself where it comes from a CDN.
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
    """Allows the scripts, styles and icons that stand in the page, by address or hash, and requests to this server.

    Other hosts are named only where the page itself loads a script from one.
    """
    scripts: list[str] = []
    styles: list[str] = []
    icons: list[str] = []
    for script in _SCRIPT.finditer(html):
        source = _SOURCE.search(script["attributes"])
        scripts.append(_origin(source[1].decode()) if source else _hash(script["code"]))
    for link in _LINK.findall(html):
        target = _TARGET.search(link)
        if target:
            (styles if b"stylesheet" in link else icons).append(_origin(target[1].decode()))
    foreign = any(script.startswith("http") for script in scripts)
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src", *dict.fromkeys(scripts)]),
            # Both pages write styles while they run.
            " ".join(["style-src 'unsafe-inline'", *dict.fromkeys(styles)]),
            " ".join(["img-src 'self' data:", *([_LOGO, *icons] if foreign else [])]),
            f"font-src {_FONTS if foreign else 'data:'}",
            "connect-src 'self'",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _origin(address: str) -> str:
    """How a policy names what stands on this server, or the address of what does not."""
    return "'self'" if address.startswith("/") else address


def _hash(code: bytes) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(code).digest()).decode()}'"
