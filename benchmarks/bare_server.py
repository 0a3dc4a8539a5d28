"""A bare Litestar route on the service's stack, to which the service is compared: python -m benchmarks.bare_server.

`POST /inference` leaves the body unread and answers one constant msgspec Struct of the same size, with nothing else in the
way. The port stands in the environment variable GRPO_PORT.
"""

import os

import uvicorn
from litestar import Litestar, get, post

from adapters.http.responses import InferenceResponse
from bootstrap.main import STACK


@post("/inference", status_code=200)
async def infer() -> InferenceResponse:
    return InferenceResponse(1, [0.1711997542912086, 0.8288002457087914], 99.97160644829273)


@get("/health")
async def health() -> dict[str, str]:
    return {}


def bare_app() -> Litestar:
    return Litestar([infer, health], openapi_config=None, logging_config=None)


if __name__ == "__main__":
    uvicorn.run(
        bare_app(),
        port=int(os.environ["GRPO_PORT"]),
        **STACK,
    )
