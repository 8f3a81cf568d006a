"""Routes that are built when they are asked first: the server need not wait for all of them."""

import re
from collections.abc import Callable
from copy import copy
from threading import Lock
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import compile_path, get_name

from kamerplanter_backend.api.direct_call import direct_app
from kamerplanter_backend.common.auth import AccessRule, declared_rules, rules_of

_PATTERN = frozenset({"path_regex", "path_format", "param_convertors"})
"""What a path is recognised by."""

_BUILT = frozenset(APIRoute.__annotations__) | {"app", "form_limits", "include_in_schema"}
"""What the framework makes of a function; `app` answers the requests."""


class LateRoute(APIRoute):
    """A route that knows its path and its rule at once, and all the rest when somebody asks.

    Most of a server's start would go into reading the parameters of some hundred functions and
    preparing their answers. The framework does that here as ever, but for each route alone, with
    the first request to it or when the whole interface is to be described.

    Raises:
        RuntimeError: What was built asks for other rules than what was checked at the start.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - the framework's
        # The framework's own beginning is what is put off.
        self.path = path
        self.endpoint = endpoint
        self.name = options.get("name") or get_name(endpoint)
        self.methods = {method.upper() for method in options.get("methods") or ("GET",)}
        self.tags = list(options.get("tags") or ())
        self.dependencies = list(options.get("dependencies") or ())
        self.operation_id = options.get("operation_id")
        self._written_at = path
        self._options = options
        # Both belong to all that the route is moved to: what is built serves each of them.
        self._made: dict[str, Any] = {}
        self._lock = Lock()

    @property
    def rules(self) -> list[AccessRule]:
        """The access rules that it declares."""
        return declared_rules(self.endpoint, self.dependencies)

    def moved(self, prefix: str) -> LateRoute:
        """Return the route with something before its path, under its lasting name."""
        moved = copy(self)
        moved.path = prefix + self.path
        moved.operation_id = moved.unique_id = operation_id(self)
        return moved

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any part of a route
        """Return what is not there yet, after making it."""
        if name in _PATTERN:
            regex, self.path_format, self.param_convertors = compile_path(self.path)
            # The framework's `$` also matches before a line break, which is another address.
            self.path_regex = re.compile(regex.pattern.removesuffix("$") + r"\Z")
        elif name in _BUILT:
            self._build()
        else:
            raise AttributeError(f"A route has no {name}.", name=name, obj=self)
        return self.__dict__[name]

    def _build(self) -> None:
        with self._lock:
            if not self._made:
                self._made.update(self._build_anew())
        self.__dict__.update(self._made | self.__dict__)

    def _build_anew(self) -> dict[str, Any]:
        built = APIRoute(self._written_at, self.endpoint, **self._options)
        if rules_of(built.dependant) != self.rules:
            raise RuntimeError(f"{self.path}: its access rules are not those of the start.")
        made = {name: value for name, value in vars(built).items() if name not in _PATTERN}
        if (direct := direct_app(built)) is not None:
            made["app"] = direct
        return made


class Router(APIRouter):
    """A router of such routes."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - as above
        super().__init__(route_class=LateRoute, **options)


def operation_id(route: APIRoute) -> str:
    """Return the name of an operation: `<tag>_<name of its function>`."""
    return route.operation_id or "_".join((*(str(tag) for tag in route.tags[:1]), route.name))
