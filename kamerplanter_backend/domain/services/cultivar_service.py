"""Cultivars: shared ones, and a garden's own."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.catalogue_copy import delete_entry, own_copy
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import EntityService, check_revision, command
from kamerplanter_engines.models.cultivar import Cultivar, CultivarFields


class CultivarService(EntityService[Cultivar]):
    """Adds, changes, copies and deletes cultivars.

    In the context of the installation the shared ones, in that of a garden its own.
    """

    repository = CultivarRepository

    @command(CultivarRepository)
    def create(self, uow: UnitOfWork, fields: CultivarFields, key: str | None = None) -> Cultivar:
        """Add a cultivar.

        Raises:
            ConflictError: Its key is in use, or the species has one of this name.
            BrokenReferenceError: Its species does not exist.
        """
        return uow.of(CultivarRepository).add(fields, key=key)

    @command(CultivarRepository)
    def copy(self, uow: UnitOfWork, key: str) -> Cultivar:
        """Make an own copy of a cultivar, of the same species.

        Raises:
            NotFoundError: It does not exist.
            ConflictError: The garden has one of this name and species already.
        """
        return own_copy(uow.of(CultivarRepository), CultivarFields, key)

    @command(CultivarRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Cultivar:
        """Change what is given of a cultivar.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is a shared one, and this is a garden.
            ConflictError: The species has one of its new name.
            BrokenReferenceError: Its species does not exist.
            InvalidInputError: A name is unknown or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        return uow.of(CultivarRepository).patch(
            key, patch, CultivarFields, expected_revision=expected_revision
        )

    @command(CultivarRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a cultivar.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is a shared one, and this is a garden.
            BrokenReferenceError: Something is of it.
            StaleRevisionError: It has another revision than expected.
        """
        cultivars = uow.of(CultivarRepository)
        cultivar = cultivars.get(key)
        check_revision(cultivar, expected_revision, cultivars.collection.name)
        delete_entry(uow, cultivars, cultivar, cultivar.name)
