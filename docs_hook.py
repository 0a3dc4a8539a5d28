"""A hook of mkdocs: what a page links to outside of docs/, such as the examples, is no part of the site, and only named."""

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+examples/[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page without the addresses of those links."""
    return _OUTSIDE.sub(r"\1", markdown)
