"""Own entries of a garden beside the shared ones, and what must not be deleted."""

from typing import Any

import pytest

from kamerplanter_backend.common.exceptions import (
    BrokenReferenceError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StaleRevisionError,
)
from kamerplanter_backend.domain.interfaces.document_store import Query, Where
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields
from kamerplanter_engines.models.cultivar import CultivarFields
from kamerplanter_engines.models.location_type import LocationTypeFields
from kamerplanter_engines.models.site import LocationFields
from kamerplanter_engines.models.species import Species, SpeciesFields
from tests.backend.garden import Garden
from tests.factories import example

EVERYTHING = Query()


def own_species(garden: Garden, **changes: Any) -> Species:
    fields = example(
        SpeciesFields,
        **{
            "scientific_name": "Basella alba",
            "name_de": "Malabarspinat",
            "sequence_key": "annual_harvest",
            **changes,
        },
    )
    return garden.services.species.create(garden.context(), fields)


def test_a_garden_sees_shared_species_and_its_own_under_one_name(garden: Garden) -> None:
    species = garden.services.species
    copy = species.copy(garden.context(), "allium_cepa")

    named = Query(where=(Where("scientific_name", "==", "Allium cepa"),))
    mine = species.list_page(garden.context(), named)
    theirs = species.list_page(garden.context(tenant_key="garden-2"), named)

    assert {item.key for item in mine.items} == {"allium_cepa", copy.key}
    assert [item.key for item in theirs.items] == ["allium_cepa"]
    with pytest.raises(NotFoundError):
        species.get(garden.context(tenant_key="garden-2"), copy.key)
    with pytest.raises(NotFoundError):
        species.get(garden.context(tenant_key="*"), copy.key)


def test_a_shared_entry_is_not_a_gardens_to_change(garden: Garden) -> None:
    here = garden.context()
    services = garden.services
    before = services.species.get(here, "allium_cepa")

    for change in (
        lambda: services.species.update(here, "allium_cepa", {"edible": False}),
        lambda: services.species.remove(here, "allium_cepa"),
        lambda: services.botanical_family.update(here, "araceae", {"min_break_years": 3}),
        lambda: services.botanical_family.remove(here, "araceae"),
        lambda: services.cultivar.update(here, "zea_mays.golden_bantam", {"maturity_d": 80}),
        lambda: services.cultivar.remove(here, "zea_mays.golden_bantam"),
        lambda: services.location_type.update(here, "bed", {"sort_order": 3}),
        lambda: services.location_type.remove(here, "bed"),
    ):
        with pytest.raises(ForbiddenError, match="make a copy of your own"):
            change()

    assert services.species.get(here, "allium_cepa") == before


def test_a_copy_goes_its_own_way(garden: Garden) -> None:
    here = garden.context()
    plant = garden.plant(species_key="allium_cepa")
    copy = garden.services.species.copy(here, "allium_cepa")

    changed = garden.services.species.update(here, copy.key, {"base_temperature_c": 4.5})

    shared = garden.services.species.get(here, "allium_cepa")
    assert (changed.base_temperature_c, shared.base_temperature_c) == (4.5, 6)
    assert (changed.family_key, changed.harvest_months) == ("amaryllidaceae", (7, 8, 9))
    assert garden.services.plant.get(here, plant.key).species_key == "allium_cepa"
    with pytest.raises(ConflictError) as refused:
        garden.services.species.copy(here, "allium_cepa")
    assert refused.value.field == "scientific_name"


def test_a_species_in_use_names_what_uses_it(garden: Garden) -> None:
    here = garden.context()
    species = own_species(garden)
    plant = garden.plant(name="Rank am Zaun", species_key=species.key)
    garden.services.plant.archive(here, plant.key)

    with pytest.raises(BrokenReferenceError, match="'Rank am Zaun' in plants"):
        garden.services.species.remove(here, species.key)

    assert garden.services.species.get(here, species.key) == species


def test_a_species_with_cultivars_names_one(garden: Garden) -> None:
    here = garden.context()
    species = own_species(garden)
    cultivar = garden.services.cultivar.create(
        here, CultivarFields(name="Rubra", species_key=species.key)
    )

    with pytest.raises(BrokenReferenceError, match="'Rubra' in cultivars"):
        garden.services.species.remove(here, species.key)

    garden.services.cultivar.remove(here, cultivar.key)
    garden.services.species.remove(here, species.key)
    with pytest.raises(NotFoundError):
        garden.services.species.get(here, species.key)


