"""Entries of the catalogue that contradict themselves are refused with the field's name."""

from typing import Any

import pytest

from kamerplanter_engines.catalogue_engine import check_family, check_species
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.botanical_family import (
    BotanicalFamilyFields,
    FamilyDemand,
    Pollination,
)
from kamerplanter_engines.models.species import SpeciesFields
from tests.factories import example


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("scientific_name", {"scientific_name": "Tomato"}),
        ("scientific_name", {"scientific_name": "Solanum "}),
        ("soil_moisture_low_pct", {"soil_moisture_low_pct": 60, "soil_moisture_high_pct": 40}),
        ("spacing_low_cm", {"spacing_low_cm": 51, "spacing_high_cm": 50}),
        ("ph_low", {"ph_low": 7, "ph_high": 6.5}),
        ("ec_low_ms_cm", {"ec_low_ms_cm": 2.5, "ec_high_ms_cm": 2.4}),
        ("dli_low_mol_m2_d", {"dli_low_mol_m2_d": 30, "dli_high_mol_m2_d": 20}),
        ("harvest_months", {"harvest_months": (7, 8, 7)}),
    ],
)
def test_species_that_contradicts_itself(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_species(example(SpeciesFields, **changes))

    assert refused.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scientific_name": "Brassica oleracea var. italica"},
        {"spacing_low_cm": 50, "spacing_high_cm": 50},
        {"ph_low": 7},
        {"ec_high_ms_cm": 0},
        {"harvest_months": (11, 12, 1)},
    ],
)
def test_species_that_is_sound(changes: dict[str, Any]) -> None:
    check_species(example(SpeciesFields, **changes))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "Nightshades"}),
        ("order", {"order": "Solanaceae"}),
        ("nutrient_demand", {"nitrogen_fixing": True, "nutrient_demand": FamilyDemand.HEAVY}),
        ("ph_low", {"ph_low": 7, "ph_high": 6}),
        ("pollination", {"pollination": (Pollination.WIND, Pollination.WIND)}),
    ],
)
def test_family_that_contradicts_itself(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_family(example(BotanicalFamilyFields, **changes))

    assert refused.value.field == field


def test_family_that_is_sound() -> None:
    check_family(example(BotanicalFamilyFields, order=None, nitrogen_fixing=True))
    check_family(example(BotanicalFamilyFields, pollination=(Pollination.WIND, Pollination.INSECT)))
