"""The climate of a place: what its probes measure, what follows from it, and its days."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from homeassistant.components.sensor import SensorEntity
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from custom_components.kamerplanter.flows.binding_forms import _SPELLINGS
from kamerplanter_backend.client.requests import UpdateProbe
from kamerplanter_engines.models.telemetry import Availability, ChannelBinding, ChannelKind
from kamerplanter_engines.units import PPFD_UNIT, normalise_unit
from tests.home_assistant.garden import AIR_CHANNELS, Garden
from tests.home_assistant.served import BOTH_PLACES

LEAF = ChannelBinding(kind=ChannelKind.LEAF_TEMPERATURE, topic="tent/leaf")
TEMPERATURE, HUMIDITY, LIGHT = AIR_CHANNELS
ALL = ("air_temperature", "air_humidity", "vpd", "dew_point")


def air(garden: Garden, temperature: float | None, humidity: float | None) -> None:
    told = {"temperature": temperature, "humidity": humidity}
    message = json.dumps({name: value for name, value in told.items() if value is not None})
    async_fire_mqtt_message(garden.hass, "tent/air", message)


def light(garden: Garden, ppfd: object) -> None:
    async_fire_mqtt_message(garden.hass, "tent/light", str(ppfd))


def value(garden: Garden, key: str, row: str) -> float:
    return float(garden.state("sensor", key, row).state)


def states(garden: Garden, key: str, *rows: str) -> set[str]:
    return {garden.state("sensor", key, row).state for row in rows}


# --- What follows from the air --------------------------------------------------------------


@BOTH_PLACES
async def test_vpd_and_dew_point_follow_at_once(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    assert states(mqtt_garden, tent, *ALL) == {STATE_UNKNOWN}

    air(mqtt_garden, 25, 60)

    assert value(mqtt_garden, tent, "air_temperature") == 25
    assert value(mqtt_garden, tent, "air_humidity") == 60
    # Saturated air of 25 °C holds 3.168 kPa [FAO56, annex 2, table 2.3]; 40 % of it are missing.
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(0.4 * 3.168, abs=0.001)
    # Saturated at 16.7 °C: 0.6 * 3.168 = 1.901 kPa, which the same table has between 16.5 and 17.
    assert value(mqtt_garden, tent, "dew_point") == pytest.approx(16.7, abs=0.1)
    vpd = mqtt_garden.state("sensor", tent, "vpd")
    assert vpd.attributes["unit_of_measurement"] == "kPa"
    assert vpd.attributes["device_class"] == "pressure"
    assert "restored" not in vpd.attributes

    mqtt_garden.freezer.tick(60)
    air(mqtt_garden, 25.3, 61)
    await mqtt_garden.pass_time(timedelta(seconds=1))
    assert value(mqtt_garden, tent, "vpd") < 0.4 * 3.168 + 0.001 - 0.005


@BOTH_PLACES
async def test_nothing_follows_from_half_of_the_air(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()

    air(mqtt_garden, 25, None)

    assert value(mqtt_garden, tent, "air_temperature") == 25
    assert states(mqtt_garden, tent, "vpd", "dew_point", "air_humidity") == {STATE_UNKNOWN}


async def test_what_becomes_too_old_takes_along_what_follows_from_it(
    mqtt_garden: Garden,
) -> None:
    tent = await mqtt_garden.add_location()
    air(mqtt_garden, 25, 60)
    await mqtt_garden.pass_time(timedelta(hours=1))
    air(mqtt_garden, 25.2, None)
    assert value(mqtt_garden, tent, "vpd") > 1.2

    # The humidity is shown for two hours; the temperature is younger.
    await mqtt_garden.pass_time(timedelta(hours=1, seconds=1))

    assert value(mqtt_garden, tent, "air_temperature") == 25.2
    assert states(mqtt_garden, tent, "vpd", "dew_point", "air_humidity") == {STATE_UNKNOWN}


async def test_a_value_is_as_old_as_the_older_of_those_behind_it(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    air(mqtt_garden, 25, 60)
    first = mqtt_garden.state("sensor", tent, "vpd").attributes["measured_at"]

    mqtt_garden.freezer.tick(60)
    air(mqtt_garden, 25.2, None)

    assert mqtt_garden.state("sensor", tent, "vpd").attributes["measured_at"] == first


async def test_a_refused_humidity_leaves_the_last_good_one(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    air(mqtt_garden, 25, 60)
    before = value(mqtt_garden, tent, "vpd")

    mqtt_garden.freezer.tick(60)
    air(mqtt_garden, 25, 0)

    assert value(mqtt_garden, tent, "air_humidity") == 60
    assert value(mqtt_garden, tent, "vpd") == before
    quality = mqtt_garden.state("sensor", tent, "measurement_quality")
    assert (quality.state, quality.attributes["worst"]) == ("suspect", "air_humidity")


@BOTH_PLACES
async def test_the_device_takes_all_along_when_it_goes(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    air(mqtt_garden, 25, 60)

    async_fire_mqtt_message(mqtt_garden.hass, "tent/air", "offline")

    assert states(mqtt_garden, tent, *ALL) == {STATE_UNAVAILABLE}

    mqtt_garden.freezer.tick(60)
    air(mqtt_garden, 25, 60)
    await mqtt_garden.derive()
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(1.267, abs=0.001)


async def test_many_messages_in_a_second_end_with_the_last(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    for step in range(40):
        air(mqtt_garden, 25 + step / 100, 60)

    await mqtt_garden.pass_time(timedelta(seconds=1))

    assert value(mqtt_garden, tent, "air_temperature") == 25.39
    # 3.2426 kPa at 25.39 °C: 0.6108 * exp(17.27 * 25.39 / (25.39 + 237.3)) [FAO56, eq. 11].
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(0.4 * 3.2426, abs=0.001)


@BOTH_PLACES
async def test_a_message_is_shown_once_although_it_tells_two_values(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    tent = await mqtt_garden.add_location()
    entity_id = mqtt_garden.state("sensor", tent, "vpd").entity_id
    written: list[str] = []
    write = SensorEntity._async_write_ha_state

    def count(entity: Any) -> None:
        written.append(entity.entity_id)
        write(entity)

    monkeypatch.setattr(SensorEntity, "_async_write_ha_state", count)

    air(mqtt_garden, 25, 60)

    assert written.count(entity_id) == 1


# --- The leaf -------------------------------------------------------------------------------


async def test_the_leaf_is_measured_or_assumed_by_the_light(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    await mqtt_garden.enable(tent, "leaf_vpd")
    air(mqtt_garden, 25, 60)
    # As long as the light is not known it is that of a leaf in any light, 2 K below the air.
    assert value(mqtt_garden, tent, "leaf_vpd") == pytest.approx(2.809 - 1.901, abs=0.002)

    light(mqtt_garden, 500)

    state = mqtt_garden.state("sensor", tent, "leaf_vpd")
    # 2.809 kPa at the leaf of 23 °C [FAO56, table 2.3], 1.901 in the air.
    assert float(state.state) == pytest.approx(2.809 - 1.901, abs=0.002)
    assert state.attributes["reasons"] == ["leaf_assumed"]

    light(mqtt_garden, 0)
    await mqtt_garden.pass_time(timedelta(seconds=1))
    # In the dark the leaf is as warm as the air.
    assert value(mqtt_garden, tent, "leaf_vpd") == pytest.approx(1.267, abs=0.001)


async def test_a_light_meter_that_is_silent_takes_no_value_away(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    await mqtt_garden.enable(tent, "leaf_vpd")
    light(mqtt_garden, 0)
    air(mqtt_garden, 25, 60)
    assert value(mqtt_garden, tent, "leaf_vpd") == pytest.approx(1.267, abs=0.001)

    # Some say 0 at dusk and nothing until dawn; light is shown for four hours.
    for minutes in range(5):
        await mqtt_garden.pass_time(timedelta(hours=1))
        air(mqtt_garden, 25 + minutes / 10, 60)

    state = mqtt_garden.state("sensor", tent, "leaf_vpd")
    assert mqtt_garden.state("sensor", tent, "ppfd").state == STATE_UNKNOWN
    assert float(state.state) < 1
    assert state.attributes["reasons"] == ["leaf_assumed"]


async def test_a_measured_leaf_decides_as_soon_as_it_is_heard(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location(channels=(*AIR_CHANNELS, LEAF))
    await mqtt_garden.enable(tent, "leaf_vpd")
    air(mqtt_garden, 25, 60)
    light(mqtt_garden, 500)
    assumed = mqtt_garden.state("sensor", tent, "leaf_vpd")
    assert assumed.attributes["reasons"] == ["leaf_assumed"]
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(1.267, abs=0.001)

    async_fire_mqtt_message(mqtt_garden.hass, "tent/leaf", "16")

    state = mqtt_garden.state("sensor", tent, "leaf_vpd")
    # 1.818 kPa at 16 °C, less than the air has.
    assert float(state.state) == pytest.approx(1.818 - 1.901, abs=0.002)
    assert state.attributes["reasons"] == ["condensing"]


async def test_without_light_and_leaf_the_leaf_is_assumed_from_habit(
    mqtt_garden: Garden,
) -> None:
    tent = await mqtt_garden.add_location(channels=(TEMPERATURE, HUMIDITY))
    await mqtt_garden.enable(tent, "leaf_vpd")

    air(mqtt_garden, 25, 60)

    assert value(mqtt_garden, tent, "leaf_vpd") == pytest.approx(2.809 - 1.901, abs=0.002)


# --- Restart --------------------------------------------------------------------------------


@BOTH_PLACES
async def test_after_a_restart_it_is_shown_as_from_before(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    air(mqtt_garden, 25, 60)
    light(mqtt_garden, 500)
    await mqtt_garden.derive()
    await mqtt_garden.unload()
    mqtt_garden.freezer.tick(60)

    await mqtt_garden.set_up()

    vpd = mqtt_garden.state("sensor", tent, "vpd")
    assert float(vpd.state) == pytest.approx(1.267, abs=0.001)
    assert vpd.attributes["restored"] is True
    assert mqtt_garden.state("sensor", tent, "measurement_quality").state == "stale"

    # One of the two is fresh, the other still from before.
    air(mqtt_garden, 25.1, None)
    assert mqtt_garden.state("sensor", tent, "vpd").attributes["restored"] is True
    mqtt_garden.freezer.tick(60)
    air(mqtt_garden, 25.1, 60)
    await mqtt_garden.pass_time(timedelta(seconds=1))
    assert "restored" not in mqtt_garden.state("sensor", tent, "vpd").attributes


# --- Two probes -----------------------------------------------------------------------------


SECOND = (
    ChannelBinding(kind=ChannelKind.AIR_TEMPERATURE, topic="second/temperature"),
    ChannelBinding(kind=ChannelKind.AIR_HUMIDITY, topic="second/humidity"),
    ChannelBinding(kind=ChannelKind.BATTERY, topic="second/battery", unit="%"),
)


@BOTH_PLACES
async def test_temperature_and_humidity_of_two_probes_go_together(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location(channels=(TEMPERATURE,))
    assert mqtt_garden.entity_id("sensor", tent, "vpd") is None
    mqtt_garden.freezer.tick(1)
    second = await mqtt_garden.add_probe(
        None, "Hygrometer", location_key=tent, channels=SECOND[1:], availability=None
    )
    await mqtt_garden.derive()

    air(mqtt_garden, 25, None)
    async_fire_mqtt_message(mqtt_garden.hass, "second/humidity", "60")

    assert value(mqtt_garden, tent, "vpd") == pytest.approx(1.267, abs=0.001)
    place, probe = mqtt_garden.device(tent), mqtt_garden.device(second)
    assert place is not None
    assert probe is not None
    assert probe.via_device_id == place.id
    assert mqtt_garden.entity_id("sensor", second, "vpd") is None
    assert mqtt_garden.entity_id("sensor", second, "battery")
    assert mqtt_garden.entity_id("sensor", tent, "battery") is None

    mqtt_garden.hass.config_entries.async_remove_subentry(
        mqtt_garden.entry, mqtt_garden.subentry(second).subentry_id
    )
    await mqtt_garden.settle()
    await mqtt_garden.derive()
    assert mqtt_garden.entity_id("sensor", tent, "vpd") is None
    assert value(mqtt_garden, tent, "air_temperature") == 25


async def test_the_second_probe_speaks_where_the_first_is_silent(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location(channels=(TEMPERATURE, HUMIDITY))
    mqtt_garden.freezer.tick(1)
    await mqtt_garden.add_probe(
        None,
        "Corner",
        location_key=tent,
        channels=SECOND,
        availability=Availability(topic="second/status"),
    )
    air(mqtt_garden, 25, 60)
    async_fire_mqtt_message(mqtt_garden.hass, "second/temperature", "23")
    async_fire_mqtt_message(mqtt_garden.hass, "second/humidity", "60")
    await mqtt_garden.pass_time(timedelta(seconds=1))
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(1.267, abs=0.001)

    async_fire_mqtt_message(mqtt_garden.hass, "tent/air", "offline")

    # 2.809 kPa at 23 °C.
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(0.4 * 2.809, abs=0.001)
    assert mqtt_garden.state("sensor", tent, "air_temperature").attributes["probe"] == "Corner"


async def test_two_probes_that_differ_are_doubted(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location(channels=(TEMPERATURE, HUMIDITY))
    mqtt_garden.freezer.tick(1)
    await mqtt_garden.add_probe(
        None, "Corner", location_key=tent, channels=SECOND, availability=None
    )
    air(mqtt_garden, 25, 60)
    async_fire_mqtt_message(mqtt_garden.hass, "second/temperature", "31")

    quality = mqtt_garden.state("sensor", tent, "measurement_quality")
    assert quality.state == "suspect"
    assert quality.attributes["air_temperature_reasons"] == ["probes_disagree"]


async def test_a_probe_that_is_moved_brings_no_value_along(mqtt_garden: Garden) -> None:
    shed = await mqtt_garden.add_location("Shed", channels=())
    moved = await mqtt_garden.add_probe(
        None, "Old", location_key=shed, channels=SECOND[:1], availability=None
    )
    mqtt_garden.freezer.tick(1)
    tent = await mqtt_garden.add_location(channels=(TEMPERATURE, HUMIDITY))
    async_fire_mqtt_message(mqtt_garden.hass, "second/temperature", "38")
    air(mqtt_garden, 22, 60)
    await mqtt_garden.derive()

    await mqtt_garden.pass_time(timedelta(minutes=1))
    await mqtt_garden.ask(UpdateProbe(key=moved, patch={"location_key": tent}))
    await mqtt_garden.settle()
    await mqtt_garden.derive()

    # It is the older one of the two, and would speak for the tent.
    assert value(mqtt_garden, tent, "air_temperature") == 22
    assert value(mqtt_garden, tent, "vpd") == pytest.approx(0.4 * 2.645, abs=0.001)
    quality = mqtt_garden.state("sensor", tent, "measurement_quality")
    assert "air_temperature_reasons" not in quality.attributes
    (view,) = [item for item in mqtt_garden.snapshot.locations if item.location.key == tent]
    assert all(item.agrees for item in view.agreements)

    await mqtt_garden.unload()
    await mqtt_garden.set_up()
    assert value(mqtt_garden, tent, "air_temperature") == 22

    async_fire_mqtt_message(mqtt_garden.hass, "second/temperature", "22.3")
    await mqtt_garden.pass_time(timedelta(seconds=1))
    assert value(mqtt_garden, moved, "air_temperature") == 22.3


# --- Days -----------------------------------------------------------------------------------


async def shine(garden: Garden, ppfd: float, *, minutes: int) -> None:
    """Let the light be measured each minute, as long as it says."""
    for _ in range(minutes):
        light(garden, ppfd)
        await garden.pass_time(timedelta(minutes=1))


@BOTH_PLACES
async def test_the_light_of_the_day_grows_and_begins_anew_at_midnight(
    mqtt_garden: Garden,
) -> None:
    tent = await mqtt_garden.add_location()
    # Twelve minutes before midnight in Berlin.
    await mqtt_garden.jump_to(datetime(2026, 5, 1, 21, 48, tzinfo=UTC))
    await shine(mqtt_garden, 1000, minutes=10)
    light(mqtt_garden, 1000)
    await mqtt_garden.derive()

    state = mqtt_garden.state("sensor", tent, "dli_today")
    # 1000 µmol/(m² s) for 600 s.
    assert float(state.state) == pytest.approx(0.6, abs=0.011)
    assert state.attributes["state_class"] == "total"
    assert state.attributes["last_reset"] == "2026-05-01T00:00:00+02:00"
    assert state.attributes["unit_of_measurement"] == "mol/m²"
    # Ten minutes of a day of 1440.
    assert state.attributes["coverage_pct"] == 1
    assert state.attributes["may_decide"] is False

    await mqtt_garden.jump_to(datetime(2026, 5, 1, 22, 0, tzinfo=UTC))
    await mqtt_garden.derive()

    state = mqtt_garden.state("sensor", tent, "dli_today")
    assert state.attributes["last_reset"] == "2026-05-02T00:00:00+02:00"
    assert state.state == STATE_UNKNOWN or float(state.state) < 0.1
    await shine(mqtt_garden, 500, minutes=4)
    await mqtt_garden.derive()
    assert 0 < value(mqtt_garden, tent, "dli_today") < 0.3


@pytest.mark.parametrize(
    ("before", "after", "last_reset"),
    [
        # The clock goes forward at 2 o'clock on 29 March, and back at 3 on 25 October.
        ("2026-03-29T21:59:30Z", "2026-03-29T22:00:01Z", "2026-03-30T00:00:00+02:00"),
        ("2026-03-28T22:59:30Z", "2026-03-28T23:00:01Z", "2026-03-29T00:00:00+01:00"),
        ("2026-10-24T21:59:30Z", "2026-10-24T22:00:01Z", "2026-10-25T00:00:00+02:00"),
        ("2026-10-25T22:59:30Z", "2026-10-25T23:00:01Z", "2026-10-26T00:00:00+01:00"),
    ],
)
async def test_the_day_begins_at_the_local_midnight_when_the_clock_is_changed(
    mqtt_garden: Garden, before: str, after: str, last_reset: str
) -> None:
    await mqtt_garden.jump_to(datetime.fromisoformat(before))
    tent = await mqtt_garden.add_location()
    light(mqtt_garden, 1000)
    await mqtt_garden.derive()
    earlier = mqtt_garden.state("sensor", tent, "dli_today").attributes["last_reset"]

    await mqtt_garden.jump_to(datetime.fromisoformat(after))
    await mqtt_garden.derive()

    state = mqtt_garden.state("sensor", tent, "dli_today")
    assert state.attributes["last_reset"] == last_reset
    assert datetime.fromisoformat(earlier) < datetime.fromisoformat(last_reset)


async def test_degree_days_are_those_above_the_base_of_the_place(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location(base_temperature_c=5)
    await mqtt_garden.enable(tent, "degree_days_yesterday")
    air(mqtt_garden, 15, 60)
    await mqtt_garden.pass_time(timedelta(minutes=10))
    air(mqtt_garden, 16, 60)
    await mqtt_garden.derive()
    # The day is not over, so nobody knows its highest temperature.
    assert mqtt_garden.state("sensor", tent, "degree_days_yesterday").state == STATE_UNKNOWN
    day = dt_util.now().date()

    await mqtt_garden.pass_time(timedelta(days=1))
    await mqtt_garden.derive()

    state = mqtt_garden.state("sensor", tent, "degree_days_yesterday")
    # The mean of the lowest and the highest, less the base [McMaster1997, method 1].
    assert float(state.state) == pytest.approx((15 + 16) / 2 - 5, abs=0.01)
    assert state.attributes["unit_of_measurement"] == "°C·d"
    assert state.attributes["state_class"] == "measurement"
    assert state.attributes["day"] == day.isoformat()
    assert state.attributes["may_decide"] is False
    assert "last_reset" not in state.attributes


async def test_the_light_of_the_day_outlives_a_restart(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    await shine(mqtt_garden, 1000, minutes=10)
    await mqtt_garden.derive()
    before = value(mqtt_garden, tent, "dli_today")
    await mqtt_garden.unload()

    await mqtt_garden.set_up()

    assert value(mqtt_garden, tent, "dli_today") >= before > 0.5


async def test_a_day_that_nobody_tells_of_is_unknown(mqtt_garden: Garden) -> None:
    tent = await mqtt_garden.add_location()
    light(mqtt_garden, 1000)
    await mqtt_garden.derive()
    runtime = mqtt_garden.entry.runtime_data
    (view,) = mqtt_garden.snapshot.locations
    told = mqtt_garden.snapshot.model_copy(
        update={"locations": (view.model_copy(update={"today": None}),)}
    )

    with patch.object(runtime.client, "snapshot", return_value=told):
        await runtime.coordinator.async_refresh()

    state = mqtt_garden.state("sensor", tent, "dli_today")
    assert state.state == STATE_UNKNOWN
    assert "coverage_pct" not in state.attributes
    assert "last_reset" not in state.attributes


# --- Units, entities ------------------------------------------------------------------------


async def test_in_fahrenheit_only_temperatures_change(mqtt_garden: Garden) -> None:
    mqtt_garden.hass.config.units = US_CUSTOMARY_SYSTEM
    tent = await mqtt_garden.add_location()

    air(mqtt_garden, 25, 60)
    light(mqtt_garden, 500)

    shown = {
        row: (round(value(mqtt_garden, tent, row), 2), state.attributes["unit_of_measurement"])
        for row in (*ALL, "ppfd")
        if (state := mqtt_garden.state("sensor", tent, row))
    }
    assert shown["air_temperature"] == (77, "°F")
    assert shown["air_humidity"] == (60, "%")
    assert shown["vpd"] == (1.27, "kPa")
    assert shown["dew_point"] == (pytest.approx(62.1, abs=0.2), "°F")
    assert shown["ppfd"] == (500, "μmol/(m²·s)")


@BOTH_PLACES
async def test_a_place_has_no_more_entities_than_a_person_looks_at(mqtt_garden: Garden) -> None:
    battery = ChannelBinding(kind=ChannelKind.BATTERY, topic="tent/battery", unit="%")
    tent = await mqtt_garden.add_location(channels=(*AIR_CHANNELS, LEAF, battery))
    registry = er.async_get(mqtt_garden.hass)
    rows = {
        entity.unique_id.split("_", 1)[1]: entity
        for entity in er.async_entries_for_config_entry(registry, mqtt_garden.entry.entry_id)
        if entity.unique_id.startswith(tent)
    }

    enabled = {row for row, entity in rows.items() if entity.disabled_by is None}
    assert enabled == {
        *ALL,
        "leaf_temperature",
        "ppfd",
        "dli_today",
        "measurement_quality",
        "battery",
    }
    assert {"leaf_vpd", "degree_days_yesterday", "ppfd_raw", "air_humidity_quality"} <= rows.keys()


async def test_a_place_without_a_probe_has_no_entities(garden: Garden) -> None:
    tent = await garden.add_location(channels=())

    registry = er.async_get(garden.hass)
    entities = er.async_entries_for_config_entry(registry, garden.entry.entry_id)
    assert [entity for entity in entities if entity.unique_id.startswith(tent)] == []
    assert garden.device(tent) is not None


def test_each_unit_that_is_offered_for_light_is_understood() -> None:
    units = _SPELLINGS[ChannelKind.PPFD]
    assert {normalise_unit(unit) for unit in units} == {PPFD_UNIT}
