"""A line that shows the progress of a job."""

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

from grpo_client.results import JobStatus

BAR_CELLS = 20
NAME_LETTERS = 24
LINE_SECONDS = 10.0  # between two lines of a stream that is no terminal
RETURN_METRIC = "rollout/ep_rew_mean"


def printable(text: str) -> str:
    """Text of a server or an environment as one line that cannot control a terminal: the rest is shown as its code."""
    line = text.replace("\n", " ")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


class ProgressLine:
    """On a terminal it overwrites itself; elsewhere a new line comes when the status changes, and every ten seconds."""

    def __init__(self, stream: TextIO | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`stream`: standard error if none is given."""
        self._stream = stream or sys.stderr
        self._monotonic = monotonic
        self._in_place = self._stream.isatty()
        self._since: tuple[float, int] | None = None  # when it was first seen to run, and at which step
        self._width, self._said, self._status = 0, float("-inf"), ""

    def show(self, status: JobStatus) -> None:
        """Tell of a status."""
        now = self._monotonic()
        text = self._text(status, now)
        if self._in_place:
            text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps cannot be written over
            self._stream.write("\r" + text.ljust(self._width) + ("\n" if status.ended else ""))
            self._width = len(text)
        elif status.status != self._status or now - self._said >= LINE_SECONDS:
            self._stream.write(text + "\n")
            self._said = now
        self._status = status.status
        self._stream.flush()

    def leave(self, job_id: str) -> None:
        """After an interrupt: say that the job goes on, and how to wait for it again."""
        start = "\n" if self._in_place else ""
        self._stream.write(f'{start}The job goes on. To wait for it again: client.job("{job_id}").wait(progress=True)\n')
        self._stream.flush()

    def _text(self, status: JobStatus, now: float) -> str:
        filled = round(status.progress * BAR_CELLS)
        parts = [
            status.model_name if len(status.model_name) <= NAME_LETTERS else f"{status.model_name[: NAME_LETTERS - 1]}…",
            "█" * filled + "░" * (BAR_CELLS - filled),
            f"{status.current_timesteps:,}/{status.total_timesteps:,} steps",
            *self._speed(status, now),
        ]
        if RETURN_METRIC in status.metrics:
            parts.append(f"return {status.metrics[RETURN_METRIC]:.1f}")
        if status.status != "running":
            parts.append(status.status if status.error_message is None else f"{status.status}: {status.error_message}")
        return printable("  ".join(parts))

    def _speed(self, status: JobStatus, now: float) -> list[str]:
        """Steps per second and time left since the job was first seen to run; measured again if the job falls back."""
        if status.status != "running":
            return []
        if self._since is None or status.current_timesteps < self._since[1]:
            self._since = (now, status.current_timesteps)
        seconds, steps = now - self._since[0], status.current_timesteps - self._since[1]
        if seconds <= 0 or steps <= 0:
            return []
        left = round((status.total_timesteps - status.current_timesteps) * seconds / steps)
        return [f"{steps / seconds:,.0f} steps/s", f"{left // 60}:{left % 60:02} left"]
