"""Keys for machines."""

from typing import Annotated

from fastapi import Depends, Query as QueryParameter

from kamerplanter_backend.api.crud import PathKey
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import ListPage, ListParameters, page_of, query_of
from kamerplanter_backend.api.v1.auth.schemas import ApiKeyBody, ApiKeyView, NewApiKeyView
from kamerplanter_backend.common.auth import SignedIn, not_kept
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep

router = Router(prefix="/auth/api-keys", tags=["auth"])
"""Only where there are accounts. Keys cannot make, list or revoke keys."""


@router.post("", status_code=201, summary="Make a key for a machine")
async def create_api_key(
    body: ApiKeyBody, server: ServerDep, context: Annotated[Context, Depends(SignedIn())]
) -> NewApiKeyView:
    """Make a key for one of one's gardens; the key itself is shown this once."""
    made = await server.run(
        lambda: server.accounts.api_keys.create(
            context.actor,
            tenant_slug=body.tenant_slug,
            label=body.label,
            scopes=body.scopes,
            expires_at=body.expires_at,
            now=context.now,
            warrant=context.warrant,
        )
    )
    view = ApiKeyView.of(made.key, body.tenant_slug)
    return NewApiKeyView(**dict(view), raw_key=made.raw)


@router.get("", summary="List one's keys")
async def list_api_keys(
    server: ServerDep,
    context: Annotated[Context, Depends(SignedIn())],
    asked: Annotated[ListParameters, QueryParameter()],
) -> ListPage[ApiKeyView]:
    """Return the keys of the caller, oldest first, the revoked ones too."""
    keys = server.accounts.api_keys
    page = await server.ask(lambda: keys.list_page(context, context.actor, query_of(asked)))
    gardens = frozenset(key.garden_key for key in page.items)
    slugs = await server.ask(lambda: keys.slugs_of(context, gardens))
    shown = page.shown_as(lambda key: ApiKeyView.of(key, slugs.get(key.garden_key)))
    return page_of(shown, asked)


@router.delete("/{key}", status_code=204, summary="Revoke a key")
async def revoke_api_key(
    key: PathKey, server: ServerDep, context: Annotated[Context, Depends(SignedIn())]
) -> None:
    """Revoke a key: it is refused from now on."""
    own = not_kept(context)
    await server.run(lambda: server.accounts.api_keys.revoke(own, own.actor, key))
