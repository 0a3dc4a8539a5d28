"""What is done to a server while it trains: signals to it, to a worker, or to both, at random moments of the work."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass

from tests.e2e.server import ServerProcess

SIGKILLS = {"worker": 40, "server": 30, "both": 15, "server, again while it starts": 15}
SIGTERM = "SIGTERM to the server"
TERMS_PER_KILL = 1 / 10
LAST_AT = 0.75


@dataclass(frozen=True)
class Blow:
    """Falls when the share `at` of all work is done, and a random moment later, since progress is told in steps."""

    kind: str
    at: float
    delay_seconds: float


def plan(kills: int, rng: random.Random) -> list[Blow]:
    """`kills` blows by SIGKILL and some by SIGTERM, spread over the work."""
    kinds = rng.choices([*SIGKILLS], [*SIGKILLS.values()], k=kills) + [SIGTERM] * max(1, round(kills * TERMS_PER_KILL))
    rng.shuffle(kinds)
    return [
        Blow(kind, LAST_AT * (number + rng.random()) / len(kinds), rng.uniform(0, 0.25)) for number, kind in enumerate(kinds)
    ]


def strike(server: ServerProcess, blow: Blow, rng: random.Random) -> Counter[str]:
    """Do it, and start the server again where it was ended; the signals that were sent."""
    time.sleep(blow.delay_seconds)
    if blow.kind == "worker":
        return _kill_worker(server, rng)
    sent = Counter({"SIGTERM to the server" if blow.kind == SIGTERM else "SIGKILL to the server": 1})
    if blow.kind == SIGTERM:
        assert server.stop(signal.SIGTERM) == 0, server.log()
    elif blow.kind == "both" and rng.random() < 0.5:
        sent += _kill_worker(server, rng)
        server.stop(signal.SIGKILL)
    elif blow.kind == "both":
        workers = server.workers_pids()
        server.stop(signal.SIGKILL)
        sent += _kill(workers, rng)
    else:
        server.stop(signal.SIGKILL)
    if blow.kind.endswith("while it starts"):
        server.launch()
        time.sleep(rng.uniform(0, 1))
        server.stop(signal.SIGKILL)
        sent["SIGKILL to the server"] += 1
    server.start()
    return sent


def _kill_worker(server: ServerProcess, rng: random.Random) -> Counter[str]:
    return _kill(server.workers_pids(), rng)


def _kill(workers: list[int], rng: random.Random) -> Counter[str]:
    """Kill one of these processes, unless it has ended by itself."""
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(rng.choice(workers), signal.SIGKILL)
        return Counter({"SIGKILL to a worker": 1})
    return Counter()
