"""The catalogue: every value fits its model, every reference leads somewhere."""

from datetime import timedelta

import pytest

from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.system import SeedMarkRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.migrations.seeds import read_catalogue, seed_catalogue
from kamerplanter_engines.models.care import CareStyle
from kamerplanter_engines.models.phase import CycleType, PhaseSequenceFields
from kamerplanter_engines.models.species import SpeciesFields
from tests.backend.garden import START, Garden

CATALOGUE = read_catalogue()
SEQUENCES = {sequence.key: sequence for sequence in CATALOGUE.sequences}
SPECIES = {species.key: species for species in CATALOGUE.species}


def test_keys_and_names_are_unique() -> None:
    assert len(SEQUENCES) == len(CATALOGUE.sequences) == 57
    assert len(SPECIES) == len(CATALOGUE.species) == 144
    assert len({item.scientific_name for item in CATALOGUE.species}) == 144
    assert len({item.name for item in CATALOGUE.sequences}) == 57


@pytest.mark.parametrize("species", CATALOGUE.species, ids=lambda item: item.key)
def test_species_leads_to_a_sequence(species: SpeciesFields) -> None:
    assert species.sequence_key in SEQUENCES


@pytest.mark.parametrize("sequence", CATALOGUE.sequences, ids=lambda item: item.key)
def test_sequence_is_in_order(sequence: PhaseSequenceFields) -> None:
    ids = [entry.entry_id for entry in sequence.entries]

    assert len(set(ids)) == len(ids)
    assert [entry.terminal for entry in sequence.entries] == [False] * (len(ids) - 1) + [True]
    for entry in sequence.entries:
        assert entry.ph_target is None or 5 <= entry.ph_target <= 7.5
        assert entry.ec_target_ms_cm is None or entry.ec_target_ms_cm <= 4
    if sequence.repeating:
        assert sequence.cycle_type is CycleType.PERENNIAL


@pytest.mark.parametrize(
    ("key", "style", "is_edible", "sequence_key"),
    [
        # a genus in brackets wins over its family
        ("zamioculcas_zamiifolia", CareStyle.SUCCULENT, False, "zamioculcas_zamiifolia"),
        ("schlumbergera_truncata", CareStyle.TROPICAL, False, "perennial_winter_flower"),
        ("monstera_deliciosa", CareStyle.TROPICAL, False, "monstera_deliciosa"),
        ("ocimum_basilicum", CareStyle.HERB_TROPICAL, True, "ocimum_basilicum"),
        ("salvia_rosmarinus", CareStyle.MEDITERRANEAN, True, "perennial_harvest_veg"),
        ("allium_cepa", CareStyle.OUTDOOR_ANNUAL_VEG, True, "annual_harvest"),
        # petals are eaten
        ("calendula_officinalis", CareStyle.OUTDOOR_ANNUAL_VEG, True, "annual_flower"),
        ("petunia_x_hybrida", CareStyle.OUTDOOR_ANNUAL_VEG, False, "petunia_x_hybrida"),
    ],
)
def test_species_has_the_style_of_its_kind(
    key: str, style: CareStyle, is_edible: bool, sequence_key: str
) -> None:
    species = SPECIES[key]

    assert (species.care_style, species.edible) == (style, is_edible)
    assert species.sequence_key == sequence_key


def test_tomato_in_growth_wants_what_its_profile_says() -> None:
    entry = SEQUENCES["solanum_lycopersicum"].entry("vegetative")

    assert entry is not None
    assert (entry.duration_d, entry.ec_target_ms_cm, entry.ph_target) == (35, 1.5, 6.0)


def test_seeding_twice_is_seeding_once() -> None:
    store = open_store(None)

    assert seed_catalogue(store, START) is True
    assert seed_catalogue(store, START + timedelta(days=1)) is False
    store.close()


def test_a_newer_catalogue_changes_what_is_there_and_keeps_its_keys() -> None:
    garden = Garden()
    context = garden.context(tenant_key="*")
    with open_unit(garden.store, context, (SpeciesRepository, SeedMarkRepository)) as uow:
        species = uow.of(SpeciesRepository)
        species.change(species.get("ficus_lyrata"), name_en="Old name")
        mark = uow.of(SeedMarkRepository).named("catalogue")
        assert mark is not None
        uow.of(SeedMarkRepository).change(mark, digest="of an older version")

    assert seed_catalogue(garden.store, START) is True

    listed = {item.key: item for item in garden.services.catalogue.list_species(garden.context())}
    assert listed["ficus_lyrata"].name_en == SPECIES["ficus_lyrata"].name_en
    assert len(listed) == 144
    garden.store.close()


def test_every_species_can_be_planted() -> None:
    garden = Garden()
    for key in list(SPECIES)[::12]:
        garden.plant(name=key, species_key=key)

    views = garden.snapshot().plants

    assert len(views) == 12
    assert all(view.phases for view in views)
    garden.store.close()
