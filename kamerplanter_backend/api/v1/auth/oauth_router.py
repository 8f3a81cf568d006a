"""Logging in through a login provider (OpenID Connect)."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Cookie, Depends, Path, Query, Request
from starlette.responses import RedirectResponse

from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.openapi import ErrorEnvelope
from kamerplanter_backend.api.rate_limit import AuthRateLimit
from kamerplanter_backend.api.v1.auth.cookies import (
    LOGIN_COOKIE,
    check_once,
    clear_departure,
    device_of,
    set_departure,
    set_login,
)
from kamerplanter_backend.api.v1.auth.schemas import ProviderInfo, ProviderList
from kamerplanter_backend.auth.principal import Principal
from kamerplanter_backend.common.auth import Public
from kamerplanter_backend.common.dependencies import Server, ServerDep
from kamerplanter_backend.common.exceptions import InvalidTokenError, NotFoundError

if TYPE_CHECKING:  # loaded with the first provider that is set up
    from kamerplanter_backend.auth.oidc import OidcProviderClient

router = Router(prefix="/auth/oauth", tags=["auth"])
"""Only where there are accounts."""

ProviderSlug = Annotated[
    str,
    Path(
        description="The provider's short name, from the list of providers.",
        max_length=50,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
    ),
]

LEAVES: dict[int | str, dict[str, Any]] = {
    302: {
        "description": "The browser is sent on; no token stands in the address.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
    401: {"model": ErrorEnvelope, "description": "The login did not succeed; begin again."},
    403: {
        "model": ErrorEnvelope,
        "description": "This server takes no new accounts, or the cookie came several times.",
    },
    404: {"model": ErrorEnvelope, "description": "There is no such provider."},
    409: {
        "model": ErrorEnvelope,
        "description": "The address belongs to an account that the provider cannot speak for.",
    },
    429: {"model": ErrorEnvelope, "description": "Too many attempts from this address."},
    502: {"model": ErrorEnvelope, "description": "The provider does not answer as it should."},
}


@router.get("/providers", summary="List the login providers", dependencies=[Depends(Public())])
async def list_providers(server: ServerDep) -> ProviderList:
    """Return the providers that a login page can offer."""
    clients = server.accounts.oidc_clients.values()
    return ProviderList(
        items=tuple(
            ProviderInfo(slug=client.settings.slug, display_name=client.settings.display_name)
            for client in clients
        )
    )


@router.get(
    "/{provider}",
    summary="Go to a login provider",
    status_code=302,
    response_class=RedirectResponse,
    responses=LEAVES,
    dependencies=[Depends(Public()), Depends(AuthRateLimit("oauth"))],
)
async def begin(
    provider: ProviderSlug,
    request: Request,
    server: ServerDep,
    return_to: Annotated[
        str | None,
        Query(max_length=500, description="Path on this server to come back to.", examples=["/"]),
    ] = None,
) -> RedirectResponse:
    """Send the browser to the provider, with a cookie by which it is known when it comes back."""
    client = client_of(server, provider)
    url, cookie = await departure(server, client, return_to=return_to, linking=None)
    response = RedirectResponse(url, status_code=302)
    set_departure(request, response, cookie)
    return response


@router.get(
    "/{provider}/callback",
    summary="Come back from a login provider",
    status_code=302,
    response_class=RedirectResponse,
    responses=LEAVES,
    dependencies=[Depends(Public()), Depends(AuthRateLimit("oauth-callback"))],
)
async def finish(
    *,
    provider: ProviderSlug,
    request: Request,
    server: ServerDep,
    state: Annotated[
        str,
        Query(
            min_length=1,
            max_length=500,
            description="What the browser left with; the provider sends it back untouched.",
        ),
    ],
    code: Annotated[
        str | None,
        Query(
            max_length=4000,
            description="What the provider gives for the login; none = it did not succeed (401).",
        ),
    ] = None,
    iss: Annotated[str | None, Query(max_length=500)] = None,
    cookie: Annotated[str | None, Cookie(alias=LOGIN_COOKIE)] = None,
) -> RedirectResponse:
    """End a login that this browser began: cookies of a session, and back to where it came from.

    The page then gets its access token from `/auth/refresh`.
    """
    check_once(request, LOGIN_COOKIE)
    client, oidc, now = client_of(server, provider), server.accounts.oidc, server.clock()
    begun = await server.run(lambda: oidc.come_back(provider, state, cookie, now))
    if code is None or iss not in {None, client.settings.issuer}:
        raise InvalidTokenError("The login at the provider did not succeed; begin again.")
    identity = await client.identify(
        code=code, nonce=begun.nonce, code_verifier=begun.code_verifier, now=now
    )
    arrival = await server.run(
        lambda: oidc.finish(
            begun, identity, client.settings, device=device_of(request), now=server.clock()
        )
    )
    target = f"{server.accounts.policy.public_url}{arrival.return_path}"
    response = RedirectResponse(target, status_code=302)
    clear_departure(request, response)
    if arrival.login is not None:
        set_login(request, response, arrival.login)
    return response


def client_of(server: Server, slug: str) -> OidcProviderClient:
    """Return the provider with a slug.

    Raises:
        NotFoundError: There is none.
    """
    found = server.accounts.oidc_clients.get(slug)
    if found is None:
        raise NotFoundError(f"No login provider {slug!r}.", kind="providers", key=slug)
    return found


async def departure(
    server: Server,
    client: OidcProviderClient,
    *,
    return_to: str | None,
    linking: Principal | None,
) -> tuple[str, str]:
    """Return where to send a browser, and the cookie that it takes along.

    Args:
        server: The server.
        client: Where the browser goes.
        return_to: Path of ours to come back to.
        linking: Who wants to link the provider; none = it is a login.

    Raises:
        ExternalSourceError: The provider does not answer as it should.
    """
    now, slug = server.clock(), client.settings.slug
    leaving = await server.run(
        lambda: server.accounts.oidc.depart(
            slug,
            return_path=return_to,
            link_user_key=linking.user_key if linking else None,
            link_session_key=linking.session_key if linking else None,
            now=now,
        )
    )
    url = await client.authorization_url(
        state=leaving.state, nonce=leaving.nonce, code_verifier=leaving.code_verifier, now=now
    )
    return url, leaving.cookie
