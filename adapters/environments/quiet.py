"""Python warnings of foreign code, kept away from people who can do nothing about them."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_filters = threading.RLock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Drop every warning raised inside.

    One thread at a time: `warnings.catch_warnings` swaps a list of the whole process, and two threads that leave it in
    the wrong order would leave it swapped for ever.
    """
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
