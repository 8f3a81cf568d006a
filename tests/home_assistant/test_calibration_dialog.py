"""A probe is put right in a dialog: what it shows is seen, waited for, judged and stored."""

from datetime import date, timedelta
from typing import Any

import pytest
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM

from custom_components.kamerplanter.texts import Texts
from kamerplanter_backend.client.requests import ArchiveProbe, ListCalibrations
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_engines.models.calibration import Calibration, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, CurvePoint
from tests.home_assistant.calibrating import send, steady
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden

PH_TOPIC, EC_TOPIC, SOIL_TOPIC = "tank/ph", "tank/ec", "bed/soil"


async def begin(garden: Garden, key: str) -> Dialog:
    """Open the dialog of a tank or probe and choose to calibrate."""
    dialog = await Dialog.manage(garden, garden.subentry(key))
    return await dialog.choose("calibrate")


async def stored(garden: Garden) -> tuple[Calibration, ...]:
    probe = garden.snapshot.probes[0].probe.key
    return (await garden.ask(ListCalibrations(probe_key=probe))).calibrations


async def test_ph_is_put_right_with_two_buffers(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "20", topic="tank/temperature")
    dialog = await begin(mqtt_garden, tank)
    assert "pH value: never calibrated here" in dialog.placeholders["statuses"]
    assert set(dialog.labels("channel")) == {"ec", "ph"}
    await dialog.fill(channel="ph")
    await dialog.fill(method="ph_7_4", scale="value")
    assert (dialog.placeholders["number"], dialog.placeholders["of"]) == ("1", "2")
    assert "**pH 7.00**" in dialog.placeholders["instruction"]
    assert dialog.placeholders["live"] == "No reading has come yet."

    await steady(dialog, "7.10", topic=PH_TOPIC)
    assert dialog.step == "calibration_reading"
    assert "**pH 7.1**" in dialog.placeholders["live"]
    assert "**steady**" in dialog.placeholders["live"]
    assert dialog.suggested == {"raw": 7.1, "solution": 7.0, "temperature": 20.0}
    await dialog.fill(raw=7.1, solution=7.0, temperature=20)
    assert "**pH 4.01**" in dialog.placeholders["instruction"]
    await steady(dialog, "4.15", topic=PH_TOPIC)
    assert dialog.suggested["raw"] == pytest.approx(4.15)
    await dialog.fill(raw=4.15, solution=4.01, temperature=20)

    # At 20 °C the buffers have 7.02 and 4.00: (7.10 - 4.15) / (7.02 - 4.00) = 97.7 %, and pH 7
    # is shown as 7.10 - 0.02 * 0.9768 = 7.0805.
    assert dialog.step == "calibration_summary"
    result = dialog.placeholders["result"]
    assert "Slope: 98 % of an ideal electrode" in result
    assert "Offset at pH 7: +0.08 pH" in result
    # 3.02 / 2.95 = 1.024, and 7.02 - 7.10 * 3.02 / 2.95 = -0.2485.
    assert "Corrected value = shown value × 1.024 − 0.2485" in result
    assert await stored(mqtt_garden) == ()
    await dialog.choose("calibration_store", "calibration_is_back")

    assert dialog.result["type"] is FlowResultType.ABORT
    assert dialog.result["reason"] == "calibrated"
    (done,) = await stored(mqtt_garden)
    assert [(item.raw, item.value, item.temperature_c) for item in done.points] == [
        (7.1, 7.0, 20.0),
        (4.15, 4.01, 20.0),
    ]
    await mqtt_garden.derive()
    say(mqtt_garden, "7.1", topic=PH_TOPIC)
    await mqtt_garden.settle()
    assert float(mqtt_garden.state("sensor", tank, "ph").state) == pytest.approx(7.02, abs=0.005)
    assert len(mqtt_garden.entry.runtime_data.live.taps) == 0


