"""Gardens, as accounts see them: making, finding, changing, suspending and deleting one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid7
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    NotFoundError,
    TenantSuspendedError,
)
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.common.slugs import slug_of
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.interfaces.document_store import Order, Page, Query, Where
from kamerplanter_backend.domain.models.tenant import (
    AuditAction,
    AuditEntry,
    Garden,
    GardenAccess,
    MembershipFields,
    RetiredSlugFields,
    Tenant,
    TenantFields,
    TenantKind,
)
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT, Scope
from kamerplanter_backend.domain.repositories.site import SiteRepository
from kamerplanter_backend.domain.repositories.tenant import (
    AuditRepository,
    MembershipRepository,
    RetiredSlugRepository,
    TenantRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, UnitOfWork, open_unit
from kamerplanter_backend.domain.services.base import (
    Service,
    check_revision,
    command,
    query,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.site import SiteFields

MAX_ORGANISATIONS = 10
"""Most organisations that one user may make."""

SLUG_RETIRED_FOR = timedelta(days=90)
"""How long nobody else gets the slug of a deleted garden. Its devices may go on sending to topics
with it until somebody takes them down, and Home Assistant keeps what it could not send for 14
days: a season is enough to notice."""
MAX_RETIRED_SLUGS = 10_000
"""Slugs that are kept free; beyond that the oldest are for everybody before their time."""

NOBODY = SHARED_TENANT
"""Who may give the slug of a garden to another one if a platform admin has deleted it: its devices
would reach whoever did."""

PLATFORM_KEY = "platform"
"""Key and slug of the one garden of a server without accounts."""


def account_context(user_key: str, now: datetime, *, role: Role = Role.VIEWER) -> Context:
    """Return the context of something that an account does outside of any garden."""
    return Context(
        tenant_key=SHARED_TENANT, actor=user_key, role=role, now=now, zone=ZoneInfo("UTC")
    )


class TenantService(Service):
    """What there is to know and to do about gardens as a whole.

    Methods that take an account's context (`account_context`) work on the installation; the
    others take the context of the garden.
    """

    @query()
    def resolve(self, uow: UnitOfWork, slug: str) -> GardenAccess:
        """Return the garden with a slug, and the role of the actor in it.

        Raises:
            NotFoundError: There is none, or the actor does not belong to it: nobody learns which.
        """
        tenant = uow.of(TenantRepository).by_slug(slug)
        if tenant is not None:
            membership = uow.of(MembershipRepository).between(tenant.key, uow.context.actor)
            if membership is not None:
                return GardenAccess(tenant=tenant, role=membership.role)
        raise NotFoundError(f"No garden {slug!r}.", kind="tenants", key=slug)

    @query()
    def gardens_of(self, uow: UnitOfWork) -> tuple[Garden, ...]:
        """Return the gardens of the actor with the role in each, by slug."""
        roles = {
            membership.garden_key: membership.role
            for membership in uow.of(MembershipRepository).of_user(uow.context.actor)
        }
        tenants = uow.of(TenantRepository).get_many(roles)
        found = [garden_view(tenant, roles[tenant.key]) for tenant in tenants]
        return tuple(sorted(found, key=lambda garden: garden.slug))

    @query()
    def get(self, uow: UnitOfWork) -> Tenant:
        """Return the garden of the context."""
        return uow.of(TenantRepository).get(uow.context.tenant_key)

    @query()
    def active_slugs(self, uow: UnitOfWork) -> dict[str, str]:
        """Return the slugs of all gardens that are not suspended, by key."""
        tenants = uow.of(TenantRepository).find(Where("suspended_at", "is_null", True))
        return {tenant.key: tenant.slug for tenant in tenants}

    @command(TenantRepository, MembershipRepository, SiteRepository, AuditRepository)
    def create_for(
        self,
        uow: UnitOfWork,
        fields: TenantFields,
        *,
        kind: TenantKind = TenantKind.ORGANISATION,
        time_zone: str = "UTC",
        latitude_deg: float | None = None,
        key: str | None = None,
    ) -> Tenant:
        """Make a garden whose first admin is the actor of an account's context.

        Args:
            uow: The unit of work, outside of gardens: there the answer is remembered.
            fields: Name and limits.
            kind: Why it is made.
            time_zone: Of the place, e.g. Europe/Berlin; can be changed with the site.
            latitude_deg: Of the place. [°]
            key: Key and slug, for a garden that is always there; none = a new one.

        Raises:
            ConflictError: The actor has made as many organisations as one may, or the key is
                taken.
            InvalidInputError: A value does not fit.
        """
        owner, garden_key = uow.context.actor, key or uuid7().hex
        site = SiteFields(name=fields.name, time_zone=time_zone, latitude_deg=latitude_deg)
        garden = uow.beside(replace(uow.context, tenant_key=garden_key))
        tenants = garden.of(TenantRepository)
        if kind is TenantKind.ORGANISATION and tenants.organisations_of(owner) >= MAX_ORGANISATIONS:
            raise ConflictError(
                f"One person may make {MAX_ORGANISATIONS} gardens for organisations; "
                "delete one that is not needed.",
                kind="tenants",
                field="owner_key",
                value=owner,
            )
        tenant = tenants.add(
            fields,
            key=garden_key,
            slug=key or _free_slug(garden, fields.name),
            kind=kind,
            owner_key=owner,
        )
        garden.of(MembershipRepository).add(
            MembershipFields(garden_key=garden_key, user_key=owner, role=Role.ADMIN)
        )
        garden.of(SiteRepository).add(site)
        record_audit(garden, AuditAction.TENANT_CREATED, "tenants", garden_key, name=fields.name)
        return tenant

    @command(TenantRepository, AuditRepository)
    def update(
        self,
        uow: UnitOfWork,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Tenant:
        """Change what is given of the garden; its slug stays.

        Raises:
            InvalidInputError: A name is unknown, a value does not fit, or fewer members are
                allowed than there are.
            StaleRevisionError: It has another revision than expected.
        """
        tenant = uow.of(TenantRepository).patch(
            uow.context.tenant_key, patch, TenantFields, expected_revision=expected_revision
        )
        member_count = len(uow.of(MembershipRepository).of_garden(tenant.key))
        if tenant.max_members < member_count:
            raise InvalidInputError(
                f"There are {member_count} members; max_members must not be lower.",
                field="max_members",
                value=tenant.max_members,
            )
        record_audit(
            uow,
            AuditAction.TENANT_CHANGED,
            "tenants",
            tenant.key,
            fields=list[JsonValue](sorted(patch)),
        )
        return tenant

    def suspend(
        self,
        context: Context,
        key: str,
        *,
        suspended: bool,
        expected_revision: int | None = None,
    ) -> Tenant:
        """Take the right to write from a garden's members, or give it back; twice is harmless.

        Args:
            context: Of a platform admin's account.
            key: The garden.
            suspended: Which of the two.
            expected_revision: The one that the caller saw; none = whatever it is now.

        Raises:
            NotFoundError: There is no such garden.
            StaleRevisionError: It has another revision than expected.
        """
        within = replace(context, tenant_key=key)
        with open_unit(self.store, within, (TenantRepository, AuditRepository)) as uow:
            tenants = uow.of(TenantRepository)
            tenant = tenants.get(key)
            if (tenant.suspended_at is not None) == suspended:
                return tenant
            check_revision(tenant, expected_revision, "tenants")
            action = AuditAction.TENANT_SUSPENDED if suspended else AuditAction.TENANT_RESUMED
            record_audit(uow, action, "tenants", key)
            return tenants.change(tenant, suspended_at=context.now if suspended else None)

    def remove(
        self,
        context: Context,
        *,
        if_only: str | None = None,
        expected_revision: int | None = None,
    ) -> None:
        """Delete the garden of the context with everything in it; there is no way back.

        Args:
            context: Of the garden.
            if_only: Only if this user is its one member; none = whoever works there.
            expected_revision: The one that the caller saw; none = whatever it is now.

        Raises:
            ConflictError: It is the one garden of a server without accounts, or others work in it.
            TenantSuspendedError: It is suspended.
            StaleRevisionError: It has another revision than expected.
        """
        with open_unit(self.store, context, (*REPOSITORIES, Readings)) as uow:
            tenant = uow.of(TenantRepository).get(context.tenant_key)
            check_revision(tenant, expected_revision, "tenants")
            check_not_suspended(tenant)
            members = uow.of(MembershipRepository).of_garden(tenant.key) if if_only else []
            if any(member.user_key != if_only for member in members):
                raise ConflictError(
                    f"Somebody has joined {tenant.name!r} meanwhile; try again.",
                    kind="tenants",
                    field="slug",
                    value=tenant.slug,
                )
            _remove(uow, tenant, heir=if_only or context.actor)

    def remove_any(self, context: Context, key: str, expected_revision: int | None = None) -> None:
        """Delete any garden, a suspended one too, for a platform admin; else as `remove`."""
        within = replace(context, tenant_key=key)
        with open_unit(self.store, within, (*REPOSITORIES, Readings)) as uow:
            tenant = uow.of(TenantRepository).get(key)
            check_revision(tenant, expected_revision, "tenants")
            _remove(uow, tenant, heir=NOBODY)

    @query()
    def list_all(self, uow: UnitOfWork, query: Query) -> Page[Tenant]:
        """Return a page of all gardens of the installation, for platform admins."""
        return uow.of(TenantRepository).page(query)

    @query()
    def member_counts(self, uow: UnitOfWork, garden_keys: tuple[str, ...]) -> dict[str, int]:
        """Return how many members each garden has."""
        found = uow.of(MembershipRepository).find(Where("garden_key", "in", garden_keys))
        counts = dict.fromkeys(garden_keys, 0)
        for membership in found:
            counts[membership.garden_key] += 1
        return counts

    @query()
    def audit(self, uow: UnitOfWork, query: Query) -> Page[AuditEntry]:
        """Return a page of the garden's audit, newest first unless another order is given.

        In the context of an account it is that of the installation.
        """
        ordered = replace(query, order=query.order or (Order("key", descending=True),))
        return uow.of(AuditRepository).page(ordered)


def garden_view(tenant: Tenant, role: Role) -> Garden:
    """Return a garden as one of its members sees it."""
    return Garden(
        key=tenant.key,
        slug=tenant.slug,
        name=tenant.name,
        description=tenant.description,
        kind=tenant.kind,
        max_members=tenant.max_members,
        role=role,
        is_suspended=tenant.suspended_at is not None,
        revision=tenant.revision,
    )


def check_not_suspended(tenant: Tenant) -> None:
    """Make sure that its members may delete a garden: what is in a suspended one stays.

    Raises:
        TenantSuspendedError: It is suspended; names it.
    """
    if tenant.suspended_at is not None:
        raise TenantSuspendedError(
            f"The garden {tenant.name!r} is suspended, so it stays as it is: only a platform "
            "admin can let it go on, or delete it.",
            permission=Permission.TENANT_DELETE.value,
            field="slug",
            value=tenant.slug,
        )


def erase_garden(uow: UnitOfWork) -> None:
    """Delete every document and reading of the garden of a unit of work, and its shared entries."""
    # A kind that stands later in the table may point to an earlier one: so from the end.
    for repository in reversed(REPOSITORIES):
        if repository.collection.scope is not Scope.SYSTEM:
            kept = uow.of(repository)
            for entity in kept.find(Where("tenant_key", "==", uow.context.tenant_key)):
                if kept.try_get(entity.key) is not None:
                    kept.remove(entity.key)
    uow.forget_answers()


def _remove(uow: UnitOfWork, tenant: Tenant, *, heir: str) -> None:
    """Delete a garden, and keep its slug for one user, or for nobody."""
    if tenant.key == PLATFORM_KEY:
        raise ConflictError(
            "The garden of the server itself cannot be deleted.",
            kind="tenants",
            field="key",
            value=tenant.key,
        )
    erase_garden(uow)
    uow.of(TenantRepository).remove(tenant.key)
    _retire_slug(uow, tenant.slug, heir)
    # The garden's own audit is gone with it: that it was there is kept elsewhere.
    record_audit(
        uow.for_installation(), AuditAction.DELETED, "tenants", tenant.key, slug=tenant.slug
    )


def _free_slug(uow: UnitOfWork, name: str) -> str:
    slug = wanted = slug_of(name)
    number = 1
    while not _is_free(uow, slug):
        number += 1
        slug = f"{wanted}-{number}"
    return slug


def _is_free(uow: UnitOfWork, slug: str) -> bool:
    # That name is kept for a server that goes on without accounts.
    if slug == PLATFORM_KEY or uow.of(TenantRepository).by_slug(slug) is not None:
        return False
    retired = uow.of(RetiredSlugRepository).of_slug(slug)
    if retired is None or retired.deleted_by == uow.context.actor:
        return True
    return retired.free_at <= uow.context.now


def _retire_slug(uow: UnitOfWork, slug: str, heir: str) -> None:
    """Keep the slug of a deleted garden from the next owner, whom its devices would reach."""
    slugs = uow.of(RetiredSlugRepository)
    if (before := slugs.of_slug(slug)) is not None:
        slugs.remove(before.key)
    free_at = uow.context.now + SLUG_RETIRED_FOR
    slugs.add(RetiredSlugFields(slug=slug, deleted_by=heir, free_at=free_at))
    for item in slugs.superfluous(uow.context.now, MAX_RETIRED_SLUGS):
        slugs.remove(item.key)
