"""Registering, confirming an address, logging in and out."""

from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request, Response

from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.rate_limit import AuthRateLimit
from kamerplanter_backend.api.v1.auth.cookies import (
    REFRESH_COOKIE,
    CsrfHeader,
    OwnPage,
    RefreshCookie,
    SessionToken,
    check_once,
    clear_login,
    device_of,
    own_page,
    set_login,
)
from kamerplanter_backend.api.v1.auth.schemas import (
    EmailBody,
    EndedSessions,
    LoginBody,
    Message,
    RegisterBody,
    ResetBody,
    TokenAnswer,
    TokenBody,
)
from kamerplanter_backend.common.auth import CurrentPrincipal, Public, SignedIn, not_kept
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.common.exceptions import InvalidTokenError, NotFoundError
from kamerplanter_backend.domain.models.identity import SessionEnd
from kamerplanter_backend.domain.services.tenant_service import account_context

router = Router(prefix="/auth", tags=["auth"])
"""Only where there are accounts."""

MAIL_SENT = Message(message="If there is reason to, a mail is on its way to this address.")
"""The same answer whatever the address is."""


@router.post(
    "/register",
    status_code=202,
    summary="Ask for an account",
    dependencies=[Depends(Public()), OwnPage, Depends(AuthRateLimit("register"))],
)
async def register(body: RegisterBody, server: ServerDep) -> Message:
    """Make an account and send a mail to confirm its address.

    The answer is the same if the address has an account; then its owner is told by mail.
    """
    now = server.clock()
    await server.run_password_check(
        lambda: server.accounts.registration.register(
            body.email,
            body.password.get_secret_value(),
            body.display_name,
            locale=body.locale,
            time_zone=body.time_zone,
            now=now,
        )
    )
    return MAIL_SENT


@router.post(
    "/login",
    summary="Log in with a password",
    dependencies=[Depends(Public()), OwnPage, Depends(AuthRateLimit("login"))],
)
async def login(
    body: LoginBody, request: Request, response: Response, server: ServerDep
) -> TokenAnswer:
    """Begin a session: an access token, and cookies to get the next one with."""
    now, device = server.clock(), device_of(request)
    found = await server.run_password_check(
        lambda: server.accounts.login.log_in(
            body.email,
            body.password.get_secret_value(),
            remember_me=body.remember_me,
            device=device,
            now=now,
        )
    )
    set_login(request, response, found)
    return TokenAnswer.of(found)


@router.post("/refresh", summary="Get a new access token", dependencies=[Depends(Public())])
async def refresh(
    request: Request, response: Response, server: ServerDep, refresh_token: SessionToken
) -> TokenAnswer:
    """Exchange the refresh token of the cookie; the old one is worthless afterwards.

    Needs the header `X-CSRF-Token`. An exchanged token that comes again ends the session (401
    SESSION_REUSED), except within ten seconds, when another tab may have sent it.
    """
    now = server.clock()
    found = await server.run(lambda: server.accounts.sessions.refresh(refresh_token, now))
    set_login(request, response, found)
    return TokenAnswer.of(found)


@router.post("/logout", summary="Log out", dependencies=[Depends(Public())])
async def logout(
    request: Request,
    response: Response,
    server: ServerDep,
    refresh_token: RefreshCookie = None,
    csrf_token: CsrfHeader = None,
) -> Message:
    """End the session of the cookie and take the cookies away; without a session all is well."""
    await own_page(request)
    check_once(request, REFRESH_COOKIE)
    now = server.clock()
    accounts = server.accounts
    try:
        session = await server.ask(lambda: accounts.sessions.session_of(refresh_token or "", now))
    except InvalidTokenError:
        clear_login(request, response)
        return Message(message="There was no session in this browser.")
    accounts.csrf.check_token(session.key, csrf_token)
    context = account_context(session.user_key, now)
    # That another request ended it meanwhile is what was asked for.
    with suppress(NotFoundError):
        await server.run(
            lambda: accounts.sessions.end(context, session.user_key, session.key, SessionEnd.LOGOUT)
        )
    clear_login(request, response)
    return Message(message="You are logged out.")


@router.post("/logout-all", summary="Log out everywhere")
async def logout_all(
    *,
    request: Request,
    response: Response,
    server: ServerDep,
    principal: CurrentPrincipal,
    context: Annotated[Context, Depends(SignedIn())],
    csrf_token: CsrfHeader = None,
) -> EndedSessions:
    """End all sessions of the caller, this one too; needs the header `X-CSRF-Token`."""
    await own_page(request)
    accounts = server.accounts
    accounts.csrf.check_token(principal.session_key or "", csrf_token)
    own = not_kept(context)
    count = await server.run(lambda: accounts.sessions.end_all(own, own.actor, SessionEnd.LOGOUT))
    clear_login(request, response)
    return EndedSessions(message="You are logged out everywhere.", count=count)


@router.post(
    "/verify-email",
    summary="Confirm an address",
    dependencies=[Depends(Public()), OwnPage, Depends(AuthRateLimit("verify"))],
)
async def verify_email(body: TokenBody, server: ServerDep) -> Message:
    """Confirm the address of an account by the code of the mail."""
    context = account_context("verify-email", server.clock())
    await server.run(
        lambda: server.accounts.registration.verify_email(context, body.token.get_secret_value())
    )
    return Message(message="Your address is confirmed; log in.")


@router.post(
    "/verify-email/request",
    status_code=202,
    summary="Send the mail to confirm an address again",
    dependencies=[Depends(Public()), OwnPage, Depends(AuthRateLimit("verify-request"))],
)
async def request_verification(body: EmailBody, server: ServerDep) -> Message:
    """Send the mail once more if the address waits for it; the answer does not tell."""
    server.accounts.registration.request_verification(body.email, server.clock())
    return MAIL_SENT


@router.post(
    "/password-reset/request",
    status_code=202,
    summary="Ask for a mail to set a new password",
    dependencies=[Depends(Public()), OwnPage, Depends(AuthRateLimit("reset-request"))],
)
async def request_reset(body: EmailBody, server: ServerDep) -> Message:
    """Send a mail if the address has an account; the answer does not tell."""
    server.accounts.registration.request_reset(body.email, server.clock())
    return MAIL_SENT


@router.post(
    "/password-reset/confirm",
    summary="Set a new password",
    dependencies=[Depends(Public()), OwnPage, Depends(AuthRateLimit("reset"))],
)
async def confirm_reset(body: ResetBody, server: ServerDep) -> Message:
    """Set a new password by the code of the mail; all sessions end."""
    now = server.clock()
    await server.run_password_check(
        lambda: server.accounts.registration.confirm_reset(
            body.token.get_secret_value(), body.new_password.get_secret_value(), now
        )
    )
    return Message(message="The new password is set; log in with it.")