def test_what_is_deleted_is_on_record(garden: Garden) -> None:
    here = garden.context(actor="ada")
    species = own_species(garden)

    garden.services.species.remove(here, species.key)

    with open_unit(garden.store, here) as uow:
        entries = uow.of(AuditRepository).find(Where("subject", "==", species.key))
    assert [(e.action, e.subject_kind, e.details, e.created_by) for e in entries] == [
        ("deleted", "species", {"name": "Basella alba"}, "ada")
    ]


def test_a_family_with_species_is_kept(garden: Garden) -> None:
    here = garden.context()
    family = garden.services.botanical_family.create(
        here, example(BotanicalFamilyFields, name="Basellaceae", order="Caryophyllales")
    )
    species = own_species(garden, family_key=family.key)

    below = garden.services.botanical_family.list_species(here, family.key, EVERYTHING)

    assert [item.key for item in below.items] == [species.key]
    with pytest.raises(BrokenReferenceError) as refused:
        garden.services.botanical_family.remove(here, family.key)
    assert refused.value.placeholders["kind"] == "species"


def test_a_cultivar_is_listed_below_its_species_in_its_own_garden_only(garden: Garden) -> None:
    here, there = garden.context(), garden.context(tenant_key="garden-2")
    mine = garden.services.cultivar.create(
        here, CultivarFields(name="Frühe von nebenan", species_key="zea_mays", maturity_d=70)
    )

    below = garden.services.species.list_cultivars

    assert {item.name for item in below(here, "zea_mays", EVERYTHING).items} == {
        "Golden Bantam",
        mine.name,
    }
    assert [item.name for item in below(there, "zea_mays", EVERYTHING).items] == ["Golden Bantam"]


def test_a_name_is_taken_once_in_a_species(garden: Garden) -> None:
    here = garden.context()
    fields = CultivarFields(name="Black Beauty", species_key="solanum_melongena")
    garden.services.cultivar.create(here, fields)

    with pytest.raises(ConflictError):
        garden.services.cultivar.create(here, fields)

    other = CultivarFields(name="Black Beauty", species_key="cucurbita_pepo")
    assert garden.services.cultivar.create(here, other).name == "Black Beauty"


def test_a_kind_of_location_in_use_is_kept(garden: Garden) -> None:
    whole = garden.context(tenant_key="*")
    kind = garden.services.location_type.create(
        whole, LocationTypeFields(name_en="Polytunnel", name_de="Folientunnel")
    )
    site = garden.services.site.find(garden.context())
    assert site is not None
    garden.services.location.create(
        garden.context(),
        LocationFields(name="T 1", site_key=site.key, location_type_key=kind.key),
    )

    with pytest.raises(BrokenReferenceError) as refused:
        garden.services.location_type.remove(whole, kind.key)

    # Who looks after the installation need not know what gardens have.
    assert "T 1" not in refused.value.message


def test_values_that_contradict_each_other_leave_all_as_it_was(garden: Garden) -> None:
    here = garden.context()
    species = own_species(garden, ec_high_ms_cm=2.0)
    family = garden.services.botanical_family.copy(here, "fabaceae")

    with pytest.raises(InvalidInputError) as low:
        garden.services.species.update(here, species.key, {"ec_low_ms_cm": 2.5})
    with pytest.raises(InvalidInputError) as heavy:
        garden.services.botanical_family.update(here, family.key, {"nutrient_demand": "heavy"})

    assert (low.value.field, heavy.value.field) == ("ec_low_ms_cm", "nutrient_demand")
    assert garden.services.species.get(here, species.key) == species
    assert garden.services.botanical_family.get(here, family.key) == family


def test_a_stale_revision_deletes_nothing(garden: Garden) -> None:
    here = garden.context()
    species = own_species(garden)
    garden.services.species.update(here, species.key, {"edible": False})

    with pytest.raises(StaleRevisionError):
        garden.services.species.remove(here, species.key, species.revision)

    assert garden.services.species.get(here, species.key).edible is False
