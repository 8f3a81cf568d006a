"""What all gardens share: species and phase sequences."""

from kamerplanter_backend.domain.repositories.phase import PhaseSequenceRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, query
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.species import Species


class CatalogueService(Service):
    """Reads the catalogue."""

    @query()
    def list_species(self, uow: UnitOfWork) -> tuple[Species, ...]:
        """Return all species that this garden sees, by scientific name."""
        return tuple(uow.of(SpeciesRepository).by_name())

    @query()
    def list_phases(self, uow: UnitOfWork, species_key: str) -> tuple[PhaseEntry, ...]:
        """Return the phases that plants of a species go through, in order.

        Raises:
            NotFoundError: The species or its sequence does not exist.
        """
        species = uow.of(SpeciesRepository).get(species_key)
        return uow.of(PhaseSequenceRepository).get(species.sequence_key).entries
