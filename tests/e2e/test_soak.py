"""The short form of `make soak`: jobs come and go, and leave no process, thread, file handle or file behind."""

from pathlib import Path

import pytest

from benchmarks.server import Server
from benchmarks.soak import soak

JOBS = 12


@pytest.mark.slow
def test_server_after_many_jobs_holds_what_it_held_before(tmp_path: Path) -> None:
    with Server(temporary=str(tmp_path), max_concurrent_jobs="2") as server:
        before, after = soak(server, JOBS)
    assert after == before
    assert before.processes >= 3
    assert before.data_files >= 2
