"""Where jobs are kept and trained: what cannot be used is told in one sentence before anything begins."""

import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import backup
from bootstrap.execution import open_executor
from bootstrap.settings import InvalidSettings, Settings, load
from bootstrap.storage import database_file, open_storage, place
from tests import postgres
from tests.e2e.server import ROOT, free_port


@pytest.mark.parametrize(
    ("url", "file", "name"),
    [
        ("", "folder/grpo.db", "the data folder 'folder'"),
        ("sqlite:///other/jobs.db", "other/jobs.db", "the data folder 'other'"),
        ("sqlite:////var/lib/jobs.db", "/var/lib/jobs.db", "the data folder '/var/lib'"),
        ("postgresql://me:s3cret@db:1/x?sslmode=require", None, "the database 'postgresql://me:…@db:1/x'"),
        ("postgres://db/x", None, "the database 'postgres://db/x'"),
    ],
)
def test_url_of_a_database_says_where_it_is_and_never_the_password(url: str, file: str | None, name: str) -> None:
    settings = Settings(data_dir="folder", database_url=url)
    assert database_file(settings) == (None if file is None else Path(file))
    assert place(settings) == name


@pytest.mark.parametrize("url", ["mysql://me:s3cret@db/x", "grpo.db", "sqlite://x.db"])
def test_url_of_another_database_is_refused_with_what_is_allowed_and_without_the_password(url: str) -> None:
    with pytest.raises(InvalidSettings, match="write sqlite:///PATH or postgresql://USER@HOST:PORT/DATABASE") as caught:
        load([], {"GRPO_DATABASE_URL": url})
    assert "s3cret" not in str(caught.value)


def test_sqlite_file_elsewhere_is_made_and_used(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "unused"), database_url=f"sqlite:///{tmp_path}/there/jobs.db")
    storage = open_storage(settings)
    storage.close()
    assert (tmp_path / "there" / "jobs.db").is_file()
    assert not (tmp_path / "unused").exists()
    backup.main(["--to", str(tmp_path / "copy.db"), "--database-url", settings.database_url])
    assert (tmp_path / "copy.db").is_file()


def test_backup_of_postgresql_says_what_to_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        backup.main(["--to", str(tmp_path / "copy.db"), "--database-url", "postgresql://db/x"])
    assert "pg_dump copies a PostgreSQL database" in capsys.readouterr().err


@pytest.mark.parametrize(("package", "extra"), [("psycopg", "postgres"), ("psycopg_pool", "postgres")])
def test_postgresql_without_its_extra_names_it(package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("adapters.storage.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InvalidSettings, match=rf"needs the extra \[{extra}\]: pip install 'psycopg\[binary,pool\]'"):
        open_storage(Settings(database_url="postgresql://db/x"))


def test_ray_without_its_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("adapters.execution.ray_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InvalidSettings, match=r"the executor ray needs the extra \[ray\]: pip install ray"):
        open_executor(Settings(executor="ray"))


@pytest.mark.parametrize("address", ["nonsense", "host:", "host:port", ":6379", "ray://host:1", "host:0", "host:65536"])
def test_address_of_a_cluster_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidSettings, match=r"ray_address is wrong .* write host:port"):
        load([], {"GRPO_RAY_ADDRESS": address})


@pytest.mark.parametrize("what", ["database", "cluster", "user"])
def test_server_that_cannot_reach_what_it_needs_ends_with_one_sentence(what: str, tmp_path: Path) -> None:
    nobody, at = f"127.0.0.1:{free_port()}", postgres.url_or_skip().partition("@")[2]
    flags, sentence = {
        "database": (["--database-url", f"postgresql://me:s3cret@{nobody}/x"], "Connection refused"),
        "user": (["--database-url", f"postgresql://nobody_here:s3cret@{at}"], "nobody_here"),
        "cluster": (["--executor", "ray", "--ray-address", nobody], "does not answer: [Errno 111] Connection refused"),
    }[what]
    command = [sys.executable, "run_api.py", "--port", "0", "--data-dir", str(tmp_path), *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    [line] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2
    assert sentence in line
    assert "s3cret" not in done.stderr


def test_service_as_it_is_by_default_imports_none_of_the_extras() -> None:
    code = (
        "import sys, bootstrap.container, adapters.http.app\n"
        "print([name for name in ('psycopg', 'psycopg_pool', 'ray', 'optuna', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