async def test_the_value_is_shown_without_the_calibration_in_force(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ph")
    await dialog.fill(method="ph_7_4", scale="value")
    for raw, solution in ((7.3, 7.0), (4.3, 4.01)):
        await dialog.choose("calibration_reading")
        await dialog.fill(raw=raw, solution=solution)
    assert "which is that at 25 °C" in dialog.placeholders["result"]
    await dialog.choose("calibration_store", "calibration_is_back")
    await mqtt_garden.derive()

    say(mqtt_garden, "7.3", topic=PH_TOPIC)
    await mqtt_garden.settle()
    again = await begin(mqtt_garden, tank)
    await again.fill(channel="ph")
    await again.fill(method="ph_7_4", scale="value")
    say(mqtt_garden, "7.3", topic=PH_TOPIC)
    await mqtt_garden.settle()
    await again.choose("calibration_solution")

    assert "**pH 7.3**" in again.placeholders["live"]
    assert float(mqtt_garden.state("sensor", tank, "ph").state) == pytest.approx(7.0, abs=0.005)


async def test_while_the_probe_moves_its_value_is_shown_live(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_steady")
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    assert dialog.placeholders["live"] == "No reading yet."

    await send(dialog, "0.7", topic=EC_TOPIC)
    await dialog.wait()
    assert dialog.placeholders["live"] == "**0.7 mS/cm**"
    for raw in ("0.9", "1.1", "1.3"):
        await send(dialog, raw, topic=EC_TOPIC)
        await dialog.wait()
        assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
        assert f"**{raw} mS/cm**" in dialog.placeholders["live"]
        assert "moves by" in dialog.placeholders["live"]

    await send(dialog, "1.4", topic=EC_TOPIC, times=2)
    await dialog.wait()
    assert "moves by" in dialog.placeholders["live"]
    await send(dialog, "1.4", topic=EC_TOPIC, every_s=1)
    await dialog.wait()
    assert "within 0 mS/cm; a little longer" in dialog.placeholders["live"]
    await send(dialog, "1.4", topic=EC_TOPIC, times=2)
    await dialog.wait()
    if dialog.result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        await dialog.wait()
    assert dialog.step == "calibration_reading"
    assert dialog.suggested == {"raw": 1.4, "solution": 1.413}


async def waits_in_vain(dialog: Dialog) -> None:
    """Wait for a steady value until the dialog goes on by itself."""
    await dialog.garden.pass_time(timedelta(seconds=91))
    await dialog.wait()
    if dialog.result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        await dialog.wait()
    assert dialog.step == "calibration_unsteady"


async def test_a_probe_that_says_nothing_is_entered_by_hand(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_steady")

    await waits_in_vain(dialog)
    assert dialog.options == ["calibration_steady", "calibration_reading", "calibration_solution"]
    await dialog.choose("calibration_reading")

    assert dialog.placeholders["live"] == "No reading has come yet."
    assert "raw" not in dialog.suggested
    await dialog.fill(raw=1.2, solution=1.413)
    # 1.413 / 1.2 = 1.1775 without an offset, and 1.2 / 1.413 = 85 %
    assert dialog.placeholders["result"].splitlines()[0].endswith("× 1.177")
    assert "The probe shows 85 % of the true conductivity" in dialog.placeholders["result"]


async def test_of_a_probe_that_trembles_the_mean_can_be_taken(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_steady")
    for raw in ("2.0", "1.0", "1.6", "1.1", "1.7", "1.2", "1.5"):
        await send(dialog, raw, topic=EC_TOPIC, every_s=11)
    await dialog.wait()
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    await dialog.garden.pass_time(timedelta(seconds=8))
    await dialog.wait()
    if dialog.result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        await dialog.wait()

    assert dialog.step == "calibration_unsteady"
    # 1.2 and 1.5 came within the last half minute.
    assert "the mean is **1.35 mS/cm**" in dialog.placeholders["mean"]
    assert "tremble by 0.3 mS/cm" in dialog.placeholders["mean"]
    await dialog.choose("calibration_steady")
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    await waits_in_vain(dialog)
    # Of nothing newer the last number counts.
    assert "the mean is **1.5 mS/cm**" in dialog.placeholders["mean"]
    await dialog.choose("calibration_mean")
    assert dialog.suggested == {"raw": 1.5, "solution": 1.413}
    await dialog.fill(raw=1.35, solution=1.413)
    assert dialog.step == "calibration_summary"


async def test_what_was_measured_is_kept_for_an_hour(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    flows = mqtt_garden.hass.config_entries.subentries

    async def first_buffer(dialog: Dialog) -> None:
        await dialog.fill(method="ph_7_4", scale="value")
        await dialog.choose("calibration_reading")
        await dialog.fill(raw=7.1, solution=7.0)
        assert dialog.placeholders["number"] == "2"

    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ph")
    await first_buffer(dialog)
    flows.async_abort(dialog.result["flow_id"])

    await mqtt_garden.unload()
    await mqtt_garden.set_up()
    await mqtt_garden.pass_time(timedelta(minutes=50))
    again = await begin(mqtt_garden, tank)
    await again.fill(channel="ph")
    assert again.step == "calibration_resume"
    assert (again.placeholders["done"], again.placeholders["of"]) == ("1", "2")
    await again.choose("calibration_go_on")
    assert again.placeholders["number"] == "2"
    await again.choose("calibration_reading")
    await again.fill(raw=4.1, solution=4.01)
    await again.choose("calibration_store", "calibration_is_back")
    assert [item.raw for item in (await stored(mqtt_garden))[0].points] == [7.1, 4.1]

    # What was stored is over, and so is what was begun anew or lies too long ago.
    third = await begin(mqtt_garden, tank)
    await third.fill(channel="ph")
    await first_buffer(third)
    flows.async_abort(third.result["flow_id"])
    fourth = await begin(mqtt_garden, tank)
    await fourth.fill(channel="ph")
    await fourth.choose("calibration_again")
    assert fourth.step == "calibration_method"
    await first_buffer(fourth)
    flows.async_abort(fourth.result["flow_id"])
    await mqtt_garden.pass_time(timedelta(minutes=61))
    last = await begin(mqtt_garden, tank)
    await last.fill(channel="ph")
    assert last.step == "calibration_method"


async def test_buffers_that_were_mixed_up_lead_back_to_their_point(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ph")
    await dialog.fill(method="ph_7_4_10", scale="value")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=7.05, solution=7.0)
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=10.0, solution=4.01)

    assert dialog.step == "calibration_solution"
    assert dialog.placeholders["number"] == "2"
    assert "the solutions were mixed up" in dialog.placeholders["refused"]
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=4.08, solution=4.01)
    assert (dialog.placeholders["number"], dialog.placeholders["refused"]) == ("3", "")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=9.0, solution=10.01)
    # (9.0 - 7.05) / 3.01 = 65 %
    assert dialog.placeholders["number"] == "3"
    assert "The slope is 65 % of an ideal electrode" in dialog.placeholders["refused"]
    assert "80 – 105 %" in dialog.placeholders["refused"]
    assert await stored(mqtt_garden) == ()


@pytest.mark.parametrize(
    ("raw", "solution", "field"), [(20.0, 7.0, "raw"), (7.0, 70.0, "solution")]
)
async def test_an_impossible_number_is_refused_at_its_field(
    mqtt_garden: Garden, raw: float, solution: float, field: str
) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ph")
    await dialog.fill(method="ph_7_4", scale="value")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=raw, solution=solution)

    assert dialog.step == "calibration_reading"
    assert dialog.errors == {field: "calibration_refused"}
    assert "is not possible" in dialog.placeholders["refused"]
    assert dialog.suggested == {"raw": raw, "solution": solution}


async def test_a_probe_in_millivolts_is_recognised(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ph")
    say(mqtt_garden, "-8.9", topic=PH_TOPIC)
    await mqtt_garden.settle()
    dialog = await begin(mqtt_garden, tank)
    say(mqtt_garden, "170", topic=PH_TOPIC)
    await dialog.fill(channel="ph")
    await dialog.fill(method="ph_7_4", scale="millivolt")
    for raw, solution in ((0.0, 7.0), (170.0, 4.01)):
        await dialog.choose("calibration_reading")
        await dialog.fill(raw=raw, solution=solution, temperature=25)
    # 170 mV over 2.99 pH are 56.9 mV per pH; an ideal electrode has 59.16: 96 %.
    assert "Slope: -56.9 mV per pH" in dialog.placeholders["result"]
    assert "Slope: 96 % of an ideal electrode" in dialog.placeholders["result"]
    await dialog.choose("calibration_store", "calibration_is_back")
    await mqtt_garden.derive()

    (done,) = await stored(mqtt_garden)
    assert done.scale is RawScale.MILLIVOLT
    again = await begin(mqtt_garden, tank)
    await again.fill(channel="ph")
    scale = next(key for key in again.result["data_schema"].schema if str(key) == "scale")
    assert scale.default() == "millivolt"


async def test_dry_and_wet_soil_need_no_temperature(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(
        plant, channels=[bind("soil_moisture", topic=SOIL_TOPIC)], availability=None
    )
    dialog = await begin(mqtt_garden, probe)
    await dialog.fill(channel="soil_moisture")
    assert "**dry**" in dialog.placeholders["instruction"]
    await dialog.choose("calibration_reading")
    assert dialog.fields == ["raw", "solution"]
    await dialog.fill(raw=12, solution=0)
    assert "**soaked**" in dialog.placeholders["instruction"]
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=12.1, solution=100)
    assert "dry and wet nearly alike" in dialog.placeholders["refused"]
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=62, solution=100)
    # 100 / (62 - 12) = 2 and -24
    assert "× 2 − 24" in dialog.placeholders["result"]
    await dialog.choose("calibration_store")
    assert "back into the pot" in dialog.placeholders["way_back"]
    await dialog.choose("calibration_is_back")
    await mqtt_garden.derive()
    say(mqtt_garden, "37", topic=SOIL_TOPIC)
    await mqtt_garden.settle()

    assert float(mqtt_garden.state("sensor", probe, "soil_moisture").state) == 50.0


async def test_a_sensor_of_home_assistant_is_calibrated_too(garden: Garden) -> None:
    tank = await garden.add_tank(
        channels=[ChannelBinding(kind=ChannelKind.EC, entity_id="sensor.ec")]
    )
    dialog = await begin(garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="dry_standard")
    assert "**in the air**" in dialog.placeholders["instruction"]
    unit = {"unit_of_measurement": "µS/cm"}
    await dialog.choose("calibration_steady")
    for _ in range(4):
        assert garden.freezer is not None
        garden.freezer.tick(5)
        garden.hass.states.async_set("sensor.ec", "12", unit)  # a report without a change
        await garden.settle()
        garden.freezer.tick(1)
    await dialog.wait()
    if dialog.result["type"] is FlowResultType.SHOW_PROGRESS_DONE:
        await dialog.wait()
    assert dialog.suggested["raw"] == pytest.approx(0.012)
    await dialog.fill(raw=0.012, solution=0)
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.482, solution=1.413)
    # 1.413 / (1.482 - 0.012) = 0.9612
    assert "× 0.9612 − 0.01153" in dialog.placeholders["result"]


