"""A calibration that is due is told, leads through itself, and is forgotten when it is done."""

from datetime import timedelta
from typing import Any

from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.requests import (
    ArchiveProbe,
    LogMeasurement,
    ReplaceProbe,
    UpdateProbe,
    WithdrawCalibration,
)
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.calibrating import ISSUE, Repair, calibrate, issues, steady
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden

EC = CalibrationFields(kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.4, value=1.413),))
PH = CalibrationFields(
    kind=ChannelKind.PH,
    points=(CalibrationPoint(raw=7.1, value=7.0), CalibrationPoint(raw=4.1, value=4.01)),
)
PAST_DUE = timedelta(days=14, minutes=1)


async def add(garden: Garden, *kinds: str) -> tuple[str, str]:
    """Add a tank with a probe; return their keys."""
    tank = await garden.add_tank(
        channels=[bind(kind, topic=f"tank/{kind}") for kind in kinds or ("ec",)]
    )
    return tank, garden.snapshot.probes[0].probe.key


async def test_nobody_is_nagged_who_never_calibrated_here(mqtt_garden: Garden) -> None:
    await add(mqtt_garden, "ec", "ph", "water_temperature")

    await mqtt_garden.pass_time(timedelta(days=40), step=timedelta(days=10))

    assert issues(mqtt_garden) == []


async def test_a_calibration_is_due_after_fourteen_days_and_ends_with_the_next(
    mqtt_garden: Garden,
) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(timedelta(days=13, hours=23))
    assert issues(mqtt_garden) == []

    await mqtt_garden.pass_time(timedelta(hours=1, minutes=1))

    (issue,) = issues(mqtt_garden)
    assert issue.is_fixable
    assert issue.severity is ir.IssueSeverity.WARNING
    assert issue.translation_placeholders == {"probe": "Tank A"}
    for texts in TEXTS.values():
        assert "Tank A" in texts["issues"][ISSUE]["title"].format(probe="Tank A")
    await calibrate(mqtt_garden, probe, EC)
    assert issues(mqtt_garden) == []


async def test_the_issue_leads_through_the_calibration(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(PAST_DUE)
    dialog = await Repair.begin(mqtt_garden)
    # Calibrated at noon of 1 May in Berlin.
    assert dialog.placeholders["statuses"] == (
        "- Nutrient concentration (EC): calibrated on 2026-05-01, due since 2026-05-15"
    )

    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await steady(dialog, "1.38", topic="tank/ec")
    assert dialog.suggested == {"raw": 1.38, "solution": 1.413}
    await dialog.fill(raw=1.38, solution=1.413)
    await dialog.choose("calibration_store")
    assert dialog.step == "calibration_back"
    await dialog.choose("calibration_is_back")

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    await mqtt_garden.derive()
    assert issues(mqtt_garden) == []
    (status,) = mqtt_garden.snapshot.probes[0].calibration_statuses
    assert status.state == "valid"


async def test_closed_after_storing_the_issue_is_gone_all_the_same(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(PAST_DUE)
    dialog = await Repair.begin(mqtt_garden)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)
    await dialog.choose("calibration_store")

    dialog.flows.async_abort(dialog.result["flow_id"])
    await mqtt_garden.derive()

    assert issues(mqtt_garden) == []


async def test_while_another_channel_is_due_the_issue_stays(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden, "ec", "ph")
    await calibrate(mqtt_garden, probe, EC)
    await calibrate(mqtt_garden, probe, PH)
    await mqtt_garden.pass_time(PAST_DUE)
    dialog = await Repair.begin(mqtt_garden)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)
    await dialog.choose("calibration_store", "calibration_is_back")
    await mqtt_garden.derive()

    (issue,) = issues(mqtt_garden)
    again = await Repair.begin(mqtt_garden, issue)
    assert "pH value: calibrated on 2026-05-01, due since" in again.placeholders["statuses"]
    assert "(EC): calibrated on 2026-05-15, due on 2026-05-29" in again.placeholders["statuses"]
    chosen = next(key for key in again.result["data_schema"].schema if str(key) == "channel")
    assert chosen.default() == "ph"


