"""What rows of any table have in common: damage is found, told, and does not hide the rows beside it."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from domain.errors import CorruptData

Row = dict[str, Any]
Read = TypeVar("Read")

logger = logging.getLogger("grpo.storage")


def readable(rows: Iterable[Row], read: Callable[[Row], Read]) -> Iterator[Read]:
    """The rows that can be read, one after the other; of the others the log tells."""
    for row in rows:
        try:
            yield read(row)
        except CorruptData as error:
            logger.error("left out of a list: %s", error)  # noqa: TRY400 (the sentence says all)


def sha256(data: bytes) -> str:
    """The digest in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def checked(row: Row, what: str) -> bytes:
    """The bytes of a row. Raises CorruptData when they are not those that were written."""
    data = row["data"]
    if not isinstance(data, bytes) or sha256(data) != row["sha256"]:
        raise CorruptData(f"The stored {what} is damaged: its SHA-256 is not the one that was written.")
    return data
