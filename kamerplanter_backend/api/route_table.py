"""Puts the routes of nested routers into one flat table, and finds them by their first words."""

from copy import copy

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match, compile_path
from starlette.types import Receive, Scope, Send

from kamerplanter_backend.common.auth import rules_of

GARDEN = "t"
"""The word before a garden's short name."""

SUBJECT = 3
"""Where the subject stands in /api/v1/<subject>."""

GARDEN_SUBJECT = 5
"""Where it stands in /api/v1/t/<slug>/<subject>."""


def add_flat(app: FastAPI, prefix: str, router: APIRouter) -> None:
    """Add the routes of a router to an application, each with its whole path.

    Routers that are included in others are searched level by level at each request, and their
    routes are built anew for each level at the start. Here each route is built once, where it is
    written, and found by one look.

    Args:
        app: The application.
        prefix: What stands before the router's paths.
        router: A router without others in it.

    Raises:
        RuntimeError: A route does not say exactly once who may call it, or is none of its own.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise RuntimeError(  # noqa: TRY004 - a mistake of the program
                f"{prefix}{router.prefix}: name routers in router.py, do not include them."
            )
        rules = rules_of(route.dependant)
        if len(rules) != 1:
            raise RuntimeError(
                f"{route.path} has {len(rules)} access rules; declare exactly one of common.auth."
            )
        app.router.routes.append(_moved(route, prefix))


def _moved(route: APIRoute, prefix: str) -> APIRoute:
    moved = copy(route)
    moved.path = prefix + route.path
    moved.path_regex, moved.path_format, moved.param_convertors = compile_path(moved.path)
    moved.operation_id = moved.unique_id = operation_id(route)
    return moved


def operation_id(route: APIRoute) -> str:
    """Return the name of an operation: `<tag>_<name of its function>`."""
    return route.operation_id or "_".join((*(str(tag) for tag in route.tags[:1]), route.name))


class RouteIndex:
    """Looks among the routes of one subject first; what is not found there, among all.

    Args:
        router: The application's router, with its flat table.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._groups: dict[str, list[APIRoute]] = {}
        for route in router.routes:
            if isinstance(route, APIRoute):
                self._groups.setdefault(subject_of(route.path), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to its route."""
        if scope["type"] == "http":
            nearest: str | None = None
            allowed: set[str] = set()
            for route in self._groups.get(subject_of(scope["path"]), ()):
                match, more = route.matches(scope)
                if match is Match.FULL:
                    scope.update(more)
                    scope.setdefault("router", self._router)
                    await route.handle(scope, receive, send)
                    return
                if match is Match.PARTIAL and nearest in {None, route.path}:
                    nearest = route.path
                    allowed |= route.methods or set()
            if allowed:
                # A route of its own knows its own method alone.
                raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        await self._router.app(scope, receive, send)


def subject_of(path: str) -> str:
    """Return the words by which routes are grouped: the subject, in a garden or beside all."""
    words = path.split("/", GARDEN_SUBJECT + 1)
    if len(words) <= SUBJECT:
        return ""
    if words[SUBJECT] != GARDEN:
        return words[SUBJECT]
    subject = words[GARDEN_SUBJECT] if len(words) > GARDEN_SUBJECT else ""
    return f"{GARDEN}/{subject}"
