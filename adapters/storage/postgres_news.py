"""What other servers tell over PostgreSQL's LISTEN and NOTIFY."""

import logging
import threading
from collections.abc import Callable

import psycopg
from psycopg import sql

from adapters.storage.postgres import PostgresDatabase, connect

LOOK_SECONDS = 0.5  # between two looks whether to end
RETRY_SECONDS = 1.0

logger = logging.getLogger("grpo.storage")


class PostgresNews:
    """OtherServers over a connection and a thread of its own."""

    def __init__(self, url: str, database: PostgresDatabase) -> None:
        self._url, self._database = url, database
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def listen(self, on_job: Callable[[str], None], on_model: Callable[[str], None], on_gap: Callable[[], None]) -> None:
        heard = {"job": on_job, "model": on_model}
        self._thread = threading.Thread(target=self._run, args=(heard, on_gap), name="news", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self, heard: dict[str, Callable[[str], None]], on_gap: Callable[[], None]) -> None:
        while not self._closed.is_set():
            try:
                self._hear(heard, on_gap)
            except psycopg.Error as error:
                logger.warning("news of other servers come later: %s", str(error).partition("\n")[0])
            except Exception:
                logger.exception("news of other servers are listened to again after an error")
            self._closed.wait(RETRY_SECONDS)

    def _hear(self, heard: dict[str, Callable[[str], None]], on_gap: Callable[[], None]) -> None:
        """Until the connection breaks or `close`."""
        with connect(self._url, autocommit=True) as connection:
            connection.execute(sql.SQL("listen {}").format(sql.Identifier(self._database.channel)))
            on_gap()  # what happened before nobody heard
            while not self._closed.is_set():
                for notification in connection.notifies(timeout=LOOK_SECONDS):
                    token, kind, key = notification.payload.split(" ", 2)
                    if token != self._database.token:
                        heard[kind](key)
