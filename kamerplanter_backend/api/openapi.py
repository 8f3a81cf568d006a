"""The description of the interface: OpenAPI 3.1, with every error that an answer can be."""

import inspect
import re
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field, JsonValue

import kamerplanter_engines
from kamerplanter_backend.api.answer_headers import IF_NONE_MATCH
from kamerplanter_backend.api.asked_headers import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    NOT_REMEMBERED,
    REMEMBERED,
)
from kamerplanter_backend.api.crud import MERGE_PATCH
from kamerplanter_backend.api.examples import SCHEMAS, Examples, patch_name
from kamerplanter_backend.api.field_words import describe_fields, describe_one
from kamerplanter_backend.api.pagination import ListPage
from kamerplanter_backend.api.rate_limit import RateLimit
from kamerplanter_backend.client.handlers import HANDLERS
from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.common.auth import (
    AccessRule,
    Permitted,
    PlatformAdmin,
    Public,
    rules_of,
)
from kamerplanter_backend.common.dependencies import expected_revision
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.identity import ProfileFields
from kamerplanter_backend.domain.models.tenant import TenantFields
from kamerplanter_engines.models.base import Instant

_PAGE = re.compile(r"ListPage[_\[](\w+?)[_\]]$")

JSON = "application/json"
ABOUT = """\
Plant and grow management.

Everything of one garden lies below `/api/v1/t/{slug}`; what all gardens share lies beside it.

- **Login**: `Authorization: Bearer` with an access token or an API key. A light server asks for
  nothing.
- **Lists** come in pages: ask for the next one with the `cursor` of the page before.
- **Changes** are JSON merge patches: what is absent stays, what is null is cleared. What no longer
  fits beside the new values has to be sent too: who leaves it out is told its name (422). Send the
  `ETag` that you saw as `If-Match`, and nothing is overwritten that you did not see (412).
- **Repeating** a command with the same `Idempotency-Key` answers again and acts once.
- **The right server**: send `X-Instance-Id` (from `/api/v1/mode`) and `X-Garden-Key` (from the list
  of gardens) with what concerns a garden, and another server at the address (421) or another garden
  of the same name (404) does nothing.
- **Errors** all have one form. `error_code` is for programs, `message` for people, and `error_id`
  is the number under which the server's log knows it.
- Units stand in the names (`volume_l`, `ec_ms_cm`), times have a zone.
"""

TAGS = {"health": "Is the server there, and what can it do."}


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    model_config = ConfigDict(defer_build=True, use_attribute_docstrings=True)

    field: str
    """Its name; nested ones with dots."""
    location: str
    """`body`, `query`, `path` or `header`."""
    reason: str
    code: str
    value: str | None = None
    """What was sent, unless it may be a secret."""


class ErrorEnvelope(BaseModel):
    """The form of every error."""

    model_config = ConfigDict(
        defer_build=True,
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "error_id": "550e8400-e29b-41d4-a716-446655440000",
                    "error_code": "PLANT_NOT_FOUND",
                    "message": "Plant 'xyz' does not exist.",
                    "details": {"kind": "plants", "key": "xyz"},
                    "timestamp": "2026-05-01T10:00:00Z",
                    "path": "/api/v1/t/platform/plants/xyz",
                    "method": "GET",
                }
            ]
        },
    )

    error_id: str = Field(json_schema_extra={"format": "uuid"})
    """The number under which the server's log knows it."""
    error_code: str
    """What programs tell errors apart by."""
    message: str
    """One English sentence: field, value and way out."""
    details: dict[str, JsonValue]
    """What belongs to the error. Where an input is at fault (422), `field` and `value` name the
    first one, and `fields` is a list of all that was found."""
    timestamp: Instant
    path: str
    method: str


ERRORS = {
    401: ("Unauthorized", "Nobody knows who calls: log in, or send an API key."),
    403: ("Forbidden", "The role or the key's scope does not permit it, or the garden rests."),
    404: ("NotFound", "There is no such thing in this garden, or no such garden for the caller."),
    408: ("RequestTimeout", "The body took too long to arrive."),
    409: ("Conflict", "It collides with what exists, or its Idempotency-Key was used before."),
    412: ("PreconditionFailed", "Somebody else wrote in between: read it again."),
    413: ("PayloadTooLarge", "The body is larger than 1 MiB, or 16 KiB below `/auth`."),
    415: ("UnsupportedMediaType", "The body is no JSON."),
    421: ("OtherServer", "The request names another server by `X-Instance-Id`; nothing was done."),
    422: ("Unprocessable", "Something in the request does not fit; names field, value and limit."),
    429: ("RateLimited", "Too many attempts; `Retry-After` says when the next one is possible."),
    500: ("InternalError", "A mistake of the server; its log knows more under `error_id`."),
    503: ("Unavailable", "The store does not answer; nothing was written."),
}


