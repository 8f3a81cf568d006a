"""The clock of the host was an hour ahead: nothing waits until time has caught up."""

from datetime import timedelta

import pytest
from homeassistant.const import STATE_UNKNOWN
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from tests.home_assistant.garden import Garden

HOUR = timedelta(hours=1)


def say(garden: Garden, topic: str, payload: str) -> None:
    async_fire_mqtt_message(garden.hass, topic, payload)


async def measure(garden: Garden, topic: str, *values: float) -> None:
    """Send a value a minute."""
    for value in values:
        say(garden, topic, f"{value}")
        await garden.derive()
        await garden.pass_time(timedelta(seconds=58))


async def set_back(garden: Garden, *, with_restart: bool) -> None:
    """Put the clock of the host right, with or without a restart meanwhile."""
    if with_restart:
        await garden.unload()
    garden.freezer.move_to(dt_util.utcnow() - HOUR)
    if with_restart:
        await garden.set_up()


@pytest.mark.parametrize("with_restart", [True, False], ids=["restart", "running"])
async def test_a_problem_raised_ahead_ends_with_the_next_value(
    mqtt_garden: Garden, *, with_restart: bool
) -> None:
    tank = await mqtt_garden.add_tank(ec_high_ms_cm=2.0)
    await measure(mqtt_garden, "tank/ec", *(2.3 + step / 100 for step in range(8)))
    assert mqtt_garden.state("binary_sensor", tank, "ec_problem").state == "on"

    await set_back(mqtt_garden, with_restart=with_restart)
    say(mqtt_garden, "tank/ec", "1.6")

    state = mqtt_garden.state("sensor", tank, "ec")
    assert state.state == "1.6"
    assert "restored" not in state.attributes
    await mqtt_garden.derive()
    assert mqtt_garden.state("binary_sensor", tank, "ec_problem").state == "off"
    quality = mqtt_garden.state("sensor", tank, "measurement_quality").attributes
    assert quality["ec"] == "good"


@pytest.mark.parametrize("with_restart", [True, False], ids=["restart", "running"])
async def test_a_problem_is_raised_at_its_usual_time(
    mqtt_garden: Garden, *, with_restart: bool
) -> None:
    tank = await mqtt_garden.add_tank(ec_high_ms_cm=2.0)
    await measure(mqtt_garden, "tank/ec", 1.8, 1.81, 1.82)

    await set_back(mqtt_garden, with_restart=with_restart)
    # The hold time of five minutes counts from the first of these.
    await measure(mqtt_garden, "tank/ec", *(2.3 + step / 100 for step in range(4)))
    assert mqtt_garden.state("binary_sensor", tank, "ec_problem").state == "off"
    await measure(mqtt_garden, "tank/ec", 2.35, 2.36, 2.37)

    assert mqtt_garden.state("binary_sensor", tank, "ec_problem").state == "on"
    assert [task.rule for task in mqtt_garden.snapshot.tasks if task.rule] == ["tank_ec"]


async def test_a_value_from_ahead_is_unknown_and_does_not_come_back(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ph", "6.1")
    await mqtt_garden.derive()

    await set_back(mqtt_garden, with_restart=False)
    # Any other value of the device makes its entities look again.
    say(mqtt_garden, "tank/temperature", "nan")
    await mqtt_garden.entry.runtime_data.coordinator.async_refresh()
    await mqtt_garden.settle()

    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNKNOWN
    quality = mqtt_garden.state("sensor", tank, "measurement_quality").attributes
    assert quality["ph_reasons"] == ["clock_was_ahead"]
    await mqtt_garden.pass_time(2 * HOUR, step=timedelta(minutes=10))
    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNKNOWN


async def test_a_restart_shows_what_was_measured_before_the_clock_went_ahead(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ph", "6.1")
    await mqtt_garden.derive()
    measured_at = mqtt_garden.state("sensor", tank, "ph").attributes["measured_at"]
    mqtt_garden.freezer.tick(HOUR)
    say(mqtt_garden, "tank/ph", "6.3")
    await mqtt_garden.derive()

    await set_back(mqtt_garden, with_restart=True)

    state = mqtt_garden.state("sensor", tank, "ph")
    assert state.state == "6.1"
    assert state.attributes["measured_at"] == measured_at
    assert state.attributes["restored"] is True
