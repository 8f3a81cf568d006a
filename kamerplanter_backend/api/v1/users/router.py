"""One's own account: profile, password, sessions, login providers."""

from typing import Annotated, Any

from fastapi import Body, Depends, Query as QueryParameter, Request, Response
from pydantic import JsonValue, SecretStr

from kamerplanter_backend.api.answer_headers import TAGGED
from kamerplanter_backend.api.crud import MERGE_PATCH, PathKey, patch_of
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.openapi import ErrorEnvelope
from kamerplanter_backend.api.pagination import ListPage, ListParameters, page_of, query_of
from kamerplanter_backend.api.v1.auth.cookies import clear_login, set_departure
from kamerplanter_backend.api.v1.auth.oauth_router import ProviderSlug, client_of, departure
from kamerplanter_backend.api.v1.users.schemas import (
    AccountDeletion,
    LinkBody,
    LinkDeparture,
    LinkView,
    PasswordChange,
    Profile,
    SessionView,
)
from kamerplanter_backend.common.auth import CurrentPrincipal, SignedIn, not_kept
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ExpectedRevision, ServerDep, etag
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.models.identity import ProfileFields, SessionEnd

common_router = Router(prefix="/users", tags=["users"])
"""In every mode."""

router = Router(prefix="/users", tags=["users"])
"""Only where there are accounts."""

Owner = Annotated[Context, Depends(SignedIn())]

GUESSED: dict[int | str, dict[str, Any]] = {
    429: {"model": ErrorEnvelope, "description": "Too many wrong passwords in a row."}
}


@common_router.get("/me", summary="Get one's own account", responses=TAGGED)
async def get_me(
    server: ServerDep,
    response: Response,
    context: Annotated[Context, Depends(SignedIn(scope=KeyScope.READ))],
) -> Profile:
    """Return the account of the caller."""
    user = await server.ask(lambda: server.accounts.profile.get(context, context.actor))
    response.headers["ETag"] = etag(user.revision)
    return Profile.of(user)


@common_router.patch(
    "/me",
    summary="Change one's own account",
    description="JSON merge patch: what is absent stays, what is null is cleared.",
    responses=TAGGED,
    openapi_extra=patch_of(ProfileFields),
)
async def update_me(
    server: ServerDep,
    response: Response,
    context: Owner,
    expected: ExpectedRevision,
    patch: Annotated[dict[str, JsonValue], Body(media_type=MERGE_PATCH)],
) -> Profile:
    """Change name, language, zone or picture of the caller."""
    own = not_kept(context)
    user = await server.run(lambda: server.accounts.profile.update(own, own.actor, patch, expected))
    response.headers["ETag"] = etag(user.revision)
    return Profile.of(user)


@router.delete("/me", status_code=204, summary="Delete one's own account", responses=GUESSED)
async def delete_me(
    *,
    body: AccountDeletion,
    request: Request,
    response: Response,
    server: ServerDep,
    principal: CurrentPrincipal,
    context: Owner,
    expected: ExpectedRevision,
) -> None:
    """Delete the account, and the gardens where nobody else works, for good.

    What the caller wrote in shared gardens stays, under a key without a person. Whoever is the
    last admin of a garden with others has to hand it over first (409), and the last platform
    admin the server (409). A suspended garden where nobody else works stays as it is, and its
    member with it (403).
    """
    await server.run_password_check(
        lambda: server.accounts.deletion.delete(
            context.actor,
            principal.session_key or "",
            password=_plain(body.password),
            now=context.now,
            expected_revision=expected,
        )
    )
    clear_login(request, response)


@router.post("/me/password", status_code=204, summary="Set a new password", responses=GUESSED)
async def change_password(
    *,
    body: PasswordChange,
    request: Request,
    response: Response,
    server: ServerDep,
    principal: CurrentPrincipal,
    context: Owner,
) -> None:
    """Set a new password; all sessions end, this one too."""
    await server.run_password_check(
        lambda: server.accounts.profile.change_password(
            context.actor,
            principal.session_key or "",
            current_password=_plain(body.current_password),
            new_password=body.new_password.get_secret_value(),
            now=context.now,
        )
    )
    clear_login(request, response)


@router.get("/me/sessions", summary="List one's sessions")
async def list_sessions(
    server: ServerDep,
    principal: CurrentPrincipal,
    context: Owner,
    asked: Annotated[ListParameters, QueryParameter()],
) -> ListPage[SessionView]:
    """Return the sessions of the caller that are not over, oldest first."""
    page = await server.ask(
        lambda: server.accounts.sessions.list_page(context, context.actor, query_of(asked))
    )
    shown = page.shown_as(lambda session: SessionView.of(session, principal.session_key))
    return page_of(shown, asked)


@router.delete("/me/sessions/{key}", status_code=204, summary="End a session")
async def end_session(key: PathKey, server: ServerDep, context: Owner) -> None:
    """End one of the caller's sessions; its tokens are worthless at once."""
    own = not_kept(context)
    await server.run(lambda: server.accounts.sessions.end(own, own.actor, key, SessionEnd.ENDED))


@router.get("/me/providers", summary="List one's login providers")
async def list_links(
    server: ServerDep, context: Owner, asked: Annotated[ListParameters, QueryParameter()]
) -> ListPage[LinkView]:
    """Return the providers that the caller can log in through."""
    page = await server.ask(
        lambda: server.accounts.profile.list_links(context, context.actor, query_of(asked))
    )
    return page_of(page.shown_as(LinkView.of), asked)


@router.post(
    "/me/providers/{provider}/link",
    summary="Begin to link a login provider",
    responses={502: {"model": ErrorEnvelope, "description": "The provider does not answer."}},
)
async def link_provider(
    *,
    provider: ProviderSlug,
    body: LinkBody,
    request: Request,
    response: Response,
    server: ServerDep,
    principal: CurrentPrincipal,
    _context: Owner,
) -> LinkDeparture:
    """Return where the browser has to go, and give it the cookie by which it is known again."""
    url, cookie = await departure(
        server, client_of(server, provider), return_to=body.return_to, linking=principal
    )
    set_departure(request, response, cookie)
    return LinkDeparture(authorization_url=url)


@router.delete("/me/providers/{key}", status_code=204, summary="Unlink a login provider")
async def unlink_provider(key: PathKey, server: ServerDep, context: Owner) -> None:
    """Remove a way to log in; not the last one (409)."""
    own = not_kept(context)
    await server.run(lambda: server.accounts.profile.unlink(own, own.actor, key))


def _plain(password: SecretStr | None) -> str | None:
    return None if password is None else password.get_secret_value()
