"""A copy that is made while jobs train, and a server that goes on from it."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.server import ROOT, ServerProcess


def test_server_on_a_copy_has_all_jobs_and_models_and_goes_on_to_the_same_models(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("original", "copy")]
    for folder in folders:
        folder.mkdir()
    original, copied = (ServerProcess(folder, workers=1, checkpoint_seconds=0.1) for folder in folders)
    try:
        original.start()
        done = original.train(total_timesteps=500, model_name="done", seed=1)
        original.wait(done)
        running = original.train(env_name="Pendulum-v1", total_timesteps=40_000, model_name="running", seed=2)
        queued = original.train(total_timesteps=2_000, model_name="queued", seed=3)
        original.until(lambda: original.status(running)["current_timesteps"] > 5_000)
        command = [sys.executable, "-m", "bootstrap.backup", "--to", str(folders[1] / "grpo.db"), "--data-dir", str(folders[0])]
        subprocess.run(command, cwd=ROOT, check=True, timeout=30, capture_output=True)
        # The original was not kept from its work.
        ended = [original.wait(job) for job in (done, running, queued)]
        assert [job["status"] for job in ended] == ["completed"] * 3
        copied.start()
        assert copied.status(running)["current_timesteps"] < 40_000
        assert [copied.wait(job)["status"] for job in (done, running, queued)] == ["completed"] * 3
        names = ("done", "running", "queued")
        assert [copied.versions(name) for name in names] == [original.versions(name) for name in names]
    finally:
        for server in (original, copied):
            server.close()