async def test_too_old_for_dosing_is_said(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(timedelta(days=28, minutes=1))

    dialog = await Repair.begin(mqtt_garden)

    assert "too old for automatic dosing" in dialog.placeholders["statuses"]


async def test_each_probe_has_its_own_days(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden)
    await mqtt_garden.ask(UpdateProbe(key=probe, patch={"calibration_due_d": 20}))
    await calibrate(mqtt_garden, probe, EC)

    await mqtt_garden.pass_time(PAST_DUE)
    assert issues(mqtt_garden) == []
    await mqtt_garden.pass_time(timedelta(days=6))

    assert len(issues(mqtt_garden)) == 1


async def test_soil_moisture_is_never_due(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(
        plant, channels=[bind("soil_moisture", topic="bed")], availability=None
    )
    points = (CalibrationPoint(raw=3000, value=0), CalibrationPoint(raw=1500, value=100))
    await calibrate(
        mqtt_garden, probe, CalibrationFields(kind=ChannelKind.SOIL_MOISTURE, points=points)
    )

    await mqtt_garden.pass_time(timedelta(days=40), step=timedelta(days=20))

    assert issues(mqtt_garden) == []


async def test_a_drift_by_hand_is_told_even_without_a_calibration(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden, "ph")
    say(mqtt_garden, "6.0", topic="tank/ph")
    await mqtt_garden.derive()
    fields = HandMeasurementFields(tank_key=tank, kind=ChannelKind.PH, value=7.0)
    await mqtt_garden.ask(LogMeasurement(fields=fields))
    await mqtt_garden.derive()
    assert issues(mqtt_garden) == []  # one alone may be a slip of the hand
    await mqtt_garden.ask(LogMeasurement(fields=fields))
    await mqtt_garden.derive()

    (issue,) = issues(mqtt_garden)
    dialog = await Repair.begin(mqtt_garden, issue)

    assert "never calibrated here" in dialog.placeholders["statuses"]
    assert "differs by 1 pH from measurements by hand" in dialog.placeholders["statuses"]


async def test_a_replaced_device_has_to_be_calibrated_if_its_forerunner_was(
    mqtt_garden: Garden,
) -> None:
    _, probe = await add(mqtt_garden, "ec", "ph")
    await mqtt_garden.ask(ReplaceProbe(probe_key=probe))
    await mqtt_garden.derive()
    assert issues(mqtt_garden) == []
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(timedelta(days=1))

    await mqtt_garden.ask(ReplaceProbe(probe_key=probe))
    await mqtt_garden.derive()

    dialog = await Repair.begin(mqtt_garden)
    assert dialog.placeholders["statuses"].splitlines() == [
        "- Nutrient concentration (EC): the device was replaced and has not been calibrated since",
        "- pH value: never calibrated here",
    ]


async def test_another_unit_is_told_and_lowers_the_quality_until_it_is_calibrated_anew(
    mqtt_garden: Garden,
) -> None:
    tank, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    channels: Any = [{"kind": "ec", "topic": "tank/ec", "unit": "µS/cm"}]

    await mqtt_garden.ask(UpdateProbe(key=probe, patch={"channels": channels}))
    await mqtt_garden.derive()
    say(mqtt_garden, "1800", topic="tank/ec")
    await mqtt_garden.settle()

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.8"
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert (quality.state, quality.attributes["ec_reasons"]) == ("suspect", ["remapped"])
    assert quality.attributes["ec_warnings"] == ["mapping_changed"]
    due = mqtt_garden.state("binary_sensor", tank, "calibration_due")
    assert (due.state, due.attributes["ec"]) == ("on", "remapped")
    dialog = await Repair.begin(mqtt_garden)
    assert "does not fit any more" in dialog.placeholders["statuses"]
    await calibrate(mqtt_garden, probe, EC)
    assert issues(mqtt_garden) == []
    assert mqtt_garden.state("sensor", tank, "measurement_quality").state == "good"


async def test_counts_without_their_withdrawn_calibration_are_told(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(
        plant, channels=[bind("soil_moisture", topic="bed")], availability=None
    )
    points = (CalibrationPoint(raw=3000, value=0), CalibrationPoint(raw=1500, value=100))
    wet_and_dry = CalibrationFields(kind=ChannelKind.SOIL_MOISTURE, points=points)
    made = await calibrate(mqtt_garden, probe, wet_and_dry)

    await mqtt_garden.ask(WithdrawCalibration(key=made.key, reason="Measured in the wrong pot"))
    await mqtt_garden.derive()

    dialog = await Repair.begin(mqtt_garden)
    assert "was withdrawn" in dialog.placeholders["statuses"]
    quality = mqtt_garden.state("sensor", probe, "measurement_quality")
    assert quality.attributes["soil_moisture_warnings"] == ["calibration_withdrawn"]
    await calibrate(mqtt_garden, probe, wet_and_dry)
    assert issues(mqtt_garden) == []


async def test_the_issue_is_there_again_after_a_restart_and_goes_with_its_probe(
    mqtt_garden: Garden,
) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(PAST_DUE)
    dialog = await Repair.begin(mqtt_garden)

    await mqtt_garden.unload()
    assert issues(mqtt_garden) == []
    await dialog.fill(channel="ec")
    assert dialog.result["reason"] == "entry_not_loaded"
    await mqtt_garden.set_up()
    assert len(issues(mqtt_garden)) == 1

    await mqtt_garden.ask(UpdateProbe(key=probe, patch={"name": "New name"}))
    await mqtt_garden.derive()
    (issue,) = issues(mqtt_garden)
    assert issue.translation_placeholders == {"probe": "New name"}
    await mqtt_garden.ask(ArchiveProbe(key=probe))
    await mqtt_garden.derive()
    assert issues(mqtt_garden) == []


async def test_what_a_person_ignores_stays_ignored(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(PAST_DUE)
    (issue,) = issues(mqtt_garden)
    ir.async_get(mqtt_garden.hass).async_ignore(DOMAIN, issue.issue_id, True)

    await mqtt_garden.pass_time(timedelta(days=1))

    (still,) = issues(mqtt_garden)
    assert still.dismissed_version is not None


async def test_a_channel_that_has_a_curve_by_now_is_nobodys_business(
    mqtt_garden: Garden,
) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(PAST_DUE)
    dialog = await Repair.begin(mqtt_garden)

    channels: Any = [{"kind": "water_temperature", "topic": "tank/t"}]
    await mqtt_garden.ask(UpdateProbe(key=probe, patch={"channels": channels}))
    await mqtt_garden.derive()

    assert issues(mqtt_garden) == []
    await dialog.fill(channel="ec")
    assert dialog.result["reason"] == "nothing_to_calibrate"
