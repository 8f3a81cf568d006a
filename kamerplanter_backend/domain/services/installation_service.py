"""By what clients know a server, whatever its address becomes."""

from kamerplanter_backend.domain.models.system import Installation, InstallationFields
from kamerplanter_backend.domain.repositories.system import InstallationRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command


class InstallationService(Service):
    """Knows the one installation of a store."""

    @command(InstallationRepository)
    def ensure(self, uow: UnitOfWork) -> Installation:
        """Return the installation, which is made with the store's first server."""
        installations = uow.of(InstallationRepository)
        return installations.first() or installations.add(InstallationFields())
