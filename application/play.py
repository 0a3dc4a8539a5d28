"""Policies at play before somebody's eyes: a bounded number of sessions, by id."""

import logging
import threading
from collections.abc import Callable

from application.evaluation import MOST_SEED, check_playable
from domain.checkpoint import Model
from domain.errors import EnvironmentFailed, FieldError, InvalidInput, ShuttingDown
from domain.model_name import check_model_name
from domain.play import Frame, Play
from domain.play_errors import NotPushable, PlayNotFound, TooManyPlays
from domain.ports import Clock, EnvironmentFactory, ModelRepository

logger = logging.getLogger("grpo.play")

MOST_PLAYS = 8
IDLE_SECONDS = 20.0
LONGEST_SECONDS = 3_600.0

SHUTTING_DOWN = "shutting-down"
TIME_LIMIT = "time-limit"
IDLE = "idle"
FAILED = "environment-failed"
CLOSED = "closed"


class PlaySession:
    """One policy at play for one client. Whoever shows it calls `step` and in the end `close`; anybody may `end` it.

    `ended` is the reason for its end, None while it goes on; `detail` a sentence on it, where there is one. `on_end` is called
    when it ends, from any thread.
    """

    def __init__(self, play_id: str, kept: Model, play: Play, clock: Clock, on_freed: Callable[["PlaySession"], None]) -> None:
        """`on_freed` is called when it holds nothing any more, at least once."""
        self.id, self.model_name, self.model_version, self.play = play_id, kept.name, kept.version, play
        self._clock, self._on_freed = clock, on_freed
        self._began = self.seen_at = clock.monotonic()
        self.ended: str | None = None
        self.detail: str | None = None
        self.on_end: Callable[[], None] = _nothing
        self._closing = False
        self._busy = threading.Lock()

    def step(self) -> Frame | None:
        """The next frame; None when the session has ended: a failure of the environment and a long time end it, too."""
        with self._busy:
            frame = self._step()
        if self._closing:
            self._free()
        return frame

    def _step(self) -> Frame | None:
        self.seen_at = self._clock.monotonic()
        if self.seen_at - self._began > LONGEST_SECONDS:
            self.end(TIME_LIMIT)
        if self.ended is not None:
            return None
        try:
            return self.play.step()
        except EnvironmentFailed as error:
            logger.warning("play %s of model %s ends: %s", self.id, self.model_name, error)
            self.detail = str(error)
            self.end(FAILED)
            return None

    def end(self, reason: str) -> None:
        """Show no further frame. The first reason stays."""
        if self.ended is None:
            self.ended = reason
            self.on_end()

    def close(self) -> None:
        """End it and free what it holds: now, or when the step under way is over. Idempotent."""
        self.end(CLOSED)
        self._closing = True
        self._free()

    def _free(self) -> None:
        """Close the environment unless it is being stepped, which a simulator need not survive: then the step frees it."""
        if self._busy.acquire(blocking=False):
            try:
                self.play.close()
            finally:
                self._busy.release()
                self._on_freed(self)


class Plays:
    """All sessions. Thread-safe.

    A session that nobody has stepped for 20 s, since its client does not read on, gives its place to a new one. One whose
    environment is at work keeps its place until that is over, though its client is gone: each holds a thread.
    """

    def __init__(
        self,
        models: ModelRepository,
        environments: EnvironmentFactory,
        clock: Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
        limit: int = MOST_PLAYS,
    ) -> None:
        self._models, self._environments, self._clock, self._new_id = models, environments, clock, new_id
        self._new_seed, self._limit = new_seed, limit
        self._sessions: dict[str, PlaySession] = {}
        self._opening = 0
        self._closed = False
        self._lock = threading.Lock()

    def check(self, model_name: str, version: int | None = None) -> None:
        """Raises what `open` does where there is no such model."""
        self._models.get(check_model_name(model_name), version)

    def open(
        self, model_name: str, seed: int | None = None, deterministic: bool = True, version: int | None = None
    ) -> PlaySession:
        """Begin a session, which the caller leaves. Without a seed one is drawn.

        Raises InvalidModelName, InvalidInput, ModelNotFound, CorruptData, UnknownEnvironment, EnvironmentNotAllowed,
        UnsupportedEnvironment, EnvironmentFailed, TooManyPlays, ShuttingDown.
        """
        if seed is not None and not 0 <= seed <= MOST_SEED:
            raise InvalidInput(FieldError("seed", f"seed must be an integer from 0 to {MOST_SEED}, got {seed}."))
        self._take_place()
        try:
            model = self._models.get(check_model_name(model_name), version)
            check_playable(self._environments, model.policy.environment)
            play = Play(model.policy, self._environments, self._new_seed() if seed is None else seed, deterministic)
        except BaseException:
            with self._lock:
                self._opening -= 1
            raise
        session = PlaySession(self._new_id(), model, play, self._clock, self._freed)
        with self._lock:
            self._opening -= 1
            self._sessions[session.id] = session
            closed = self._closed
        if closed:
            session.end(SHUTTING_DOWN)
        return session

    def leave(self, session: PlaySession) -> None:
        """The client is gone: free what the session holds, and then its place. Idempotent."""
        session.close()

    def push(self, play_id: str, force: float) -> None:
        """Shove the system before its next step. Raises PlayNotFound, InvalidInput, NotPushable."""
        with self._lock:
            session = self._sessions.get(play_id)
        if session is None or session.ended is not None:
            raise PlayNotFound(play_id)
        if not -1 <= force <= 1:
            raise InvalidInput(FieldError("force", f"force must be a number from -1 to 1, got {force:g}."))
        if not session.play.pushable:
            raise NotPushable(session.play.environment.env_name)
        session.play.push(force)

    def close(self) -> None:
        """End all sessions and begin none any more; who shows them sees it at once. Idempotent."""
        with self._lock:
            self._closed = True
            sessions = [*self._sessions.values()]
        for session in sessions:
            session.end(SHUTTING_DOWN)

    def _take_place(self) -> None:
        """Make sure of a place before the work of loading a model."""
        with self._lock:
            if self._closed:
                raise ShuttingDown
            now = self._clock.monotonic()
            idle = [session for session in self._sessions.values() if now - session.seen_at > IDLE_SECONDS]
        for session in idle:
            session.end(IDLE)
            session.close()
        with self._lock:
            if len(self._sessions) + self._opening >= self._limit:
                raise TooManyPlays(self._limit)
            self._opening += 1

    def _freed(self, session: PlaySession) -> None:
        with self._lock:
            self._sessions.pop(session.id, None)


def _nothing() -> None:
    """Nobody waits for the end."""
