"""Our own vector environments against Gymnasium's vectors of the same, and from which step time processes pay.

python -m benchmarks.environments [--rounds N]
"""

# BLAS is set up as the server does it, before anything imports numpy.
# ruff: noqa: E402

from bootstrap.settings import use_one_blas_thread

use_one_blas_thread()

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from adapters.environments import gymnasium_registry
from adapters.environments.factory import OWN_VECTORS, GymnasiumEnvironments
from adapters.environments.gymnasium_vector import GymnasiumVector
from adapters.environments.process_vector import ProcessVector, processes_that_pay
from benchmarks import record
from domain.ports import VectorEnvironment
from domain.spaces import EnvironmentSpec

MEMBERS = (8, 64, 256)
TABULAR = ("FrozenLake-v1", "CliffWalking-v1", "Taxi-v4")
WORK_MICROSECONDS = (0, 20, 50, 100, 200, 500, 1000, 2000)
ROUND_SECONDS = 0.01


class Working(gymnasium.Env[Any, Any]):
    """Eight numbers that do not change, and `seconds` of CPU time for each step."""

    def __init__(self, seconds: float) -> None:
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (8,))
        self.action_space = gymnasium.spaces.Discrete(2)
        self.seconds = seconds
        self.shown = np.zeros(8, dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        return self.shown, {}

    def step(self, action: Any) -> Any:  # noqa: ARG002
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass
        return self.shown, 1.0, False, False, {}


def actions_of(spec: EnvironmentSpec, members: int) -> list[np.ndarray[Any, Any]]:
    """A hundred rows of random actions."""
    rng = np.random.default_rng(0)
    if spec.continuous:
        return [rng.uniform(-1, 1, (members, 1)).astype(np.float32) for _ in range(100)]
    return [rng.integers(spec.action_space.size, size=members) for _ in range(100)]


def stepping(vector: VectorEnvironment) -> Callable[[int], None]:
    """Steps one of our vectors through a row of actions, and resets what ends."""
    actions, everyone = actions_of(vector.spec, vector.num_envs), np.ones(vector.num_envs, dtype=np.bool_)
    seed = vector.num_envs
    vector.reset(range(vector.num_envs))

    def step(index: int) -> None:
        nonlocal seed
        result = vector.step(actions[index % 100], everyone)
        ended = result.terminated | result.truncated
        if np.count_nonzero(ended):
            vector.reset([seed + member if end else None for member, end in enumerate(ended)])
            seed += vector.num_envs

    return step


def stepping_gymnasium(spec: EnvironmentSpec, members: int) -> Callable[[int], None]:
    """The same with Gymnasium's vector, which resets what ends by itself, in the same step."""
    kwargs = {"autoreset_mode": AutoresetMode.SAME_STEP}
    vector = gymnasium.make_vec(spec.env_name, members, vectorization_mode="sync", vector_kwargs=kwargs)
    actions = actions_of(spec, members)
    vector.reset(seed=0)
    return lambda index: vector.step(actions[index % 100])


def least_seconds(*steps: Callable[[int], None], rounds: int, clock: Callable[[], float]) -> list[float]:
    """Seconds per step of each, the least of rounds in turn: other programs only ever make it longer."""
    counts, least = [], []
    for step in steps:
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < ROUND_SECONDS:
            step(count)
            count += 1
        counts.append(count)
        least.append(np.inf)
    for _ in range(rounds):
        for index, (step, count) in enumerate(zip(steps, counts, strict=True)):
            start = clock()
            for at in range(count):
                step(at)
            least[index] = min(least[index], (clock() - start) / count)
    return least


def compare_own(rounds: int) -> list[dict[str, Any]]:
    """CPU time of our own vectors and of Gymnasium's."""
    environments, rows = GymnasiumEnvironments(), []
    for env_name in (*(spec.env_name for spec in OWN_VECTORS if spec.env_name != "CartPole-v0"), *TABULAR):
        spec = environments.describe(env_name)
        for members in MEMBERS:
            limit = spec.max_episode_steps or 1_000
            ours, theirs = least_seconds(
                stepping(environments.make(env_name, members, limit)),
                stepping_gymnasium(spec, members),
                rounds=rounds,
                clock=time.process_time,
            )
            row = {
                "env_name": env_name,
                "members": members,
                "steps_per_second": members / ours,
                "gymnasium_steps_per_second": members / theirs,
                "ratio": theirs / ours,
            }
            rows.append(row)
            print(
                f"{env_name:26} N={members:<4} {members / ours:12,.0f} steps/s  {theirs / ours:6.1f} × Gymnasium's", flush=True
            )
    return rows


def compare_processes(rounds: int) -> list[dict[str, Any]]:
    """Wall time of steps of known length in one process and in one for each core."""
    rows = []
    processes = len(os.sched_getaffinity(0))
    for microseconds in WORK_MICROSECONDS:
        seconds = microseconds * 1e-6
        gymnasium.register("bench/Working-v0", Working, kwargs={"seconds": seconds})
        spec = gymnasium_registry.describe("bench/Working-v0")
        for members in (8, 64):
            together = GymnasiumVector(spec, members, 10**9)
            apart = ProcessVector(spec, members, 10**9, processes)
            one, many = least_seconds(stepping(together), stepping(apart), rounds=rounds, clock=time.perf_counter)
            together.close()
            apart.close()
            row = {
                "step_microseconds": microseconds,
                "members": members,
                "processes": processes,
                "one_process_microseconds": one * 1e6,
                "processes_microseconds": many * 1e6,
                "ratio": one / many,
                "rule_says_processes": processes_that_pay(members, seconds) > 1,
            }
            rows.append(row)
            work = f"step of {microseconds:4} µs, N={members:<2}"
            print(
                f"{work} {one * 1e6:8.0f} µs in 1 process {many * 1e6:8.0f} µs in {processes} ({one / many:.2f} ×)", flush=True
            )
        del gymnasium.registry["bench/Working-v0"]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0]
    own, processes = compare_own(rounds), compare_processes(rounds)
    summary = {
        "least_ratio_to_gymnasium": {
            str(members): min(row["ratio"] for row in own if row["members"] == members) for members in MEMBERS
        },
        "processes_pay_from_step_microseconds": {
            str(members): min(
                (row["step_microseconds"] for row in processes if row["members"] == members and row["ratio"] > 1), default=None
            )
            for members in (8, 64)
        },
        "messages_microseconds": min(
            row["processes_microseconds"] for row in processes if row["step_microseconds"] == 0 and row["members"] == 8
        ),
        "load_average_before": load,
    }
    print(summary)
    record.write("environments", {"summary": summary, "own": own, "processes": processes})


if __name__ == "__main__":
    main()
