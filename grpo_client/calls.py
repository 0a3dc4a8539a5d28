"""The API as values: what to send for each route, and what the answer is read as. No I/O, so that both clients share it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from grpo_client import results, sweep_results
from grpo_client.errors import UnexpectedAnswer

T = TypeVar("T")
JSON = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}
LONG_SECONDS = 600.0  # an evaluation of many episodes, the export of a large network


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request and how its answer is read.

    `repeatable`: sent twice it has the effect of once, so it may be sent again if no answer came.
    `timeout_seconds`: the answer may take so long, even if the client's own time-out is shorter.
    `within_seconds`: no step of the request may take longer, even if the client's own time-out is longer.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    timeout_seconds: float | None = None
    within_seconds: float | None = None


def reader(kind: type[T]) -> Callable[[httpx.Response], T]:
    """Reads a JSON body as `kind`; raises UnexpectedAnswer if it is something else."""
    decoder = msgspec.json.Decoder(kind)

    def read(answer: httpx.Response) -> T:
        try:
            return decoder.decode(answer.content)
        except msgspec.DecodeError as error:
            raise UnexpectedAnswer(f"{answer.url} did not answer as this API does: {error}.") from error

    return read


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON; arrays and scalars of numpy and its like become lists and numbers."""
    return msgspec.json.encode(body, enc_hook=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON: {value!r}.")


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _segment(name: str) -> str:
    """A name as one segment of a path, whatever it contains. Raises ValueError for what would name another path."""
    if not name or name in {".", ".."}:
        raise ValueError(f"The name of a model and the id of a job or a play must not be empty, '.' or '..', got {name!r}.")
    return quote(name, safe="")


def train(fields: Mapping[str, Any], idempotency_key: str) -> Call[results.Started]:
    """Start a job. The key makes it repeatable: sent again, it gives the same job. Raises ValueError for a malformed key."""
    if not (isinstance(idempotency_key, str) and idempotency_key.isascii() and idempotency_key.isprintable()):
        raise ValueError(f"idempotency_key must consist of printable ASCII characters, got {idempotency_key!r}.")
    headers = JSON | {"Idempotency-Key": idempotency_key}
    return Call("POST", "/train", reader(results.Started), content=encoded(fields), headers=headers, repeatable=True)


def status(job_id: str) -> Call[results.JobStatus]:
    """How far a job is."""
    return Call("GET", f"/training/{_segment(job_id)}/status", reader(results.JobStatus), repeatable=True)


def jobs(limit: int | None, after: str | None, states: str | Sequence[str]) -> Call[list[results.JobStatus]]:
    """A page of jobs, the newest first."""
    read = reader(results.Jobs)
    params = _given(limit=limit, after=after, status=[states] if isinstance(states, str) else list(states) or None)
    return Call("GET", "/training/jobs", lambda answer: read(answer).jobs, params, repeatable=True)


def stop(job_id: str) -> Call[str]:
    """End a job and keep what it has learned."""
    return Call("POST", f"/training/{_segment(job_id)}/stop", _message)


def resume(job_id: str, total_timesteps: int | None) -> Call[results.Started]:
    """Go on with a stopped or failed job."""
    body = encoded(_given(total_timesteps=total_timesteps))
    return Call("POST", f"/training/{_segment(job_id)}/resume", reader(results.Started), content=body, headers=JSON)


def start_sweep(body: Mapping[str, Any]) -> Call[sweep_results.SweepStatus]:
    """Start a sweep."""
    return Call("POST", "/sweeps", reader(sweep_results.SweepStatus), content=encoded(body), headers=JSON)


def sweeps() -> Call[list[sweep_results.SweepSummary]]:
    """All sweeps, the newest first."""
    read = reader(sweep_results.Sweeps)
    return Call("GET", "/sweeps", lambda answer: read(answer).sweeps, repeatable=True)


def sweep(sweep_id: str) -> Call[sweep_results.SweepStatus]:
    """Its trials and the best of them."""
    return Call("GET", f"/sweeps/{_segment(sweep_id)}", reader(sweep_results.SweepStatus), repeatable=True)


def stop_sweep(sweep_id: str) -> Call[sweep_results.SweepStatus]:
    """Begin no further trial, and stop those that run."""
    return Call("POST", f"/sweeps/{_segment(sweep_id)}/stop", reader(sweep_results.SweepStatus))


def resume_sweep(sweep_id: str, n_trials: int | None) -> Call[sweep_results.SweepStatus]:
    """Go on with a sweep that has ended."""
    body = encoded(_given(n_trials=n_trials))
    return Call("POST", f"/sweeps/{_segment(sweep_id)}/resume", reader(sweep_results.SweepStatus), content=body, headers=JSON)


def metrics(job_id: str, max_points: int | None) -> Call[results.Metrics]:
    """The history of a run."""
    path = f"/training/{_segment(job_id)}/metrics"
    return Call("GET", path, reader(results.Metrics), _given(max_points=max_points), repeatable=True)


def plot(job_id: str) -> Call[results.Svg]:
    """The learning curve as a picture."""
    path = f"/training/{_segment(job_id)}/plot.svg"
    return Call("GET", path, lambda answer: results.Svg(answer.content), repeatable=True)


def predict(model_name: str, version: int | None, observation: Any, deterministic: bool) -> Call[results.Prediction]:
    """Actions for observations. It changes nothing, so it is repeatable although it is a POST."""
    body = {"model_name": model_name, "observation": observation, "deterministic": deterministic, "model_version": version}
    read = reader(results.Prediction)
    return Call("POST", "/inference", read, content=encoded(body), headers=JSON, repeatable=True)


def models() -> Call[list[results.ModelInfo]]:
    """The newest version of each model."""
    read = reader(dict[str, list[results.ModelInfo]])
    return Call("GET", "/models", lambda answer: read(answer)["models"], repeatable=True)


def model(model_name: str) -> Call[results.ModelVersions]:
    """All versions of a model."""
    return Call("GET", f"/models/{_segment(model_name)}", reader(results.ModelVersions), repeatable=True)


def delete_model(model_name: str, version: int | None) -> Call[str]:
    """Remove a model, or one version."""
    return Call("DELETE", f"/models/{_segment(model_name)}", _message, _given(model_version=version))


def evaluate(
    model_name: str, version: int | None, episodes: int, seed: int, deterministic: bool
) -> Call[results.EvaluationReport]:
    """Play fresh episodes. Not repeatable: a busy server would have to do the work twice."""
    body = {"episodes": episodes, "seed": seed, "deterministic": deterministic, "model_version": version}
    path = f"/models/{_segment(model_name)}/evaluate"
    read = reader(results.EvaluationReport)
    return Call("POST", path, read, content=encoded(body), headers=JSON, timeout_seconds=LONG_SECONDS)


def replay(model_name: str, version: int | None, seed: int, deterministic: bool, max_steps: int | None) -> Call[results.Replay]:
    """Play the episode of a seed."""
    params = _given(seed=seed, deterministic=_word(deterministic), model_version=version, max_steps=max_steps)
    path = f"/models/{_segment(model_name)}/replay"
    return Call("GET", path, reader(results.Replay), params, repeatable=True, timeout_seconds=LONG_SECONDS)


def play_params(seed: int | None, deterministic: bool, version: int | None, speed: float) -> dict[str, Any]:
    """Parameters of the stream of a policy at play."""
    return _given(seed=seed, deterministic=_word(deterministic), model_version=version, speed=speed)


def push(play_id: str, force: float) -> Call[str]:
    """Give a shove to the system that a policy is playing with."""
    return Call("POST", f"/plays/{_segment(play_id)}/push", _message, content=encoded({"force": force}), headers=JSON)


def export(model_name: str, version: int | None, file_format: str) -> Call[results.ModelFile]:
    """A model as one file."""
    params = _given(format=file_format, model_version=version)
    path = f"/models/{_segment(model_name)}/export"
    return Call("GET", path, _model_file, params, repeatable=True, timeout_seconds=LONG_SECONDS)


def import_model(content: bytes, name: str | None) -> Call[results.ImportedModel]:
    """Take in a file that `export` made. Repeatable: the same file again gives the version that it has become."""
    params, read = _given(model_name=name), reader(results.ImportedModel)
    return Call("POST", "/models", read, params, content=content, headers=BYTES, repeatable=True)


def environments() -> Call[list[results.Environment]]:
    """What can be trained."""
    read = reader(dict[str, list[results.Environment]])
    return Call("GET", "/environments", lambda answer: read(answer)["environments"], repeatable=True)


def reward_functions() -> Call[list[results.RewardFunction]]:
    """What can be learned from."""
    read = reader(dict[str, list[results.RewardFunction]])
    return Call("GET", "/reward-functions", lambda answer: read(answer)["reward_functions"], repeatable=True)


def health() -> Call[results.Health]:
    """Is it up."""
    return Call("GET", "/health", reader(results.Health), repeatable=True)


def ready() -> Call[results.Readiness]:
    """Can it do its work. Not repeated: 503 is an answer here."""
    return Call("GET", "/health/ready", reader(results.Readiness))


def events_path(job_id: str) -> str:
    """The path of a job's events."""
    return f"/training/{_segment(job_id)}/events"


def play_path(model_name: str) -> str:
    """The path of the stream of a policy at play."""
    return f"/models/{_segment(model_name)}/play"


_read_said = reader(results.Said)


def _message(answer: httpx.Response) -> str:
    return _read_said(answer).message


def _model_file(answer: httpx.Response) -> results.ModelFile:
    file = results.ModelFile(answer.content)
    file.sha256 = answer.headers.get("X-Model-SHA256")
    said = answer.headers.get("X-ONNX-Parity")
    file.parity = msgspec.json.decode(said) if said else None
    return file


def _word(value: bool) -> str:
    return "true" if value else "false"
