"""The Python blocks that users hold, run unchanged in one script against `python run_api.py` on its default port.

The guide itself stands beside the repository, not in it; where it is absent, the blocks of docs/tutorial.md are run alone.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.server import PATIENCE_SECONDS, ROOT, ServerProcess

DEFAULT_PORT = 8000
GUIDE = Path(os.environ.get("GRPO_GUIDE", ROOT.parent / "shared" / "guide.ja.md"))
TUTORIAL = ROOT / "docs" / "tutorial.md"


def python_blocks(document: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def is_taken() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) == 0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    # `grpo doctor`, which another process of the suite may run in this moment, tries the port for an instant.
    end = time.monotonic() + PATIENCE_SECONDS
    while is_taken() and time.monotonic() < end:
        time.sleep(0.1)
    if is_taken():
        pytest.skip(f"port {DEFAULT_PORT}, which the guide's blocks name, is in use here")
    server = ServerProcess(tmp_path, DEFAULT_PORT).start()
    yield server
    server.close()


@pytest.mark.parametrize("document", [path for path in (GUIDE, TUTORIAL) if path.exists()], ids=lambda path: path.name)
def test_every_python_block_runs_unchanged_and_no_job_fails(server: ServerProcess, document: Path, tmp_path: Path) -> None:
    blocks = python_blocks(document)
    assert len(blocks) >= 5
    script = tmp_path / "blocks.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert "❌" not in done.stdout
    jobs = server.client.get("/training/jobs").json()["jobs"]
    assert len(jobs) >= 1
    ended = [server.wait(job["job_id"]) for job in jobs]
    assert [job["status"] for job in ended] == ["completed"] * len(jobs), ended
