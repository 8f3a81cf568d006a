"""Every answer that is an error, in one form: who was refused what, why, and under which number."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ExternalSourceError,
    ForbiddenError,
    IdempotencyConflictError,
    InvitationExpiredError,
    NotFoundError,
    OtherServerError,
    PayloadTooLargeError,
    RateLimitedError,
    RequestTimeoutError,
    StaleRevisionError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from kamerplanter_backend.common.nouns import singular
from kamerplanter_backend.domain.repositories.validation import said
from kamerplanter_engines.errors import (
    IllegalTransitionError,
    InvalidInputError,
    KamerplanterError,
    KarenzViolationError,
)

_LOG = structlog.get_logger(__name__)

STATUS: dict[type[KamerplanterError], int] = {
    InvalidInputError: 422,
    KarenzViolationError: 422,
    IllegalTransitionError: 422,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    NotFoundError: 404,
    RequestTimeoutError: 408,
    ConflictError: 409,
    InvitationExpiredError: 410,
    StaleRevisionError: 412,
    PayloadTooLargeError: 413,
    UnsupportedMediaTypeError: 415,
    OtherServerError: 421,
    RateLimitedError: 429,
    ExternalSourceError: 502,
    UnavailableError: 503,
    KamerplanterError: 422,
}
"""HTTP status by category; a class that is not named has the status of the class above it."""

HTTP_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "UNAVAILABLE",
}
"""Codes of what the framework itself refuses."""

RETRY_AFTER_S = 5
"""When to ask again while the store does not answer. [s]"""

KEY_HEADER = "Idempotency-Key"

MAX_FIELDS = 50
"""Most problems of one body that are listed."""

MAX_SHOWN = 100
"""Longest part of a wrong value that is repeated. [characters]"""

SECRET_PARTS = ("password", "token", "secret", "authorization", "cookie")
"""Fields with these words in their names are never repeated."""


def envelope(
    request: Request,
    *,
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    error_id: str | None = None,
) -> Response:
    """Return an answer that tells of an error.

    Args:
        request: What was asked.
        status: HTTP status.
        code: What programs tell errors apart by.
        message: One English sentence for people.
        details: What belongs to the error.
        headers: More headers.
        error_id: Its number in the log; none = a new one.
    """
    more = dict(headers or {})
    if status == 401:  # noqa: PLR2004
        more.setdefault("WWW-Authenticate", "Bearer")
    body = {
        "error_id": error_id or str(uuid4()),
        "error_code": code,
        "message": message,
        "details": dict(details or {}),
        "timestamp": _clock(request)().isoformat().replace("+00:00", "Z"),
        "path": request.url.path,
        "method": request.method,
    }
    # Half a character in what was sent (a lone surrogate) must not break the answer about it.
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(content, status, more, media_type="application/json")


def domain_error(request: Request, error: KamerplanterError) -> Response:
    """Return the answer for an error of the domain, by its category."""
    status = status_of(error)
    error_id = str(uuid4())
    message, details = error.message, details_of(error)
    headers = {}
    if isinstance(error, UnavailableError) and not isinstance(error, OtherServerError):
        # What the store says of itself (files, the database) is for the log alone.
        _LOG.error("store_unavailable", error_id=error_id, error_code=error.code, reason=message)
        message = "The garden cannot answer now and nothing was written; try again."
        reason = error.placeholders.get("reason", "")
        details = {"reason": reason} if reason.replace(" ", "").isalpha() else {}
        headers["Retry-After"] = str(RETRY_AFTER_S)
    else:
        _LOG.info("refused", error_id=error_id, error_code=error.code, status=status)
    if isinstance(error, InvalidInputError) and error.field is not None:
        details["fields"] = _input_problems(request, error, details)
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, PayloadTooLargeError | RequestTimeoutError):
        # The rest of the body is not read, so the connection cannot be used again.
        headers["Connection"] = "close"
    return envelope(
        request,
        status=status,
        code=error_code_of(error),
        message=message,
        details=details,
        headers=headers,
        error_id=error_id,
    )


def unhandled_error(request: Request, error: Exception) -> Response:
    """Return the answer for a mistake of ours: it says nothing, and its number is in the log."""
    error_id = str(uuid4())
    _LOG.error("unhandled_error", error_id=error_id, exc_info=error)
    return envelope(
        request,
        status=500,
        code="INTERNAL_ERROR",
        message="Something went wrong on the server. Its log knows more under this error_id.",
        error_id=error_id,
    )


def status_of(error: KamerplanterError) -> int:
    """Return the HTTP status of an error: that of its nearest category."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def error_code_of(error: KamerplanterError) -> str:
    """Return the code of an error; what was not found is named in it: `PLANT_NOT_FOUND`."""
    kind = error.placeholders.get("kind")
    if type(error) is NotFoundError and kind:
        return f"{singular(kind).upper()}_{error.code}"
    return error.code


def details_of(error: KamerplanterError) -> dict[str, Any]:
    """Return what an error says about itself beside its message."""
    details: dict[str, Any] = dict(error.placeholders)
    if _is_secret(error.field):
        details.pop("value", None)
    return details if error.field is None else details | {"field": error.field}


