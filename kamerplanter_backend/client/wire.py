"""How requests, answers and errors cross the wire; server and client read it here."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from types import get_original_bases
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.common import exceptions as errors
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError

ROLE_HEADER = "X-Acting-Role"
"""The role of the caller where it comes from; narrows what the account may, never widens it."""
TAKEN_AT_HEADER = "X-Taken-At"
"""When a snapshot was looked at; also in the answer that it has not changed."""
CURSOR_HEADER = "X-Change-Cursor"
"""The latest change before a snapshot was read: a stream from there misses nothing."""


def answer_annotation(request: type[Request[Any]]) -> Any:  # noqa: ANN401 - any type
    """Return the type that a kind of request answers, as its class says.

    `Tank` for a class that derives from `Command[Tank]`.

    Raises:
        TypeError: The class names no answer.
    """
    for base in get_original_bases(request):
        arguments = getattr(base, "__pydantic_generic_metadata__", {}).get("args", ())
        if arguments:
            return arguments[0]
    raise TypeError(f"{request.__name__} does not say what it answers")


@cache
def answer_type(request: type[Request[Any]]) -> TypeAdapter[Any]:
    """Return what reads and writes the answers of a kind of request."""
    return TypeAdapter(answer_annotation(request))


NO_ADDRESS = "no address"
NO_CONNECTION = "no connection"
TIMEOUT = "timeout"
UNREADABLE = "unreadable answer"
SERVER_ERROR = "server error"
CERTIFICATE = "certificate"
REDIRECTED = "redirected"
CLOSED = "closed"
"""Reasons of an `UnavailableError` that a client raises; people read them."""
_ANSWER_LOST = frozenset({NO_CONNECTION, TIMEOUT, UNREADABLE, SERVER_ERROR, CLOSED})


def may_have_been_done(error: KamerplanterError) -> bool:
    """Tell whether what a server was asked to do may have been done in spite of an error.

    It may if the answer is missing and not a refusal: the server may have gone on, or its answer
    may have been lost on the way. The same command again does no harm.
    """
    # What the server itself says of its store is an answer: nothing was written.
    is_ours = type(error) is errors.UnavailableError
    return is_ours and error.placeholders.get("reason") in _ANSWER_LOST


_PATIENCE_S = 60.0
_NOT_PLACEHOLDERS = frozenset({"field", "message", "error"})


class Envelope(BaseModel):
    """What the server says of an error; more than this may stand in it."""

    error_code: str
    message: str
    details: dict[str, JsonValue] = {}


def error_of(status: int, body: bytes) -> KamerplanterError:
    """Return the error that an answer tells of, as the class that the server raised.

    Args:
        status: HTTP status, 400 to 599.
        body: The envelope; whatever is none comes from something else than the server.
    """
    if status == HTTPStatus.REQUEST_TIMEOUT:
        # It got lost on the way, as with a connection that breaks; nothing of it was done.
        return errors.UnavailableError(
            "The request took too long to reach the server, which did nothing; check the network.",
            reason=TIMEOUT,
        )
    try:
        envelope = Envelope.model_validate_json(body)
    except ValidationError:
        return _foreign_error(status)
    kind = _errors_by_code().get(envelope.error_code) or _by_status(status, envelope.error_code)
    placeholders: dict[str, object] = {
        name: value
        for name, value in envelope.details.items()
        if isinstance(value, str | int | float) and name not in _NOT_PLACEHOLDERS
    }
    field = envelope.details.get("field") or _first_field(envelope.details.get("fields"))
    if issubclass(kind, errors.RateLimitedError):
        placeholders["retry_after_s"] = _seconds(placeholders.get("retry_after_s"))
    elif issubclass(kind, errors.UnavailableError):
        placeholders.setdefault("reason", SERVER_ERROR)
    return kind(envelope.message, field=field if isinstance(field, str) else None, **placeholders)


def error_of_code(
    code: str, message: str, field: str | None, placeholders: Mapping[str, str]
) -> KamerplanterError:
    """Return an error that was stored, as the class that it was.

    Args:
        code: Of the error's class.
        message: What it said.
        field: Which input was wrong.
        placeholders: What fills its texts in.
    """
    kind = _errors_by_code().get(code, KamerplanterError)
    more: dict[str, Any] = {
        name: value for name, value in placeholders.items() if name not in _NOT_PLACEHOLDERS
    }
    if issubclass(kind, errors.RateLimitedError):
        more["retry_after_s"] = _seconds(more.get("retry_after_s"))
    return kind(message, field=field, **more)


def _foreign_error(status: int) -> KamerplanterError:
    """Return what to make of an error that is not in our words, e.g. of a proxy in between."""
    if status == HTTPStatus.UNAUTHORIZED:
        return errors.UnauthorizedError("The server, or what stands before it, wants a login.")
    reason = SERVER_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UNREADABLE
    return errors.UnavailableError(
        f"The address answered with HTTP status {status} and no explanation; "
        "check that it belongs to a Kamerplanter server that is running.",
        reason=reason,
    )


_BY_STATUS: dict[int, type[KamerplanterError]] = {
    HTTPStatus.UNAUTHORIZED: errors.UnauthorizedError,
    HTTPStatus.FORBIDDEN: errors.ForbiddenError,
    HTTPStatus.NOT_FOUND: errors.NotFoundError,
    HTTPStatus.CONFLICT: errors.ConflictError,
    HTTPStatus.PRECONDITION_FAILED: errors.StaleRevisionError,
    HTTPStatus.UNPROCESSABLE_CONTENT: InvalidInputError,
    HTTPStatus.TOO_MANY_REQUESTS: errors.RateLimitedError,
}


def _by_status(status: int, code: str) -> type[KamerplanterError]:
    """Return the class for a code that this version has no class for."""
    if code.endswith("_NOT_FOUND"):
        return errors.NotFoundError  # the server names what was not found: PLANT_NOT_FOUND
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.UnavailableError
    return _BY_STATUS.get(status, KamerplanterError)


@cache
def _errors_by_code() -> dict[str, type[KamerplanterError]]:
    found: dict[str, type[KamerplanterError]] = {}
    waiting: list[type[KamerplanterError]] = [KamerplanterError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found


def _seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return _PATIENCE_S


def _first_field(problems: JsonValue) -> JsonValue:
    """Return the first field that a body was refused for."""
    if isinstance(problems, list) and problems and isinstance(problems[0], dict):
        return problems[0].get("field")
    return None
