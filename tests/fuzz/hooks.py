"""What is changed of a generated request: work is kept small, and half of the names are those of things that exist.

A change never makes a valid request invalid, nor an invalid one valid.
"""

import os
import zlib
from typing import Any

import schemathesis

# The largest that a valid value stays; values out of bounds stay out of bounds, since they must be refused.
WORK = {
    "total_timesteps": (1_000_000_000, 200),
    "n_envs": (4_096, 8),
    "num_generations": (4_096, 8),
    "group_size": (4_096, 8),
    "n_steps": (100_000, 50),
    "n_epochs": (1_000, 2),
    "episodes": (1_000, 3),
}
MAX_UNITS = (4_096, 8)
# The first as in the examples of the schema.
MODELS = ["my_cartpole_model", "other"]
TO_BE_DELETED = [f"to_be_deleted_{number}" for number in range(10)]
EXISTING = {
    "job_id": os.environ.get("FUZZ_JOBS", "").split(),
    "model_name": MODELS,
    "env_name": ["CartPole-v1", "FrozenLake-v1"],
}
CARTPOLE_SIZE = 4


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    names = EXISTING | ({"model_name": TO_BE_DELETED} if case.method == "DELETE" else {})
    case.path_parameters |= existing(case.path_parameters, names)
    if isinstance(case.body, dict):
        case.body = smaller(case.body) | existing(case.body, names)
        if fits := fitting(case.body.get("observation")):
            case.body["observation"] = fits


def existing(fields: dict[str, Any], names: dict[str, list[str]]) -> dict[str, str]:
    """Names of things that exist, in place of half of the names that are some text."""
    bits = {name: zlib.crc32(fields[name].encode(errors="replace")) for name in names if isinstance(fields.get(name), str)}
    return {name: names[name][number // 2 % len(names[name])] for name, number in bits.items() if number % 2}


def fitting(observation: Any) -> list[float] | None:
    """An observation of CartPole's length made of the numbers, where there are nothing but numbers."""
    if isinstance(observation, list) and observation and all(type(number) in {int, float} for number in observation):
        return (observation * CARTPOLE_SIZE)[:CARTPOLE_SIZE]
    return None


def smaller(body: dict[str, Any]) -> dict[str, Any]:
    """The body with less work in it, as valid as it was."""
    lowered = {name: lower(body[name], *WORK[name]) for name in WORK.keys() & body.keys()}
    if isinstance(sizes := body.get("hidden_sizes"), list):
        lowered["hidden_sizes"] = [lower(size, *MAX_UNITS) for size in sizes]
    return body | lowered


def lower(value: Any, valid: int, most: int) -> Any:
    return most if type(value) is int and most < value <= valid else value
