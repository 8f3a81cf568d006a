"""Puts the routes of nested routers into one flat table, and finds them by their first words."""

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from kamerplanter_backend.api.late_route import LateRoute

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
        if not isinstance(route, LateRoute):
            raise RuntimeError(  # noqa: TRY004 - a mistake of the program
                f"{prefix}{router.prefix}: name routers in router.py, do not include them, "
                "and make them of late_route.Router."
            )
        rules = route.rules
        if len(rules) != 1:
            raise RuntimeError(
                f"{route.path} has {len(rules)} access rules; declare exactly one of common.auth."
            )
        app.router.routes.append(route.moved(prefix))


class RouteIndex:
    """Looks only among the routes of one subject whose paths are as long as the request's.

    Args:
        router: The application's router, with its flat table.

    Raises:
        RuntimeError: The path of a route leaves its subject or its length open.
    """

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._groups: dict[tuple[str, int], list[LateRoute]] = {}
        self._count = 0
        for route in router.routes:
            if not isinstance(route, LateRoute):
                continue
            subject, length = _group_of(route.path)
            if "{" in subject or ":path}" in route.path:
                raise RuntimeError(f"{route.path} leaves its subject or length open.")
            self._groups.setdefault((subject, length), []).append(route)
            self._count += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to its route.

        Raises:
            HTTPException: There is none (404), or not with this method (405).
        """
        if scope["type"] != "http":
            await self._router.app(scope, receive, send)
            return
        nearest: str | None = None
        allowed: set[str] = set()
        for route in self._groups.get(_group_of(scope["path"]), ()):
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
        if len(self._router.routes) == self._count:
            raise HTTPException(404)
        # Somebody has added others by hand.
        await self._router.app(scope, receive, send)


def _group_of(path: str) -> tuple[str, int]:
    return subject_of(path), path.count("/")


def subject_of(path: str) -> str:
    """Return the words by which routes are grouped: the subject, in a garden or beside all."""
    words = path.split("/", GARDEN_SUBJECT + 1)
    if len(words) <= SUBJECT:
        return ""
    if words[SUBJECT] != GARDEN:
        return words[SUBJECT]
    subject = words[GARDEN_SUBJECT] if len(words) > GARDEN_SUBJECT else ""
    return f"{GARDEN}/{subject}"
