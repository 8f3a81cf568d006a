"""What a probe says about itself and its values, on its own device or on that of its tank."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.const import STATE_UNKNOWN, UnitOfConductivity
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from pydantic import JsonValue
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_backend.client.requests import Calibrate, ReplaceProbe, UpdateProbe
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import TANK_CHANNELS, Garden
from tests.home_assistant.quality import told

DEVICE = (
    ChannelBinding(kind=ChannelKind.BATTERY, topic="tank/battery", unit="%"),
    ChannelBinding(kind=ChannelKind.SIGNAL, topic="tank/rssi"),
)
EXTRA = (
    ChannelBinding(kind=ChannelKind.DISSOLVED_OXYGEN, topic="tank/oxygen"),
    ChannelBinding(kind=ChannelKind.ORP, topic="tank/orp"),
)
ALL = (*TANK_CHANNELS, *EXTRA, *DEVICE)
ON, OFF, SHOWN, HIDDEN = (None, True), (None, False), ("diagnostic", True), ("diagnostic", False)
TANK_ROWS: dict[str, dict[str, tuple[str | None, bool]]] = {
    "sensor": {
        "ec": ON,
        "ph": ON,
        "water_temperature": ON,
        "level": ON,
        "dissolved_oxygen": ON,
        "orp": ON,
        "volume": OFF,  # the level says the same, and there would be too many
        "measurement_quality": SHOWN,
        "battery": SHOWN,
        "rssi": HIDDEN,
        "last_seen": HIDDEN,
        "reporting_interval": HIDDEN,
        "last_calibration": HIDDEN,
        "slope": HIDDEN,
        "ec_raw": HIDDEN,
        "ph_raw": HIDDEN,
        "water_temperature_raw": HIDDEN,
        "level_raw": HIDDEN,
        "dissolved_oxygen_raw": HIDDEN,
        "orp_raw": HIDDEN,
        "ec_quality": HIDDEN,
        "ph_quality": HIDDEN,
        "water_temperature_quality": HIDDEN,
        "level_quality": HIDDEN,
        "dissolved_oxygen_quality": HIDDEN,
        "orp_quality": HIDDEN,
    },
    "binary_sensor": {"calibration_due": SHOWN},
}


def entities(garden: Garden, key: str) -> dict[tuple[str, str], er.RegistryEntry]:
    """Return the entities of an object by platform and row."""
    registry = er.async_get(garden.hass)
    found = {}
    for entity in er.async_entries_for_config_entry(registry, garden.entry.entry_id):
        owner, row = entity.unique_id.split("_", 1)
        if owner == key:
            found[entity.domain, row] = entity
    return found


def say(garden: Garden, **values: Any) -> None:
    """Let the device of the tank send values on topics of their own."""
    for name, value in values.items():
        async_fire_mqtt_message(garden.hass, f"tank/{name}", str(value))


async def test_a_tank_with_all_values_has_these_rows(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=ALL)

    found = entities(mqtt_garden, tank)

    for platform, rows in TANK_ROWS.items():
        for row, (category, is_enabled) in rows.items():
            entity = found[platform, row]
            assert entity.entity_category == category, row
            assert (entity.disabled_by is None) is is_enabled, row
            assert entity.translation_key == row
    enabled = [
        entity
        for entity in found.values()
        if entity.entity_category is None and entity.disabled_by is None
    ]
    assert len(enabled) <= 12


async def test_a_probe_of_its_own_has_the_same_rows_for_what_it_measures(
    mqtt_garden: Garden,
) -> None:
    plant = await mqtt_garden.add_plant()
    channels = (ChannelBinding(kind=ChannelKind.SOIL_EC, topic="bed/ec"), *DEVICE)
    probe = await mqtt_garden.add_probe(plant, channels=channels, availability=None)

    assert set(entities(mqtt_garden, probe)) == {
        ("binary_sensor", "calibration_due"),
        *(
            ("sensor", row)
            for row in (
                "soil_ec",
                "soil_ec_raw",
                "soil_ec_quality",
                "measurement_quality",
                "battery",
                "rssi",
                "last_seen",
                "reporting_interval",
                "last_calibration",
            )
        ),
    }


async def test_what_is_not_bound_has_no_entity(mqtt_garden: Garden) -> None:
    level = (ChannelBinding(kind=ChannelKind.LEVEL, topic="tank/level"),)
    tank = await mqtt_garden.add_tank(channels=level)

    rows = {row for _, row in entities(mqtt_garden, tank)}

    assert not rows & {"battery", "rssi", "orp", "dissolved_oxygen", "ec_raw", "ec_quality"}
    assert not rows & {"calibration_due", "last_calibration", "slope"}
    assert {"level", "level_raw", "volume", "last_seen"} <= rows


async def test_classes_and_units_of_the_new_values(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=ALL)
    await mqtt_garden.enable(tank, "rssi")

    say(mqtt_garden, oxygen=7.9, orp=258, battery=64, rssi=-71)

    for row, device_class, unit, value in (
        ("dissolved_oxygen", None, "mg/L", 7.9),
        ("orp", "voltage", "mV", 258),
        ("battery", "battery", "%", 64),
        ("rssi", "signal_strength", "dBm", -71),
    ):
        state = mqtt_garden.state("sensor", tank, row)
        assert float(state.state) == value
        assert state.attributes.get("device_class") == device_class
        assert state.attributes["unit_of_measurement"] == unit
        assert state.attributes["state_class"] == "measurement"


async def test_a_low_battery_warns_and_makes_nothing_doubtful(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=(TANK_CHANNELS[3], *DEVICE))
    say(mqtt_garden, level=80, battery=20)
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert (quality.state, told(mqtt_garden, tank).warnings) == ("good", {})

    say(mqtt_garden, battery=19)

    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert (quality.state, told(mqtt_garden, tank).warnings) == (
        "good",
        {"battery": ["battery_low"]},
    )


async def test_an_old_battery_makes_no_value_of_a_probe_old(mqtt_garden: Garden) -> None:
    soil = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="tank/soil")
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant, channels=(soil, *DEVICE), availability=None)

    say(mqtt_garden, soil=41)

    quality = mqtt_garden.state("sensor", probe, "measurement_quality")
    assert quality.state == "good"
    assert quality.attributes["worst"] is None
    assert quality.attributes["battery"] == "stale"


async def test_raw_is_what_the_device_sent_and_the_value_is_what_is_right(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    probe = mqtt_garden.snapshot.probes[0].probe.key
    await mqtt_garden.enable(tank, "ph_raw", "water_temperature_raw", "slope", "last_calibration")
    points = (CalibrationPoint(raw=7.2, value=7.0), CalibrationPoint(raw=4.3, value=4.0))
    await mqtt_garden.ask(
        Calibrate(probe_key=probe, fields=CalibrationFields(kind=ChannelKind.PH, points=points))
    )
    await mqtt_garden.derive()

    say(mqtt_garden, ph=6.1, temperature=655.1)

    # Factor 3.0 / 2.9 = 1.0345, offset 7.0 - 1.0345 x 7.2 = -0.448; 6.1 becomes 5.862.
    assert float(mqtt_garden.state("sensor", tank, "ph").state) == pytest.approx(5.862, abs=1e-3)
    assert float(mqtt_garden.state("sensor", tank, "ph_raw").state) == 6.1
    assert float(mqtt_garden.state("sensor", tank, "water_temperature_raw").state) == 655.1
    assert mqtt_garden.state("sensor", tank, "water_temperature").state == STATE_UNKNOWN
    # The electrode showed 2.9 where it should have shown 3.
    assert float(mqtt_garden.state("sensor", tank, "slope").state) == pytest.approx(96.67, abs=0.01)
    assert mqtt_garden.state("sensor", tank, "last_calibration").state == (
        "2026-05-01T10:00:00+00:00"
    )
    mqtt_garden.freezer.tick(60)
    await mqtt_garden.ask(ReplaceProbe(probe_key=probe))
    await mqtt_garden.derive()
    assert mqtt_garden.state("sensor", tank, "slope").state == STATE_UNKNOWN
    assert mqtt_garden.state("sensor", tank, "last_calibration").state == STATE_UNKNOWN


async def test_raw_of_another_scale_carries_no_unit_of_the_measurement(
    mqtt_garden: Garden,
) -> None:
    plant = await mqtt_garden.add_plant()
    channels = (ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed"),)
    soil = await mqtt_garden.add_probe(plant, channels=channels)
    await mqtt_garden.enable(soil, "soil_moisture_raw")

    async_fire_mqtt_message(mqtt_garden.hass, "bed", "41")
    await mqtt_garden.settle()
    as_percent = mqtt_garden.state("sensor", soil, "soil_moisture_raw")
    points = (CalibrationPoint(raw=3100, value=0), CalibrationPoint(raw=1400, value=100))
    fields = CalibrationFields(kind=ChannelKind.SOIL_MOISTURE, points=points)
    await mqtt_garden.ask(Calibrate(probe_key=soil, fields=fields))
    await mqtt_garden.derive()
    async_fire_mqtt_message(mqtt_garden.hass, "bed", "2250")
    await mqtt_garden.settle()
    as_counts = mqtt_garden.state("sensor", soil, "soil_moisture_raw")

    assert (as_percent.state, as_percent.attributes["unit_of_measurement"]) == ("41.0", "%")
    assert as_counts.state == "2250.0"
    assert not {"unit_of_measurement", "device_class"} & as_counts.attributes.keys()
    assert float(mqtt_garden.state("sensor", soil, "soil_moisture").state) == 50


async def test_nobody_knows_whether_a_calibration_is_due_until_all_was_calibrated_once(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    probe = mqtt_garden.snapshot.probes[0].probe.key

    def due() -> tuple[str, dict[str, str]]:
        state = mqtt_garden.state("binary_sensor", tank, "calibration_due")
        return state.state, {kind: state.attributes[kind] for kind in ("ec", "ph")}

    assert due() == (STATE_UNKNOWN, {"ec": "never", "ph": "never"})
    for kind, points in (
        (ChannelKind.EC, ((1.40, 1.413),)),
        (ChannelKind.PH, ((7.0, 7.0), (4.0, 4.0))),
    ):
        fields = CalibrationFields(
            kind=kind,
            points=tuple(CalibrationPoint(raw=raw, value=value) for raw, value in points),
        )
        await mqtt_garden.ask(Calibrate(probe_key=probe, fields=fields))
    await mqtt_garden.derive()
    assert due() == ("off", {"ec": "valid", "ph": "valid"})
    assert told(mqtt_garden, tank).warnings == {}

    await mqtt_garden.pass_time(timedelta(days=14, minutes=2), step=timedelta(days=1))
    await mqtt_garden.derive()

    assert due() == ("on", {"ec": "due", "ph": "due"})
    state = mqtt_garden.state("binary_sensor", tank, "calibration_due")
    assert state.attributes["ph_due_at"].isoformat() == "2026-05-15T10:00:00+00:00"
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert quality.attributes["ec_warnings"] == ["calibration_due"]


async def test_never_calibrated_is_a_warning_and_no_verdict(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, ec=1.8, ph=6.0, temperature=20, level=80)

    quality = mqtt_garden.state("sensor", tank, "measurement_quality")

    assert quality.state == "good"
    assert quality.attributes["worst"] is None
    assert told(mqtt_garden, tank).warnings == {
        "ec": ["never_calibrated"],
        "ph": ["never_calibrated"],
    }


async def test_quality_of_each_channel_and_the_worst_one(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    await mqtt_garden.enable(tank, "ph_quality", "ec_quality")
    say(mqtt_garden, ec=1.8, ph=6.0, temperature=20, level=80)
    mqtt_garden.freezer.tick(60)

    say(mqtt_garden, ph=0)

    worst = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert (worst.state, worst.attributes["worst"]) == ("suspect", "ph")
    ph = mqtt_garden.state("sensor", tank, "ph_quality")
    assert ph.state == "suspect"
    assert "exact_zero" in ph.attributes["reasons"]
    assert mqtt_garden.state("sensor", tank, "ec_quality").state == "good"


async def test_the_reporting_interval_is_that_of_the_messages(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    await mqtt_garden.enable(tank, "reporting_interval", "last_seen")
    assert mqtt_garden.state("sensor", tank, "reporting_interval").state == STATE_UNKNOWN

    for step in range(4):
        say(mqtt_garden, ec=1.8 + step / 100, level=80)
        mqtt_garden.freezer.tick(90)

    state = mqtt_garden.state("sensor", tank, "reporting_interval")
    assert (float(state.state), state.attributes["unit_of_measurement"]) == (90, "s")
    assert mqtt_garden.state("sensor", tank, "last_seen").state == "2026-05-01T10:04:30+00:00"


async def test_rows_are_the_same_after_a_restart(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=ALL)
    before = {key: entity.entity_id for key, entity in entities(mqtt_garden, tank).items()}

    await mqtt_garden.unload()
    await mqtt_garden.set_up()

    after = {key: entity.entity_id for key, entity in entities(mqtt_garden, tank).items()}
    assert after == before
    say(mqtt_garden, battery=55)
    assert mqtt_garden.state("sensor", tank, "battery").state == "55.0"


async def test_a_battery_that_is_unbound_takes_its_entity_along(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=ALL)
    probe = mqtt_garden.snapshot.probes[0].probe
    kept: list[JsonValue] = [item.model_dump(mode="json") for item in TANK_CHANNELS]

    await mqtt_garden.ask(UpdateProbe(key=probe.key, patch={"channels": kept}))
    await mqtt_garden.derive()

    assert mqtt_garden.entity_id("sensor", tank, "battery") is None
    assert mqtt_garden.entity_id("sensor", tank, "orp_raw") is None
    assert mqtt_garden.entity_id("sensor", tank, "ec_raw") is not None


async def test_a_tank_that_gets_its_probe_later_gets_the_rows_of_the_probe(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank("Tank A", channels=())
    dialog = await Dialog.change(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.fill(name="Tank A", tank_type="nutrient", volume=60)
    await dialog.choose("value_ec", "topic")
    await dialog.fill(topic="tank/ec", unit="mS/cm")
    await dialog.choose("value_battery", "topic")
    await dialog.fill(topic="tank/battery", unit="%")
    await dialog.choose("finish")
    await mqtt_garden.derive()

    say(mqtt_garden, ec=1.8, battery=77)

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.8"
    assert mqtt_garden.state("sensor", tank, "battery").state == "77.0"
    rows = {row for _, row in entities(mqtt_garden, tank)}
    assert {"ec_raw", "ec_quality", "last_seen", "calibration_due", "reporting_interval"} <= rows


TABLE: dict[str, tuple[float | str | None, str | None, str | None, str]] = {
    # Row: what it shows, unit, device class, platform; of a soil probe by whichever source.
    "soil_ec": (1413, UnitOfConductivity.MICROSIEMENS_PER_CM, "conductivity", "sensor"),
    "soil_ec_raw": (1570, UnitOfConductivity.MICROSIEMENS_PER_CM, "conductivity", "sensor"),
    "rssi": (-71, "dBm", "signal_strength", "sensor"),
    "battery": (55, "%", "battery", "sensor"),
    "last_seen": (None, None, "timestamp", "sensor"),
    "reporting_interval": (60, "s", "duration", "sensor"),
    "measurement_quality": ("good", None, "enum", "sensor"),
    "soil_ec_quality": ("good", None, "enum", "sensor"),
    "calibration_due": ("off", None, "problem", "binary_sensor"),
}


@pytest.mark.parametrize("by", ["topic", "entity_id"])
async def test_each_row_of_a_probe_shows_what_it_should_by_mqtt_and_by_entity(
    mqtt_garden: Garden, by: str
) -> None:
    hass = mqtt_garden.hass
    units = {"soil_ec": "µS/cm", "battery": "%", "signal": "dBm"}
    places = {kind: f"bed/{kind}" if by == "topic" else f"sensor.bed_{kind}" for kind in units}
    channels = [
        ChannelBinding.model_validate(
            {"kind": kind, by: places[kind], "unit": unit if by == "topic" else None}
        )
        for kind, unit in units.items()
    ]

    def report(**values: str) -> None:
        for kind, value in values.items():
            if by == "topic":
                async_fire_mqtt_message(hass, places[kind], value)
            else:
                attributes = {"unit_of_measurement": units[kind]}
                hass.states.async_set(places[kind], value, attributes, force_update=True)

    report(soil_ec="1500", battery="55", signal="-71")
    probe = await mqtt_garden.add_probe(
        await mqtt_garden.add_plant(), channels=channels, availability=None
    )
    await mqtt_garden.enable(
        probe,
        *("soil_ec_raw", "rssi", "last_seen", "reporting_interval", "soil_ec_quality"),
    )
    point = CalibrationPoint(raw=1.57, value=1.413)
    fields = CalibrationFields(kind=ChannelKind.SOIL_EC, points=(point,))
    await mqtt_garden.ask(Calibrate(probe_key=probe, fields=fields))
    await mqtt_garden.derive()
    # Home Assistant loads the entry again by itself half a minute after entities were enabled.
    for _ in range(6):
        mqtt_garden.freezer.tick(60)
        report(soil_ec="1570", battery="55", signal="-71")
        await mqtt_garden.settle()
    await mqtt_garden.derive()

    for row, (shown, unit, device_class, platform) in TABLE.items():
        state = mqtt_garden.state(platform, probe, row)
        if isinstance(shown, str):
            assert state.state == shown, row
        elif shown is not None:
            assert float(state.state) == pytest.approx(shown, abs=0.01), row
        assert state.attributes.get("unit_of_measurement") == unit, row
        assert state.attributes.get("device_class") == device_class, row
    seen = dt_util.parse_datetime(mqtt_garden.state("sensor", probe, "last_seen").state)
    assert seen is not None
    assert abs((dt_util.utcnow() - seen).total_seconds()) <= 60
