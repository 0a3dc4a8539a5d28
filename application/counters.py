"""What the queue has counted since the process began."""

from dataclasses import dataclass


@dataclass
class QueueCounters:
    """Environment steps that were reported, checkpoints that were stored, and the seconds that storing them took.

    Changed by the queue under its lock, read by anyone.
    """

    timesteps: int = 0
    checkpoints: int = 0
    checkpoint_seconds: float = 0.0

    def add_timesteps(self, before: int, now: int) -> None:
        """Count what a job has gained; it may fall back by what its last checkpoint does not hold."""
        self.timesteps += max(0, now - before)

    def add_checkpoint(self, seconds: float) -> None:
        """Count one stored checkpoint."""
        self.checkpoints += 1
        self.checkpoint_seconds += seconds
