"""What users of similar software reported, F-46 to F-74, on the entities of a garden."""

import logging
from datetime import datetime, timedelta

import pytest
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_OFF,
    STATE_ON,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kamerplanter.const import DOMAIN
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import alarms, bind, quality_of, say, values
from tests.home_assistant.garden import Garden

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def measure(garden: Garden, payload: str, minutes: int = 1) -> None:
    """Send a value, and let time go by in which it holds."""
    say(garden, payload)
    await garden.pass_time(minutes * MINUTE, step=MINUTE)


async def test_f_47_a_problem_ends_with_the_first_good_value(mqtt_garden: Garden) -> None:
    channels = (bind("ec", unit="mS/cm"),)
    tank = await mqtt_garden.add_tank(channels=channels, ec_low_ms_cm=0.5, ec_high_ms_cm=2.0)
    for step in range(12):
        await measure(mqtt_garden, f"{2.3 + step / 1000:.3f}")
    assert mqtt_garden.state("binary_sensor", tank, "ec_problem").state == STATE_ON

    for step in range(60):
        say(mqtt_garden, f"{1.6 + step / 1000:.3f}")
        await mqtt_garden.derive()
        # A jump of 0.7 is doubted first; what counts is the first value that is believed.
        is_believed = float(mqtt_garden.state("sensor", tank, "ec").state) < 1.9
        problem = mqtt_garden.state("binary_sensor", tank, "ec_problem")
        wanted = (STATE_OFF, None) if is_believed else (STATE_ON, "high")
        assert (problem.state, problem.attributes["side"]) == wanted, step
        assert is_believed or step < 4
        await mqtt_garden.pass_time(MINUTE)
    assert mqtt_garden.snapshot.tanks[0].open_task_keys == ()


@pytest.mark.parametrize("unit", ["μS/cm", "µS/cm"], ids=["mu", "micro sign"])
async def test_f_48_a_sensor_without_a_class_is_offered_and_bound(
    garden: Garden, unit: str
) -> None:
    garden.hass.states.async_set("sensor.pot_ec", "640", {ATTR_UNIT_OF_MEASUREMENT: unit})
    plant = await garden.add_plant()
    dialog = await Dialog.add(garden, "probe")
    await dialog.fill(name="Meter", place=f"plant:{plant}")
    await dialog.choose("value_soil_ec", "entity")
    await dialog.fill(show_all=True)
    assert "sensor.pot_ec" in dialog.selector("entity_id").config["include_entities"]
    await dialog.fill(entity_id="sensor.pot_ec", show_all=True)
    await dialog.choose("finish")
    key = garden.snapshot.probes[0].probe.key
    await garden.pass_time(MINUTE)

    garden.hass.states.async_set("sensor.pot_ec", "641", {ATTR_UNIT_OF_MEASUREMENT: unit})
    await garden.settle()

    # 641 µS/cm, shown in the unit of feed charts.
    assert float(garden.state("sensor", key, "soil_ec").state) == pytest.approx(641)


