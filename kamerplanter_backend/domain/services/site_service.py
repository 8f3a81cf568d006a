"""The sites of a garden; the oldest one decides its local dates."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import ConflictError, ForbiddenError
from kamerplanter_backend.common.permissions import Permission, is_permitted
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.site import LocationRepository, SiteRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_revision,
    command,
    query,
)
from kamerplanter_engines.models.site import Site, SiteFields


class SiteService(EntityService[Site]):
    """Says where the garden is; local dates and seasons follow from its first site."""

    repository = SiteRepository

    @query()
    def find(self, uow: UnitOfWork) -> Site | None:
        """Return the first site, or none if the garden has not been set up."""
        return uow.of(SiteRepository).home()

    @command(SiteRepository, AuditRepository)
    def set(self, uow: UnitOfWork, fields: SiteFields) -> Site:
        """Write where the garden is: its first site.

        Raises:
            ForbiddenError: Its time zone is another one, and the caller is no admin.
            InvalidInputError: A value does not fit.
        """
        sites = uow.of(SiteRepository)
        if (site := sites.home()) is None:
            return sites.add(fields)
        return _changed(uow, site, sites.change(site, **dict(fields)))

    @command(SiteRepository)
    def create(self, uow: UnitOfWork, fields: SiteFields, key: str | None = None) -> Site:
        """Add a site.

        Raises:
            ConflictError: The key is in use.
        """
        return uow.of(SiteRepository).add(fields, key=key)

    @command(SiteRepository, AuditRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Site:
        """Change what is given of a site.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: Its time zone changes, and the caller is no admin.
            InvalidInputError: A name is unknown or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        sites = uow.of(SiteRepository)
        before = sites.get(key)
        after = sites.patch(key, patch, SiteFields, expected_revision=expected_revision)
        return _changed(uow, before, after)

    @command(SiteRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a site with its locations; what stands there stays, without a location.

        Raises:
            NotFoundError: It does not exist.
            ConflictError: It is the first one, which decides the garden's local dates.
            StaleRevisionError: It has another revision than expected.
        """
        sites = uow.of(SiteRepository)
        site = sites.get(key)
        check_revision(site, expected_revision, "sites")
        if (home := sites.home()) is not None and home.key == key:
            raise ConflictError(
                f"{site.name} decides the local dates of the garden; change it instead.",
                kind="sites",
                field="key",
                value=key,
            )
        names = {item.key: item.name for item in uow.of(LocationRepository).at_site(key)}
        went_along = sites.remove(key).get("locations", set())
        record_audit(uow, AuditAction.DELETED, "sites", key, name=site.name)
        for gone in sorted(went_along):
            record_audit(uow, AuditAction.DELETED, "locations", gone, name=names.get(gone))


def _changed(uow: UnitOfWork, before: Site, after: Site) -> Site:
    """Return a changed site; what moves its days, and waiting periods with them, is on record."""
    if after.time_zone == before.time_zone:
        return after
    if not is_permitted(uow.context.role, Permission.TENANT_UPDATE):
        raise ForbiddenError(
            "Only an administrator may change the time zone of a site: waiting periods count its "
            "days.",
            permission=Permission.TENANT_UPDATE.value,
        )
    record_audit(
        uow,
        AuditAction.TIME_ZONE_CHANGED,
        "sites",
        after.key,
        time_zone_before=before.time_zone,
        time_zone=after.time_zone,
    )
    return after
