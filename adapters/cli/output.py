"""Output of commands: JSON for programs, text for people; colours only on a terminal."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from grpo_client.progress import printable

STATUS_STYLES = {"completed": "green", "failed": "red", "stopped": "yellow", "running": "cyan", "stopping": "yellow"}


def terminal() -> Console:
    """Standard output as it is now. Rich honours NO_COLOR, and finds out whether it is a terminal."""
    return Console(highlight=False, markup=False, emoji=False)


def clean(text: object) -> str:
    """Text of a server as one line, with the codes of what would control the terminal."""
    return printable(str(text))


def say(*parts: str | tuple[str, str], to: Console | None = None) -> None:
    """Print texts and (text, style) pairs. A terminal breaks them between words, a pipe gets one line however long it is."""
    line = Text.assemble(*((clean(part), "") if isinstance(part, str) else (clean(part[0]), part[1]) for part in parts))
    console = to or terminal()
    console.print(line, soft_wrap=not console.is_terminal)


def note(sentence: str) -> None:
    """Write a hint to standard error."""
    say((sentence, "dim"), to=Console(stderr=True, highlight=False, markup=False, emoji=False))


def write_json(value: Any) -> None:
    """One JSON document on a line of its own, at once; in UTF-8, as JSON always is, whatever the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(value, enc_hook=str) + b"\n")
    sys.stdout.buffer.flush()


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Columns side by side, those of `numbers` flush right. A terminal shows what fits; a pipe gets all."""
    lines = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(headers, *lines, strict=True)]
    console = terminal()
    for row, line in enumerate([[*headers], *lines]):
        text = Text()
        for header, cell, width in zip(headers, line, widths, strict=True):
            blank = " " * (width - cell_len(cell))
            style = "bold" if row == 0 else STATUS_STYLES.get(cell, "") if header == "STATUS" else ""
            text.append(blank + cell if header in numbers else cell + blank, style).append("  ")
        text.rstrip()
        if console.is_terminal:
            console.print(text, overflow="ellipsis", no_wrap=True)
        else:
            console.print(text, soft_wrap=True)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Names and values below one another; those that are None are left out."""
    shown = [(name, value) for name, value in fields if value is not None]
    width = max((cell_len(name) for name, _ in shown), default=0)
    for name, value in shown:
        style = STATUS_STYLES.get(str(value), "") if name == "status" else ""
        say((name.ljust(width) + "  ", "dim"), (str(value), style))


def number(value: float | None) -> str:
    """A figure as people read it: 12,400 or 187.3 or 0.0312."""
    if value is None:
        return "-"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """Minutes and seconds, with hours where there are some."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(iso: str | datetime | None) -> str:
    """A time of the API in this machine's zone, to the second."""
    if iso is None:
        return "-"
    time = datetime.fromisoformat(iso) if isinstance(iso, str) else iso
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size(size_bytes: int) -> str:
    """A number of bytes."""
    return f"{size_bytes / 1024:,.1f} KiB" if size_bytes < 1024 * 1024 else f"{size_bytes / 1024 / 1024:,.1f} MiB"
