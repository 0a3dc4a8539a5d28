"""Who asks, what they may do, and how much of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.config import TrainingConfig
from domain.errors import FieldError, InvalidConfiguration
from domain.network import MLP
from domain.spaces import EnvironmentSpec


class Scope(StrEnum):
    """What a key opens. `admin` opens everything."""

    READ = "read"
    INFER = "infer"
    TRAIN = "train"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True)
class Limits:
    """The most that a client may ask for; None = no limit beyond the domain's own bounds.

    `jobs`: unfinished ones at a time. `parameters`: weights and biases of the network.
    """

    requests_per_minute: int | None = None
    total_timesteps: int | None = None
    jobs: int | None = None
    parameters: int | None = None
    n_envs: int | None = None
    max_episode_steps: int | None = None


@dataclass(frozen=True)
class Client:
    """Whoever sends requests: a key, or an address where there are no keys. `name` tells one from another."""

    name: str
    scopes: frozenset[Scope] = ALL_SCOPES
    limits: Limits = Limits()

    def may(self, scope: Scope) -> bool:
        """Whether the client has the scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


ANYBODY = Client("")


def with_changes(limits: Limits, changes: Mapping[str, int]) -> Limits:
    """Limits of which some are replaced; 0 stands for none."""
    return Limits(**(vars(limits) | {name: number or None for name, number in changes.items()}))


def check_limits(config: TrainingConfig, environment: EnvironmentSpec, client: Client) -> None:
    """Raises InvalidConfiguration, with one entry for each field that exceeds the client's limits."""
    if errors := [*_limit_errors(config, environment, client)]:
        raise InvalidConfiguration(*errors)


def _limit_errors(config: TrainingConfig, environment: EnvironmentSpec, client: Client) -> Iterator[FieldError]:
    limits = client.limits
    for name in ("total_timesteps", "n_envs", "max_episode_steps"):
        value, limit = getattr(config, name), getattr(limits, name)
        if limit is not None and value > limit:
            yield FieldError(name, f"{name} must be at most {limit}, the limit for {client.name}, got {value}.")
    size = MLP((environment.observation_space.size, *config.hidden_sizes, environment.action_space.size)).num_parameters
    if limits.parameters is not None and size > limits.parameters:
        yield FieldError(
            "hidden_sizes",
            f"hidden_sizes must make a network of at most {limits.parameters} weights and biases, the limit for {client.name}; "
            f"{[*config.hidden_sizes]} makes {size} with {environment.env_name}.",
        )
