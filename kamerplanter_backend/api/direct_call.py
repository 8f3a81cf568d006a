"""Calls the function of a plain route without the framework's general way of finding parameters.

Most questions need nothing but keys of the path, the request and what it says about the caller.
For these the general way costs several times as much as the answer. What it does is known here
beforehand: no query, header or body to check, nothing to close afterwards.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any, cast

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, serialize_response
from starlette.types import ASGIApp, Receive, Scope, Send

_OK = 200
_JSON = (b"content-type", b"application/json")

_CHECKED = ("query_params", "header_params", "cookie_params", "body_params")
"""Parameters whose values have to be checked: the framework does that."""

_SPECIAL = (
    "websocket_param_name",
    "http_connection_param_name",
    "background_tasks_param_name",
    "security_scopes_param_name",
)

_SHAPED = (
    "response_model_include",
    "response_model_exclude",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
)
"""Ways to answer with something else than the whole model."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Something that a function wants to know and that the request alone tells."""

    name: str | None
    """Of the parameter; none = only whether it may be answered at all."""
    call: Callable[..., Awaitable[Any]]
    request_name: str | None


def direct_app(route: APIRoute) -> ASGIApp | None:
    """Return what answers the requests of a route; none = it is not plain enough.

    Errors are left to the application's handlers, as ever.
    """
    dependant = route.dependant
    asked = _asked_of(dependant)
    if asked is None or not _is_plain(dependant, dependant.call) or not _is_model(route):
        return None
    call = cast("Callable[..., Awaitable[Any]]", dependant.call)
    keys = tuple(field.name for field in dependant.path_params)
    answer_of = _answering(route)
    request_name, response_name = dependant.request_param_name, dependant.response_param_name

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        values: dict[str, Any] = {}
        for one in asked:
            found = await (
                one.call(**{one.request_name: request}) if one.request_name else one.call()
            )
            if one.name is not None:
                values[one.name] = found
        for key in keys:
            values[key] = scope["path_params"][key]
        if request_name is not None:
            values[request_name] = request
        said: Response | None = None
        if response_name is not None:
            said = values[response_name] = Response()
            said.raw_headers.clear()
        response = await answer_of(await call(**values), said)
        await response(scope, receive, send)

    return answer


def _answering(route: APIRoute) -> Callable[[Any, Response | None], Awaitable[Response]]:
    """Return what makes the response of what the function returned."""
    field, model = route.response_field, route.response_model
    assert field is not None  # noqa: S101 - as `_is_model` has seen

    async def answer_of(result: Any, said: Response | None) -> Response:  # noqa: ANN401
        if isinstance(result, Response):
            return result
        if type(result) is model:
            # It was checked when it was made, and cannot have changed since.
            content = field.serialize_json(result)
        else:
            content = await serialize_response(field=field, response_content=result, dump_json=True)
        return _Answer(content, said)

    return answer_of


class _Answer(Response):
    """A JSON document with the headers that a function has set."""

    def __init__(self, content: bytes, said: Response | None) -> None:
        # All that the class above would find out is known.
        self.status_code = _OK if said is None else said.status_code
        self.background = None
        self.body = content
        self.raw_headers = [
            (b"content-length", str(len(content)).encode()),
            _JSON,
            *(said.raw_headers if said is not None else ()),
        ]


def _asked_of(dependant: Dependant) -> tuple[_Asked, ...] | None:
    """Return what a function depends on, in its order; none = something needs more than that."""
    asked: list[_Asked] = []
    for below in dependant.dependencies:
        call = below.call
        function = call if iscoroutinefunction(call) else vars(type(call)).get("__call__")
        is_last = not below.dependencies and not below.path_params
        if not is_last or below.response_param_name or not _is_plain(below, function):
            return None
        question = cast("Callable[..., Awaitable[Any]]", call)
        asked.append(_Asked(below.name, question, below.request_param_name))
    # The framework asks the same thing once only.
    is_each_once = len({id(one.call) for one in asked}) == len(asked)
    return tuple(asked) if is_each_once else None


def _is_plain(dependant: Dependant, function: object) -> bool:
    return (
        iscoroutinefunction(function)
        and not isasyncgenfunction(function)
        and not any(getattr(dependant, name) for name in (*_CHECKED, *_SPECIAL))
        and all(
            field.field_info.annotation is str and not field.field_info.metadata
            for field in dependant.path_params
        )
    )


def _is_model(route: APIRoute) -> bool:
    """Tell whether a route answers with one document of a declared form, and nothing else."""
    return (
        route.response_field is not None
        and route.status_code in {None, _OK}
        and isinstance(route.response_class, DefaultPlaceholder)
        and route.response_model_by_alias
        and route.max_body_size is None
        and not any(getattr(route, name) for name in _SHAPED)
    )
