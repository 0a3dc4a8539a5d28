"""Kill a server in the middle of a run: the job goes on from its last checkpoint, to the same bits as an undisturbed one.

It starts a server of its own with a data folder that is thrown away.

    python -m examples.survive_a_crash

Expected output:

    killed at the first checkpoint, started again
    the server ended while it was running
    goes on from step 118
    its training is over
    undisturbed: 09f676176e2a2b…
    killed:      09f676176e2a2b…
    the same policy, bit for bit
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile

from grpo_client import Client

STEPS = int(os.environ.get("GRPO_STEPS", "20000"))


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(folder: str, port: int) -> subprocess.Popen[bytes]:
    """`python run_api.py`, with a checkpoint as often as possible."""
    flags = ["--data-dir", folder, "--port", str(port), "--checkpoint-seconds", "0.1", "--log-level", "error"]
    return subprocess.Popen([sys.executable, "run_api.py", *flags])


with tempfile.TemporaryDirectory() as folder:
    port = free_port()
    server = start_server(folder, port)
    try:
        # More patience than usual: the first request comes before the server is up.
        with Client(f"http://127.0.0.1:{port}", retries=8) as client:
            undisturbed = client.train(total_timesteps=STEPS, seed=3, model_name="undisturbed")
            undisturbed.wait()
            job = client.train(total_timesteps=STEPS, seed=3, model_name="killed")
            killed = False
            for event in job.events():  # survives the death of the server, too
                if event.kind == "checkpoint" and not killed:
                    killed = True
                    server.send_signal(signal.SIGKILL)
                    server.wait()
                    server = start_server(folder, port)
                    print("killed at the first checkpoint, started again")
                if event.kind == "status" and killed:
                    print(event.data["reason"])
            digests = [found.model.info().versions[-1].sha256 for found in (undisturbed, job)]
    finally:
        server.terminate()
        server.wait()

print("undisturbed:", digests[0])
print("killed:     ", digests[1])
print("the same policy, bit for bit" if digests[0] == digests[1] else "NOT the same policy")
