"""The dialog about a plant."""

import pytest
from homeassistant.data_entry_flow import FlowResultType

from kamerplanter_backend.client.requests import ArchivePlant, ArchiveTank, ListPhases
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import MONSTERA, TOMATO, Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES

PLANT = {"name": "Tomato 1", "species_key": TOMATO}
SINCE = "2026-04-25"


async def phases(garden: Garden, species: str = TOMATO) -> list[str]:
    return [entry.entry_id for entry in await garden.ask(ListPhases(species_key=species))]


async def test_no_species_is_chosen_before_a_person_chooses(garden: Garden) -> None:
    """The front end takes the first of a list that must be answered, unless it is told another."""
    dialog = await Dialog.add(garden, "plant")

    assert dialog.suggested["species_key"] == ""


async def test_a_plant_is_added_in_the_phase_that_it_is_in(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    entries = await phases(garden)
    dialog = await Dialog.add(garden, "plant")
    assert dialog.labels("tank_key") == {tank: "Tank A"}
    await dialog.fill(**PLANT, tank_key=tank, planted_on="2026-03-01")
    assert dialog.step == "phase"
    assert dialog.placeholders["name"] == "Tomato 1"
    assert list(dialog.labels("phase_entry_id")) == entries

    await dialog.fill(phase_entry_id=entries[1], phase_started_on=SINCE)

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    (view,) = garden.snapshot.plants
    subentry = garden.subentry(view.plant.key)
    assert subentry.unique_id == f"plant-{view.plant.key}"
    assert (subentry.title, subentry.data) == ("Tomato 1", {"key": view.plant.key})
    assert (view.phase.entry_id, str(view.phase_started_on)) == (entries[1], SINCE)
    assert (view.plant.tank_key, str(view.plant.planted_on)) == (tank, "2026-03-01")
    assert garden.state("sensor", view.plant.key, "days_in_phase").state == "6"


async def test_the_day_of_planting_is_offered_as_the_beginning(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "plant")).fill(**PLANT, planted_on="2026-04-20")
    assert dialog.suggested["phase_started_on"] == "2026-04-20"

    dialog = await (await Dialog.add(garden, "plant")).fill(**PLANT)
    assert dialog.suggested["phase_started_on"] == "2026-05-01"


@pytest.mark.parametrize(
    ("language", "name", "first"),
    [
        ("en", "Tomato (Solanum lycopersicum)", "Germination"),
        ("de", "Tomate (Solanum lycopersicum)", "Keimung"),
    ],
)
async def test_species_and_phases_have_the_names_of_the_house(
    garden: Garden, language: str, name: str, first: str
) -> None:
    garden.hass.config.language = language
    dialog = await Dialog.add(garden, "plant")
    labels = dialog.labels("species_key")
    assert labels[TOMATO] == name
    assert list(labels.values()) == sorted(labels.values(), key=str.casefold)

    await dialog.fill(**PLANT)

    assert next(iter(dialog.labels("phase_entry_id").values())) == first


async def test_without_a_tank_none_is_asked_for(garden: Garden) -> None:
    dialog = await Dialog.add(garden, "plant")

    assert "tank_key" not in dialog.fields


async def test_care_of_ones_own_is_kept_and_shown_again(garden: Garden) -> None:
    care = {
        "care_style": "succulent",
        "watering_interval_d": 9,
        "soil_moisture_low_pct": 20,
        "soil_moisture_high_pct": 60,
        "edible": "no",
    }
    dialog = await (await Dialog.add(garden, "plant")).fill(**PLANT, care=care)
    first = next(iter(dialog.labels("phase_entry_id")))
    await dialog.fill(phase_entry_id=first, phase_started_on=SINCE)

    (view,) = garden.snapshot.plants
    assert view.plant.watering_interval_d == 9
    assert not view.edible
    dialog = await Dialog.change(garden, garden.subentry(view.plant.key))
    assert dialog.step == "reconfigure"
    assert dialog.suggested == {**PLANT, **care}
    await dialog.fill(**PLANT)
    assert dialog.suggested["phase_started_on"] == SINCE
    await dialog.fill(phase_entry_id=first, phase_started_on=SINCE)
    await garden.derive()
    (view,) = garden.snapshot.plants
    assert (view.plant.care_style, view.plant.watering_interval_d, view.edible) == (
        None,
        None,
        True,
    )


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"name": ""}, {"name": "name_needed"}),
        ({"name": "x" * 201}, {"name": "text_too_long"}),
        (
            {"care": {"soil_moisture_low_pct": 50, "soil_moisture_high_pct": 40}},
            {"base": "low_not_below_high"},
        ),
    ],
)
async def test_what_does_not_fit_is_said_before_the_next_step(
    garden: Garden, changed: dict[str, object], errors: dict[str, str]
) -> None:
    dialog = await (await Dialog.add(garden, "plant")).fill(**PLANT | changed)

    assert dialog.errors == errors


