"""Without a login, the name of the host and the page of origin are all that keeps others out."""

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from kamerplanter_backend.common.error_handlers import domain_error
from kamerplanter_backend.common.exceptions import CsrfError, HostRefusedError
from kamerplanter_engines.errors import KamerplanterError

_HOST = re.compile(r"(?:(?P<name>[A-Za-z0-9._-]+)|\[(?P<address>[0-9A-Fa-f:.]+)\])(?::\d{1,5})?")


class HostGuard:
    """Answers only to known names, and only to the server's own pages.

    A page of anywhere can make a browser send requests to this machine, and can make its own
    name point here (DNS rebinding).

    Args:
        app: The application.
        hosts: Names under which the server answers, in lower case.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that comes from where it may."""
        if scope["type"] == "http":
            try:
                self._check(scope)
            except KamerplanterError as error:
                await domain_error(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host, origin = "", None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value.decode("latin-1")
            elif name == b"origin":
                origin = value.decode("latin-1")
        if _name(host) not in self._hosts:
            raise HostRefusedError(
                f"The server does not answer to the host {host[:100]!r}; "
                "add its name to KAMERPLANTER_ALLOWED_HOSTS.",
                permission="host",
                value=host[:100],
            )
        if origin is not None and _host_of(origin) != host.lower():
            raise CsrfError(
                "A page of another origin may not use this server.", permission="origin"
            )


def _name(host: str) -> str | None:
    """Return the name in a `Host` header, in lower case; none = it is no such header."""
    found = _HOST.fullmatch(host)
    return (found["name"] or found["address"]).lower() if found else None


def _host_of(origin: str) -> str | None:
    """Return host and port of an origin in lower case; none = it has none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in {"http", "https"} else None
