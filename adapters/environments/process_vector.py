"""Gymnasium environments in processes of their own, for those whose steps are slow enough to pay for it.

Each process holds a part of the members, in a GymnasiumVector, rather than one member each as in Gymnasium's
AsyncVectorEnv: a step then costs one message per core and not one per member. And it is started by `subprocess` rather
than by `multiprocessing`: that is safe beside threads, runs no `__main__` again, and is allowed to the daemonic processes
in which training jobs run.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.vector.utils import CloudpickleWrapper

from adapters.environments import gymnasium_registry
from adapters.environments.quiet import without_warnings
from domain.arrays import BoolArray, FloatArray, IntArray, check_shape
from domain.errors import EnvironmentFailed
from domain.ports import EnvironmentState, StepResult
from domain.spaces import EnvironmentSpec

ANSWER_SECONDS = 120.0
CLOSE_SECONDS = 2.0
PAYS_FROM_SECONDS = 2e-3
TIMED_STEPS = 20
TIMED_SECONDS = 0.2


def step_seconds(env_name: str) -> float:
    """How long one step of one member takes: the median of up to 20 with random actions, or 0 where it fails."""
    durations = [0.0]
    with contextlib.suppress(Exception), without_warnings():  # who trains with it will hear of the failure
        environment = gymnasium.make(gymnasium_registry.find(env_name), disable_env_checker=True)
        with contextlib.closing(environment):
            environment.action_space.seed(0)
            environment.reset(seed=0)
            first = time.perf_counter()
            while len(durations) <= TIMED_STEPS and time.perf_counter() - first < TIMED_SECONDS:
                action = environment.action_space.sample()
                start = time.perf_counter()
                _, _, terminated, truncated, _ = environment.step(action)
                durations.append(time.perf_counter() - start)
                if terminated or truncated:
                    environment.reset(seed=0)
    return statistics.median(durations[1:] or durations)


def processes_that_pay(num_envs: int, seconds: float) -> int:
    """How many processes to divide the members among; 1 = none but this one.

    Divided among P processes on free cores a step of the vector takes N·s/P instead of N·s, and messages on top: about
    0.3 ms, more on a busy machine. Below 2 ms saved that is not worth the memory and the half second that the processes
    need to start. Where other jobs hold all cores up to a third is lost instead (`make bench-environments`).
    """
    processes = min(num_envs, _cores())
    saved = num_envs * seconds * (1 - 1 / processes)
    return processes if os.name == "posix" and saved >= PAYS_FROM_SECONDS else 1


def can_travel(env_name: str) -> bool:
    """Whether a registered environment can be told to another process: its class, its arguments, its wrappers."""
    try:
        _packed(env_name)
    except Exception:  # noqa: BLE001 (whatever a foreign object raises that cannot be pickled)
        return False
    return True


@dataclass
class _Part:
    """Some of the members, in one process."""

    members: slice
    process: subprocess.Popen[bytes]
    pipe: Connection


class ProcessVector:
    """N members in some processes, the same to the bit as a GymnasiumVector. Not cloneable.

    A process ends with this object, or with the process that holds it, however that ends. One that dies, or does not
    answer within two minutes, takes the others with it, and every later call raises EnvironmentFailed.
    """

    def __init__(self, spec: EnvironmentSpec, num_envs: int, max_episode_steps: int, processes: int) -> None:
        """All numbers at least 1; at most `num_envs` processes. Call `reset` with a seed for every member first.

        Raises UnknownEnvironment, EnvironmentFailed.
        """
        self.spec = spec
        self.num_envs = num_envs
        self._answer_seconds = ANSWER_SECONDS
        self._observations: FloatArray = np.zeros((num_envs, spec.observation_space.size), dtype=np.float32)
        packed = _packed(spec.env_name)
        edges = [round(index * num_envs / processes) for index in range(processes + 1)]
        self._parts: list[_Part] = []
        weakref.finalize(self, _end, self._parts)
        try:
            for first, end in pairwise(edges):
                self._parts.append(_start(slice(first, end)))
            for part in self._parts:
                part.pipe.send_bytes(packed)
            self._ask("start", lambda part: (spec, part.members.stop - part.members.start, max_episode_steps))
        except BaseException:
            _end(self._parts)
            raise

    def reset(self, seeds: Sequence[int | None]) -> FloatArray:
        seeds = list(seeds)
        chosen = [part for part in self._parts if any(seed is not None for seed in seeds[part.members])]
        self._show(self._ask("reset", lambda part: (seeds[part.members],), chosen))
        return self._observations

    def step(self, actions: IntArray | FloatArray, active: BoolArray) -> StepResult:
        """Raises ValueError for NaN among the actions of active members of a Box."""
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), dtype=np.bool_)
        chosen = [part for part in self._parts if active[part.members].any()]
        answers = self._ask("step", lambda part: (actions[part.members], active[part.members]), chosen)
        for part, result in answers:
            rewards[part.members], terminated[part.members], truncated[part.members] = result[1:]
        self._show([(part, result.observations) for part, result in answers])
        return StepResult(self._observations, rewards, terminated, truncated)

    def copy_members(self, sources: IntArray) -> FloatArray:
        """Refused, as the port says of what is not cloneable: a Gymnasium environment has no way to copy its state."""
        raise NotImplementedError(f"{self.spec.env_name} is not cloneable")

    def snapshot(self) -> EnvironmentState:
        """As GymnasiumVector's, and each restores the other's."""
        states = [state for _, state in self._ask("snapshot", lambda _: ())]
        return {name: np.concatenate([state[name] for state in states]) for name in states[0]}

    def restore(self, state: EnvironmentState) -> FloatArray:
        """Play the episodes again. Raises ValueError when the snapshot is one of another number of members."""
        seeds, lengths, actions = state["seeds"], state["lengths"], state["actions"]
        check_shape("seeds", seeds, (self.num_envs,))
        ends = np.concatenate([[0], np.cumsum(lengths)])

        def part_of_state(part: _Part) -> tuple[EnvironmentState]:
            played = slice(ends[part.members.start], ends[part.members.stop])
            return ({"seeds": seeds[part.members], "lengths": lengths[part.members], "actions": actions[played]},)

        self._show(self._ask("restore", part_of_state))
        return self._observations

    def close(self) -> None:
        try:
            if self._parts:
                self._ask("close", lambda _: ())
        finally:
            _end(self._parts, CLOSE_SECONDS)

    def _show(self, answers: list[tuple[_Part, FloatArray]]) -> None:
        for part, observations in answers:
            self._observations[part.members] = observations

    def _ask(
        self, method: str, arguments: Callable[[_Part], tuple[Any, ...]], parts: list[_Part] | None = None
    ) -> list[tuple[_Part, Any]]:
        """Call a method of every part (or of some), all at once, and wait for the answers."""
        if not self._parts:
            raise EnvironmentFailed(f"{self.spec.env_name} was closed, or its processes have ended.")
        asked = self._parts if parts is None else parts
        for part in asked:
            with contextlib.suppress(OSError):  # a process that is gone gives no answer either
                part.pipe.send((method, arguments(part)))
        answers = [(part, self._answer(part)) for part in asked]
        for _, (refused, failed, _) in answers:
            if refused is not None:
                raise ValueError(refused)
            if failed is not None:
                raise EnvironmentFailed(failed)
        return [(part, value) for part, (_, _, value) in answers]

    def _answer(self, part: _Part) -> tuple[str | None, str | None, Any]:
        try:
            if part.pipe.poll(self._answer_seconds):
                answer: tuple[str | None, str | None, Any] = part.pipe.recv()
                return answer
            how = f"gave no answer for {self._answer_seconds:g} s"
        except (EOFError, OSError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                part.process.wait(CLOSE_SECONDS)
            how = f"ended unexpectedly (exit code {part.process.poll()})"
        _end(self._parts)
        raise EnvironmentFailed(f"A process of {self.spec.env_name} {how}.")


def _end(parts: list[_Part], grace_seconds: float = 0.0) -> None:
    """Take all parts out of the list, end their processes, and wait for their end."""
    deadline = time.monotonic() + grace_seconds
    ending = parts[:]
    parts.clear()
    for part in ending:
        part.pipe.close()
        if part.process.stdin is not None:
            part.process.stdin.close()
    for part in ending:
        try:
            part.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            part.process.kill()
            part.process.wait()


def _start(members: slice) -> _Part:
    """A process that serves its end of a pipe, and ends when its standard input does."""
    ours, theirs = Pipe()
    handle = theirs.fileno()
    program = f"import sys; sys.path[:] = {sys.path!r}; from adapters.environments.vector_process import serve; serve({handle})"
    with theirs:
        command = [sys.executable, "-c", program]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(handle,))  # noqa: S603 (our own program)
    return _Part(members, process, ours)


def _packed(env_name: str) -> bytes:
    """The registration as a message: another process need not have run what registered the environment."""
    registered = cast("Any", gymnasium_registry.find(env_name))  # the wrapper is meant for functions, but takes anything
    return bytes(ForkingPickler.dumps(CloudpickleWrapper(registered)))


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
