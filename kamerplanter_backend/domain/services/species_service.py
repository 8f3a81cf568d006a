"""Species: shared ones, and a garden's own."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.catalogue_copy import delete_entry, own_copy
from kamerplanter_backend.domain.interfaces.document_store import Page, Query, Where
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.phase import PhaseSequenceRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_revision,
    command,
    query,
)
from kamerplanter_engines.catalogue_engine import check_species
from kamerplanter_engines.models.cultivar import Cultivar
from kamerplanter_engines.models.phase import PhaseSequence
from kamerplanter_engines.models.species import Species, SpeciesFields


class SpeciesService(EntityService[Species]):
    """Adds, changes, copies and deletes species.

    In the context of the installation the shared ones, in that of a garden its own.
    """

    repository = SpeciesRepository

    @command(SpeciesRepository)
    def create(self, uow: UnitOfWork, fields: SpeciesFields, key: str | None = None) -> Species:
        """Add a species.

        Raises:
            ConflictError: Its key or scientific name is in use.
            BrokenReferenceError: Its family or phase sequence does not exist.
            InvalidInputError: Its values contradict each other.
        """
        check_species(fields)
        return uow.of(SpeciesRepository).add(fields, key=key)

    @command(SpeciesRepository)
    def copy(self, uow: UnitOfWork, key: str) -> Species:
        """Make an own copy of a species, without its cultivars; plants stay what they are.

        Raises:
            NotFoundError: It does not exist.
            ConflictError: The garden has one of this scientific name already.
        """
        return own_copy(uow.of(SpeciesRepository), SpeciesFields, key)

    @command(SpeciesRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Species:
        """Change what is given of a species.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is a shared one, and this is a garden.
            ConflictError: Its new scientific name is in use.
            BrokenReferenceError: Its family or phase sequence does not exist.
            InvalidInputError: A name is unknown, a value does not fit or contradicts another.
            StaleRevisionError: It has another revision than expected.
        """
        species = uow.of(SpeciesRepository).patch(
            key, patch, SpeciesFields, expected_revision=expected_revision
        )
        check_species(species)
        return species

    @command(SpeciesRepository, AuditRepository)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Delete a species.

        Raises:
            NotFoundError: It does not exist.
            ForbiddenError: It is a shared one, and this is a garden.
            BrokenReferenceError: A plant or cultivar is of it.
            StaleRevisionError: It has another revision than expected.
        """
        kinds = uow.of(SpeciesRepository)
        species = kinds.get(key)
        check_revision(species, expected_revision, kinds.collection.name)
        delete_entry(uow, kinds, species, species.scientific_name)

    @query()
    def list_cultivars(self, uow: UnitOfWork, key: str, query: Query) -> Page[Cultivar]:
        """Return a part of the cultivars of a species.

        Raises:
            NotFoundError: It does not exist.
            OutOfRangeError, InvalidInputError: As in `list_page`.
        """
        uow.of(SpeciesRepository).get(key)
        where = (*query.where, Where("species_key", "==", key))
        return uow.of(CultivarRepository).page(replace(query, where=where))

    @query()
    def phase_sequence(self, uow: UnitOfWork, key: str) -> PhaseSequence:
        """Return the phases that plants of a species go through.

        Raises:
            NotFoundError: The species or its sequence does not exist.
        """
        species = uow.of(SpeciesRepository).get(key)
        return uow.of(PhaseSequenceRepository).get(species.sequence_key)
