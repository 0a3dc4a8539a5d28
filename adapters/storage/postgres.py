"""One PostgreSQL database: how it is reached, written and read, and what its errors mean to people."""

import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from adapters.storage.postgres_migrations import migrate
from domain.errors import StorageFailure

CONNECT_SECONDS, HASTY_SECONDS = 3, 0.1
MOST_CONNECTIONS = 16
# Whoever waits for the database holds a lock of the queue or a thread of a request: an error is better than a long wait.
SESSION = "set statement_timeout = '20s'; set lock_timeout = '5s'; set idle_in_transaction_session_timeout = '60s'"
TCP: dict[str, Any] = {
    "fallback_application_name": "grpo",
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 10_000,
}
SENTENCES = {
    "22021": "it cannot hold the character U+0000",
    "25006": "it may only be read",
    "40P01": "two changes waited for one another",
    "42501": "the user may not use its tables",
    "42P01": "a table is missing",
    "53100": "its disk is full",
    "53200": "it has no memory left",
    "53300": "it takes no further connection",
    "55P03": "somebody else has locked what is to be changed",
    "57014": "it took too long",
    "57P01": "it is being shut down",
    "57P02": "it has crashed and comes back",
    "57P03": "it is starting or being shut down",
}


class PostgresDatabase:
    """A pool of connections for all threads. Make it with `open_postgres`.

    `token` tells this process from others in notifications, which go over `channel`.
    """

    def __init__(self, pool: "ConnectionPool[Connection[DictRow]]", schema: str) -> None:
        self._pool = pool
        self._mine = threading.local()
        self._hasty_until = 0.0
        self.token = secrets.token_hex(4)
        self.channel = f"grpo {schema}"[:63]

    @contextmanager
    def alone(self, *, queue: bool = False) -> Iterator[None]:
        """One transaction for all that this thread does in the block; `queue`: under a lock that one server has at a time."""
        if self.is_alone:
            raise RuntimeError("alone is not nested")
        with self._connection() as connection:
            self._mine.connection = connection
            try:
                if queue:
                    connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [self.channel])
                yield
            finally:
                self._mine.connection = None

    @property
    def is_alone(self) -> bool:
        """Whether this thread is within `alone`."""
        return getattr(self._mine, "connection", None) is not None

    @contextmanager
    def transaction(self) -> "Iterator[Connection[DictRow]]":
        """A connection whose changes are kept unless an error leaves the block; within `alone`, at the end of that.

        Raises StorageFailure.
        """
        if self.is_alone:
            with translated():
                yield self._mine.connection
            return
        with self._connection() as connection:
            yield connection

    def notify(self, connection: "Connection[DictRow]", kind: str, key: str) -> None:
        """Tell the other servers, when the transaction is kept."""
        connection.execute("select pg_notify(%s, %s)", [self.channel, f"{self.token} {kind} {key}"])

    @contextmanager
    def _connection(self) -> "Iterator[Connection[DictRow]]":
        """From the pool. Where somebody has just waited in vain, those behind do not wait as long again."""
        hasty = time.monotonic() < self._hasty_until
        with translated():
            try:
                with self._pool.connection(HASTY_SECONDS if hasty else CONNECT_SECONDS) as connection:
                    yield connection
            except PoolTimeout:
                if not hasty:
                    self._hasty_until = time.monotonic() + CONNECT_SECONDS
                raise

    def close(self) -> None:
        """Idempotent."""
        self._pool.close()


def open_postgres(url: str) -> PostgresDatabase:
    """Connect and bring the tables up to date. Several servers may do so at once.

    Raises StorageFailure, and has changed nothing then: nobody answers, it lets nobody in, a newer version wrote the tables.
    """
    with translated(), connect(url) as connection:
        schema = migrate(connection)
    pool = ConnectionPool(
        url,
        kwargs=TCP | {"row_factory": dict_row},
        min_size=1,
        max_size=MOST_CONNECTIONS,
        timeout=CONNECT_SECONDS,
        configure=_configure,
        check=ConnectionPool.check_connection,  # one that broke while nobody used it is replaced, not given out
        name="postgres",
        open=True,
    )
    return PostgresDatabase(pool, schema)


def connect(url: str, **options: Any) -> "Connection[Any]":
    """A connection outside of the pool. Raises psycopg.Error."""
    return psycopg.connect(url, **TCP, **options)


def _configure(connection: "Connection[Any]") -> None:
    connection.execute(SESSION)
    connection.commit()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into StorageFailure with a sentence for people, which never holds a password."""
    try:
        yield
    except psycopg.Error as error:
        reason = SENTENCES.get(error.sqlstate or "") or _first_line(error)
        raise StorageFailure(f"The PostgreSQL database cannot be used: {reason}.") from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise StorageFailure(f"The PostgreSQL database cannot hold a value: {error}.") from error


def storable(key: str) -> bool:
    """Whether the database can hold it as text: what it cannot hold it does not have."""
    return "\0" not in key


def _first_line(error: psycopg.Error) -> str:
    """The driver's own words, without its hints and the stages of connecting."""
    lines = str(error).splitlines()
    return re.sub(r"^connection failed: ", "", lines[0] if lines else type(error).__name__).rstrip(".")
