"""The contract of VectorEnvironment on environments in processes of their own, and what can happen to processes."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from adapters.environments import gymnasium_registry, process_vector
from adapters.environments.factory import GymnasiumEnvironments
from adapters.environments.gymnasium_vector import GymnasiumVector
from adapters.environments.process_vector import ProcessVector, can_travel, processes_that_pay, step_seconds
from domain.errors import EnvironmentFailed
from domain.ports import VectorEnvironment
from tests.contract.environment_contract import (
    MEMBERS,
    SEEDS,
    TIME_LIMIT,
    EnvironmentContract,
    Make,
    assert_same,
    play,
    random_actions,
)


def in_processes(env_name: str, num_envs: int = MEMBERS, processes: int = 2) -> ProcessVector:
    return ProcessVector(gymnasium_registry.describe(env_name), num_envs, TIME_LIMIT, processes)


@pytest.fixture(scope="module")
def pool() -> Iterator[list[ProcessVector]]:
    """To start a process takes half a second, so a vector that was given back is lent again."""
    pool: list[ProcessVector] = []
    yield pool
    for vector in pool:
        ProcessVector.close(vector)


class TestProcessVector(EnvironmentContract):
    @pytest.fixture
    def make(self, pool: list[ProcessVector]) -> Make:
        def lend() -> VectorEnvironment:
            vector = pool.pop() if pool else in_processes("FrozenLake-v1")
            vector.close = lambda: pool.append(vector) if vector not in pool else None  # type: ignore[method-assign]
            return vector

        return lend


def pids(vector: ProcessVector) -> list[int]:
    return [part.process.pid for part in vector._parts]


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_snapshots_are_those_of_one_process_and_restore_one_another() -> None:
    spec = gymnasium_registry.describe("Pendulum-v1")
    actions = random_actions(spec, 12)
    together, apart = GymnasiumVector(spec, MEMBERS, TIME_LIMIT), in_processes("Pendulum-v1", processes=3)
    for vector in (together, apart):
        vector.reset(SEEDS)
        for t, row in enumerate(actions[:6]):
            vector.step(row, np.array([True, t < 3, False, t % 2 == 0]))
        vector.reset((None, None, None, 9))  # a process whose members have not acted yet
    states = together.snapshot(), apart.snapshot()
    assert states[0].keys() == states[1].keys()
    for name in states[0]:
        np.testing.assert_array_equal(states[0][name], states[1][name], strict=True)
    played = [
        play(vector, vector.restore(state), actions[6:])
        for vector, state in ((together, states[1]), (apart, states[0]), (together, states[0]))
    ]
    assert_same(played[0], played[1])
    assert_same(played[0], played[2])
    apart.close()
    together.close()


class Odd(gymnasium.Env[Any, Any]):
    """Does at its second step what it was made for."""

    def __init__(self, deed: str = "nothing") -> None:
        self.observation_space = spaces.Box(0.0, 9.0, (1,))
        self.action_space = spaces.Box(-1.0, 1.0, (1,))
        self.deed = deed

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        if self.steps == 2:
            if self.deed == "raise":
                raise RuntimeError("out of fuel")
            if self.deed == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.deed == "hang":
                time.sleep(1000)
        return np.array([self.steps], dtype=np.float32), 1.0, False, False, {}


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Registers an environment for one test and gives its id."""

    def _register(entry_point: Any = Odd, **kwargs: Any) -> str:
        registered = gymnasium.envs.registration.EnvSpec("test/Odd-v0", entry_point, kwargs=kwargs)
        monkeypatch.setitem(gymnasium.registry, registered.id, registered)
        return registered.id

    return _register


