"""The cookies of a login, and the checks that go with them."""

from typing import Annotated, Final

from fastapi import Cookie, Depends, Header, Request, Response

from kamerplanter_backend.auth.sessions import Device, Login
from kamerplanter_backend.common.dependencies import server_of
from kamerplanter_backend.common.exceptions import CsrfError, InvalidTokenError

REFRESH_COOKIE: Final = "kp_refresh"
REFRESH_PATH: Final = "/api/v1/auth"
CSRF_COOKIE: Final = "kp_csrf"
LOGIN_COOKIE: Final = "kp_login"
LOGIN_PATH: Final = "/api/v1/auth/oauth"
LOGIN_COOKIE_S: Final = 600

RefreshCookie = Annotated[
    str | None,
    Cookie(alias=REFRESH_COOKIE, description="The refresh token of the session."),
]
CsrfHeader = Annotated[
    str | None,
    Header(alias="X-CSRF-Token", description="Repeats the cookie kp_csrf."),
]


def set_login(request: Request, response: Response, login: Login) -> None:
    """Give a browser the cookies of a session."""
    is_secure = server_of(request).accounts.policy.is_cookie_secure
    life_s = None if login.cookie_life is None else int(login.cookie_life.total_seconds())
    response.set_cookie(
        REFRESH_COOKIE,
        login.refresh_token,
        max_age=life_s,
        path=REFRESH_PATH,
        secure=is_secure,
        httponly=True,
        samesite="lax",
    )
    response.set_cookie(
        CSRF_COOKIE,
        login.csrf_token,
        max_age=life_s,
        path="/",
        secure=is_secure,
        httponly=False,  # the page has to repeat it in a header
        samesite="lax",
    )


def clear_login(request: Request, response: Response) -> None:
    """Take the cookies of a session away."""
    is_secure = server_of(request).accounts.policy.is_cookie_secure
    response.delete_cookie(
        REFRESH_COOKIE, path=REFRESH_PATH, secure=is_secure, httponly=True, samesite="lax"
    )
    response.delete_cookie(CSRF_COOKIE, path="/", secure=is_secure, samesite="lax")


def set_departure(request: Request, response: Response, cookie: str) -> None:
    """Give a browser what it has to bring back from a login provider."""
    response.set_cookie(
        LOGIN_COOKIE,
        cookie,
        max_age=LOGIN_COOKIE_S,
        path=LOGIN_PATH,
        secure=server_of(request).accounts.policy.is_cookie_secure,
        httponly=True,
        samesite="lax",
    )


def clear_departure(request: Request, response: Response) -> None:
    """Take away what a browser brought back."""
    response.delete_cookie(
        LOGIN_COOKIE,
        path=LOGIN_PATH,
        secure=server_of(request).accounts.policy.is_cookie_secure,
        httponly=True,
        samesite="lax",
    )


def device_of(request: Request) -> Device:
    """Return from where a request comes."""
    return Device(
        user_agent=request.headers.get("user-agent"),
        address=request.client.host if request.client is not None else None,
    )


async def own_page(request: Request) -> None:
    """Let a request pass that a page of this server sent, or no browser.

    Raises:
        CsrfError: Another page sent it.
    """
    headers = request.headers
    server_of(request).accounts.csrf.check_origin(
        headers.get("origin"), headers.get("sec-fetch-site"), headers.get("host")
    )


def check_once(request: Request, name: str) -> None:
    """Make sure that a cookie came no more than once.

    A server under another name of the same domain can add a second one, with a session of its
    own choice; which of the two is ours does not show.

    Raises:
        CsrfError: It came several times.
    """
    sent = [
        part.partition("=")[0].strip()
        for line in request.headers.getlist("cookie")
        for part in line.split(";")
    ]
    if sent.count(name) > 1:
        raise CsrfError(
            f"Several cookies {name} came, so one is not ours; delete the cookies of this site and "
            "log in again.",
            field="Cookie",
        )


async def session_token(
    request: Request, refresh_token: RefreshCookie = None, csrf_token: CsrfHeader = None
) -> str:
    """Return the refresh token of a request that proves to come from the session's own page.

    Raises:
        CsrfError: Another page sent it, the header does not hold the session's token, or the
            cookie came several times.
        InvalidTokenError: There is no cookie, or the session is over.
    """
    await own_page(request)
    check_once(request, REFRESH_COOKIE)
    server = server_of(request)
    if not refresh_token:
        raise InvalidTokenError("There is no session in this browser; log in.")
    now = server.clock()
    session = await server.ask(lambda: server.accounts.sessions.session_of(refresh_token, now))
    server.accounts.csrf.check_token(session.key, csrf_token)
    return refresh_token


OwnPage = Depends(own_page)
SessionToken = Annotated[str, Depends(session_token)]
