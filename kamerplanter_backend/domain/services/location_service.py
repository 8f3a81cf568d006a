"""The parts of a site, one within another."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.site import LocationRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import EntityService, check_revision, command
from kamerplanter_engines.location_engine import check_place
from kamerplanter_engines.models.site import Location, LocationFields


class LocationService(EntityService[Location]):
    """Adds, changes, moves and deletes locations."""

    repository = LocationRepository

    @command(LocationRepository)
    def create(self, uow: UnitOfWork, fields: LocationFields, key: str | None = None) -> Location:
        """Add a location.

        Raises:
            ConflictError: The key is in use.
            BrokenReferenceError: Its site or the location around it does not exist.
            InvalidInputError: The location around it is at another site, or it lies too deep.
        """
        locations = uow.of(LocationRepository)
        location = locations.add(fields, key=key)
        check_place(location, _neighbours(locations, location))
        return location

    @command(LocationRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Location:
        """Change what is given of a location; a new parent moves all that is in it along.

        Raises:
            NotFoundError: It does not exist.
            BrokenReferenceError: The location around it does not exist.
            InvalidInputError: A name is unknown, a value does not fit, or it would lie within
                itself, at another site than what is around or in it, or too deep.
            StaleRevisionError: It has another revision than expected.
        """
        locations = uow.of(LocationRepository)
        before = locations.get(key)
        location = locations.patch(key, patch, LocationFields, expected_revision=expected_revision)
        # After a move to another site, what was in it is still at the old one.
        left_behind = locations.at_site(before.site_key)
        check_place(location, [*_neighbours(locations, location), *left_behind])
        return location

    @command(LocationRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a location and those in it; plants and tanks stay, without a location.

        Raises:
            NotFoundError: It does not exist.
            StaleRevisionError: It has another revision than expected.
        """
        locations = uow.of(LocationRepository)
        location = locations.get(key)
        check_revision(location, expected_revision, "locations")
        names = {item.key: item.name for item in locations.at_site(location.site_key)}
        for gone in sorted(locations.remove(key)["locations"]):
            record_audit(uow, AuditAction.DELETED, "locations", gone, name=names.get(gone))


def _neighbours(locations: LocationRepository, location: Location) -> list[Location]:
    """Return the locations at its site, and the one around it wherever that is."""
    around = [location.parent_key] if location.parent_key else []
    return [*locations.at_site(location.site_key), *locations.get_many(around)]
