"""A PostgreSQL server for tests: GRPO_TEST_POSTGRES_URL, or one on 127.0.0.1:5432; each user gets a schema of its own."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
import pytest
from psycopg import sql

GUESSES = [
    f"postgresql://{user}@127.0.0.1:5432/{database}" for user in ("postgres", "root") for database in ("test", "postgres")
]


@cache
def server() -> tuple[str, str]:
    """A URL and "", or "" and why there is none."""
    given = os.environ.get("GRPO_TEST_POSTGRES_URL")
    reasons = []
    for url in [given] if given else GUESSES:
        try:
            psycopg.connect(url, connect_timeout=3).close()
        except psycopg.Error as error:
            reasons.append(str(error).partition("\n")[0])
        else:
            return url, ""
    return "", f"no PostgreSQL server (GRPO_TEST_POSTGRES_URL names one): {reasons[0]}"


def url_or_skip() -> str:
    """Where the server is; skips the test with the reason where there is none."""
    url, reason = server()
    if reason:
        pytest.skip(reason)
    return url


@contextmanager
def schema() -> Iterator[str]:
    """The URL of a new, empty schema, which is dropped afterwards."""
    url, name = url_or_skip(), f"grpo_test_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("create schema {}").format(sql.Identifier(name)))
    try:
        yield f"{url}?application_name={name}&options=-csearch_path%3D{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))


def empty(url: str) -> None:
    """Remove every row."""
    with psycopg.connect(url) as connection:
        connection.execute("truncate jobs, checkpoints, events, model_names, model_versions, servers, sweeps, sweep_trials")
