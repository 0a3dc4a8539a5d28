"""Writes what happens in a rollout, step by step, into one array for each quantity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_CAPACITY = 64


class Column:
    """Rows of one quantity as [T, …], copied in one by one; room for at most `length` of them, made as it is needed."""

    def __init__(self, length: int) -> None:
        self._length, self._count = length, 0
        self._rows: NDArray[Any] = np.empty(0)

    def append(self, row: NDArray[Any]) -> None:
        """Every row has the shape and type of the first."""
        if self._count == len(self._rows):
            self._grow(row)
        self._rows[self._count] = row
        self._count += 1

    def array(self) -> NDArray[Any]:
        """All rows so far."""
        return self._rows[: self._count]

    def _grow(self, row: NDArray[Any]) -> None:
        capacity = min(max(FIRST_CAPACITY, 2 * self._count), self._length)
        grown = np.empty((capacity, *row.shape), row.dtype)
        if self._count:
            grown[: self._count] = self._rows
        self._rows = grown
