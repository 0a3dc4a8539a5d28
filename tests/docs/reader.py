"""A reader who does what a page says, in a folder that looks like the root of the repository."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.docs.blocks import ROOT, Block
from tests.e2e.server import ServerProcess

PATIENCE_SECONDS = 90
# Runs one block after another in one namespace: each line of standard input is a block in JSON, and each is answered by a line.
PROMPT = """
import io, json, sys, traceback
blocks, answers, sys.stdin, sys.stdout = sys.stdin, sys.stdout, io.StringIO(), sys.stderr
names = {"__name__": "__main__"}
for line in blocks:
    try:
        exec(compile(json.loads(line), "<block>", "exec"), names)
        said = ""
    except BaseException:
        said = traceback.format_exc()
    print(json.dumps(said), file=answers, flush=True)
"""


class Reader:
    """Saves files, starts servers, and runs blocks of bash and Python. `server`: the one that pages without their own use."""

    def __init__(self, folder: Path, server: ServerProcess) -> None:
        self.folder, self.server = folder, server
        self._own: ServerProcess | None = None
        self._prompt: subprocess.Popen[str] | None = None
        for path in ROOT.iterdir():
            if path.name not in {"data", "tests"} and not path.name.startswith("."):
                (folder / path.name).symlink_to(path)

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
        if self._prompt is not None:
            self._prompt.kill()
            self._prompt.communicate()

    def does(self, block: Block) -> None:
        """Do what the block says; fails where it does."""
        code = self._here(block.code)
        if block.mark == "file":
            path = self.folder / block.said
            path.unlink(missing_ok=True)
            path.write_text(block.code, encoding="utf-8")
        elif block.mark == "server":
            self._start(code)
        elif block.language == "python":
            self._python(code, block.place)
        else:
            before = f"{self._here(block.said)}\n" if block.mark == "before" else ""
            self._bash(before + code, block.place)
            self._rest()

    def _here(self, text: str) -> str:
        port = (self._own or self.server).port
        return re.sub(r"\b(?:localhost|127\.0\.0\.1):8000\b", f"127.0.0.1:{port}", text)

    def _environment(self) -> dict[str, str]:
        """As in an activated environment, in the root of the repository."""
        found = {name: value for name, value in os.environ.items() if not name.startswith(("GRPO_", "PYTEST"))}
        path = f"{Path(sys.executable).parent}:{found['PATH']}"
        return found | {"PATH": path, "PYTHONPATH": str(self.folder), "PYTHONWARNINGS": "error", "KEY": "none"}

    def _start(self, code: str) -> None:
        """The block is one command: settings in variables, and `python run_api.py` with flags."""
        settings, arguments = server_command(code)
        assert arguments == []
        (self.folder / "data").mkdir(exist_ok=True)
        self._own = ServerProcess(self.folder / "data", workers=2)
        if keys := settings.get("GRPO_API_KEYS_FILE"):
            settings["GRPO_API_KEYS_FILE"] = str(self.folder / keys)
        self._own.environment = self._environment() | settings
        self._own.start()

    def _python(self, code: str, place: str) -> None:
        if self._prompt is None:
            self._prompt = subprocess.Popen(
                [sys.executable, "-c", PROMPT],
                cwd=self.folder,
                env=self._environment(),
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        assert self._prompt.stdin is not None
        assert self._prompt.stdout is not None
        print(json.dumps(code), file=self._prompt.stdin, flush=True)
        watch = threading.Timer(PATIENCE_SECONDS, self._prompt.kill)
        watch.start()
        answer = self._prompt.stdout.readline()
        watch.cancel()
        assert answer, f"{place}: no end after {PATIENCE_SECONDS} s"
        assert json.loads(answer) == "", f"{place}: {json.loads(answer)}"

    def _bash(self, code: str, place: str) -> None:
        bash = shutil.which("bash")
        assert bash is not None
        # In a session of its own, so that nothing that the block started outlives it.
        with subprocess.Popen(
            [bash, "-euo", "pipefail", "-c", code],
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        assert process.returncode == 0, f"{place}: {said}"
        assert "urn:grpo:problem" not in said, f"{place}: {said}"

    def _rest(self) -> None:
        """A reader is slower than a test: what a block started has ended when they read the next one."""
        if self._own is None:
            server = self.server
            server.until(lambda: server.client.get("/health").json()["active_jobs"] == 0)


def server_command(line: str) -> tuple[dict[str, str], list[str]]:
    """The variables and the flags of `NAME=value … python run_api.py --flag …`, comments left out."""
    words = shlex.split(line, comments=True)
    at = words.index("run_api.py")
    assert words[at - 1] == "python", line
    return dict(word.split("=", 1) for word in words[: at - 1]), words[at + 1 :]
