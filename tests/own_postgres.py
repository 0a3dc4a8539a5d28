"""A PostgreSQL server that a test may stop and start: a cluster of its own, on a port of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.e2e.server import free_port


class OwnPostgres:
    """The database server of one test, in a folder of its own."""

    def __init__(self) -> None:
        """Skips the test where PostgreSQL's programs are not installed."""
        self._programs, self._user = programs_or_skip(), user_or_skip()
        self._folder = tempfile.TemporaryDirectory(prefix="grpo-postgres-")  # pytest's are closed to other users
        self._data = Path(self._folder.name) / "data"
        self._port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        if self._user is not None:
            shutil.chown(self._folder.name, self._user)
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-locale", "--encoding=UTF8")

    def start(self) -> None:
        """Returns when it answers."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        self._run("pg_ctl", "start", "--wait", f"--log={self._data}/log", f"--options={options}")

    def stop(self, mode: str) -> None:
        """`mode`: "fast" ends the connections in order, "immediate" is a crash."""
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}")

    def close(self) -> None:
        self.stop("immediate")
        self._folder.cleanup()

    def _run(self, program: str, *arguments: str) -> None:
        # Its output goes nowhere: the server that pg_ctl starts would hold a pipe open.
        command = [self._programs / program, f"--pgdata={self._data}", *arguments]
        subprocess.run(command, check=True, timeout=60, cwd="/", user=self._user, stdout=subprocess.DEVNULL)


def programs_or_skip() -> Path:
    """The folder of `initdb` and `pg_ctl`: on the path, or where Debian puts them."""
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    for folder in [*on_path, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]:
        if all((folder / program).exists() for program in ("initdb", "pg_ctl", "postgres")):
            return folder
    pytest.skip("PostgreSQL's programs are not installed (apt-get install postgresql)")


def user_or_skip() -> str | None:
    """Whom it runs as; None: whoever runs the tests. PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
