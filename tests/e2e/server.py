"""A real server process on loopback and a real HTTP client."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent.parent
PATIENCE_SECONDS = 30.0
FINAL = {"completed", "failed", "stopped"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class ServerProcess:
    """`python run_api.py` with a data folder; may be killed and started again."""

    def __init__(
        self, data_dir: Path, port: int | None = None, workers: int = 2, max_queued: int = 1000, **settings: object
    ) -> None:
        """`settings`: further ones of the service, by name."""
        self.data_dir, self.port, self.workers = data_dir, port or free_port(), workers
        self.max_queued = max_queued
        self.environment = os.environ | {f"GRPO_{name.upper()}": str(value) for name, value in settings.items()}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10)
        self.process: subprocess.Popen[bytes] | None = None
        self.patience_seconds = PATIENCE_SECONDS

    def start(self, stderr: int | None = None, closed_stderr: bool = False, **environment: str) -> "ServerProcess":
        """Begin the process, with a log of its own unless `stderr` is where it goes, and wait until it answers."""
        self.launch(stderr, closed_stderr, **environment)
        self.until(self._answers)
        return self

    def launch(self, stderr: int | None = None, closed_stderr: bool = False, **environment: str) -> None:
        """Start the process and do not wait for it."""
        settings = {
            "GRPO_PORT": str(self.port),
            "GRPO_DATA_DIR": str(self.data_dir),
            "GRPO_MAX_CONCURRENT_JOBS": str(self.workers),
            "GRPO_MAX_QUEUED_JOBS": str(self.max_queued),
        }
        command = [sys.executable, "run_api.py"]
        if closed_stderr:
            command = ["sh", "-c", 'exec "$0" "$@" 2>&-', *command]
        log = (self.data_dir / "server.log").open("ab")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment | settings | environment,
            stdout=log,
            stderr=log if stderr is None else stderr,
        )
        log.close()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the process; its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_SECONDS)
        self.process = None
        return code

    def close(self) -> None:
        if self.process is not None:
            self.stop(signal.SIGKILL)
        self.client.close()

    def log(self) -> str:
        return (self.data_dir / "server.log").read_text(encoding="utf-8")

    def train(self, **fields: Any) -> str:
        answer = self.client.post("/train", json=fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    def status(self, job_id: str) -> dict[str, Any]:
        return dict(self.client.get(f"/training/{job_id}/status").json())

    def wait(self, job_id: str) -> dict[str, Any]:
        """The job's status once it has ended."""
        self.until(lambda: self.status(job_id)["status"] in FINAL)
        return self.status(job_id)

    def versions(self, model_name: str) -> list[tuple[int, str]]:
        """Version and SHA-256 of all that is kept under the name, the oldest first."""
        answer = self.client.get(f"/models/{model_name}")
        assert answer.status_code == 200, answer.text
        return sorted((int(version["version"]), str(version["sha256"])) for version in answer.json()["versions"])

    def workers_pids(self) -> list[int]:
        """Process ids of the server's children that are workers."""
        assert self.process is not None
        lists = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [pid for path in lists for pid in path.read_text(encoding="utf-8").split()]
        return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def until(self, condition: Any) -> None:
        """Wait until the condition holds."""
        end = time.monotonic() + self.patience_seconds
        while not condition():
            assert time.monotonic() < end, f"waited in vain; the server said:\n{self.log()}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return self.client.get("/health").status_code == 200
        except httpx.TransportError:
            return False
