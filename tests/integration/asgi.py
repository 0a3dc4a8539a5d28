"""A client of the application that reads an answer while it is being sent, and may go away in the middle."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from litestar import Litestar

from adapters.execution.inline import InlineExecutor
from adapters.http.app import create_app
from adapters.storage.memory import MemoryJobRepository, MemoryModelRepository
from adapters.storage.memory_sweeps import MemorySweepRepository
from bootstrap.container import VERSION, Container, SystemClock
from bootstrap.settings import Settings
from domain.checkpoint import Model
from domain.ports import EnvironmentFactory

PATIENCE_SECONDS = 20.0


def service_of(environments: EnvironmentFactory, *models: Model) -> tuple[Litestar, Container]:
    """The application over these environments, with these models in memory; close the container."""
    kept = MemoryModelRepository()
    for model in models:
        kept.save(model)
    container = Container(
        jobs=MemoryJobRepository(),
        models=kept,
        sweeps=MemorySweepRepository(),
        executor=InlineExecutor(),
        environments=environments,
        clock=SystemClock(),
        settings=Settings(),
    )
    return create_app(container.use_cases, VERSION), container


class Exchange:
    """One request, and its answer piece by piece. Use within a running event loop."""

    def __init__(self, app: Litestar, method: str, target: str, body: Any = None) -> None:
        path, _, query = target.partition("?")
        headers = [(b"host", b"testserver.local")]
        self._request = b"" if body is None else json.dumps(body).encode()
        if self._request:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(self._request)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("testclient", 1),
            "server": ("testserver.local", 80),
            "state": {},
        }
        self._sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._asked, self._gone = False, asyncio.Event()
        self._text = ""
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._request, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self._sent.put(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._gone.set()  # a server says so when the answer is complete, too

    async def begin(self) -> "Exchange":
        """Wait for status and headers."""
        message = await self._next()
        self.status = message["status"]
        self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        return self

    async def body(self) -> bytes:
        """The whole body, when the answer is complete."""
        parts, more = [], True
        while more:
            message = await self._next()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(parts)

    async def event(self) -> tuple[str, Any]:
        """The next server-sent event: its kind and its data; ("", None) at the end of the stream."""
        while True:
            block, separator, rest = self._text.partition("\n\n")
            if separator:
                self._text = rest
                fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
                if "data" in fields:
                    return fields["event"], json.loads(fields["data"])
                continue
            message = await self._next()
            self._text += message.get("body", b"").decode()
            if not message.get("more_body", False):
                return "", None

    async def leave(self) -> None:
        """Close the connection, and wait until the application has noticed."""
        self._gone.set()
        await asyncio.wait_for(asyncio.gather(self.task, return_exceptions=True), PATIENCE_SECONDS)

    async def _next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._sent.get(), PATIENCE_SECONDS)


async def until(condition: Any) -> None:
    """Wait until the condition holds, for what happens in other threads."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.002)
