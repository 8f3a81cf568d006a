"""Another device behind a probe: what was recorded of its entities goes on."""

from typing import Any

import pytest
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import Garden
from tests.home_assistant.test_replace_probe import add, measure


@pytest.fixture
async def mock_recorder_before_hass(async_test_recorder: Any) -> None:
    """Let the database be made before everything else."""


async def test_automations_and_statistics_stay(
    recorder_mock: Any, hass: HomeAssistant, mqtt_garden: Garden
) -> None:
    tank, _ = await add(mqtt_garden)
    entity_id = mqtt_garden.entity_id("sensor", tank, "ec")
    calls: list[float] = []
    hass.services.async_register("test", "heard", lambda _call: calls.append(1))
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "triggers": {"trigger": "numeric_state", "entity_id": entity_id, "above": 3},
                "actions": {"action": "test.heard"},
            }
        },
    )
    await measure(mqtt_garden, "old/ec", "2.0")
    await get_instance(hass).async_block_till_done()
    before = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)

    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.choose("replace")
    await dialog.fill()
    await mqtt_garden.derive()
    await measure(mqtt_garden, "old/ec", "3.5")

    assert entity_id == mqtt_garden.entity_id("sensor", tank, "ec")
    assert calls == [1]
    await get_instance(hass).async_block_till_done()
    after = await get_instance(hass).async_add_executor_job(list_statistic_ids, hass)
    assert entity_id in {row["statistic_id"] for row in after}
    assert after == before
