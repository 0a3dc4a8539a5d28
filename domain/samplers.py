"""All samplers of a run: one, or `num_workers` that each sample some of the groups, here one after the other.

The result is a function of the seed and of `num_workers` only: sampler k draws from a generator of (seed, k), its share of
the budget follows from k, and samples are joined in the order of k, wherever and whenever they were made.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from domain.config import TrainingConfig
from domain.ports import EnvironmentFactory
from domain.sampler import Current, Sample, Sampler, SamplerState


class Samplers(Protocol):
    """Samples for a Trainer. Not thread-safe."""

    @property
    def under_way(self) -> int:
        """Environment steps since the last `settle`, as far as they are known."""
        ...

    def settle(self) -> None:
        """The steps that were under way are counted elsewhere now."""
        ...

    @property
    def episodes(self) -> Sequence[tuple[float, int]]:
        """Native return and length of the last 100 episodes that ended in each sampler."""
        ...

    def sample(self, current: Current, budget: int, should_stop: Callable[[], bool]) -> Sequence[Sample]:
        """Of each sampler that has a share of the budget, in their order; together at most `budget` environment steps.

        Raises Interrupted, EnvironmentFailed, RewardFailed, WorkerDied.
        """
        ...

    def states(self) -> Sequence[SamplerState]:
        """Of each sampler after the last `sample` or `restore`, in their order; copies."""
        ...

    def restore(self, states: Sequence[SamplerState]) -> None:
        """Take up what `states` gave."""
        ...

    def close(self) -> None:
        """Close all environments."""
        ...


SamplersFactory = Callable[[EnvironmentFactory, TrainingConfig, np.random.Generator], Samplers]
"""Makes the samplers of a run; picklable. The generator is that of the run, for a run with one sampler."""


class SamplersHere:
    """Samplers in this process, one after the other."""

    def __init__(self, environments: EnvironmentFactory, config: TrainingConfig, rng: np.random.Generator) -> None:
        if config.num_workers == 1:
            self._samplers = [Sampler(environments, config, rng)]
        else:
            self._samplers = [make_sampler(environments, config, number) for number in range(config.num_workers)]

    @property
    def under_way(self) -> int:
        return sum(sampler.under_way for sampler in self._samplers)

    def settle(self) -> None:
        for sampler in self._samplers:
            sampler.settle()

    @property
    def episodes(self) -> Sequence[tuple[float, int]]:
        return [episode for sampler in self._samplers for episode in sampler.episodes]

    def sample(self, current: Current, budget: int, should_stop: Callable[[], bool]) -> Sequence[Sample]:
        shares = zip(self._samplers, shares_of(budget, len(self._samplers)), strict=True)
        return [sampler.sample(current, share, should_stop) for sampler, share in shares if share]

    def states(self) -> Sequence[SamplerState]:
        return [sampler.state() for sampler in self._samplers]

    def restore(self, states: Sequence[SamplerState]) -> None:
        for sampler, state in zip(self._samplers, states, strict=True):
            sampler.restore(state)

    def close(self) -> None:
        for sampler in self._samplers:
            sampler.close()


def make_sampler(environments: EnvironmentFactory, config: TrainingConfig, number: int) -> Sampler:
    """One of several: it has an equal part of the environments, and a generator of its own."""
    part = replace(config, n_envs=config.n_envs // config.num_workers, num_workers=1)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(config.seed, spawn_key=(number,))))
    return Sampler(environments, part, rng, own_rng=True)


def shares_of(budget: int, number: int) -> list[int]:
    """The budget in equal parts; the first ones have what is left over."""
    return [budget // number + (index < budget % number) for index in range(number)]
