"""A server under test: a process of its own on a free port of loopback, with a data folder of its own."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent


class Server:
    """Runs `run_api.py`, or another server that is told its port in the same way, while the context is open."""

    def __init__(
        self, python: str = sys.executable, arguments: Sequence[str] = ("run_api.py",), temporary: str = "", **settings: str
    ) -> None:
        """`temporary`: its folder for temporary files. `settings`: by their names in the environment without the prefix."""
        self._command = [python, *arguments]
        self._settings = {f"GRPO_{name.upper()}": value for name, value in settings.items()}
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.temporary = Path(temporary or tempfile.gettempdir())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.seconds_to_answer = 0.0

    def __enter__(self) -> Self:
        start = time.perf_counter()
        settings = {
            "GRPO_PORT": str(self.port),
            "GRPO_DATA_DIR": self._folder.name,
            "GRPO_LOG_LEVEL": "warning",
            "TMPDIR": str(self.temporary),
        }
        self.process = subprocess.Popen(self._command, cwd=ROOT, env=os.environ | settings | self._settings)
        while True:
            try:
                self.get("/health")
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended with {self.process.returncode}") from None
                time.sleep(0.005)
            else:
                break
        self.seconds_to_answer = time.perf_counter() - start
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._folder.cleanup()

    def get(self, path: str) -> Any:
        return self._request(path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._request(path, json.dumps(body).encode())

    def train(self, **fields: Any) -> str:
        """Start a job and return its id."""
        return str(self.post("/train", fields)["job_id"])

    def wait(self, job_id: str) -> dict[str, Any]:
        """Wait until the job has ended."""
        while (status := self.get(f"/training/{job_id}/status"))["status"] not in {"completed", "failed", "stopped"}:
            time.sleep(0.05)
        return dict(status)

    def _request(self, path: str, body: bytes | None) -> Any:
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
