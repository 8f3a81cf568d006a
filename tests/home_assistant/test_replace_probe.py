"""Another device behind a probe: entities, history and automations stay, calibrations do not."""

import pytest
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from kamerplanter_backend.client.requests import ListCalibrations
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.calibrating import calibrate
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.garden import Garden

EC = CalibrationFields(kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.57, value=1.413),))
"""The probe shows 10 % less after it: 1.413 / 1.57 = 0.9."""


async def add(garden: Garden) -> tuple[str, str]:
    tank = await garden.add_tank(channels=[bind("ec", topic="old/ec"), bind("ph", topic="old/ph")])
    return tank, garden.snapshot.probes[0].probe.key


def registered(garden: Garden) -> dict[str, str]:
    entities = er.async_entries_for_config_entry(er.async_get(garden.hass), garden.entry.entry_id)
    return {entity.unique_id: entity.entity_id for entity in entities}


def shown(garden: Garden, tank: str) -> float:
    return float(garden.state("sensor", tank, "ec").state)


async def measure(garden: Garden, topic: str, payload: str) -> None:
    assert garden.freezer is not None
    garden.freezer.tick(60)
    say(garden, payload, topic=topic)
    await garden.settle()


async def test_a_device_at_the_same_place_loses_only_the_calibration(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await measure(mqtt_garden, "old/ec", "2.0")
    assert shown(mqtt_garden, tank) == pytest.approx(1.8)
    before = registered(mqtt_garden)

    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    assert dialog.options == ["change", "calibrate", "calibration_days", "replace"]
    await dialog.choose("replace")
    await dialog.fill(note="  Serial 4711 ")
    await mqtt_garden.derive()

    assert dialog.result["type"] is FlowResultType.ABORT
    assert dialog.result["reason"] == "probe_replaced"
    assert registered(mqtt_garden) == before
    (swap,) = mqtt_garden.snapshot.probes[0].probe.replacements
    assert swap.note == "Serial 4711"
    await measure(mqtt_garden, "old/ec", "2.1")
    assert shown(mqtt_garden, tank) == pytest.approx(2.1)
    known = await mqtt_garden.ask(ListCalibrations(probe_key=probe))
    assert len(known.calibrations) == 1
    assert [status.state for status in known.statuses] == ["replaced", "never"]


async def test_a_device_that_sends_elsewhere_changes_both_in_one_go(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await measure(mqtt_garden, "old/ec", "2.0")
    before, revision = registered(mqtt_garden), mqtt_garden.snapshot.probes[0].probe.revision

    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.choose("replace")
    await dialog.fill(other_source=True, note="New brand")
    assert dialog.step == "reconfigure"
    await dialog.fill(name="Tank A", tank_type="nutrient", volume=60)
    await dialog.choose("value_ec", "topic")
    await dialog.fill(topic="new/ec", decimal_comma=False, more={})
    assert mqtt_garden.snapshot.probes[0].probe.revision == revision
    await dialog.choose("finish")
    await mqtt_garden.derive()

    assert dialog.result["reason"] == "reconfigure_successful"
    assert registered(mqtt_garden) == before
    view = mqtt_garden.snapshot.probes[0]
    assert view.probe.key == probe
    assert view.probe.revision == revision + 1
    assert [swap.note for swap in view.probe.replacements] == ["New brand"]
    assert [item.topic for item in view.probe.channels] == ["new/ec", "old/ph"]
    await measure(mqtt_garden, "old/ec", "9.0")
    await measure(mqtt_garden, "new/ec", "2.1")
    assert shown(mqtt_garden, tank) == pytest.approx(2.1)


async def test_the_moment_is_one_of_the_house_and_has_passed(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden)
    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.choose("replace")
    await dialog.fill(at="2026-03-29 02:30:00")  # clocks go from 2 to 3 in that night
    assert dialog.errors == {"at": "no_such_time"}
    await dialog.fill(at="2026-05-01 13:00:00")  # an hour ahead in Berlin
    assert dialog.errors == {"at": "future_time"}
    await dialog.fill(at="2026-05-01 09:30:00")
    await mqtt_garden.derive()

    (swap,) = mqtt_garden.snapshot.probes[0].probe.replacements
    assert swap.at.isoformat() == "2026-05-01T07:30:00+00:00"


async def test_a_soil_probe_is_replaced_too(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)
    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(probe))
    await dialog.choose("replace")
    await dialog.fill(other_source=True)
    await dialog.fill(name="Soil sensor", place=f"plant:{plant}")
    await dialog.choose("value_soil_moisture", "topic")
    await dialog.fill(topic="new/soil", decimal_comma=False, more={})
    await dialog.choose("finish")
    await mqtt_garden.derive()

    after = mqtt_garden.snapshot.probes[0].probe
    assert len(after.replacements) == 1
    assert after.channels[0].topic == "new/soil"
