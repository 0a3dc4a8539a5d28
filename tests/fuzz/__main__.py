"""schemathesis against a real server: every answer must be as /openapi.json says, and none may be a 5xx.

python -m tests.fuzz [OPTIONS OF schemathesis run]
Every run with one version of schemathesis sends the same requests. Settings and excluded checks: schemathesis.toml.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.server import ROOT, ServerProcess
from tests.fuzz.hooks import MODELS, TO_BE_DELETED

CONFIG = Path(__file__).parent / "schemathesis.toml"


def main(options: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), workers=2, max_queued=20).start()
        try:
            jobs = prepare(server)
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
            surroundings = {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "FUZZ_JOBS": " ".join(jobs)}
            done = subprocess.run(
                [*command, f"http://127.0.0.1:{server.port}/openapi.json", *options],
                cwd=ROOT,
                env=os.environ | surroundings,
                check=False,
            )
            if done.returncode:
                print(f"the end of the server's log:\n{server.log()[-5_000:]}")
            return done.returncode
        finally:
            server.close()


def prepare(server: ServerProcess) -> list[str]:
    """Models, and jobs in several states, for routes that need them; the ids of jobs."""
    made = [server.train(total_timesteps=200, model_name=name, seed=0) for name in (*MODELS, *TO_BE_DELETED)]
    for job in made:
        server.wait(job)
    endless = [server.train(total_timesteps=1_000_000_000, seed=0) for _ in range(2)]
    server.until(lambda: server.status(endless[0])["current_timesteps"] > 0)
    server.client.post(f"/training/{endless[0]}/stop")
    return [*made[:2], *endless]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
