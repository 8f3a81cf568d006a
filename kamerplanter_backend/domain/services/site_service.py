"""The place of the garden."""

from kamerplanter_backend.domain.repositories.site import SiteRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_engines.models.site import Site, SiteFields


class SiteService(Service):
    """Says where the garden is; local dates and seasons follow from it."""

    @query()
    def find(self, uow: UnitOfWork) -> Site | None:
        """Return the site, or none if the garden has not been set up."""
        return uow.of(SiteRepository).only()

    @command(SiteRepository)
    def set(self, uow: UnitOfWork, fields: SiteFields) -> Site:
        """Write where the garden is.

        Raises:
            InvalidInputError: A value does not fit.
        """
        sites = uow.of(SiteRepository)
        if (site := sites.only()) is None:
            return sites.add(fields)
        return sites.change(site, **dict(fields))
