"""A capability of some environments: their bodies can be shoved."""

from typing import Protocol, runtime_checkable

from domain.arrays import FloatArray


@runtime_checkable
class Pushable(Protocol):
    """What a VectorEnvironment of moving bodies may offer beside its port.

    It stands beside the port, since of a foreign environment nobody can say what a push would be. And it is a method, rather
    than a change of the snapshot from outside: which number is a velocity, and which features follow from it, only the
    environment knows. `step_seconds`: the time that one step stands for.
    """

    step_seconds: float

    def push(self, force: float) -> FloatArray:
        """Change a velocity of every member by `force`, −1 … 1 of the environment's unit; observations of all."""
        ...
