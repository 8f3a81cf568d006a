"""A probe that a person moves to another tank or pot shows nothing of the old one there."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.const import STATE_OFF, STATE_UNKNOWN
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES

EC = ChannelBinding(kind=ChannelKind.EC, topic="meter/ec", unit="mS/cm")
PH = ChannelBinding(kind=ChannelKind.PH, topic="meter/ph")
WATER = ChannelBinding(kind=ChannelKind.WATER_TEMPERATURE, topic="meter/water", unit="°C")
LEVEL = ChannelBinding(kind=ChannelKind.LEVEL, topic="meter/level", unit="%")
BATTERY = ChannelBinding(kind=ChannelKind.BATTERY, topic="meter/battery", unit="%")
OXYGEN = ChannelBinding(kind=ChannelKind.DISSOLVED_OXYGEN, topic="tank/oxygen", unit="mg/L")
"""Of the probe that stays in its tank."""
CHANNELS = (EC, PH, WATER, LEVEL, BATTERY)
OF_WATER = ("ec", "ph", "water_temperature", "level")
PROBLEMS = ("ec_problem", "ph_problem", "temperature_problem", "level_low")
SAID: dict[str, Any] = {"ec": 3.9, "ph": 8.2, "water": 27, "level": 8, "battery": 80}


def say(garden: Garden, *, retained: bool = False, **values: float) -> None:
    for name, value in values.items():
        async_fire_mqtt_message(garden.hass, f"meter/{name}", str(value), retain=retained)


def states(garden: Garden, key: str) -> list[str]:
    return [garden.state("sensor", key, row).state for row in OF_WATER]


def problems(garden: Garden, key: str) -> set[str]:
    return {garden.state("binary_sensor", key, row).state for row in PROBLEMS}


async def move(garden: Garden, probe: str, place: str) -> None:
    """Move a probe by its dialog, as a person does."""
    dialog = await Dialog.change(garden, garden.subentry(probe))
    await dialog.fill(name="Meter", place=place)
    await dialog.choose("finish")
    assert dialog.result["reason"] == "reconfigure_successful"
    await garden.derive()


async def meter(garden: Garden) -> tuple[str, str, str]:
    """Return two tanks, and a meter that has measured bad water in the first one."""
    one = await garden.add_tank("Tank A", channels=(OXYGEN,))
    other = await garden.add_tank("Tank B", channels=(OXYGEN,))
    garden.freezer.tick(1)
    probe = await garden.add_probe(
        None, "Meter", tank_key=one, channels=CHANNELS, availability=None
    )
    say(garden, **SAID)
    await garden.derive()
    assert states(garden, one) == ["3.9", "8.2", "27.0", "8.0"]
    await garden.pass_time(timedelta(minutes=1))
    return one, other, probe


async def test_new_tank_shows_nothing_until_the_probe_has_measured_there(
    mqtt_garden: Garden,
) -> None:
    _, other, probe = await meter(mqtt_garden)

    await move(mqtt_garden, probe, f"tank:{other}")

    assert states(mqtt_garden, other) == [STATE_UNKNOWN] * 4
    assert states(mqtt_garden, probe) == [STATE_UNKNOWN] * 4
    assert mqtt_garden.state("sensor", probe, "battery").state == "80.0"
    quality = mqtt_garden.state("sensor", other, "measurement_quality")
    assert quality.attributes["ec_reasons"] == ["never_measured"]

    say(mqtt_garden, ec=1.8)
    assert states(mqtt_garden, other) == ["1.8", *[STATE_UNKNOWN] * 3]
    say(mqtt_garden, ph=6.0, water=20, level=70)
    await mqtt_garden.derive()
    assert states(mqtt_garden, other) == ["1.8", "6.0", "20.0", "70.0"]
    assert problems(mqtt_garden, other) == {STATE_OFF}


async def test_bad_water_of_the_old_tank_is_no_problem_of_the_new_one(
    mqtt_garden: Garden,
) -> None:
    _, other, probe = await meter(mqtt_garden)
    for _ in range(3):
        say(mqtt_garden, **SAID)
        await mqtt_garden.pass_time(timedelta(minutes=1))

    await move(mqtt_garden, probe, f"tank:{other}")
    await mqtt_garden.pass_time(timedelta(minutes=40), step=timedelta(minutes=5))

    assert problems(mqtt_garden, other) == {STATE_UNKNOWN}
    assert [task for task in mqtt_garden.snapshot.tasks if task.tank_key == other] == []


async def test_moving_back_is_a_move_and_a_rename_is_none(mqtt_garden: Garden) -> None:
    one, other, probe = await meter(mqtt_garden)
    await move(mqtt_garden, probe, f"tank:{other}")
    await mqtt_garden.pass_time(timedelta(minutes=1))

    await move(mqtt_garden, probe, f"tank:{one}")
    assert states(mqtt_garden, one) == [STATE_UNKNOWN] * 4

    await mqtt_garden.pass_time(timedelta(minutes=1))
    say(mqtt_garden, ec=1.9)
    await mqtt_garden.derive()
    dialog = await Dialog.change(mqtt_garden, mqtt_garden.subentry(probe))
    await dialog.fill(name="New name", place=f"tank:{one}")
    await dialog.choose("finish")
    await mqtt_garden.derive()
    assert states(mqtt_garden, one)[0] == "1.9"


@pytest.mark.parametrize("measured", [False, True])
async def test_a_restart_brings_nothing_of_the_old_tank_back(
    mqtt_garden: Garden, *, measured: bool
) -> None:
    _, other, probe = await meter(mqtt_garden)
    await move(mqtt_garden, probe, f"tank:{other}")
    if measured:
        say(mqtt_garden, ec=1.8)
        await mqtt_garden.derive()

    await mqtt_garden.unload()
    await mqtt_garden.pass_time(timedelta(seconds=30))
    await mqtt_garden.set_up()
    # What the broker kept is from before, as far as anybody knows.
    say(mqtt_garden, retained=True, **SAID)
    await mqtt_garden.derive()

    assert (
        states(mqtt_garden, other) == ["1.8" if measured else STATE_UNKNOWN] + [STATE_UNKNOWN] * 3
    )

    say(mqtt_garden, ec=1.7)
    assert states(mqtt_garden, other)[0] == "1.7"


async def test_soil_of_another_pot_is_dry_for_nobody(mqtt_garden: Garden) -> None:
    first, second = [
        await mqtt_garden.add_plant(name, soil_moisture_low_pct=30, soil_moisture_high_pct=60)
        for name in ("Tomato 1", "Tomato 2")
    ]
    soil = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="meter/soil", unit="%")
    probe = await mqtt_garden.add_probe(first, "Meter", channels=(soil,), availability=None)
    say(mqtt_garden, soil=10)
    await mqtt_garden.derive()
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == "10.0"
    await mqtt_garden.pass_time(timedelta(minutes=1))

    await move(mqtt_garden, probe, f"plant:{second}")
    await mqtt_garden.pass_time(timedelta(hours=1), step=timedelta(minutes=10))

    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == STATE_UNKNOWN
    view = mqtt_garden.snapshot.plant(second)
    assert view is not None
    # Nobody knows how that soil is.
    assert (view.open_task_keys, view.needs_attention) == ((), None)
    say(mqtt_garden, soil=45)
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == "45.0"