@pytest.mark.parametrize("unit", ["", "pH"])
async def test_f_52_ph_has_a_class_and_no_unit(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture, unit: str
) -> None:
    tank = await mqtt_garden.add_tank(channels=(bind("ph", unit=unit),))
    caplog.clear()

    say(mqtt_garden, "6.1")

    state = mqtt_garden.state("sensor", tank, "ph")
    assert state.state == "6.1"
    assert state.attributes[ATTR_DEVICE_CLASS] == "ph"
    assert ATTR_UNIT_OF_MEASUREMENT not in state.attributes
    assert [item for item in caplog.records if item.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("payload", "verdict", "reason"),
    [("-1", "bad", "outside_physical"), ("0", "suspect", "exact_zero")],
    ids=["disconnected", "zero"],
)
async def test_f_64_a_dead_probe_gives_no_temperature_to_act_on(
    mqtt_garden: Garden, payload: str, verdict: str, reason: str
) -> None:
    """Once the last good value is too old, nobody says any more that all is well.

    That a heater is off by then and that this is critical is for what will heat; neither −1 nor 0
    makes the water too cold.
    """
    tank = await mqtt_garden.add_tank(
        channels=(bind("water_temperature"),),
        water_temperature_low_c=20,
        water_temperature_high_c=24,
    )
    await measure(mqtt_garden, "22.1")

    for _ in range(10):
        await measure(mqtt_garden, payload)

    assert values(mqtt_garden, tank, {"water_temperature": None}) == {"water_temperature": 22.1}
    found, reasons = quality_of(mqtt_garden, tank, "water_temperature")
    assert found == verdict
    assert reason in reasons
    assert mqtt_garden.state("binary_sensor", tank, "temperature_problem").state != STATE_ON
    assert alarms(mqtt_garden) == []

    await mqtt_garden.pass_time(4 * HOUR, step=HOUR)
    say(mqtt_garden, payload)
    await mqtt_garden.derive()
    assert values(mqtt_garden, tank, {"water_temperature": None}) == {"water_temperature": None}
    found, reasons = quality_of(mqtt_garden, tank, "water_temperature")
    assert (found, reasons[0]) == ("stale", "too_old")
    assert reason in reasons
    problem = mqtt_garden.state("binary_sensor", tank, "temperature_problem")
    assert (problem.state, problem.attributes["reasons"]) == (STATE_UNKNOWN, ["no_data"])
    assert alarms(mqtt_garden) == []


async def test_f_65_fahrenheit_does_not_halve_the_conductivity(mqtt_garden: Garden) -> None:
    channels = (
        bind("ec", "ec", unit="mS/cm", compensated=False),
        bind("water_temperature", "t", unit="°F"),
    )
    tank = await mqtt_garden.add_tank(channels=channels)

    say(mqtt_garden, '{"ec": 1.60, "t": 77}')

    # 77 °F are 25 °C, at which nothing is to be compensated.
    shown = values(mqtt_garden, tank, {"ec": None, "water_temperature": None})
    assert shown == {"ec": pytest.approx(1.6), "water_temperature": pytest.approx(25)}


async def test_f_70_a_steady_value_is_fresh_while_its_device_reports(garden: Garden) -> None:
    hass = garden.hass
    moisture, temperature = _twins(hass)
    channels = (
        bind("soil_moisture", entity_id=moisture),
        bind("soil_temperature", entity_id=temperature),
    )
    plant = await garden.add_plant(soil_moisture_low_pct=20)
    probe = await garden.add_probe(plant, channels=channels, availability=None)
    hass.states.async_set(moisture, "41", {ATTR_UNIT_OF_MEASUREMENT: "%"})
    for number in range(10):
        hass.states.async_set(temperature, f"{20 + number / 10}", {ATTR_UNIT_OF_MEASUREMENT: "°C"})
        await garden.settle()
        await garden.pass_time(timedelta(minutes=55))

    assert garden.state("sensor", probe, "soil_moisture").state == "41.0"
    assert quality_of(garden, probe, "soil_moisture")[0] == "good"

    await garden.pass_time(9 * HOUR, step=HOUR)
    assert values(garden, probe, {"soil_moisture": None}) == {"soil_moisture": None}
    assert quality_of(garden, probe, "soil_moisture")[0] == "stale"


def _twins(hass: HomeAssistant) -> tuple[str, str]:
    """Return two sensors of one device."""
    entry = MockConfigEntry(domain="other")
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("other", "pot")}
    )
    moisture, temperature = (
        er.async_get(hass)
        .async_get_or_create("sensor", "other", kind, config_entry=entry, device_id=device.id)
        .entity_id
        for kind in ("moisture", "temperature")
    )
    return moisture, temperature


async def test_f_71_one_nan_stops_nothing(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=(bind("level"),))
    shown = []

    for payload in ("1", "nan", "3"):
        await measure(mqtt_garden, payload)
        shown.append(mqtt_garden.state("sensor", tank, "level").state)

    assert shown == ["1.0", "1.0", "3.0"]


