"""The samplers of one big job, spread over the nodes of a Ray cluster."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from adapters.execution.ray_process import beside, got, prepare
from domain.config import TrainingConfig
from domain.errors import GrpoError, WorkerDied
from domain.ports import EnvironmentFactory
from domain.rollout import Interrupted
from domain.sampler import Current, Sample, SamplerState
from domain.samplers import make_sampler, shares_of

LOOK_SECONDS = 0.1  # between two looks whether to stop


class RemoteSampler:
    """An actor with one sampler."""

    def open(
        self, environments: EnvironmentFactory, config: TrainingConfig, number: int, initialize: Callable[[], object] | None
    ) -> SamplerState:
        """Make it; the state before its first sample. First and once: an error in a constructor would end the actor."""
        prepare(initialize)
        self._sampler = make_sampler(environments, config, number)
        return self._sampler.state()

    def sample(self, current: Current, budget: int) -> tuple[Sample, SamplerState]:
        """A sample, and the state after it."""
        return self._sampler.sample(current, budget, lambda: False), self._sampler.state()

    def restore(self, state: SamplerState) -> None:
        self._sampler.restore(state)


class RaySamplers:
    """Samplers of which the first is here, in the process that trains, and each other one is an actor.

    What is current is put into the cluster's object store once for each sample, and all nodes read it there. The actors ask
    for no CPU, so that a job never waits for what another job has: they are dealt to the nodes that have some, in turn.
    """

    def __init__(
        self,
        initialize: Callable[[], object] | None,
        environments: EnvironmentFactory,
        config: TrainingConfig,
        rng: np.random.Generator,  # noqa: ARG002 - that of a run with one sampler
    ) -> None:
        self._first = make_sampler(environments, config, 0)
        nodes = _nodes_for_actors()
        self._others: list[Any] = [
            ray.remote(RemoteSampler)
            .options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(nodes[number % len(nodes)], soft=True))
            .remote()
            for number in range(1, config.num_workers)
        ]
        opened = [other.open.remote(environments, config, k, initialize) for k, other in enumerate(self._others, 1)]
        self._states = [self._first.state(), *self._answers(opened)]
        self._restored: list[Any] = []

    @property
    def under_way(self) -> int:
        """Those of the first sampler: the others tell theirs when they are done."""
        return self._first.under_way

    def settle(self) -> None:
        self._first.settle()

    @property
    def episodes(self) -> Sequence[tuple[float, int]]:
        ended = [state.arrays["ended_episodes"] for state in self._states]
        return [(float(native_return), int(length)) for array in ended for native_return, length in array]

    def sample(self, current: Current, budget: int, should_stop: Callable[[], bool]) -> Sequence[Sample]:
        first, *others = shares_of(budget, 1 + len(self._others))
        shared = ray.put(current)
        asked = [(index, share) for index, share in enumerate(others, 1) if share]
        answers = [self._others[index - 1].sample.remote(shared, share) for index, share in asked]
        sample = self._first.sample(current, first, should_stop)
        while answers and beside(lambda: ray.wait(answers, num_returns=len(answers), timeout=LOOK_SECONDS)[1]):
            if should_stop():
                raise Interrupted
        self._answers(self._restored)
        samples, self._restored = [sample], []
        self._states[0] = self._first.state()
        for (index, _), (other, state) in zip(asked, self._answers(answers), strict=True):
            samples.append(other)
            self._states[index] = state
        return samples

    def states(self) -> Sequence[SamplerState]:
        return [*self._states]

    def restore(self, states: Sequence[SamplerState]) -> None:
        self._first.restore(states[0])
        # Before its next sample, with which an error comes; a stop does not wait for the sample that it interrupts.
        self._restored = [other.restore.remote(state) for other, state in zip(self._others, states[1:], strict=True)]
        self._states = [*states]

    def close(self) -> None:
        self._first.close()
        for other in self._others:
            ray.kill(other)

    def _answers(self, references: Sequence[Any]) -> list[Any]:
        """Raises what a sampler raised; WorkerDied where one is lost."""
        try:
            return list(got([*references]))
        except ray.exceptions.RayTaskError as error:
            raise error.cause if isinstance(error.cause, GrpoError) else error from None
        except ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            raise WorkerDied(f"A worker that sampled for this job was lost: {reason}") from error


def _nodes_for_actors() -> list[str]:
    """The nodes that have CPUs, this one last: it trains already."""
    here = ray.get_runtime_context().get_node_id()
    known = ray.nodes()  # type: ignore[no-untyped-call]
    nodes = [node["NodeID"] for node in known if node["Alive"] and node["Resources"].get("CPU", 0) > 0]
    return sorted(nodes, key=lambda node: (node == here, node)) or [here]
