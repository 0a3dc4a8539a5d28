"""CPU time of one POST /inference by part, measured in one process without a network."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Litestar

from adapters.http.app import create_app
from adapters.http.requests import InferenceRequest
from adapters.http.responses import InferenceResponse
from benchmarks.bare_server import bare_app
from bootstrap.container import VERSION, build
from bootstrap.settings import Settings

BODY = json.dumps({"model_name": "bench", "observation": [0.1, 0.0, 0.05, 0.0], "deterministic": True}).encode()
CALLS = 500
ROUNDS = 25


def measure() -> dict[str, float]:
    """Microseconds of CPU time, each the lowest of 25 rounds of 500 calls.

    application: the whole request from ASGI to ASGI; bare: the same of a bare Litestar route; decode, predict, encode:
    parts of the first; rest: what remains (reading the body, the request's id).
    """
    with tempfile.TemporaryDirectory() as folder:
        container = build(Settings(data_dir=folder, executor="inline"))
        cases = container.use_cases
        cases.start_training({"model_name": "bench", "total_timesteps": 2_000, "seed": 0})
        service, bare = create_app(cases, VERSION), bare_app()
        asked = msgspec.json.decode(BODY, type=InferenceRequest)
        answer = cases.predict(asked.model_name, asked.observation)
        response = InferenceResponse(answer.action, answer.action_probs, answer.value)
        decoder = msgspec.json.Decoder(InferenceRequest)
        rounds = [
            {
                "application": _requests(service),
                "bare": _requests(bare),
                "decode": _calls(lambda: decoder.decode(BODY)),
                "predict": _calls(lambda: cases.predict.at_once(asked.model_name, asked.observation)),
                "encode": _calls(lambda: msgspec.json.encode(response)),
            }
            for _ in range(ROUNDS)
        ]
        container.close()
    found = {name: min(each[name] for each in rounds) for name in rounds[0]}
    # The bare route encodes an answer of the same size.
    found["rest"] = found["application"] - found["bare"] - found["decode"] - found["predict"]
    found["litestar"] = found["bare"] - found["encode"]
    return found


def _requests(app: Litestar) -> float:
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 0))

    async def run() -> float:
        begun = time.process_time()
        for _ in range(CALLS):
            await app(_scope(), receive, send)  # type: ignore[arg-type]
        return (time.process_time() - begun) / CALLS * 1e6

    microseconds = asyncio.run(run())
    if max(statuses) != 200:
        raise RuntimeError(f"answers {statuses[:2]}")
    return microseconds


def _calls(call: Callable[[], object]) -> float:
    begun = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - begun) / CALLS * 1e6


def _scope() -> dict[str, Any]:
    """What uvicorn passes for wrk's request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/inference",
        "raw_path": b"/inference",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(BODY)).encode()),
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
        "state": {},
    }