SLUG: dict[str, Any] = {
    "name": "slug",
    "in": "path",
    "required": True,
    "description": "The garden's short name in addresses; it never changes.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 60, "examples": ["platform"]},
}

QUESTIONS = frozenset(
    f"client_{kind.__name__}" for kind in HANDLERS if not issubclass(kind, Command)
)
"""Requests of the client that are sent like commands and write nothing."""

ONLY_CHANGED = (ProfileFields, TenantFields)
"""Fields that no route takes as a whole."""


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of an application; made once, when it is asked for."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(
        title=app.title,
        version=kamerplanter_engines.__version__,
        openapi_version="3.1.0",
        description=ABOUT,
        routes=app.routes,
        tags=_tags(app),
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    document.setdefault("components", {}).setdefault("schemas", {})
    document = {name: _with_plain_names(part) for name, part in document.items()}
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (FieldProblem, ErrorEnvelope):
        schemas[model.__name__] = model.model_json_schema(ref_template=SCHEMAS + "{model}")
    document["components"]["responses"] = {
        name: _error_response(status, text) for status, (name, text) in ERRORS.items()
    }
    document["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of a login, or an API key.",
        }
    }
    examples = Examples(document)
    for operation, route in _operations(app, document):
        _complete(operation, route, schemas, examples)
    examples.complete()
    describe_fields(schemas)
    if app.state.server.settings.mode is Mode.LIGHT:
        _without_login(app, document)
    app.openapi_schema = document
    return document


def _without_login(app: FastAPI, document: dict[str, Any]) -> None:
    """Take out what is said of logins: without accounts there are none."""
    del document["components"]["securitySchemes"]
    for operation, _ in _operations(app, document):
        operation.pop("security", None)


def _with_plain_names(part: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """Return the document with pages of a list named after what they hold: `TankPage`."""
    if isinstance(part, list):
        return [_with_plain_names(item) for item in part]
    if not isinstance(part, dict):
        return _plain(part) if isinstance(part, str) and part.startswith(SCHEMAS) else part
    plain = {_plain(name): _with_plain_names(value) for name, value in part.items()}
    title = plain.get("title")
    if isinstance(title, str) and title.startswith("ListPage["):
        plain |= {"title": _plain(title), "description": inspect.cleandoc(ListPage.__doc__ or "")}
    return plain


def _plain(name: str) -> str:
    return _PAGE.sub(r"\1Page", name)


def _operations(
    app: FastAPI, document: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], RouteContext]]:
    for route in iter_route_contexts(app.routes):
        item = document["paths"].get(route.path, {})
        for method in route.methods or ():
            if method.lower() in item:
                yield item[method.lower()], route


def _complete(
    operation: dict[str, Any], route: RouteContext, schemas: dict[str, Any], examples: Examples
) -> None:
    """Add to an operation what follows from its rule: login, headers and errors."""
    rule = rules_of(route.dependant)[0] if route.dependant is not None else Public()
    method = next(iter(route.methods or {"GET"}))
    has_body = "requestBody" in operation
    if not isinstance(rule, Public):
        operation["security"] = [{"bearer": []}]
    parameters = _documented_parameters(operation, route, rule, method)
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]
    is_limited = route.dependant is not None and _is_limited(route.dependant)
    if _body_names_revision(route):
        responses.setdefault("412", _named(412))
    for status in _possible(rule, method, parameters, has_body=has_body, is_limited=is_limited):
        responses.setdefault(str(status), _named(status))
    operation["responses"] = dict(sorted(responses.items()))
    if (patched := operation.pop("x-patch-of", None)) is not None:
        names = operation.pop("x-patch-fields")
        schema = _patch_reference(patched, names, schemas)
        schema["examples"] = [examples.patch_of(patched, names)]
        operation["requestBody"]["content"] = {
            kind: {"schema": schema} for kind in (MERGE_PATCH, JSON)
        }


def _documented_parameters(
    operation: dict[str, Any], route: RouteContext, rule: AccessRule, method: str
) -> set[str]:
    """Add what rules and helpers read from a request by themselves; return all names."""
    parameters = operation.setdefault("parameters", [])
    names = {parameter["name"].lower() for parameter in parameters}
    if "{slug}" in (route.path or "") and "slug" not in names:
        parameters.insert(0, SLUG)
    name = operation["operationId"]
    if name in REMEMBERED or (name not in QUESTIONS and _remembers(rule, method)):
        about = NOT_REMEMBERED.get(name, IDEMPOTENCY_KEY["description"])
        parameters.append(IDEMPOTENCY_KEY | {"description": about})
    if route.dependant is not None and _asks_for_revision(route.dependant):
        parameters.append(IF_MATCH)
    if "304" in operation["responses"]:
        parameters.append(IF_NONE_MATCH)
    for parameter in parameters:
        describe_one(parameter["name"], parameter)
    if not parameters:
        del operation["parameters"]
    return {parameter["name"].lower() for parameter in parameters}


