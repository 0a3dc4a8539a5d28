"""A kept model of a server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from grpo_client import calls
from grpo_client.observations import playable, written
from grpo_client.plans import Feed
from grpo_client.results import EvaluationReport, Event, ModelFile, ModelVersions, Prediction, Replay
from grpo_client.session import Session


class Model:
    """A handle on a model by its name: on one version of it, or on whichever is the newest when it is used."""

    def __init__(self, session: Session, name: str, version: int | None = None) -> None:
        self._session = session
        self.name, self.version = name, version

    def __repr__(self) -> str:
        return f"Model({self.name!r}, version={self.version})"

    def info(self) -> ModelVersions:
        """All versions, the oldest first, and where each comes from."""
        return self._session.send(calls.model(self.name))

    def predict(self, observation: Any, deterministic: bool = True) -> Prediction:
        """The action for an observation; for a list of observations, lists of the same length in one request.

        Arrays and tuples are taken, too. One observation of a Discrete space is its number, several are [[3], [4]].
        `deterministic`: the most likely action, for a Box the mean; else a sample.
        """
        return self._session.send(calls.predict(self.name, self.version, written(observation), deterministic))

    def policy(self, deterministic: bool = True) -> Callable[[Any], Any]:
        """A function from an observation to an action that `env.step` takes, for a loop in Gymnasium's style.

        An integer for a Discrete action, a numpy array of float32 for a Box (flattened). Observations of a vector
        environment, an array of two dimensions, give an array of actions.
        """

        def act(observation: Any) -> Any:
            return playable(self.predict(observation, deterministic).action)

        return act

    def evaluate(self, episodes: int = 100, seed: int = 0, deterministic: bool = True) -> EvaluationReport:
        """Play fresh episodes on the server. The same seed gives the same report."""
        return self._session.send(calls.evaluate(self.name, self.version, episodes, seed, deterministic))

    def replay(self, seed: int = 0, deterministic: bool = True, max_steps: int | None = None) -> Replay:
        """The episode of a seed, step by step. The same seed gives the same hash."""
        return self._session.send(calls.replay(self.name, self.version, seed, deterministic, max_steps))

    def play(self, seed: int | None = None, deterministic: bool = True, speed: float = 1.0) -> Iterator[Event]:
        """The policy at play in real time: `start`, then `step` after `step`, episode after episode, until you leave.

        `start` has the `play_id` for `Client.push`. Raises ConnectionFailed if the connection is lost: a play is not
        taken up again.
        """
        params = calls.play_params(seed, deterministic, self.version, speed)
        return self._session.follow(Feed(calls.play_path(self.name), "end", params=params, reconnects=False))

    def export(self, path: str | Path | None = None, format: Literal["safetensors", "onnx"] = "safetensors") -> ModelFile:
        """The model as one file: its bytes, which are also written to `path` if it is given."""
        file = self._session.send(calls.export(self.name, self.version, format))
        if path is not None:
            Path(path).write_bytes(file)
        return file

    def delete(self) -> str:
        """Remove this version, or the model with all its versions if the handle names none; the server's sentence."""
        return self._session.send(calls.delete_model(self.name, self.version))
