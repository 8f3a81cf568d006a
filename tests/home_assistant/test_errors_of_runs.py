"""What is refused about planting runs, in full sentences in both languages."""

from collections.abc import Awaitable, Callable

import pytest
from homeassistant.helpers.translation import async_get_translations

from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.errors import sentence_of
from kamerplanter_backend.client.requests import (
    AdoptPlants,
    BeginHarvest,
    CancelRun,
    CreateRun,
    DeleteRun,
    ListRunPlants,
    ReleasePlant,
    StartRun,
    UpdateRun,
)
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.planting_run import PlantingRunFields, RunProblem
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden

TOMATO, BASIL = "solanum_lycopersicum", "ocimum_basilicum"


async def plan(garden: Garden, name: str, quantity: int = 1) -> str:
    fields = PlantingRunFields(name=name, species_key=TOMATO, quantity=quantity)
    return (await garden.ask(CreateRun(fields=fields))).key


async def begun(garden: Garden) -> str:
    key = await plan(garden, "Sommer")
    await garden.ask(StartRun(key=key))
    return key


async def a_step_that_cannot_follow(garden: Garden) -> None:
    await garden.ask(StartRun(key=await begun(garden)))


async def a_step_after_the_end(garden: Garden) -> None:
    key = await begun(garden)
    await garden.ask(CancelRun(key=key))
    await garden.ask(BeginHarvest(key=key))


async def deleting_what_has_begun(garden: Garden) -> None:
    await garden.ask(DeleteRun(key=await begun(garden)))


async def plants_for_a_plan(garden: Garden) -> None:
    key = await plan(garden, "Sommer")
    await garden.ask(AdoptPlants(key=key, plant_keys=(await garden.add_plant(),)))


async def a_field_that_is_fixed(garden: Garden) -> None:
    await garden.ask(UpdateRun(key=await begun(garden), patch={"quantity": 3}))


async def a_harvest_without_plants(garden: Garden) -> None:
    key = await begun(garden)
    (plant,) = await garden.ask(ListRunPlants(key=key))
    await garden.ask(ReleasePlant(key=key, plant_key=plant.key))
    await garden.ask(BeginHarvest(key=key))


async def too_many_plants(garden: Garden) -> None:
    plants = [await garden.add_plant(name) for name in ("Eins", "Zwei")]
    await garden.ask(StartRun(key=await plan(garden, "Sommer"), plant_keys=tuple(plants)))


async def a_plant_of_another_run(garden: Garden) -> None:
    (plant,) = await garden.ask(ListRunPlants(key=await begun(garden)))
    await garden.ask(StartRun(key=await plan(garden, "Herbst"), plant_keys=(plant.key,)))


async def a_plant_that_is_not_in_it(garden: Garden) -> None:
    key = await begun(garden)
    await garden.ask(ReleasePlant(key=key, plant_key=await garden.add_plant("Fremd")))


@pytest.mark.parametrize(
    ("refused", "german"),
    [
        (
            a_step_that_cannot_follow,
            (
                "Der Anbaudurchgang Sommer ist im Gang. "
                "Möglich ist danach: abgebrochen, abgeschlossen, in der Ernte."
            ),
        ),
        (
            a_step_after_the_end,
            "Der Anbaudurchgang Sommer ist abgebrochen. Möglich ist danach: nichts.",
        ),
        (
            deleting_what_has_begun,
            (
                "Der Anbaudurchgang Sommer ist im Gang; gelöscht werden kann nur ein geplanter. "
                "Bitte stattdessen abschließen oder abbrechen."
            ),
        ),
        (
            plants_for_a_plan,
            (
                "Der Anbaudurchgang Sommer ist geplant; "
                "Pflanzen kommen und gehen nur, solange er läuft."
            ),
        ),
        (
            a_field_that_is_fixed,
            (
                "Zahl der Pflanzen lässt sich nicht mehr ändern, denn der Anbaudurchgang Sommer "
                "ist im Gang. Änderbar sind noch: Platz, Name, Notiz."
            ),
        ),
        (
            a_harvest_without_plants,
            (
                "Der Anbaudurchgang Sommer hat keine Pflanzen mehr, die geerntet werden könnten. "
                "Bitte abschließen oder abbrechen."
            ),
        ),
        (
            too_many_plants,
            (
                "Der Anbaudurchgang Sommer hätte 2 Pflanzen; möglich sind 1. "
                "Bitte weniger Pflanzen nennen."
            ),
        ),
        (
            a_plant_of_another_run,
            (
                "Die Pflanze Sommer 1 gehört zum Anbaudurchgang Sommer, der noch läuft. "
                "Bitte erst dort herausnehmen oder weglassen."
            ),
        ),
        (
            a_plant_that_is_not_in_it,
            "Die Pflanze Fremd gehört nicht zum Anbaudurchgang Sommer.",
        ),
    ],
)
async def test_a_refusal_is_a_sentence(
    garden: Garden, refused: Callable[[Garden], Awaitable[None]], german: str
) -> None:
    for category in ("selector", "exceptions"):
        await async_get_translations(garden.hass, "de", category, {DOMAIN})
    with pytest.raises(KamerplanterError) as caught:
        await refused(garden)
    english = sentence_of(garden.hass, caught.value)
    garden.hass.config.language = "de"

    assert sentence_of(garden.hass, caught.value) == german
    assert english != caught.value.message
    assert "?" not in english


def test_each_problem_has_a_sentence() -> None:
    for texts in TEXTS.values():
        assert {problem.value for problem in RunProblem} <= set(texts["exceptions"])
