"""One line for each request, the request's id in all lines of it, and no error gets past here."""

import re
from time import perf_counter
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kamerplanter_backend.common.error_handlers import unhandled_error
from kamerplanter_backend.common.log_context import Note, begin_note, end_note
from kamerplanter_backend.config.logging import write_request_line

REQUEST_ID = b"x-request-id"
"""The header that tells the request's id."""

_UUID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)

QUIET_PATHS = frozenset({"/api/health", "/api/v1/health/live", "/api/v1/health/ready"})
"""Asked for every few seconds: they are logged only if they fail."""


class RequestLog:
    """Names each request, writes its line, and turns what nobody expected into an answer.

    A caller's own `X-Request-ID` is taken over if it is a UUID.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request and write its line."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        named = (REQUEST_ID, request_id.encode())
        started = perf_counter()
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), named]
            await send(message)

        note = begin_note(request_id)
        try:
            await self._app(scope, receive, send_named)
        except Exception as error:
            answer = unhandled_error(Request(scope), error)
            if status:
                # The answer is on its way; all that is left is to break it off.
                raise
            await answer(scope, receive, send_named)
        finally:
            _write_line(scope, note, status, perf_counter() - started)
            end_note()


def _write_line(scope: Scope, note: Note, status: int, duration_s: float) -> None:
    path = scope["path"]
    if path in QUIET_PATHS and status < 400:  # noqa: PLR2004
        return
    route: Any = scope.get("route")
    # The path itself is not logged: a calendar's address holds its secret.
    write_request_line(
        note,
        method=scope["method"],
        route=getattr(route, "path", None) or "unknown",
        status=status or 499,
        duration_ms=round(duration_s * 1000, 2),
    )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _UUID.fullmatch(value):
            return str(value.decode().lower())
    return str(uuid4())
