"""Actions: what they write, what they refuse and how they say it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.requests import (
    ListHarvests,
    ListIrrigation,
    ListPhaseChanges,
    ListTreatments,
)
from tests.home_assistant.garden import MONSTERA, Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


async def act(
    garden: Garden, action: str, *keys: str, context: Context | None = None, **data: object
) -> dict[str, Any]:
    """Call an action on the devices of objects and return the answer for the first."""
    devices = [garden.device(key).id for key in keys]
    answer: Any = await garden.hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": devices, **data} if devices else data,
        blocking=True,
        return_response=True,
        context=context,
    )
    await garden.settle()
    return next(iter(answer.values()))[0]


async def test_a_treatment_starts_the_waiting_period_at_once(garden: Garden) -> None:
    plant = await garden.add_plant()

    answer = await act(
        garden,
        "log_treatment",
        plant,
        product="Neem oil",
        ingredient="azadirachtin",
        interval_d=3,
        at="2026-05-01 09:30:00",
    )

    # Treated on 1 May, three full days, so 5 May is the first permitted one.
    assert answer["safe_harvest_date"] == "2026-05-05"
    karenz = garden.state("binary_sensor", plant, "karenz_active")
    assert karenz.state == "on"
    assert karenz.attributes["product"] == "Neem oil"
    assert karenz.attributes["ingredient"] == "azadirachtin"
    assert garden.state("sensor", plant, "safe_harvest_date").state == "2026-05-05"
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "off"


async def test_a_harvest_inside_the_waiting_period_is_refused_and_writes_nothing(
    garden: Garden,
) -> None:
    plant = await garden.add_plant()
    await act(garden, "log_treatment", plant, product="Neem oil", interval_d=3)

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "log_harvest", plant, weight_g=200)

    assert caught.value.translation_key == "karenz_violation"
    assert caught.value.translation_placeholders["product"] == "Neem oil"
    assert "2026-05-05" in caught.value.translation_placeholders["date"]
    assert await garden.ask(ListHarvests(plant_key=plant)) == ()


async def test_from_the_safe_date_on_a_harvest_is_stored(garden: Garden) -> None:
    plant = await garden.add_plant()
    await act(garden, "log_treatment", plant, product="Neem oil", interval_d=3)

    # Berlin's midnight is 22:00 UTC in summer.
    await garden.jump_to(datetime(2026, 5, 4, 21, 59, 59, tzinfo=UTC))
    with pytest.raises(ServiceValidationError):
        await act(garden, "log_harvest", plant)
    await garden.jump_to(datetime(2026, 5, 4, 22, 0, 1, tzinfo=UTC))
    await act(garden, "log_harvest", plant, weight_g=200)

    harvest = (await garden.ask(ListHarvests(plant_key=plant)))[0]
    assert (harvest.weight_g, str(harvest.harvested_on)) == (200, "2026-05-05")
    assert garden.state("binary_sensor", plant, "karenz_active").state == "off"
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "on"


async def test_karenz_counts_local_days_over_the_end_of_summer_time(garden: Garden) -> None:
    plant = await garden.add_plant()
    await garden.jump_to(datetime(2026, 10, 24, 21, 30, tzinfo=UTC))

    # 23:30 in Berlin on the 24th; the night that follows has 25 hours.
    answer = await act(garden, "log_treatment", plant, product="Sulphur", interval_d=1)

    assert answer["applied_on"] == "2026-10-24"
    assert answer["safe_harvest_date"] == "2026-10-26"
    await garden.jump_to(datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC))
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "off"
    await garden.jump_to(datetime(2026, 10, 25, 23, 0, 1, tzinfo=UTC))
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "on"


async def test_karenz_counts_local_days_over_the_begin_of_summer_time(garden: Garden) -> None:
    plant = await garden.add_plant()
    await garden.jump_to(datetime(2027, 3, 27, 22, 30, tzinfo=UTC))

    # 23:30 in Berlin on the 27th; the Sunday that follows has 23 hours.
    answer = await act(garden, "log_treatment", plant, product="Sulphur", interval_d=1)

    assert answer["applied_on"] == "2027-03-27"
    assert answer["safe_harvest_date"] == "2027-03-29"
    assert garden.state("sensor", plant, "safe_harvest_date").state == "2027-03-29"
    await garden.jump_to(datetime(2027, 3, 28, 21, 59, 59, tzinfo=UTC))
    assert garden.state("binary_sensor", plant, "karenz_active").state == "on"
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "off"
    # Midnight in Berlin is at 22:00 UTC now, no longer at 23:00.
    await garden.jump_to(datetime(2027, 3, 28, 22, 0, 1, tzinfo=UTC))
    assert garden.state("binary_sensor", plant, "karenz_active").state == "off"
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "on"


async def test_a_harvest_of_several_plants_at_once_is_refused_and_books_none(
    garden: Garden,
) -> None:
    free, treated = await garden.add_plant(), await garden.add_plant(name="Second")
    await act(garden, "log_treatment", treated, product="Neem oil", interval_d=3)

    with pytest.raises(ServiceValidationError) as caught:
        await garden.hass.services.async_call(
            "kamerplanter",
            "log_harvest",
            {"entity_id": [garden.entity_id("sensor", key, "phase") for key in (free, treated)]},
            blocking=True,
        )

    assert caught.value.translation_key == "several_plants"
    assert await garden.ask(ListHarvests(plant_key=free)) == ()


async def test_of_two_treatments_the_later_end_counts(garden: Garden) -> None:
    plant = await garden.add_plant()
    await act(garden, "log_treatment", plant, product="Long", interval_d=14)
    await act(garden, "log_treatment", plant, product="Short", interval_d=2)

    answer = await act(garden, "check_harvest", plant)

    assert (answer["allowed"], answer["safe_date"]) == (False, "2026-05-16")
    assert answer["blockers"][0]["product"] == "Long"


async def test_an_unknown_interval_blocks(garden: Garden) -> None:
    plant = await garden.add_plant()

    answer = await act(garden, "log_treatment", plant, product="Brew")

    assert answer["safe_harvest_date"] is None
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "off"
    assert garden.state("sensor", plant, "safe_harvest_date").state == "unknown"


async def test_a_time_without_a_zone_is_one_of_home_assistant(garden: Garden) -> None:
    plant = await garden.add_plant()

    await act(
        garden, "log_treatment", plant, product="Neem", interval_d=1, at="2026-05-01 00:30:00"
    )
    await act(
        garden, "log_treatment", plant, product="Neem", interval_d=1, at="2026-05-01T00:30:00Z"
    )

    treatments = await garden.ask(ListTreatments(plant_key=plant))
    assert {item.at for item in treatments} == {
        datetime(2026, 4, 30, 22, 30, tzinfo=UTC),
        datetime(2026, 5, 1, 0, 30, tzinfo=UTC),
    }
    assert {str(item.applied_on) for item in treatments} == {"2026-05-01"}


async def test_the_future_is_refused(garden: Garden) -> None:
    plant = await garden.add_plant()

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "log_treatment", plant, product="Neem", at="2027-01-01 00:00:00")

    assert caught.value.translation_key == "future_time"


async def test_a_plant_that_is_not_eaten_shows_karenz_once_it_was_treated(garden: Garden) -> None:
    plant = await garden.add_plant("Monstera", species=MONSTERA)
    assert garden.entity_id("binary_sensor", plant, "harvest_allowed") is None

    await act(garden, "log_treatment", plant, product="Neem", interval_d=3)

    assert garden.state("binary_sensor", plant, "karenz_active").state == "on"


async def test_only_an_administrator_records_a_disposal(
    garden: Garden, hass_admin_user: MockUser, hass_read_only_user: MockUser
) -> None:
    plant = await garden.add_plant()
    await act(garden, "log_treatment", plant, product="Neem", interval_d=3)
    disposal = {"purpose": "disposal", "reason": "mildew"}

    for context in (None, Context(user_id=hass_read_only_user.id)):
        with pytest.raises(ServiceValidationError) as caught:
            await act(garden, "log_harvest", plant, context=context, **disposal)
        assert caught.value.translation_key == "forbidden"

    await act(garden, "log_harvest", plant, context=Context(user_id=hass_admin_user.id), **disposal)
    harvests = await garden.ask(ListHarvests(plant_key=plant))
    assert len(harvests) == 1


async def test_a_watering_moves_the_next_one(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)

    answer = await act(garden, "log_watering", plant, volume_l=0.5)

    assert answer["next_watering"] == "2026-05-08"
    assert garden.state("sensor", plant, "next_watering").state == "2026-05-08"
    assert (await garden.ask(ListIrrigation(plant_key=plant)))[0].volume_l == 0.5


async def test_a_phase_is_set_by_its_name(garden: Garden) -> None:
    plant = await garden.add_plant()

    answer = await act(
        garden,
        "set_phase",
        plant,
        phase="flowering",
        started_on="2026-04-21",
        reason="Bought in flower",
    )

    assert answer["phase"] == "flowering"
    assert garden.state("sensor", plant, "phase").state == "flowering"
    assert garden.state("sensor", plant, "days_in_phase").state == "10"


async def test_going_back_to_a_phase_says_why_or_does_not_happen(garden: Garden) -> None:
    plant = await garden.add_plant(phase_entry_id="flowering")

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "set_phase", plant, phase="vegetative")
    answer = await act(garden, "set_phase", plant, phase="vegetative", reason="Cut back")

    assert str(caught.value) == "Reason is missing"
    assert answer["phase"] == "vegetative"
    (change,) = await garden.ask(ListPhaseChanges(plant_key=plant))
    assert (change.to_entry_id, change.reason) == ("vegetative", "Cut back")


async def test_a_phase_of_another_plant_is_refused(garden: Garden) -> None:
    plant = await garden.add_plant()

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "set_phase", plant, phase="dormancy_of_a_bear")

    assert caught.value.translation_key == "value_not_allowed"


async def test_tasks_are_added_and_completed(garden: Garden) -> None:
    plant = await garden.add_plant()

    task = await act(garden, "add_task", plant, title="Tie up", due_datetime="2026-05-02 08:00:00")
    view = next(item for item in garden.snapshot.tasks if item.key == task["task_id"])
    assert view.plant_key == plant
    assert view.due_at == datetime(2026, 5, 2, 6, 0, tzinfo=UTC)

    answer = await act(garden, "complete_task", task_id=task["task_id"])
    assert answer["state"] == "completed"


async def test_the_open_tasks_of_a_plant_are_completed(garden: Garden) -> None:
    plant = await garden.add_plant()
    await act(garden, "add_task", plant, title="Tie up")
    await act(garden, "add_task", title="Clean the shed")

    await act(garden, "complete_task", plant)

    states = {task.title: task.state for task in garden.snapshot.tasks}
    assert (states["Tie up"], states["Clean the shed"]) == ("completed", "open")


async def test_an_unknown_task_is_not_found(garden: Garden) -> None:
    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "complete_task", task_id="nobody")

    assert caught.value.translation_key == "not_found_task"
    assert "nobody" in str(caught.value)


async def test_a_soil_probe_stands_for_its_plant(garden: Garden) -> None:
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant)

    answer = await act(garden, "log_watering", probe)

    assert answer["plant_id"] == plant


async def test_an_entity_stands_for_its_plant(garden: Garden) -> None:
    plant = await garden.add_plant()
    entity_id = garden.entity_id("sensor", plant, "phase")

    answer = await garden.hass.services.async_call(
        DOMAIN, "check_harvest", {"entity_id": entity_id}, blocking=True, return_response=True
    )

    assert answer["plants"][0]["allowed"] is True


async def test_a_tank_cannot_be_treated(garden: Garden) -> None:
    tank = await garden.add_tank()

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "log_treatment", tank, product="Neem")

    assert caught.value.translation_key == "value_not_allowed"


async def test_an_action_without_a_plant_is_refused(garden: Garden) -> None:
    with pytest.raises(ServiceValidationError):
        await act(garden, "log_treatment", product="Neem")


async def test_actions_exist_without_a_loaded_entry(hass: HomeAssistant, garden: Garden) -> None:
    plant = await garden.add_plant()
    device = garden.device(plant).id
    await garden.unload()

    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(DOMAIN, "log_watering", {"device_id": device}, blocking=True)

    assert caught.value.translation_key == "entry_not_loaded"


async def test_all_actions_name_their_refusal_in_words(garden: Garden) -> None:
    plant = await garden.add_plant()
    await act(garden, "log_treatment", plant, product="Neem oil", interval_d=3)

    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, "log_harvest", plant)

    text = str(caught.value)
    assert "Neem oil" in text
    assert "2026-05-05" in text