async def test_a_phase_of_tomorrow_is_refused_and_nothing_is_written(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "plant")).fill(**PLANT)
    first = next(iter(dialog.labels("phase_entry_id")))

    await dialog.fill(phase_entry_id=first, phase_started_on="2026-05-02")

    assert dialog.errors == {"phase_started_on": "future_time"}
    assert dialog.placeholders["value"] == "2026-05-02"
    assert garden.entry.subentries == {}
    await dialog.fill(phase_entry_id=first, phase_started_on="2026-05-01")
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_tank_that_vanishes_meanwhile_is_said(garden: Garden) -> None:
    tank = await garden.add_tank()
    dialog = await (await Dialog.add(garden, "plant")).fill(**PLANT, tank_key=tank)
    first = next(iter(dialog.labels("phase_entry_id")))
    await garden.ask(ArchiveTank(key=tank))

    await dialog.fill(phase_entry_id=first, phase_started_on=SINCE)

    assert dialog.errors == {"base": "not_found"}


async def test_changing_a_plant_changes_the_same_plant(garden: Garden) -> None:
    plant = await garden.add_plant("Tomato 1")
    entries = await phases(garden)
    dialog = await Dialog.change(garden, garden.subentry(plant))
    await dialog.fill(name="Tomato 2", species_key=TOMATO)
    assert dialog.suggested["phase_entry_id"] == entries[0]

    await dialog.fill(phase_entry_id=entries[2], phase_started_on=SINCE)
    await garden.derive()

    assert dialog.result["reason"] == "reconfigure_successful"
    (view,) = garden.snapshot.plants
    assert (view.plant.key, view.plant.name) == (plant, "Tomato 2")
    assert (view.phase.entry_id, str(view.phase_started_on)) == (entries[2], SINCE)
    assert garden.subentry(plant).title == "Tomato 2"


async def test_another_species_brings_its_own_phases(garden: Garden) -> None:
    plant = await garden.add_plant("Mystery")
    dialog = await Dialog.change(garden, garden.subentry(plant))
    await dialog.fill(name="Mystery", species_key=MONSTERA)
    assert list(dialog.labels("phase_entry_id")) == await phases(garden, MONSTERA)
    assert dialog.suggested["phase_started_on"] == "2026-05-01"
    first = next(iter(dialog.labels("phase_entry_id")))

    await dialog.fill(phase_entry_id=first, phase_started_on=SINCE)
    await garden.derive()

    (view,) = garden.snapshot.plants
    assert (view.plant.species_key, view.phase.entry_id) == (MONSTERA, first)


@pytest.mark.parametrize(
    ("species", "cultivar"), [(TOMATO, f"{TOMATO}.black_cherry"), (MONSTERA, None)]
)
async def test_what_the_dialog_does_not_ask_stays_unless_it_is_of_another_species(
    garden: Garden, species: str, cultivar: str | None
) -> None:
    plant = await garden.add_plant(cultivar_key=f"{TOMATO}.black_cherry")
    dialog = await Dialog.change(garden, garden.subentry(plant))
    await dialog.fill(name="Tomato", species_key=species)
    first = next(iter(dialog.labels("phase_entry_id")))

    await dialog.fill(phase_entry_id=first, phase_started_on=SINCE)
    await garden.derive()

    assert dialog.result["reason"] == "reconfigure_successful"
    (view,) = garden.snapshot.plants
    assert (view.plant.species_key, view.plant.cultivar_key) == (species, cultivar)


async def test_a_plant_that_is_gone_from_the_store_cannot_be_changed(garden: Garden) -> None:
    plant = await garden.add_plant()
    await garden.ask(ArchivePlant(key=plant))

    dialog = await Dialog.change(garden, garden.subentry(plant))

    assert dialog.result["reason"] == "not_in_garden"


async def test_a_store_that_is_closed_meanwhile_ends_the_dialog(garden: Garden) -> None:
    dialog = await Dialog.add(garden, "plant")
    await garden.entry.runtime_data.client.close()

    await dialog.fill(**PLANT)

    assert dialog.result["reason"] == "store_unavailable"
