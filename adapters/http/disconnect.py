"""Work in a thread for a client that may go away before it is done."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from litestar.types import Receive

T = TypeVar("T")


async def while_connected(receive: Receive, work: Callable[[Callable[[], bool]], T]) -> T | None:
    """The result of `work(should_stop)` in a thread; None when the client has gone away meanwhile.

    `should_stop()` becomes true when the client is gone, and when this is cancelled at the end of the server: nobody can end
    a thread from outside.
    """
    stop = threading.Event()
    working = asyncio.ensure_future(asyncio.to_thread(work, stop.is_set))
    working.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, even where nobody waits any more
    leaving = asyncio.ensure_future(_leave(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        stop.set()
        leaving.cancel()


async def _leave(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
