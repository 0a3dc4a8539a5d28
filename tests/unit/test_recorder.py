"""Columns of a rollout."""

import numpy as np
import pytest

from domain.recorder import FIRST_CAPACITY, Column


@pytest.mark.parametrize("count", [1, 3, FIRST_CAPACITY, FIRST_CAPACITY + 1, 5 * FIRST_CAPACITY])
@pytest.mark.parametrize("room", [0, 1, 1_000_000])
def test_rows_then_come_back_in_order_with_their_type(count: int, room: int) -> None:
    column = Column(count + room)
    for number in range(count):
        column.append(np.full((2, 3), number, dtype=np.float32))
    assert column.array().shape == (count, 2, 3)
    assert column.array().dtype == np.float32
    assert column.array()[:, 1, 2].tolist() == [*range(count)]


def test_row_when_changed_afterwards_then_leaves_the_column_as_it_was() -> None:
    column, row = Column(5), np.array([True, False])
    column.append(row)
    row[:] = False
    column.append(row)
    assert column.array().tolist() == [[True, False], [False, False]]