ONLY_THE_LAST = np.array([False, False, True])
FIRST_STEP = np.zeros((3, 1), dtype=np.float32)
DEEDS = {
    "raise": "test/Odd-v0 failed in step: RuntimeError: out of fuel",
    "die": r"A process of test/Odd-v0 ended unexpectedly \(exit code -9\).",
    "hang": "A process of test/Odd-v0 gave no answer for 0.5 s.",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_process_that_fails_dies_or_hangs_is_a_failed_environment_and_none_is_left(
    register: Callable[..., str], deed: str
) -> None:
    vector = in_processes(register(deed=deed), 3)
    vector.reset((1, 2, 3))
    vector.step(FIRST_STEP, np.ones(3, dtype=np.bool_))
    started = pids(vector)
    if deed == "hang":
        vector._answer_seconds = 0.5
    with pytest.raises(EnvironmentFailed, match=f"^{DEEDS[deed]}$"):
        vector.step(FIRST_STEP, ONLY_THE_LAST)
    if deed == "raise":  # then the processes live
        assert vector.reset((1, None, 3)).tolist() == [[0.0], [1.0], [0.0]]
    else:
        with pytest.raises(EnvironmentFailed, match="its processes have ended"):
            vector.reset((1, 2, 3))
    vector.close()
    assert [alive(pid) for pid in started] == [False, False]


def test_actions_that_are_not_finite_are_refused_and_the_processes_go_on(register: Callable[..., str]) -> None:
    vector = in_processes(register(), 3)
    vector.reset((1, 2, 3))
    with pytest.raises(ValueError, match="actions must be finite"):
        vector.step(np.array([[0.0], [0.0], [np.nan]]), np.ones(3, dtype=np.bool_))
    result = vector.step(np.array([[0.0], [0.0], [np.nan]]), ~ONLY_THE_LAST)
    assert result.rewards.tolist() == [1.0, 1.0, 0.0]
    started = pids(vector)
    assert [alive(pid) for pid in started] == [True, True]
    vector.close()
    vector.close()
    assert [alive(pid) for pid in started] == [False, False]
    with pytest.raises(EnvironmentFailed, match="was closed"):
        vector.snapshot()


def test_environment_that_cannot_be_made_there_fails_at_its_start(register: Callable[..., str]) -> None:
    spec = gymnasium_registry.describe(register())
    register(deed="nothing", size=3)
    with pytest.raises(EnvironmentFailed, match=r"failed at its start: TypeError: .*unexpected keyword argument 'size'"):
        ProcessVector(spec, 2, TIME_LIMIT, 1)


def test_environment_defined_in_no_module_travels_and_one_that_holds_a_thread_does_not(register: Callable[..., str]) -> None:
    class Local(Odd):
        pass

    env_name = register(Local)
    assert can_travel(env_name)
    vector = in_processes(env_name, 1, processes=1)
    assert vector.reset((1,)).tolist() == [[0.0]]
    vector.close()
    assert not can_travel(register(lock=multiprocessing.Lock()))


OWNER = """
import json, sys, time
import numpy as np
from adapters.environments import gymnasium_registry
from adapters.environments.process_vector import ProcessVector
vector = ProcessVector(gymnasium_registry.describe("Pendulum-v1"), 2, 10, 2)
vector.reset((1, 2))
print(json.dumps([part.process.pid for part in vector._parts]), flush=True)
time.sleep(1000)
"""


def test_processes_end_with_a_killed_owner(request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, cwd=request.config.rootpath, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        started = json.loads(owner.stdout.readline())
        assert [alive(pid) for pid in started] == [True, True]
        owner.kill()
    deadline = time.monotonic() + 30
    while any(alive(pid) for pid in started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [alive(pid) for pid in started] == [False, False]


def use_in_a_daemon(pipe: Any) -> None:
    vector = in_processes("Pendulum-v1", 2)
    pipe.send(vector.reset((1, 2)).shape)
    vector.close()


def test_daemonic_process_as_a_training_worker_is_may_have_them() -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=use_in_a_daemon, args=(theirs,), daemon=True)
    process.start()
    assert ours.recv() == (2, 3)
    process.join()
    assert process.exitcode == 0


@pytest.mark.parametrize(
    ("num_envs", "seconds", "cores", "expected"),
    [
        (8, 0.0, 2, 1),
        (1, 1.0, 2, 1),
        (8, 0.0004, 2, 1),
        (8, 0.0006, 2, 2),
        (64, 0.00007, 2, 2),
        (8, 0.001, 16, 8),
        (8, 0.001, 1, 1),
    ],
)
def test_processes_pay_from_two_milliseconds_saved_per_step(
    monkeypatch: pytest.MonkeyPatch, num_envs: int, seconds: float, cores: int, expected: int
) -> None:
    monkeypatch.setattr(process_vector, "_cores", lambda: cores)
    assert processes_that_pay(num_envs, seconds) == expected


class Slow(Odd):
    """Takes ten milliseconds for a step, and ends with the third."""

    def step(self, action: Any) -> Any:
        time.sleep(0.01)
        observation, reward, _, truncated, info = super().step(action)
        return observation, reward, self.steps == 3, truncated, info


def test_factory_puts_slow_environments_into_processes_and_others_not(
    register: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_vector, "_cores", lambda: 2)
    slow = GymnasiumEnvironments().make(register(Slow), 2, 10)
    assert isinstance(slow, ProcessVector)
    assert slow.reset((1, 2)).tolist() == [[0.0], [0.0]]
    slow.close()
    assert isinstance(GymnasiumEnvironments().make(register(Odd), 2, 10), GymnasiumVector)
    assert isinstance(GymnasiumEnvironments().make(register(Odd, deed="raise"), 2, 10), GymnasiumVector)


def test_step_time_is_measured_and_0_where_the_environment_fails(register: Callable[..., str]) -> None:
    assert step_seconds(register(Slow)) >= 0.01
    assert step_seconds(register(size=1)) == 0.0
