"""Answers to what never becomes a request: the same headers and the same form as all others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI
from starlette.requests import Request

from kamerplanter_backend.api.security_headers import said_always
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.error_handlers import HTTP_CODES, RETRY_AFTER_S, envelope
from kamerplanter_backend.common.exceptions import PayloadTooLargeError, UnavailableError

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a connection is closed."""

    status: HTTPStatus
    code: str
    """What programs tell errors apart by."""
    message: str
    """One English sentence for people."""
    details: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


HEAD_TOO_LARGE = Refusal(
    status=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    code=PayloadTooLargeError.code,
    message="The head of the request is too large; send a shorter address or fewer headers.",
)

NOT_READABLE = Refusal(
    status=HTTPStatus.BAD_REQUEST,
    code=HTTP_CODES[HTTPStatus.BAD_REQUEST],
    message="The request cannot be read in one way only; send HTTP/1.1 with one Host, and a body "
    "of a given length or in chunks.",
)

NO_ROOM = Refusal(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code=UnavailableError.code,
    message="There are too many connections; try again.",
    details={"reason": "too many connections"},
    headers={"Retry-After": str(RETRY_AFTER_S)},
)


def bare_answer(
    app: FastAPI, refusal: Refusal, headers: Iterable[tuple[bytes, bytes]] = ()
) -> bytes:
    """Return a refusal as it goes onto a connection, which is to be closed behind it.

    What was asked is not known, or was not looked at: `path` and `method` are empty.

    Args:
        app: The application, which knows the settings.
        refusal: What to say.
        headers: More headers, such as the date.
    """
    server: Server = app.state.server
    error_id = str(uuid4())
    _LOG.info("refused", error_id=error_id, error_code=refusal.code, status=refusal.status.value)
    unknown: dict[str, Any] = {"type": "http", "app": app, "method": "", "path": "", "headers": []}
    answer = envelope(
        Request(unknown),
        status=refusal.status,
        code=refusal.code,
        message=refusal.message,
        details=refusal.details,
        headers={"Connection": "close", **refusal.headers},
        error_id=error_id,
    )
    always = said_always(
        is_hsts=server.settings.is_production, hsts_subdomains=server.settings.hsts_subdomains
    )
    head = [
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}".encode(),
        *(name + b": " + value for name, value in (*headers, *answer.raw_headers, *always)),
    ]
    return b"\r\n".join(head) + b"\r\n\r\n" + bytes(answer.body)
