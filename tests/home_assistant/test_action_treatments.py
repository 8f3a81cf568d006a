"""Actions on several plants at once, and how the record of a treatment is put right."""

from datetime import UTC, datetime
from typing import Any

import pytest
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.kamerplanter.caller import OWNER
from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.requests import (
    ArchivePlant,
    ListIrrigation,
    ListTreatments,
)
from kamerplanter_backend.common.exceptions import UnavailableError
from tests.home_assistant.garden import Garden, new_entry
from tests.home_assistant.served import BOTH_PLACES
from tests.home_assistant.test_actions import act

pytestmark = BOTH_PLACES

OTHER_STORE = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def admin(hass_admin_user: MockUser) -> Context:
    return Context(user_id=hass_admin_user.id)


async def answers(garden: Garden, action: str, *keys: str, **data: object) -> list[dict[str, Any]]:
    """Call an action on plants and return the answer for each, by the order of the keys."""
    answer: Any = await garden.hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": [garden.device(key).id for key in keys], **data},
        blocking=True,
        return_response=True,
    )
    await garden.settle()
    by_plant = {item["plant_id"]: item for item in answer["plants"]}
    return [by_plant[key] for key in keys]


async def correct(garden: Garden, context: Context | None, **data: object) -> dict[str, Any]:
    answer: Any = await garden.hass.services.async_call(
        DOMAIN,
        "correct_treatment",
        {"reason": "Mistyped", **data},
        blocking=True,
        return_response=True,
        context=context,
    )
    await garden.settle()
    return dict(answer)


@pytest.mark.parametrize(
    ("action", "data", "request_class"),
    [
        ("log_treatment", {"product": "Neem", "interval_d": 3}, ListTreatments),
        ("log_watering", {"volume_l": 0.5}, ListIrrigation),
    ],
)
async def test_of_several_plants_all_are_booked_or_none(
    garden: Garden, action: str, data: dict[str, object], request_class: Any
) -> None:
    first, second = await garden.add_plant(), await garden.add_plant(name="Second")

    booked = await answers(garden, action, first, second, **data)
    before = await garden.ask(request_class(plant_key=first))
    # Gone from the store, and the screens do not know yet.
    await garden.entry.runtime_data.client.call(ArchivePlant(key=second), OWNER)
    with pytest.raises(ServiceValidationError) as caught:
        await answers(garden, action, first, second, **data)

    assert [item["plant"] for item in booked] == ["Tomato", "Second"]
    assert caught.value.translation_key == "not_found"
    assert await garden.ask(request_class(plant_key=first)) == before
    assert len(before) == 1


async def test_plants_of_two_gardens_are_booked_in_two_calls(garden: Garden) -> None:
    plant = await garden.add_plant()
    entry = new_entry(store_id=OTHER_STORE)
    other = Garden(garden.hass, entry, garden.freezer)
    await other.set_up()
    theirs = await other.add_plant(name="Theirs")
    devices = [garden.device(plant).id, other.device(theirs).id]

    with pytest.raises(ServiceValidationError) as caught:
        await garden.hass.services.async_call(
            DOMAIN, "log_watering", {"device_id": devices}, blocking=True
        )
    checked: Any = await garden.hass.services.async_call(
        DOMAIN, "check_harvest", {"device_id": devices}, blocking=True, return_response=True
    )

    assert "2 gardens" in str(caught.value)
    assert await garden.ask(ListIrrigation(plant_key=plant)) == ()
    assert {item["plant"] for item in checked["plants"]} == {"Tomato", "Theirs"}


async def test_a_mistyped_interval_is_corrected_and_shows_at_once(
    garden: Garden, admin: Context
) -> None:
    plant = await garden.add_plant()
    booked = await act(garden, "log_treatment", plant, product="Neem", interval_d=1)
    shown = garden.state("binary_sensor", plant, "karenz_active").attributes["treatment_id"]

    answer = await correct(garden, admin, treatment_id=shown, interval_d=21)

    assert shown == booked["treatment_id"]
    assert (answer["interval_d"], answer["safe_harvest_date"]) == (21, "2026-05-23")
    assert garden.state("sensor", plant, "safe_harvest_date").state == "2026-05-23"
    (correction,) = answer["corrections"]
    assert (correction["reason"], correction["before"]["interval_d"]) == ("Mistyped", 1)
    assert correction["by"] == garden.known_as(admin.user_id or "")


async def test_a_correction_is_for_administrators(
    garden: Garden, hass_read_only_user: MockUser
) -> None:
    plant = await garden.add_plant()
    booked = await act(garden, "log_treatment", plant, product="Neem", interval_d=3)

    for context in (None, Context(user_id=hass_read_only_user.id)):
        with pytest.raises(ServiceValidationError) as caught:
            await correct(garden, context, treatment_id=booked["treatment_id"], interval_d=0)
        assert caught.value.translation_key == "forbidden"

    assert garden.state("sensor", plant, "safe_harvest_date").state == "2026-05-05"


async def test_an_interval_can_become_unknown_again(garden: Garden, admin: Context) -> None:
    plant = await garden.add_plant()
    booked = await act(garden, "log_treatment", plant, product="Neem", interval_d=3)

    answer = await correct(garden, admin, treatment_id=booked["treatment_id"], interval_d=None)

    assert (answer["interval_d"], answer["safe_harvest_date"]) == (None, None)
    assert garden.state("binary_sensor", plant, "harvest_allowed").state == "off"


