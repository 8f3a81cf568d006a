"""The installation as a whole, for platform admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query as QueryParameter

from kamerplanter_backend.api.crud import PathKey
from kamerplanter_backend.api.pagination import (
    Compare,
    ListPage,
    ListParameters,
    list_parameters,
    page_of,
    query_of,
)
from kamerplanter_backend.common.auth import PlatformAdmin
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep
from kamerplanter_backend.domain.interfaces.document_store import Page
from kamerplanter_backend.domain.models.tenant import Tenant, TenantKind
from kamerplanter_engines.models.base import Instant, Key, Model

router = APIRouter(prefix="/admin", tags=["admin"])


class TenantSummary(Model):
    """A garden as the platform's admins see it: nothing of what is in it."""

    key: Key
    slug: str
    name: str
    kind: TenantKind
    owner_key: str | None
    member_count: int
    suspended_at: Instant | None
    created_at: Instant
    revision: int


class TenantFilters(ListParameters):
    """Filters of the list of gardens."""

    kind: TenantKind | None = None
    owner_key: str | None = None
    is_active: Annotated[bool | None, Compare("suspended_at", "is_null")] = None


class SuspensionBody(Model):
    """Whether a garden is to be suspended."""

    suspended: bool


TenantList = list_parameters("TenantList", TenantFilters, entity=Tenant, sort=("name", "slug"))


@router.get("/tenants", summary="List all gardens")
async def list_tenants(
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    asked: Annotated[TenantList, QueryParameter()],  # type: ignore[valid-type]  # made above
) -> ListPage[TenantSummary]:
    """Return all gardens of the installation."""

    def read() -> Page[TenantSummary]:
        page = server.tenants.list_all(context, query_of(asked))
        keys = tuple(tenant.key for tenant in page.items)
        counts = server.tenants.member_counts(context, keys)
        items = tuple(_summary(tenant, counts[tenant.key]) for tenant in page.items)
        return Page(items=items, cursor=page.cursor, total=page.total)

    return page_of(await server.ask(read), asked)


@router.put("/tenants/{key}/suspension", summary="Suspend a garden, or let it go on")
async def suspend_tenant(
    key: PathKey,
    body: SuspensionBody,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
) -> TenantSummary:
    """Take the right to write from all members of a garden, or give it back."""

    def act() -> TenantSummary:
        tenant = server.tenants.suspend(context, key, suspended=body.suspended)
        return _summary(tenant, server.tenants.member_counts(context, (key,))[key])

    return await server.run(act)


def _summary(tenant: Tenant, member_count: int) -> TenantSummary:
    names = TenantSummary.model_fields.keys() - {"member_count"}
    values = {name: getattr(tenant, name) for name in names}
    return TenantSummary(**values, member_count=member_count)
