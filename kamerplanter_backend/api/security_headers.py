"""The headers that every answer carries, whatever it is."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""An answer of the interface is data: nothing in it is ever run or loaded."""

DEFAULTS = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
"""What a route may say otherwise."""

CHANGEABLE = frozenset(name.lower().encode() for name in (*DEFAULTS, "Referrer-Policy"))
"""Also what is stricter where an address holds a token."""

HSTS_S = 63_072_000
"""How long browsers remember to use HTTPS only: two years. [s]"""

NO_STORE_PREFIXES = ("/api/v1/auth", "/api/v1/users")
"""Answers that no cache may keep."""


class SecurityHeaders:
    """Adds the headers to each answer; stands outermost, so that errors have them too.

    A route may set another one of `CHANGEABLE`.

    Args:
        app: The application.
        is_hsts: Whether browsers shall remember to use HTTPS only.
        hsts_subdomains: Whether that holds for the names below as well.
    """

    def __init__(
        self, app: ASGIApp, *, is_hsts: bool = False, hsts_subdomains: bool = False
    ) -> None:
        self._app = app
        self._public = said_always(is_hsts=is_hsts, hsts_subdomains=hsts_subdomains)
        changed = dict(_raw({"Cache-Control": "no-store"}))
        self._private = [(name, changed.get(name, value)) for name, value in self._public]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = self._private if scope["path"].startswith(NO_STORE_PREFIXES) else self._public

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.get("headers", ())
                given = {name for name, _ in own} & CHANGEABLE
                message["headers"] = [
                    *own,
                    *(more if not given else (item for item in more if item[0] not in given)),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def said_always(*, is_hsts: bool, hsts_subdomains: bool) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that says nothing else itself; see `SecurityHeaders`."""
    said = DEFAULTS | HEADERS
    if is_hsts:
        below = "; includeSubDomains" if hsts_subdomains else ""
        said["Strict-Transport-Security"] = f"max-age={HSTS_S}{below}"
    return _raw(said)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