def field_problems(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Return what is wrong with which field of a request, without repeating secrets."""
    problems = []
    for error in errors[:MAX_FIELDS]:
        if error["type"] == "too_short" and _has_wrong_item(error["loc"], errors):
            continue  # it was not read to its end
        where, *names = [str(part) for part in error["loc"]] or ["body"]
        reason = said(error)
        if error["type"] == "json_invalid" and names:
            # The framework gives the place in the text as if it were the name of a field.
            reason, names = f"it is no JSON from character {names[-1]} on", []
        problem = {
            "field": ".".join(names) or where,
            "location": where,
            "reason": reason,
            "code": str(error["type"]),
        }
        value = error.get("input")
        is_shown = names and error["type"] != "extra_forbidden"
        if (
            is_shown
            and isinstance(value, str | int | float | bool)
            and not any(_is_secret(name) for name in names)
        ):
            problem["value"] = str(value)[:MAX_SHOWN]
        problems.append(problem)
    return problems


def _input_problems(
    request: Request, error: InvalidInputError, details: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return what a rule has against an input, as the check of a request would list it."""
    cause, field = error.__cause__, error.field or ""
    if isinstance(cause, ValidationError):
        problems = field_problems(_in_body(cause))
        if problems and problems[0]["field"] == field:
            return problems
    problem = {
        "field": field,
        "location": _location_of(request, field),
        "reason": error.message,
        "code": error.code,
    }
    value = details.get("value")
    return [problem if value is None else problem | {"value": value[:MAX_SHOWN]}]


def _location_of(request: Request, field: str) -> str:
    """Return in which part of a request an input came."""
    if field in request.query_params:
        return "query"
    if field in request.path_params:
        return "path"
    # Our own names are written small. A name may be one that no header can have, and asking the
    # headers themselves for such a one fails.
    is_header = field[:1].isupper() and field.lower() in request.headers.keys()  # noqa: SIM118
    return "header" if is_header else "body"


def install_error_handlers(app: FastAPI) -> None:
    """Make the application answer all errors in this form, except those that nobody expected.

    The middleware that writes the log catches these, so that their answers have all headers.
    """
    app.add_exception_handler(KamerplanterError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(ValidationError, _on_invalid_model)
    app.add_exception_handler(HTTPException, _on_http_error)


async def _on_domain_error(request: Request, error: Exception) -> Response:
    return domain_error(request, _as_sent(request, cast("KamerplanterError", error)))


def _as_sent(request: Request, error: KamerplanterError) -> KamerplanterError:
    """Return an error that names the header, where it is about what came in one."""
    key = request.headers.get(KEY_HEADER)
    if not isinstance(error, IdempotencyConflictError) or error.placeholders.get("value") != key:
        return error
    return IdempotencyConflictError(
        f"{KEY_HEADER} {key!r} was used for something else; use a new one.",
        field=KEY_HEADER,
        kind="command",
        value=key,
    )


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    return _invalid(request, cast("RequestValidationError", error).errors())


async def _on_invalid_model(request: Request, error: Exception) -> Response:
    return _invalid(request, _in_body(cast("ValidationError", error)))


async def _on_http_error(request: Request, error: Exception) -> Response:
    failure = cast("HTTPException", error)
    if failure.status_code == 400:  # noqa: PLR2004 - the framework cannot read the body
        problem = {"loc": ("body",), "msg": "it cannot be read as JSON", "type": "json_invalid"}
        return _invalid(request, [problem])
    code = HTTP_CODES.get(failure.status_code, "BAD_REQUEST")
    messages = {
        404: f"There is nothing at {request.url.path}.",
        405: f"{request.method} is not possible at {request.url.path}.",
    }
    headers = dict(failure.headers or {})
    if failure.status_code in {429, 503}:
        headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return envelope(
        request,
        status=failure.status_code,
        code=code,
        message=messages.get(failure.status_code, str(failure.detail)),
        headers=headers,
    )


def _in_body(error: ValidationError) -> list[dict[str, Any]]:
    """Return the problems of a model that was made of a body."""
    found = error.errors(include_url=False, include_context=False)
    return [{**item, "loc": ("body", *item["loc"])} for item in found]


def _invalid(request: Request, errors: Sequence[Any]) -> Response:
    problems = field_problems(errors)
    first = problems[0] if problems else {"field": "body", "reason": "it cannot be used"}
    shown = f" (got {first['value']!r})" if "value" in first else ""
    return envelope(
        request,
        status=422,
        code="VALIDATION_ERROR",
        message=f"{first['field']}: {first['reason']}{shown}.",
        details={name: first[name] for name in ("field", "value") if name in first}
        | {"fields": problems},
    )


def _has_wrong_item(place: Sequence[Any], errors: Sequence[Any]) -> bool:
    depth = len(place)
    return any(len(error["loc"]) > depth and error["loc"][:depth] == place for error in errors)


def _is_secret(name: str | None) -> bool:
    return name is not None and any(part in name.lower() for part in SECRET_PARTS)


def _clock(request: Request) -> Clock:
    server = getattr(request.app.state, "server", None) if "app" in request.scope else None
    return cast("Clock", server.clock) if server is not None else system_clock
