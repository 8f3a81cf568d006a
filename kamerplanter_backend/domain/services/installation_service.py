"""The installation as a whole: by what clients know it, and how much there is."""

from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.models.system import (
    Installation,
    InstallationCounts,
    InstallationFields,
)
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.system import InstallationRepository
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository, TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query


class InstallationService(Service):
    """Knows the one installation of a store."""

    @command(InstallationRepository)
    def ensure(self, uow: UnitOfWork) -> Installation:
        """Return the installation, which is made with the store's first server."""
        installations = uow.of(InstallationRepository)
        return installations.first() or installations.add(InstallationFields())

    @query()
    def counts(self, uow: UnitOfWork) -> InstallationCounts:
        """Return how many accounts, gardens and memberships there are, for platform admins."""
        users, tenants = uow.of(UserRepository), uow.of(TenantRepository)
        living = Where("deleted_at", "is_null", True)
        return InstallationCounts(
            account_count=users.count(living),
            locked_account_count=users.count(living, Where("is_active", "==", False)),
            platform_admin_count=users.count(living, Where("is_platform_admin", "==", True)),
            garden_count=tenants.count(),
            suspended_garden_count=tenants.count(Where("suspended_at", "is_null", False)),
            membership_count=uow.of(MembershipRepository).count(),
        )