async def test_f_73_a_value_beyond_the_limit_of_a_person_is_not_called_good(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
    plant = await mqtt_garden.add_plant(soil_moisture_low_pct=20)
    channels = (bind("soil_moisture", max_age_s=2 * 3600),)
    probe = await mqtt_garden.add_probe(plant, channels=channels, availability=None)
    say(mqtt_garden, "38")
    await mqtt_garden.derive()
    state = mqtt_garden.state("sensor", probe, "soil_moisture")
    measured_at = state.attributes["measured_at"]

    await mqtt_garden.pass_time(timedelta(hours=3, minutes=10), step=timedelta(minutes=10))

    assert values(mqtt_garden, probe, {"soil_moisture": None}) == {"soil_moisture": None}
    assert quality_of(mqtt_garden, probe, "soil_moisture") == ("stale", ["too_old"])
    # Cards tell the age, a little more than 3 h, from what the entities say.
    state = mqtt_garden.state("sensor", probe, "soil_moisture")
    assert state.attributes["measured_at"] == measured_at
    assert dt_util.utcnow() - measured_at == timedelta(hours=3, minutes=10, seconds=2)
    last_seen = mqtt_garden.state("sensor", probe, "last_seen").state
    assert datetime.fromisoformat(last_seen) == measured_at
    assert mqtt_garden.state("sensor", probe, "measurement_quality").state == "stale"
    attention = mqtt_garden.state("binary_sensor", plant, "needs_attention")
    assert (attention.state, attention.attributes["reasons"]) == (STATE_ON, ["no_data"])


async def soil_probe(garden: Garden) -> tuple[str, str]:
    """Add a plant that is to be between 20 and 60 %, and its probe; return their keys."""
    plant = await garden.add_plant(soil_moisture_low_pct=20, soil_moisture_high_pct=60)
    channels = (bind("soil_moisture", hold_s=30 * 60),)
    return plant, await garden.add_probe(plant, channels=channels, availability=None)


def attention(garden: Garden, plant: str) -> tuple[str, list[str]]:
    state = garden.state("binary_sensor", plant, "needs_attention")
    return state.state, state.attributes["reasons"]


async def test_f_74_the_spike_of_a_watering_cries_for_nobody(mqtt_garden: Garden) -> None:
    _, probe = await soil_probe(mqtt_garden)
    # Nobody has told of the watering, so a jump of 64 points is doubted until it has agreed thrice.
    verdicts = {24: "good", 88: "suspect", 71: "suspect", 58: "suspect", 52: "good"}

    for moisture, verdict in verdicts.items():
        await measure(mqtt_garden, str(moisture), minutes=10)
        assert quality_of(mqtt_garden, probe, "soil_moisture")[0] == verdict
        assert alarms(mqtt_garden) == [], moisture


async def test_f_74_the_hold_time_keeps_a_spike_quiet_that_is_believed(
    mqtt_garden: Garden,
) -> None:
    plant, probe = await soil_probe(mqtt_garden)
    await measure(mqtt_garden, "24", minutes=10)
    device = mqtt_garden.device(plant)
    assert device is not None
    await mqtt_garden.hass.services.async_call(
        DOMAIN, "log_watering", {"device_id": [device.id], "volume_l": 0.5}, blocking=True
    )
    await mqtt_garden.settle()

    for moisture in (88, 71, 58, 52):
        await measure(mqtt_garden, str(moisture), minutes=10)
        assert values(mqtt_garden, probe, {"soil_moisture": 0}) == {"soil_moisture": moisture}
        assert quality_of(mqtt_garden, probe, "soil_moisture") == ("good", [])
        assert attention(mqtt_garden, plant) == (STATE_OFF, []), moisture


async def test_f_74_what_stays_wet_for_the_hold_time_does_not_drain(mqtt_garden: Garden) -> None:
    plant, _ = await soil_probe(mqtt_garden)
    await measure(mqtt_garden, "52", minutes=10)

    for moisture in (62, 64):
        await measure(mqtt_garden, str(moisture), minutes=10)
        assert attention(mqtt_garden, plant) == (STATE_OFF, []), moisture
    await measure(mqtt_garden, "66", minutes=9)
    assert attention(mqtt_garden, plant) == (STATE_OFF, [])

    await measure(mqtt_garden, "67", minutes=2)
    assert attention(mqtt_garden, plant) == (STATE_ON, ["soil_wet"])
    await mqtt_garden.pass_time(5 * MINUTE, step=MINUTE)
    await measure(mqtt_garden, "57", minutes=1)
    assert attention(mqtt_garden, plant) == (STATE_OFF, [])
