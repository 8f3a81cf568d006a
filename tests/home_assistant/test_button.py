"""Buttons do one thing and show its result."""

from kamerplanter_backend.client.requests import ListIrrigation
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


async def test_a_touch_books_a_watering(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)

    await garden.hass.services.async_call(
        "button",
        "press",
        {"entity_id": garden.entity_id("button", plant, "mark_watered")},
        blocking=True,
    )
    await garden.derive()

    (entry,) = await garden.ask(ListIrrigation(plant_key=plant))
    assert str(entry.watered_on) == "2026-05-01"
    assert garden.state("sensor", plant, "next_watering").state == "2026-05-08"
