"""What a request may carry: JSON, not too much, not too deep, and it has to arrive in time."""

import asyncio
from collections.abc import Iterator

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kamerplanter_backend.api.body_shape import check_shape
from kamerplanter_backend.common.error_handlers import domain_error
from kamerplanter_backend.common.exceptions import (
    PayloadTooLargeError,
    RequestTimeoutError,
    UnsupportedMediaTypeError,
)
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError

MAX_BYTES = 1024 * 1024
MAX_LOGIN_BYTES = 16 * 1024
"""Strangers need not send more: finding all mistakes in a mebibyte holds others up."""
LOGIN_PREFIX = "/api/v1/auth/"
ARRIVAL_S = 10.0
"""How long the body may take to arrive. [s]"""

JSON_TYPES = ("application/json", "application/merge-patch+json")


class BodyLimit:
    """Takes the whole body in, checks it, and hands it on in one piece.

    Args:
        app: The application.
        arrival_s: How long a body may take to arrive. [s]
    """

    def __init__(self, app: ASGIApp, *, arrival_s: float = ARRIVAL_S) -> None:
        self._app = app
        self._arrival_s = arrival_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose body is sound; refuse any other."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        try:
            _check_type(scope)
            most = MAX_LOGIN_BYTES if scope["path"].startswith(LOGIN_PREFIX) else MAX_BYTES
            _check_announced(scope, most)
            body = await self._arrived(receive, most)
            if body is None:
                return
            check_shape(body)
            _check_text(body)
        except KamerplanterError as error:
            await domain_error(Request(scope), error)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    async def _arrived(self, receive: Receive, most: int) -> bytes | None:
        """Return the body; none = the caller has gone."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._arrival_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    part = message.get("body", b"")
                    size += len(part)
                    if size > most:
                        raise _too_large(most)
                    parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError as error:
            raise RequestTimeoutError(
                f"The body took longer than {self._arrival_s:g} s to arrive; nothing was written."
            ) from error


def _has_body(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


def _check_type(scope: Scope) -> None:
    for value in _values(scope, b"content-type"):
        kind = value.split(b";")[0].strip().lower().decode("latin-1")
        if kind in JSON_TYPES:
            return
        raise _not_json(kind)
    raise _not_json("no Content-Type")


def _check_announced(scope: Scope, most: int) -> None:
    for value in _values(scope, b"content-length"):
        if not value.isdigit() or int(value) > most:
            raise _too_large(most)


def _values(scope: Scope, wanted: bytes) -> Iterator[bytes]:
    return (value for name, value in scope["headers"] if name == wanted)


def _check_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError("The body is not text in UTF-8.", field="body") from error


def _too_large(most: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"A request may carry {most} bytes here; send less at once.", allowed=most
    )


def _not_json(kind: str) -> UnsupportedMediaTypeError:
    allowed = ", ".join(JSON_TYPES)
    return UnsupportedMediaTypeError(
        f"The server takes {allowed}, not {kind[:100]!r}.",
        field="Content-Type",
        value=kind[:100],
        allowed=allowed,
    )


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a source that gives the body once, and then whatever comes after it."""
    is_given = False

    async def give() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
