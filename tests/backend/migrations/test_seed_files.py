"""The files of the catalogue: every value fits its model, every reference leads somewhere."""

import pytest

from kamerplanter_backend.migrations.seed_files import (
    FILES,
    digest_of,
    read_catalogue,
    read_contents,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.care import CareStyle
from kamerplanter_engines.models.phase import CycleType, PhaseSequenceFields
from kamerplanter_engines.models.species import Photoperiod, SpeciesFields

CATALOGUE = read_catalogue()
FAMILIES = {family.key: family for family in CATALOGUE.families}
SEQUENCES = {sequence.key: sequence for sequence in CATALOGUE.sequences}
SPECIES = {species.key: species for species in CATALOGUE.species}
TYPES = {kind.key: kind for kind in CATALOGUE.location_types}

each_species = pytest.mark.parametrize("species", CATALOGUE.species, ids=lambda item: item.key)


def test_keys_and_names_are_unique() -> None:
    assert len(TYPES) == len(CATALOGUE.location_types) == 15
    assert len(FAMILIES) == len(CATALOGUE.families) == 67
    assert len(SEQUENCES) == len(CATALOGUE.sequences) == 57
    assert len(SPECIES) == len(CATALOGUE.species) == 144
    assert len({item.scientific_name for item in CATALOGUE.species}) == 144
    assert len({item.name for item in CATALOGUE.sequences}) == 57
    assert len({item.name for item in CATALOGUE.families}) == 67
    assert len({item.name_en for item in CATALOGUE.location_types}) == 15
    cultivars = {(item.species_key, item.name) for item in CATALOGUE.cultivars}
    assert len(cultivars) == len({item.key for item in CATALOGUE.cultivars})
    assert len(cultivars) == len(CATALOGUE.cultivars) >= 40


@each_species
def test_species_leads_to_its_family_and_sequence(species: SpeciesFields) -> None:
    assert species.sequence_key in SEQUENCES
    assert species.family_key in FAMILIES


def test_cultivar_leads_to_its_species() -> None:
    assert {cultivar.species_key for cultivar in CATALOGUE.cultivars} <= SPECIES.keys()


@each_species
def test_species_stays_within_what_plants_bear(species: SpeciesFields) -> None:
    assert species.base_temperature_c is not None
    assert 0 <= species.base_temperature_c <= 20
    assert species.spacing_low_cm is not None
    assert species.spacing_high_cm is not None
    assert 1 <= species.spacing_low_cm <= species.spacing_high_cm <= 1000
    assert species.ph_low is not None
    assert species.ph_high is not None
    assert 4 <= species.ph_low < species.ph_high <= 8
    assert species.ec_high_ms_cm is None or species.ec_high_ms_cm <= 4
    assert species.dli_low_mol_m2_d is not None
    assert species.dli_high_mol_m2_d is not None
    # No day on earth gives more.
    assert 1 <= species.dli_low_mol_m2_d < species.dli_high_mol_m2_d <= 65


@each_species
def test_species_says_what_all_of_them_say(species: SpeciesFields) -> None:
    for value in (
        species.category,
        species.life_cycle,
        species.cultivated_as,
        species.frost_tolerance,
        species.nutrient_demand,
        species.light_class,
    ):
        assert value is not None
    if species.sow_indoors_weeks_before_last_frost is None:
        assert species.sow_indoors_month is None
        assert species.plant_out_days_after_last_frost is None


def test_family_rests_as_long_as_its_kind_needs() -> None:
    years = {key: FAMILIES[key].min_break_years for key in FAMILIES}

    assert (years["solanaceae"], years["brassicaceae"], years["amaryllidaceae"]) == (4, 4, 4)
    assert (years["fabaceae"], years["poaceae"], years["araceae"]) == (3, 1, 0)
    assert [key for key in FAMILIES if FAMILIES[key].nitrogen_fixing] == ["fabaceae"]


@pytest.mark.parametrize(
    "entry",
    [*CATALOGUE.species, *CATALOGUE.families, *CATALOGUE.location_types],
    ids=lambda item: item.key,
)
def test_names_stand_in_both_languages_and_are_whole(entry: SpeciesFields) -> None:
    for name in (entry.name_en, entry.name_de):
        assert name == name.strip() != ""
        # What a wrong encoding leaves behind.
        assert not {"Ã", "Â", "\ufffd", "?"} & set(name)


def test_german_names_keep_their_umlauts() -> None:
    assert SPECIES["allium_cepa"].name_de == "Küchenzwiebel"
    assert FAMILIES["solanaceae"].name_de == "Nachtschattengewächse"
    assert TYPES["greenhouse"].name_de == "Gewächshaus"
    names = {item.name for item in CATALOGUE.cultivars}
    assert {"Maikönig", "Müller-Thurgau", "Dreifach Weiße"} <= names


def test_what_nobody_is_sure_of_is_left_out() -> None:
    chilli, marigold, hop = (
        SPECIES[key] for key in ("capsicum_annuum", "tagetes_patula", "humulus_lupulus")
    )
    assert (chilli.toxic_to_cats, chilli.toxic_to_dogs, chilli.toxic_to_children) == (
        None,
        None,
        True,
    )
    assert (marigold.toxic_to_cats, marigold.toxic_to_dogs) == (None, None)
    assert (hop.toxic_to_cats, hop.toxic_to_dogs) == (None, True)
    assert SPECIES["borago_officinalis"].toxic_to_children is None
    assert SPECIES["kalanchoe_blossfeldiana"].toxic_to_cats is True
    assert SPECIES["kalanchoe_blossfeldiana"].toxic_to_children is None
    for key in ("fragaria_x_ananassa", "brassica_oleracea_var_italica", "solanum_tuberosum"):
        assert SPECIES[key].photoperiod is None
    assert SPECIES["cannabis_sativa"].photoperiod is Photoperiod.SHORT_DAY


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


@pytest.mark.parametrize("name", FILES)
def test_any_change_of_a_file_is_another_state(name: str) -> None:
    contents = read_contents()

    changed = {**contents, name: contents[name] + "# \n"}

    assert digest_of(changed) != digest_of(contents)
    assert digest_of(read_contents()) == digest_of(contents)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("species.yaml", "ph_low: 5.5", "ph_low: 55"),
        ("species.yaml", "direct_sow_months: [3, 4]", "direct_sow_months: [3, 13]"),
        ("species.yaml", "spacing_low_cm: 40\n", "spacing_low_cm: 400\n"),
        ("species.yaml", "name_en: Onion", "name_english: Onion"),
        ("botanical_families.yaml", "name: Acanthaceae", "name: Acanthus"),
        ("location_types.yaml", "sort_order: 1\n", "sort_order: first\n"),
    ],
)
def test_a_wrong_value_in_a_file_is_refused(file: str, old: str, new: str) -> None:
    contents = read_contents()
    assert old in contents[file]

    # pydantic's error is a ValueError too
    with pytest.raises((ValueError, InvalidInputError)):
        read_catalogue({**contents, file: contents[file].replace(old, new, 1)})