async def test_a_device_that_does_not_compensate_is_compared_at_its_temperature(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(
        channels=[
            bind("ec", topic=EC_TOPIC, compensated=False),
            bind("water_temperature", topic="tank/temperature"),
        ]
    )
    say(mqtt_garden, "20", topic="tank/temperature")
    await mqtt_garden.settle()
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await steady(dialog, "1.278", topic=EC_TOPIC)
    assert dialog.suggested == {"raw": 1.278, "solution": 1.413, "temperature": 20.0}
    with pytest.raises(InvalidData):
        await dialog.fill(raw=1.278, solution=1.413)
    await dialog.fill(raw=1.278, solution=1.413, temperature=20)

    # The standard of 1.413 has 1.278 mS/cm at 20 °C: the probe is right.
    assert dialog.placeholders["result"].splitlines() == [
        "- Corrected value = shown value × 1",
        "- The probe shows 100 % of the true conductivity",
    ]


async def test_no_other_thermometer_of_the_tank_hangs_in_the_bottle(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC, compensated=False)])
    await mqtt_garden.add_probe(
        None,
        "Thermometer",
        tank_key=tank,
        channels=[bind("water_temperature", topic="other/temperature")],
        availability=None,
    )
    say(mqtt_garden, "20", topic="other/temperature")
    await mqtt_garden.settle()
    await mqtt_garden.pass_time(timedelta(minutes=1))
    # In the tank it tells how warm it is: 1.6 / (1 - 0.02 * 5).
    say(mqtt_garden, "1.6", topic=EC_TOPIC)
    await mqtt_garden.settle()
    assert float(mqtt_garden.state("sensor", tank, "ec").state) == pytest.approx(1.7778, abs=1e-4)
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")

    await steady(dialog, "1.278", topic=EC_TOPIC)

    assert dialog.suggested == {"raw": 1.278, "solution": 1.413}
    with pytest.raises(InvalidData):
        await dialog.fill(raw=1.278, solution=1.413)
    await dialog.fill(raw=1.278, solution=1.413, temperature=20)
    assert "value × 1" in dialog.placeholders["result"]


