"""The light of each day in the long-term statistics of Home Assistant."""

from datetime import UTC, datetime, timedelta

import pytest
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import statistics_during_period
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from tests.home_assistant.garden import Garden


@pytest.fixture(autouse=True)
def _our_integration_is_found(recorder_db_url: str, enable_custom_integrations: None) -> None:
    """Let Home Assistant load what lies in custom_components, when its database is known."""


async def test_a_day_is_added_to_the_one_before(
    recorder_mock: Recorder, mqtt_garden: Garden
) -> None:
    hass = mqtt_garden.hass
    assert await async_setup_component(hass, "sensor", {})
    # Ten minutes of light before midnight in Berlin, darkness, and fifteen after it.
    began = datetime(2026, 5, 1, 21, 45, tzinfo=UTC)
    await mqtt_garden.jump_to(began)
    tent = await mqtt_garden.add_location()
    entity_id = mqtt_garden.state("sensor", tent, "dli_today").entity_id
    for minute in range(35):
        async_fire_mqtt_message(hass, "tent/light", "0" if minute in range(10, 20) else "1000")
        await mqtt_garden.pass_time(timedelta(minutes=1))
        if minute % 5 == 4:
            await async_wait_recording_done(hass)
            do_adhoc_statistics(hass, start=began + timedelta(minutes=minute - 4))
            await async_wait_recording_done(hass)

    found = await recorder_mock.async_add_executor_job(
        statistics_during_period,
        hass,
        began,
        None,
        {entity_id},
        "5minute",
        None,
        {"state", "sum", "last_reset"},
    )

    rows = found[entity_id]
    midnights = [datetime(2026, 4, 30, 22, tzinfo=UTC), datetime(2026, 5, 1, 22, tzinfo=UTC)]
    assert sorted({row["last_reset"] or 0 for row in rows}) == [
        day.timestamp() for day in midnights
    ]
    first, second = (
        [row for row in rows if row["last_reset"] == day.timestamp()] for day in midnights
    )
    # 1000 µmol/(m² s) for ten minutes; what the first row began with is not counted.
    assert first[-1]["state"] == pytest.approx(0.6, abs=0.061)
    assert second[-1]["state"] > first[-1]["state"]
    counted = first[-1]["state"] - (first[0]["state"] - first[0]["sum"]) + second[-1]["state"]
    assert rows[-1]["sum"] == pytest.approx(counted)
    sums = [row["sum"] or 0 for row in rows]
    assert sums == sorted(sums)
