"""A client whose server dies and comes back while it looks on."""

import signal
from pathlib import Path

from grpo_client import Client
from tests.e2e.server import ServerProcess


def test_events_when_the_server_is_killed_and_started_again_come_once_each(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, workers=1, checkpoint_seconds=0.05).start()
    try:
        with Client(f"http://127.0.0.1:{server.port}") as client:
            job = client.train(total_timesteps=8_000, seed=1)
            told, killed = [], False
            for event in job.events():
                told.append(event)
                if event.kind == "checkpoint" and not killed:
                    killed = True
                    server.stop(signal.SIGKILL)
                    server.start()
            ids = [int(str(event.id).removesuffix(".done")) for event in told if event.kind not in {"progress", "done"}]
            assert killed
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            assert (told[-1].kind, told[-1].data["status"]) == ("done", "completed")
            assert job.wait(progress=False).current_timesteps == 8_000

            endless = client.train(total_timesteps=5_000_000, model_name="endless")
            assert next(event for event in endless.events() if event.kind == "checkpoint").data["timesteps"] > 0
            assert endless.stop() == "Training job stopped"
            stopped = endless.wait(progress=False)
            again = endless.resume(total_timesteps=6_000_000)
            assert (again.id, again.config["total_timesteps"]) == (endless.id, 6_000_000)
            again.stop()
            assert again.status().current_timesteps >= stopped.current_timesteps > 0
    finally:
        server.close()