async def test_german_numbers_and_days_are_german(mqtt_garden: Garden) -> None:
    mqtt_garden.hass.config.language = "de"
    texts = await Texts.async_load(mqtt_garden.hass)
    assert texts.number(1413.5) == "1413,5"
    assert texts.day(date(2026, 3, 9)) == "09.03.2026"
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    # With a point, a German reads a thousand.
    assert "**1,413 mS/cm**" in dialog.placeholders["instruction"]
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.57, solution=1.413)

    assert "× 0,9" in dialog.placeholders["result"]


async def test_fahrenheit_is_understood(mqtt_garden: Garden) -> None:
    mqtt_garden.hass.config.units = US_CUSTOMARY_SYSTEM
    tank = await mqtt_garden.add_tank()
    say(mqtt_garden, "20", topic="tank/temperature")
    await mqtt_garden.settle()
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_reading")
    assert dialog.suggested["temperature"] == 68.0
    await dialog.fill(raw=1.4, solution=1.413, temperature=77)
    await dialog.choose("calibration_store", "calibration_is_back")

    (done,) = await stored(mqtt_garden)
    assert done.points[0].temperature_c == pytest.approx(25)


async def test_nothing_is_stored_before_a_person_agrees(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)
    await dialog.choose("calibration_again")
    assert dialog.step == "calibration_method"
    await dialog.fill(method="standard")
    assert dialog.placeholders["number"] == "1"
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.5, solution=1.413)
    await dialog.choose("calibration_cancel")

    assert dialog.result["reason"] == "calibration_cancelled"
    assert await stored(mqtt_garden) == ()
    assert len(mqtt_garden.entry.runtime_data.live.taps) == 0