async def test_the_wrong_plant_and_the_wrong_day_are_corrected(
    garden: Garden, admin: Context
) -> None:
    wrong, right = await garden.add_plant(), await garden.add_plant(name="Right")
    booked = await act(garden, "log_treatment", wrong, product="Neem", interval_d=3)

    answer = await correct(
        garden,
        admin,
        treatment_id=booked["treatment_id"],
        plant=garden.device(right).id,
        at="2026-04-30 23:30:00",
    )

    assert (answer["plant"], answer["applied_on"]) == ("Right", "2026-04-30")
    assert garden.state("binary_sensor", wrong, "karenz_active").state == "off"
    assert garden.state("sensor", right, "safe_harvest_date").state == "2026-05-04"


async def test_a_voided_treatment_stays_in_the_list(garden: Garden, admin: Context) -> None:
    plant = await garden.add_plant()
    booked = await act(garden, "log_treatment", plant, product="Neem")

    answer = await correct(garden, admin, treatment_id=booked["treatment_id"], voided=True)

    assert (answer["voided"], answer["harvest_allowed"]) == (True, True)
    (listed,) = (await act(garden, "list_treatments", plant))["treatments"]
    assert listed["treatment_id"] == booked["treatment_id"]
    assert (listed["voided"], listed["corrections"][0]["before"]["voided"]) == (True, False)


async def test_a_longer_interval_names_what_was_harvested_too_early(
    garden: Garden, admin: Context
) -> None:
    plant = await garden.add_plant()
    await act(garden, "log_harvest", plant, at="2026-04-01 09:00:00")
    booked = await act(garden, "log_treatment", plant, product="Neem", interval_d=0)
    await garden.jump_to(datetime(2026, 5, 3, 10, tzinfo=UTC))
    harvest = await act(garden, "log_harvest", plant, weight_g=200)

    answer = await correct(garden, admin, treatment_id=booked["treatment_id"], interval_d=14)
    shorter = await correct(garden, admin, treatment_id=booked["treatment_id"], interval_d=1)

    assert answer["harvests_inside"] == [
        {"harvest_id": harvest["harvest_id"], "harvested_on": "2026-05-03"}
    ]
    assert shorter["harvests_inside"] == []


async def test_a_record_of_an_archived_plant_is_corrected_too(
    garden: Garden, admin: Context
) -> None:
    plant = await garden.add_plant()
    booked = await act(garden, "log_treatment", plant, product="Neem", interval_d=1)
    garden.hass.config_entries.async_remove_subentry(
        garden.entry, garden.subentry(plant).subentry_id
    )
    await garden.settle()

    answer = await correct(garden, admin, treatment_id=booked["treatment_id"], interval_d=21)

    assert (answer["plant_id"], answer["interval_d"]) == (plant, 21)
    assert "harvest_allowed" not in answer


async def test_a_record_is_found_in_the_garden_that_has_it(garden: Garden, admin: Context) -> None:
    other = Garden(garden.hass, new_entry(store_id=OTHER_STORE), garden.freezer)
    await other.set_up()
    theirs = await other.add_plant(name="Theirs")
    booked = await act(other, "log_treatment", theirs, product="Neem", interval_d=1)

    answer = await correct(other, admin, treatment_id=booked["treatment_id"], note="Leaves only")

    assert (answer["plant"], answer["note"]) == ("Theirs", "Leaves only")


async def test_a_garden_in_trouble_does_not_hide_the_record_of_another(
    garden: Garden, admin: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Garden(garden.hass, new_entry(store_id=OTHER_STORE), garden.freezer)
    await other.set_up()
    theirs = await other.add_plant(name="Theirs")
    booked = await act(other, "log_treatment", theirs, product="Neem", interval_d=1)

    async def fails(*_: object) -> None:
        raise UnavailableError("The disk does not answer.", reason="disk")

    monkeypatch.setattr(garden.entry.runtime_data.client, "call", fails)
    answer = await correct(other, admin, treatment_id=booked["treatment_id"], note="Leaves only")
    with pytest.raises(HomeAssistantError) as caught:
        await correct(other, admin, treatment_id="nowhere", note="Leaves only")

    assert (answer["plant"], answer["note"]) == ("Theirs", "Leaves only")
    assert caught.value.translation_key == "unavailable", "it may be in the garden in trouble"


@pytest.mark.parametrize(
    ("data", "key"),
    [
        pytest.param({"treatment_id": "nothing", "interval_d": 3}, "not_found", id="unknown"),
        pytest.param({}, "nothing_to_correct", id="nothing to correct"),
        pytest.param({"reason": "  ", "interval_d": 4}, "value_missing", id="blank reason"),
        pytest.param({"at": "2027-01-01 00:00:00"}, "future_time", id="future"),
        pytest.param({"treatment_id": "a b", "note": "x"}, "invalid_input", id="no id"),
        pytest.param({"plant": "no-device"}, "value_not_allowed", id="unknown plant"),
    ],
)
async def test_what_cannot_be_corrected_says_why_and_changes_nothing(
    garden: Garden, admin: Context, data: dict[str, Any], key: str
) -> None:
    plant = await garden.add_plant()
    booked = await act(garden, "log_treatment", plant, product="Neem", interval_d=3)
    before = await garden.ask(ListTreatments(plant_key=plant))

    with pytest.raises(ServiceValidationError) as caught:
        await correct(garden, admin, **{"treatment_id": booked["treatment_id"], **data})

    assert caught.value.translation_key == key
    assert await garden.ask(ListTreatments(plant_key=plant)) == before


async def test_a_clock_that_runs_ahead_does_not_begin_tomorrow(garden: Garden) -> None:
    plant = await garden.add_plant()
    await garden.jump_to(datetime(2026, 5, 1, 21, 59, 30, tzinfo=UTC))

    answer = await act(
        garden, "log_treatment", plant, product="Neem", interval_d=1, at="2026-05-02 00:00:30"
    )

    assert (answer["applied_on"], answer["safe_harvest_date"]) == ("2026-05-01", "2026-05-03")
