"""Something that answers like a Kamerplanter server, except where a test wants it otherwise."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from kamerplanter_backend.client.protocol import PROTOCOL
from kamerplanter_backend.common.meant_headers import INSTANCE_HEADER

MODE = {"mode": "light", "version": "2026.11.0", "protocol": PROTOCOL, "instance_id": "one"}
CLIENT = "/api/v1/t/platform/client"

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class OddServer:
    """Counts what it is asked, and answers as it is told."""

    def __init__(self) -> None:
        self.mode: dict[str, Any] = dict(MODE)
        self.asked: list[tuple[str, str]] = []
        """Method and path of each request but those for the mode."""
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[Handler] = []
        """For one request each; the last one stays."""
        self.is_nameless = False
        """Something on the way takes off which server it is."""
        self.url = ""
        self.over = asyncio.Event()

    def refuse(self, status: int, code: str, message: str = "No.", **details: Any) -> Handler:
        """Return an answer in the words of the server."""
        body = {"error_id": "x", "error_code": code, "message": message, "details": details}
        return self.say(body, status=status)

    def say(self, body: Any, status: int = 200, **headers: str) -> Handler:
        """Return an answer with a JSON body."""

        async def answer(_request: web.Request) -> web.Response:
            return web.json_response(body, status=status, headers=headers)

        return answer

    def text(self, body: str, status: int = 200, **headers: str) -> Handler:
        """Return an answer that is no JSON."""

        async def answer(_request: web.Request) -> web.Response:
            return web.Response(text=body, status=status, headers=headers)

        return answer

    async def hang(self, _request: web.Request) -> web.Response:
        """Answer nothing."""
        await self.over.wait()
        return web.Response()

    async def drop(self, request: web.Request) -> web.Response:
        """Cut the connection after the request has arrived."""
        assert request.transport is not None
        request.transport.abort()
        await asyncio.sleep(0.05)
        return web.Response()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer the next request."""
        if request.path == "/api/v1/mode":
            named = {} if self.is_nameless else {INSTANCE_HEADER: self.mode.get("instance_id", "")}
            return web.json_response(self.mode, headers=named)
        self.asked.append((request.method, request.raw_path))
        self.headers.append(dict(request.headers))
        self.bodies.append(await request.json() if request.can_read_body else None)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@asynccontextmanager
async def serving() -> AsyncIterator[OddServer]:
    """Serve on a free port during the block."""
    server = OddServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.over.set()
        await asyncio.sleep(0)
        await runner.cleanup()
