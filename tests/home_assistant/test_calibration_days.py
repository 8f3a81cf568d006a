"""How long calibrations last is set for each probe, where the probe is changed."""

from datetime import timedelta

import pytest
from homeassistant.data_entry_flow import InvalidData

from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.calibrating import calibrate, issues
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES

EC = CalibrationFields(kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.4, value=1.413),))


async def test_the_days_of_a_probe_are_set_in_its_dialog(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    probe = mqtt_garden.snapshot.probes[0].probe
    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.choose("calibration_days")
    assert dialog.suggested == {"calibration_due_d": 14, "calibration_stop_d": 28}

    await dialog.fill(calibration_due_d=40, calibration_stop_d=30)
    assert dialog.errors == {"calibration_stop_d": "stop_before_due"}
    assert dialog.suggested == {"calibration_due_d": 40, "calibration_stop_d": 30}
    with pytest.raises(InvalidData):
        await dialog.fill(calibration_due_d=0, calibration_stop_d=30)
    with pytest.raises(InvalidData):
        await dialog.fill(calibration_due_d=40, calibration_stop_d=61)
    await dialog.fill(calibration_due_d=40, calibration_stop_d=50)

    assert dialog.result["reason"] == "calibration_days_stored"
    assert dialog.placeholders == {"due": "40", "stop": "50"}
    changed = mqtt_garden.snapshot.probes[0].probe
    assert (changed.calibration_due_d, changed.calibration_stop_d) == (40, 50)
    assert changed.channels == probe.channels
    await calibrate(mqtt_garden, probe.key, EC)
    await mqtt_garden.pass_time(timedelta(days=39))
    assert issues(mqtt_garden) == []
    await mqtt_garden.pass_time(timedelta(days=1, minutes=1))
    assert len(issues(mqtt_garden)) == 1


async def test_what_is_never_due_has_no_days(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant, channels=[bind("soil_moisture", topic="bed/soil")])

    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(probe))

    assert dialog.options == ["change", "calibrate", "replace"]