def _remembers(rule: AccessRule, method: str) -> bool:
    """Tell whether a route may know an `Idempotency-Key`; to put something twice is harmless."""
    return (isinstance(rule, Permitted) and method not in {"GET", "HEAD"}) or (
        isinstance(rule, PlatformAdmin) and method not in {"GET", "HEAD", "PUT"}
    )


def _asks_for_revision(dependant: Dependant) -> bool:
    return dependant.call is expected_revision or any(
        _asks_for_revision(below) for below in dependant.dependencies
    )


def _body_names_revision(route: RouteContext) -> bool:
    """Tell whether the body may say which revision the caller saw, as requests of clients do."""
    field = route.body_field
    fields = getattr(field.field_info.annotation, "model_fields", {}) if field is not None else {}
    return "expected_revision" in fields


def _named(status: int) -> dict[str, str]:
    name, _ = ERRORS[status]
    return {"$ref": f"#/components/responses/{name}"}


def _is_limited(dependant: Dependant) -> bool:
    return isinstance(dependant.call, RateLimit) or any(
        _is_limited(below) for below in dependant.dependencies
    )


def _possible(
    rule: AccessRule, method: str, parameters: set[str], *, has_body: bool, is_limited: bool
) -> Iterator[int]:
    is_public, writes = isinstance(rule, Public), method not in {"GET", "HEAD"}
    # What names nothing finds everything, and what changes nothing of others collides with none.
    names_something = not is_public and (has_body or not writes or "key" in parameters)
    if not is_public or writes:
        yield from (401, 403)
    if isinstance(rule, Permitted):
        yield 421
    if isinstance(rule, Permitted) or "key" in parameters or names_something:
        yield 404
    if writes:
        # The body is looked at first, also where none is wanted.
        yield from (408, 413, 415)
    if writes and (isinstance(rule, Permitted) or names_something):
        yield 409
    if "if-match" in parameters:
        yield 412
    if has_body or parameters:
        yield 422
    if is_limited:
        yield 429
    yield from (500, 503)


def _error_response(status: int, text: str) -> dict[str, Any]:
    headers = {"X-Request-ID": ("The id of the request in the log.", "string")}
    if status in {429, 503}:
        headers["Retry-After"] = ("When to ask again. [s]", "integer")
    if status == 401:  # noqa: PLR2004
        headers["WWW-Authenticate"] = ("How to log in: `Bearer`.", "string")
    return {
        "description": text,
        "headers": {
            name: {"description": about, "schema": {"type": kind}}
            for name, (about, kind) in headers.items()
        },
        "content": {JSON: {"schema": {"$ref": f"{SCHEMAS}ErrorEnvelope"}}},
    }


def _patch_reference(
    name: str, field_names: Sequence[str], schemas: dict[str, Any]
) -> dict[str, Any]:
    """Return the schema of a merge patch: all fields optional, null where it can be cleared."""
    if patch_name(name) not in schemas:
        fields = schemas.get(name) or schemas.get(f"{name}-Input")
        if fields is None:
            fields = next(model for model in ONLY_CHANGED if model.__name__ == name)
            fields = fields.model_json_schema(ref_template=SCHEMAS + "{model}")
        schemas[patch_name(name)] = _patch_schema(fields, field_names, patch_name(name))
    return {"$ref": SCHEMAS + patch_name(name)}


def _patch_schema(fields: dict[str, Any], field_names: Sequence[str], title: str) -> dict[str, Any]:
    needed = set(fields.get("required", ()))
    properties = {}
    for name, given in fields.get("properties", {}).items():
        if name not in field_names:
            continue
        field = deepcopy(given)
        field.pop("default", None)
        is_null_known = any(option.get("type") == "null" for option in field.get("anyOf", ()))
        if name not in needed and not is_null_known:
            about = {part: field.pop(part) for part in ("title", "description") if part in field}
            field = {"anyOf": [field, {"type": "null"}], **about}
        properties[name] = field
    return {
        "title": title,
        "type": "object",
        "description": "What changes: absent = unchanged, null = cleared or back to its default.",
        "properties": properties,
        "additionalProperties": False,
    }


def _tags(app: FastAPI) -> list[dict[str, str]]:
    names: dict[str, None] = {}
    for route in iter_route_contexts(app.routes):
        names.update(dict.fromkeys(str(tag) for tag in getattr(route, "tags", ()) or ()))
    return [
        {"name": name} | ({"description": TAGS[name]} if name in TAGS else {}) for name in names
    ]
