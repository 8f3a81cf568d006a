"""The installation as a whole, for platform admins."""

from typing import Annotated

from fastapi import Depends, Query as QueryParameter, Response

from kamerplanter_backend.api.answer_headers import TAGGED
from kamerplanter_backend.api.crud import PathKey
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import (
    Compare,
    ListPage,
    ListParameters,
    list_parameters,
    page_of,
    query_of,
)
from kamerplanter_backend.api.v1.tenants.router import AuditList, MemberList
from kamerplanter_backend.common.auth import PlatformAdmin, not_kept
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ExpectedRevision, ServerDep, etag
from kamerplanter_backend.domain.interfaces.document_store import Page
from kamerplanter_backend.domain.models.identity import User
from kamerplanter_backend.domain.models.system import InstallationCounts
from kamerplanter_backend.domain.models.tenant import AuditEntry, Member, Tenant, TenantKind
from kamerplanter_engines.models.base import Instant, Key, Model

router = Router(prefix="/admin", tags=["admin"])


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


class UserSummary(Model):
    """An account as the platform's admins see it."""

    key: Key
    email: str | None
    display_name: str
    is_email_verified: bool
    is_active: bool
    is_platform_admin: bool
    last_login_at: Instant | None
    created_at: Instant
    revision: int


class UserFilters(ListParameters):
    """Filters of the list of accounts."""

    email: str | None = None
    is_active: bool | None = None
    is_platform_admin: bool | None = None


class ActivationBody(Model):
    """Whether an account may be used."""

    is_active: bool


class PlatformAdminBody(Model):
    """Whether an account looks after the installation."""

    is_platform_admin: bool


UserList = list_parameters("UserList", UserFilters, entity=User, sort=("email", "created_at"))

TenantList = list_parameters("TenantList", TenantFilters, entity=Tenant, sort=("name", "slug"))


@router.get("/stats", summary="Count accounts and gardens")
async def get_stats(
    server: ServerDep, context: Annotated[Context, Depends(PlatformAdmin())]
) -> InstallationCounts:
    """Return how many accounts, gardens and memberships there are."""
    return await server.ask(lambda: server.installation.counts(context))


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
        return page.shown_as(lambda tenant: _summary(tenant, counts[tenant.key]))

    return page_of(await server.ask(read), asked)


@router.put(
    "/tenants/{key}/suspension", summary="Suspend a garden, or let it go on", responses=TAGGED
)
async def suspend_tenant(  # noqa: PLR0917 - FastAPI fills them in
    key: PathKey,
    body: SuspensionBody,
    response: Response,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    expected: ExpectedRevision,
) -> TenantSummary:
    """Take the right to write from all members of a garden, or give it back."""

    def act() -> TenantSummary:
        tenant = server.tenants.suspend(
            context, key, suspended=body.suspended, expected_revision=expected
        )
        return _summary(tenant, server.tenants.member_counts(context, (key,))[key])

    summary = await server.run(act)
    response.headers["ETag"] = etag(summary.revision)
    return summary


@router.get("/tenants/{key}/members", summary="List the members of a garden")
async def list_tenant_members(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    asked: Annotated[MemberList, QueryParameter()],  # type: ignore[valid-type]  # made there
) -> ListPage[Member]:
    """Return who works in a garden, with e-mail addresses; nobody becomes a member this way."""
    page = await server.ask(lambda: server.members.members_of(context, key, query_of(asked)))
    return page_of(page, asked)


@router.delete("/tenants/{key}", status_code=204, summary="Delete a garden of others")
async def delete_tenant(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    expected: ExpectedRevision,
) -> None:
    """Delete a garden with everything in it, a suspended one too; there is no way back.

    Its slug is for nobody within 90 days. The one garden of a server that had no accounts before
    stays (409).
    """
    await server.run(lambda: server.tenants.remove_any(context, key, expected))


@router.get("/users", summary="List all accounts")
async def list_users(
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    asked: Annotated[UserList, QueryParameter()],  # type: ignore[valid-type]  # made above
) -> ListPage[UserSummary]:
    """Return all accounts of the installation; deleted ones are not part of it."""
    page = await server.ask(lambda: server.accounts.admin.list_page(context, query_of(asked)))
    return page_of(page.shown_as(_account), asked)


@router.put(
    "/users/{key}/activation", summary="Lock an account out, or let it in again", responses=TAGGED
)
async def activate_user(  # noqa: PLR0917 - as above
    key: PathKey,
    body: ActivationBody,
    response: Response,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    expected: ExpectedRevision,
) -> UserSummary:
    """Locking an account out ends its sessions and stops its keys; nobody locks oneself out."""
    admin, context = server.accounts.admin, not_kept(context)
    user = await server.run(lambda: admin.set_active(context, key, body.is_active, expected))
    response.headers["ETag"] = etag(user.revision)
    return _account(user)


@router.put(
    "/users/{key}/platform-admin",
    summary="Let an account look after the installation",
    responses=TAGGED,
)
async def appoint_user(  # noqa: PLR0917 - as above
    key: PathKey,
    body: PlatformAdminBody,
    response: Response,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    expected: ExpectedRevision,
) -> UserSummary:
    """Give or take the rights of a platform admin; nobody takes the own ones."""
    admin, context = server.accounts.admin, not_kept(context)
    wanted = body.is_platform_admin
    user = await server.run(lambda: admin.set_platform_admin(context, key, wanted, expected))
    response.headers["ETag"] = etag(user.revision)
    return _account(user)


@router.delete("/users/{key}", status_code=204, summary="Delete an account of somebody else")
async def delete_user(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    expected: ExpectedRevision,
) -> None:
    """Delete an account, and the gardens where nobody else works, for good.

    What the person wrote in shared gardens stays, under a key without a person. The own account is
    not deleted here (409), nor one without which a garden with other members has no admin (409). A
    suspended garden where nobody else works stays, and its member with it (403): delete that first.
    """
    deletion, context = server.accounts.deletion, not_kept(context)
    await server.run(lambda: deletion.delete_other(context, key, expected))


@router.get("/audit", summary="List what is on record of the installation")
async def list_audit(
    server: ServerDep,
    context: Annotated[Context, Depends(PlatformAdmin())],
    asked: Annotated[AuditList, QueryParameter()],  # type: ignore[valid-type]  # made there
) -> ListPage[AuditEntry]:
    """Return what was done beyond single gardens, newest first.

    That is: accounts locked, unlocked, deleted or made platform admins, gardens that were
    deleted, and entries that were taken out of the shared catalogue.
    """
    page = await server.ask(lambda: server.tenants.audit(context, query_of(asked)))
    return page_of(page, asked)


def _account(user: User) -> UserSummary:
    return UserSummary(**{name: getattr(user, name) for name in UserSummary.model_fields})


def _summary(tenant: Tenant, member_count: int) -> TenantSummary:
    names = TenantSummary.model_fields.keys() - {"member_count"}
    values = {name: getattr(tenant, name) for name in names}
    return TenantSummary(**values, member_count=member_count)
