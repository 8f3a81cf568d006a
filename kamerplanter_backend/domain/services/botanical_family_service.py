"""Botanical families: shared ones, and a garden's own."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.catalogue_copy import delete_entry, own_copy
from kamerplanter_backend.domain.interfaces.document_store import Page, Query, Where
from kamerplanter_backend.domain.repositories.botanical_family import BotanicalFamilyRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_revision,
    command,
    query,
)
from kamerplanter_engines.catalogue_engine import check_family
from kamerplanter_engines.models.botanical_family import BotanicalFamily, BotanicalFamilyFields
from kamerplanter_engines.models.species import Species


class BotanicalFamilyService(EntityService[BotanicalFamily]):
    """Adds, changes, copies and deletes families.

    In the context of the installation the shared ones, in that of a garden its own.
    """

    repository = BotanicalFamilyRepository

    @command(BotanicalFamilyRepository)
    def create(
        self, uow: UnitOfWork, fields: BotanicalFamilyFields, key: str | None = None
    ) -> BotanicalFamily:
        """Add a family.

        Raises:
            ConflictError: Its key or name is in use.
            InvalidInputError: Its values contradict each other.
        """
        check_family(fields)
        return uow.of(BotanicalFamilyRepository).add(fields, key=key)

    @command(BotanicalFamilyRepository)
    def copy(self, uow: UnitOfWork, key: str) -> BotanicalFamily:
        """Make an own copy of a family; its species stay where they are.

        Raises:
            NotFoundError: It does not exist.
            ConflictError: The garden has one of this name already.
        """
        return own_copy(uow.of(BotanicalFamilyRepository), BotanicalFamilyFields, key)

    @command(BotanicalFamilyRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> BotanicalFamily:
        """Change what is given of a family.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is a shared one, and this is a garden.
            ConflictError: Its new name is in use.
            InvalidInputError: A name is unknown, a value does not fit or contradicts another.
            StaleRevisionError: It has another revision than expected.
        """
        family = uow.of(BotanicalFamilyRepository).patch(
            key, patch, BotanicalFamilyFields, expected_revision=expected_revision
        )
        check_family(family)
        return family

    @command(BotanicalFamilyRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a family.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is a shared one, and this is a garden.
            BrokenReferenceError: A species belongs to it.
            StaleRevisionError: It has another revision than expected.
        """
        families = uow.of(BotanicalFamilyRepository)
        family = families.get(key)
        check_revision(family, expected_revision, families.collection.name)
        delete_entry(uow, families, family, family.name)

    @query()
    def list_species(self, uow: UnitOfWork, key: str, query: Query) -> Page[Species]:
        """Return a part of the species of a family.

        Raises:
            NotFoundError: It does not exist.
            OutOfRangeError, InvalidInputError: As in `list_page`.
        """
        uow.of(BotanicalFamilyRepository).get(key)
        where = (*query.where, Where("family_key", "==", key))
        return uow.of(SpeciesRepository).page(replace(query, where=where))
