"""Kinds of locations, which all gardens share."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.catalogue_copy import delete_entry
from kamerplanter_backend.domain.repositories.location_type import LocationTypeRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import EntityService, check_revision, command
from kamerplanter_engines.models.location_type import LocationType, LocationTypeFields


class LocationTypeService(EntityService[LocationType]):
    """Adds, changes and deletes kinds of locations, in the context of the installation."""

    repository = LocationTypeRepository

    @command(LocationTypeRepository)
    def create(
        self, uow: UnitOfWork, fields: LocationTypeFields, key: str | None = None
    ) -> LocationType:
        """Add a kind of location.

        Raises:
            ConflictError: Its key or English name is in use.
        """
        return uow.of(LocationTypeRepository).add(fields, key=key)

    @command(LocationTypeRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> LocationType:
        """Change what is given of a kind of location.

        Raises:
            NotFoundError: It does not exist.
            ConflictError: Its new English name is in use.
            InvalidInputError: A name is unknown or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        return uow.of(LocationTypeRepository).patch(
            key, patch, LocationTypeFields, expected_revision=expected_revision
        )

    @command(LocationTypeRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a kind of location.

        Raises:
            NotFoundError: It does not exist.
            BrokenReferenceError: A location of some garden is of it.
            StaleRevisionError: It has another revision than expected.
        """
        types = uow.of(LocationTypeRepository)
        location_type = types.get(key)
        check_revision(location_type, expected_revision, types.collection.name)
        delete_entry(uow, types, location_type, location_type.name_en)
