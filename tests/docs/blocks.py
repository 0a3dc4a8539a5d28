"""The code blocks of a document, and what an HTML comment before a block says of it.

<!-- file: NAME -->         the reader saves the block under that name
<!-- server -->             the block starts the server that the rest of the page speaks to
<!-- before: COMMANDS -->   what a test does first, where the page leaves it to the reader
<!-- not run: REASON -->    the block cannot run here
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>file|server|before|not run)(?:: (?P<said>.*?))? -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A block of code, its language, and its mark with what the mark says."""

    page: str
    line: int
    language: str
    code: str
    mark: str
    said: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> list[Block]:
    """All blocks of the page, in order."""
    text = path.read_text(encoding="utf-8")
    page = str(path.relative_to(ROOT))
    return [
        Block(
            page,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["code"],
            found["mark"] or "",
            found["said"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def all_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page)]


def without_comments(code: str) -> str:
    """The code without what stands behind `#`, which a translation may say in its own language."""
    return "\n".join(line.rstrip() for line in re.sub(r"(^|\s)#[^'\"]*$", "", code, flags=re.MULTILINE).splitlines())
