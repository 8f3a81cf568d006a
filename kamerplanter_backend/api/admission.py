"""How many requests may be under way at once; more would only make all of them slow."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from kamerplanter_backend.common.error_handlers import domain_error
from kamerplanter_backend.common.exceptions import UnavailableError


class Admission:
    """Counts the requests under way and refuses those beyond the limit.

    Args:
        app: The application.
        limit: Most requests at once, open streams included.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request if there is room for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._count >= self._limit:
            error = UnavailableError(
                f"{self._limit} requests are under way; try again.", reason="too many requests"
            )
            await domain_error(Request(scope), error)(scope, receive, send)
            return
        self._count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._count -= 1