async def test_while_the_store_is_away_nothing_is_lost(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)

    async def away(_garden: object, _request: object, _caller: object) -> Any:
        raise UnavailableError("away", reason="nobody answers")

    with monkeypatch.context() as patch:
        patch.setattr(type(mqtt_garden.entry.runtime_data.garden), "call_now", away)
        await dialog.choose("calibration_store")

    assert dialog.step == "calibration_summary"
    assert "The garden cannot answer now: nobody answers" in dialog.placeholders["refused"]
    await dialog.choose("calibration_store", "calibration_is_back")
    assert dialog.result["reason"] == "calibrated"
    assert len(await stored(mqtt_garden)) == 1


async def test_what_cannot_be_calibrated_is_not_offered(mqtt_garden: Garden) -> None:
    curve = (CurvePoint(raw=3100, value=0), CurvePoint(raw=1400, value=100))
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(
        plant, channels=[bind("soil_moisture", curve=curve), bind("soil_temperature", "t")]
    )

    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(probe))

    assert dialog.options == ["change", "replace"]


async def test_a_reload_meanwhile_does_not_end_the_dialog(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await mqtt_garden.unload()
    await mqtt_garden.set_up()

    await dialog.choose("calibration_solution")
    say(mqtt_garden, "1.4", topic=EC_TOPIC)
    await mqtt_garden.settle()
    await dialog.choose("calibration_solution")

    assert "**1.4 mS/cm**" in dialog.placeholders["live"]


async def test_a_probe_that_is_gone_meanwhile_is_said(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=EC_TOPIC)])
    probe = mqtt_garden.snapshot.probes[0].probe.key
    dialog = await begin(mqtt_garden, tank)
    await mqtt_garden.ask(ArchiveProbe(key=probe))
    await mqtt_garden.derive()

    await dialog.fill(channel="ec")

    assert dialog.result["reason"] == "not_in_garden"


OTHER_NAMES = {"progress": "calibration_steady"}
"""How a step of the repair is called in the other dialogs."""


def test_the_three_dialogs_say_the_same() -> None:
    for texts in TEXTS.values():
        repair = texts["issues"]["calibration_due"]["fix_flow"]
        for kind in ("tank", "probe"):
            subentry = texts["config_subentries"][kind]
            for name, step in repair["step"].items():
                assert subentry["step"][OTHER_NAMES.get(name, name)] == step
            for name in ("calibration_steady", "listening"):
                # Without one, the front end shows the name of the integration.
                assert "{" not in subentry["step"][name]["title"]
            assert repair["progress"].items() <= subentry["progress"].items()
            assert repair["error"].items() <= subentry["error"].items()
