"""Loading the catalogue: once for each state of the files, and never over what a person did."""

import logging
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.bootstrap import open_seeded_store, open_store
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Query
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.botanical_family import BotanicalFamilyRepository
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.system import SeedMarkRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.migrations.seed_files import read_catalogue, read_contents
from kamerplanter_backend.migrations.seeds import seed_catalogue
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields
from kamerplanter_engines.models.species import Species, SpeciesFields
from tests.backend.garden import START, Garden
from tests.factories import add, context, example

SPECIES = {species.key: species for species in read_catalogue().species}
LATER = START + timedelta(days=30)

type Release = Callable[..., None]


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Return a function that makes another version of the files: old text, new text, file."""

    def change(*changes: tuple[str, str], file: str = "species.yaml") -> None:
        contents = read_contents()
        for old, new in changes:
            assert contents[file].count(old) == 1, old
            contents[file] = contents[file].replace(old, new)
        monkeypatch.setattr("kamerplanter_backend.migrations.seeds.read_contents", lambda: contents)

    return change


def shared[E](garden: Garden, work: Callable[[Any], E], *kinds: type[Repository[Any]]) -> E:
    """Do something to the shared catalogue, as its admin."""
    whole = garden.context(tenant_key="*", actor="ada")
    with open_unit(garden.store, whole, kinds) as uow:
        return work(uow)


def species_of(garden: Garden) -> dict[str, Species]:
    listed = garden.services.catalogue.list_species(garden.context())
    return {item.key: item for item in listed}


def entry_of(key: str) -> str:
    """Return the text of one species in its file."""
    text = read_contents()["species.yaml"]
    start = text.index(f"  - key: {key}\n")
    end = text.find("  - key: ", start + 1)
    return text[start : end if end >= 0 else len(text)]


def test_seeding_twice_is_seeding_once() -> None:
    store = open_store(None)

    assert seed_catalogue(store, START) is True
    cursor = store.last_cursor()
    assert seed_catalogue(store, START + timedelta(days=1)) is False
    assert store.last_cursor() == cursor
    store.close()


def test_another_start_of_a_file_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "garden.db"
    store = open_seeded_store(path, START)
    cursor = store.last_cursor()
    store.close()

    store = open_seeded_store(path, LATER)

    assert store.last_cursor() == cursor
    store.close()


def test_what_nobody_touched_follows_a_newer_version(garden: Garden, release: Release) -> None:
    release(("name_en: Onion\n", "name_en: Bulb onion\n"))
    untouched = species_of(garden)["allium_porrum"]

    assert seed_catalogue(garden.store, LATER) is True

    after = species_of(garden)
    assert after["allium_cepa"].name_en == "Bulb onion"
    assert after["allium_cepa"].seed_revision == after["allium_cepa"].revision == 2
    assert after["allium_porrum"] == untouched
    assert seed_catalogue(garden.store, LATER) is False


def test_a_second_newer_version_is_followed_too(garden: Garden, release: Release) -> None:
    for name in ("Bulb onion", "Common onion"):
        release(("name_en: Onion\n", f"name_en: {name}\n"))
        seed_catalogue(garden.store, LATER)

    assert species_of(garden)["allium_cepa"].name_en == "Common onion"


def test_what_a_person_touched_stays(garden: Garden, release: Release) -> None:
    whole = garden.context(tenant_key="*")
    mine = garden.services.species.update(whole, "allium_cepa", {"name_de": "Zwiebel (mild)"})
    release(("name_en: Onion\n", "name_en: Bulb onion\n"))

    assert seed_catalogue(garden.store, LATER) is True

    assert species_of(garden)["allium_cepa"] == mine


def test_what_a_garden_copied_stays(garden: Garden, release: Release) -> None:
    mine = garden.services.species.copy(garden.context(), "allium_cepa")
    release(("name_en: Onion\n", "name_en: Bulb onion\n"))

    seed_catalogue(garden.store, LATER)

    after = species_of(garden)
    assert after[mine.key] == mine
    assert after["allium_cepa"].name_en == "Bulb onion"


def test_what_a_person_deleted_does_not_come_back(garden: Garden, release: Release) -> None:
    whole = garden.context(tenant_key="*")
    garden.services.species.remove(whole, "ficus_lyrata")
    release(("name_en: Onion\n", "name_en: Bulb onion\n"))
    seed_catalogue(garden.store, LATER)
    release(("name_en: Onion\n", "name_en: Common onion\n"))

    seed_catalogue(garden.store, LATER)

    assert "ficus_lyrata" not in species_of(garden)
    assert len(species_of(garden)) == 143


def test_a_new_entry_arrives(garden: Garden, release: Release) -> None:
    onion = entry_of("allium_cepa")
    new = onion.replace("allium_cepa", "allium_fistulosum").replace("cepa", "fistulosum")
    release((onion, onion + new))

    seed_catalogue(garden.store, LATER)

    assert species_of(garden)["allium_fistulosum"].scientific_name == "Allium fistulosum"


def test_an_entry_that_is_gone_goes_unless_it_is_in_use(garden: Garden, release: Release) -> None:
    garden.plant(species_key="ficus_lyrata")
    release((entry_of("ficus_lyrata"), ""), (entry_of("aloe_vera"), ""))

    seed_catalogue(garden.store, LATER)

    after = species_of(garden)
    assert "ficus_lyrata" in after
    assert "aloe_vera" not in after
    assert len(after) == 143


def test_a_cultivar_that_is_gone_stays_while_a_plant_is_one(
    garden: Garden, release: Release
) -> None:
    used, unused = read_catalogue().cultivars[:2]
    plant = garden.plant(species_key=used.species_key, cultivar_key=used.key)
    entries = [
        f"  - key: {item.key}\n    name: {item.name}\n    species_key: {item.species_key}\n"
        for item in (used, unused)
    ]
    release(*((entry, "") for entry in entries), file="cultivars.yaml")

    seed_catalogue(garden.store, LATER)

    after = shared(garden, lambda uow: {item.key for item in uow.of(CultivarRepository).find()})
    assert used.key in after
    assert unused.key not in after
    assert garden.services.plant.get(garden.context(), plant.key) == plant


def test_an_entry_of_a_person_is_no_seed_that_is_gone(garden: Garden, release: Release) -> None:
    whole = garden.context(tenant_key="*")
    mine = garden.services.species.create(
        whole,
        example(SpeciesFields, scientific_name="Basella alba", sequence_key="annual_harvest"),
    )
    touched = garden.services.species.update(whole, "aloe_vera", {"edible": True})
    release((entry_of("aloe_vera"), ""))

    seed_catalogue(garden.store, LATER)

    after = species_of(garden)
    assert (after[mine.key], after["aloe_vera"]) == (mine, touched)


def test_an_entry_that_collides_with_one_of_a_person_is_left_out(
    garden: Garden, release: Release, caplog: pytest.LogCaptureFixture
) -> None:
    whole = garden.context(tenant_key="*")
    fields = example(
        SpeciesFields, scientific_name="Allium fistulosum", sequence_key="annual_harvest"
    )
    mine = garden.services.species.create(whole, fields)
    onion = entry_of("allium_cepa")
    new = onion.replace("allium_cepa", "allium_fistulosum").replace("cepa", "fistulosum")
    release((onion, onion.replace("Onion", "Bulb onion") + new))

    with caplog.at_level(logging.WARNING):
        seed_catalogue(garden.store, LATER)

    after = species_of(garden)
    assert "allium_fistulosum" not in after
    assert after[mine.key] == mine
    assert after["allium_cepa"].name_en == "Bulb onion"
    assert "species/allium_fistulosum" in caplog.text


def test_an_entry_that_was_left_out_arrives_when_nothing_is_in_its_way(
    garden: Garden, release: Release
) -> None:
    whole = garden.context(tenant_key="*")
    fields = example(
        SpeciesFields, scientific_name="Allium fistulosum", sequence_key="annual_harvest"
    )
    mine = garden.services.species.create(whole, fields)
    onion = entry_of("allium_cepa")
    new = onion.replace("allium_cepa", "allium_fistulosum").replace("cepa", "fistulosum")
    release((onion, onion + new))
    seed_catalogue(garden.store, LATER)
    garden.services.species.remove(whole, mine.key)
    release((onion, onion.replace("Onion", "Bulb onion") + new))

    seed_catalogue(garden.store, LATER)

    assert "allium_fistulosum" in species_of(garden)


def test_a_cultivar_of_a_deleted_species_is_left_out(garden: Garden, release: Release) -> None:
    whole = garden.context(tenant_key="*")
    garden.services.species.remove(whole, "aloe_vera")
    first = "  - key: allium_cepa.stuttgarter_riesen\n"
    new = "  - key: aloe_vera.new\n    name: New\n    species_key: aloe_vera\n"
    release((first, new + first), file="cultivars.yaml")

    assert seed_catalogue(garden.store, LATER) is True

    assert "aloe_vera" not in species_of(garden)
    with pytest.raises(NotFoundError):
        garden.services.cultivar.get(whole, "aloe_vera.new")


# --- Stores of the first release ------------------------------------------------------------------


def _as_of_first_release(store: DocumentStore) -> None:
    """Take away what the first release did not know, and set a value of that time."""
    with store.begin(frozenset({"species", "phase_sequences", "seed_marks", "cultivars"})) as raw:
        for document in raw.find("cultivars", Query()):
            raw.remove("cultivars", str(document["key"]))
        for name in ("species", "phase_sequences", "seed_marks"):
            for document in raw.find(name, Query()):
                old = {
                    field: value
                    for field, value in document.items()
                    if field not in {"seed_revision", "created_by", "family_key", "loaded"}
                }
                if name == "species":
                    old["family"] = "Amaryllidaceae"
                if name == "seed_marks":
                    old["digest"] = "0" * 64
                if document["key"] == "allium_cepa":
                    old["name_en"] = "Name of that time"
                raw.replace(name, old, expected_revision=document["revision"])  # type: ignore[arg-type]


def test_a_store_of_the_first_release_follows(garden: Garden) -> None:
    plant = garden.plant(species_key="allium_cepa")
    _as_of_first_release(garden.store)
    assert species_of(garden)["allium_cepa"].family_key is None

    assert seed_catalogue(garden.store, LATER) is True

    onion = species_of(garden)["allium_cepa"]
    assert (onion.name_en, onion.family_key) == ("Onion", "amaryllidaceae")
    assert onion.seed_revision == onion.revision
    assert garden.services.plant.get(garden.context(), plant.key) == plant
    cultivars = garden.services.species.list_cultivars(garden.context(), "allium_cepa", Query())
    assert [item.name for item in cultivars.items] == ["Stuttgarter Riesen"]
    assert seed_catalogue(garden.store, LATER) is False


def test_the_kept_file_of_the_first_release_opens(tmp_path: Path) -> None:
    kept = Path(__file__).parents[2] / "data" / "store-schema-1.db"
    copy = Path(shutil.copy(kept, tmp_path))

    store = open_seeded_store(copy, LATER)

    with open_unit(store, context("garden-1", now=LATER)) as uow:
        species = {item.key: item for item in uow.of(SpeciesRepository).find()}
    # It is no seed, but has the name of one: it stays, and that seed stays away.
    assert species["species-1"].scientific_name == "Solanum lycopersicum"
    assert "solanum_lycopersicum" not in species
    assert species["allium_cepa"].name_de == "Küchenzwiebel"
    assert store.check() == []
    assert seed_catalogue(store, LATER) is False
    store.close()


def test_every_species_can_be_planted(garden: Garden) -> None:
    for key in list(SPECIES)[::12]:
        garden.plant(name=key, species_key=key)

    views = garden.snapshot().plants

    assert len(views) == 12
    assert all(view.phases for view in views)


def test_the_mark_names_what_was_loaded(garden: Garden) -> None:
    mark = shared(garden, lambda uow: uow.of(SeedMarkRepository).named("catalogue"))

    assert mark is not None
    assert {"species/allium_cepa", "botanical_families/araceae", "location_types/bed"} <= set(
        mark.loaded
    )
    assert "cultivars/lactuca_sativa.maikoenig" in mark.loaded


def test_a_family_with_a_species_of_a_garden_stays(garden: Garden, release: Release) -> None:
    fields = example(BotanicalFamilyFields, name="Basellaceae")
    whole = garden.context(tenant_key="*", actor="seeds")
    writes = (BotanicalFamilyRepository, SpeciesRepository)
    with open_unit(garden.store, whole, writes) as uow:
        uow.of(BotanicalFamilyRepository).add(fields, key="basellaceae", seed_revision=1)
    with open_unit(garden.store, garden.context(), writes) as uow:
        add(uow, SpeciesRepository, family_key="basellaceae", sequence_key="annual_flower")
    release(("name_en: Onion\n", "name_en: Bulb onion\n"))

    seed_catalogue(garden.store, LATER)

    assert garden.services.botanical_family.get(whole, "basellaceae").name == "Basellaceae"
