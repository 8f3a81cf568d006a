"""A plant together with what the catalogue says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kamerplanter_backend.common.exceptions import BrokenReferenceError
from kamerplanter_backend.domain.repositories.phase import PhaseSequenceRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.care import CarePreset
from kamerplanter_engines.models.phase import PhaseEntry, PhaseSequence
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.species import Species
from kamerplanter_engines.phase_transition_engine import initial_entry
from kamerplanter_engines.tables.care_styles import CARE_PRESETS


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantFacts:
    """A plant with its species, its sequence and the phase that it is in."""

    plant: Plant
    species: Species
    sequence: PhaseSequence
    entry: PhaseEntry
    added_on: date
    """Local date on which it came into the garden."""
    phase_started_on: date
    """Local date."""

    @property
    def preset(self) -> CarePreset:
        """The care intervals of its style; its own style wins over that of the species."""
        return CARE_PRESETS[self.plant.care_style or self.species.care_style]

    @property
    def edible(self) -> bool:
        """Whether any of it is eaten."""
        return self.species.edible if self.plant.edible is None else self.plant.edible

    @property
    def moisture_low_pct(self) -> float | None:
        """Lowest soil moisture that is right for it; none = nobody said, in percent."""
        own = self.plant.soil_moisture_low_pct
        return self.species.soil_moisture_low_pct if own is None else own

    @property
    def moisture_high_pct(self) -> float | None:
        """Highest soil moisture that is right for it; none = nobody said, in percent."""
        own = self.plant.soil_moisture_high_pct
        return self.species.soil_moisture_high_pct if own is None else own


def facts_of(uow: UnitOfWork, plants: Sequence[Plant]) -> dict[str, PlantFacts]:
    """Return the facts of plants by key; one whose species is lost is left out."""
    known = uow.of(SpeciesRepository).get_many({plant.species_key for plant in plants})
    species = {item.key: item for item in known}
    wanted = {item.sequence_key for item in known}
    sequences = {item.key: item for item in uow.of(PhaseSequenceRepository).get_many(wanted)}
    return {
        plant.key: _facts(uow, plant, kind, sequences[kind.sequence_key])
        for plant in plants
        if (kind := species.get(plant.species_key)) and kind.sequence_key in sequences
    }


def facts_of_one(uow: UnitOfWork, plant: Plant) -> PlantFacts:
    """Return the facts of one plant.

    Raises:
        BrokenReferenceError: Its species or sequence is not in the catalogue.
    """
    facts = facts_of(uow, [plant]).get(plant.key)
    if facts is None:
        raise BrokenReferenceError(
            f"Species {plant.species_key} of plant {plant.name} is not in the catalogue.",
            field="species_key",
            kind="plants",
            value=plant.species_key,
        )
    return facts


def _facts(uow: UnitOfWork, plant: Plant, species: Species, sequence: PhaseSequence) -> PlantFacts:
    entry = sequence.entry(plant.phase_entry_id) if plant.phase_entry_id else None
    added_on = uow.context.local_date(plant.created_at)
    return PlantFacts(
        plant=plant,
        species=species,
        sequence=sequence,
        # An entry that a newer catalogue dropped must not hide the plant.
        entry=entry or initial_entry(sequence),
        added_on=added_on,
        phase_started_on=plant.phase_started_on or added_on,
    )
