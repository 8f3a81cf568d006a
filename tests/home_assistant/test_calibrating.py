"""While a probe lies in the solutions of a calibration, they never become what is in the tank."""

from datetime import timedelta

import pytest
from homeassistant.const import STATE_ON
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import ListReadings
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.home_assistant.calibrating import Repair, act, calibrate
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.garden import Garden
from tests.home_assistant.quality import told
from tests.home_assistant.served import BOTH_PLACES
from tests.home_assistant.test_action_measurements import tapped

pytestmark = BOTH_PLACES

TREMBLING = ("4.18", "4.2", "4.17", "4.19", "4.16", "4.18", "4.2")
EVERY = timedelta(seconds=60)
"""Longer than any hold time in all."""
PH = CalibrationFields(
    kind=ChannelKind.PH,
    points=(CalibrationPoint(raw=7.0, value=7.0), CalibrationPoint(raw=4.01, value=4.01)),
)


async def add(garden: Garden) -> tuple[str, str]:
    """Add a tank at pH 6 and 20 °C with a combined probe; return their keys."""
    tank = await garden.add_tank(
        ph_low=5.5,
        ph_high=6.5,
        channels=[bind("ph", "ph"), bind("water_temperature", "t"), bind("battery", "b")],
    )
    await hear(garden, "6.0", times=2)
    return tank, garden.snapshot.probes[0].probe.key


async def hear(garden: Garden, *numbers: str, times: int = 1, celsius: str = "20.0") -> None:
    """Let the probe report once a minute."""
    for number in numbers * times:
        say(garden, f'{{"ph": {number}, "t": {celsius}, "b": 80}}')
        await garden.pass_time(EVERY, step=EVERY / 3)


async def in_buffer(dialog: Dialog) -> Dialog:
    """Walk to where the probe is to be put into the first buffer."""
    await dialog.fill(channel="ph")
    return await dialog.fill(method="ph_7_4", scale="value")


async def dialog_of(garden: Garden, tank: str) -> Dialog:
    dialog = await Dialog.manage(garden, garden.subentry(tank))
    return await in_buffer(await dialog.choose("calibrate"))


def shows_the_tank(garden: Garden, tank: str, ph: str = "6.0") -> None:
    """Look at all that a buffer must not change."""
    assert garden.state("sensor", tank, "ph").state == ph
    assert garden.state("sensor", tank, "water_temperature").state == "20.0"
    assert garden.state("binary_sensor", tank, "ph_problem").state != STATE_ON
    assert garden.snapshot.tasks == ()


async def readings(garden: Garden, probe: str) -> list[Reading]:
    now = dt_util.utcnow()
    found: tuple[Reading, ...] = await garden.ask(
        ListReadings(
            probe_key=probe, kind=ChannelKind.PH, from_at=now - timedelta(hours=1), until_at=now
        )
    )
    return list(found)


async def test_a_buffer_is_not_the_tank(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await dialog_of(mqtt_garden, tank)

    await hear(mqtt_garden, *TREMBLING, celsius="25.0")

    shows_the_tank(mqtt_garden, tank)
    quality = told(mqtt_garden, tank)
    assert quality.verdicts == {"ph": "suspect", "water_temperature": "suspect", "battery": "good"}
    assert quality.reasons["ph"][0] == quality.reasons["water_temperature"][0] == "calibrating"
    # The dialog goes by what is in the bottle all the same.
    await dialog.choose("calibration_reading")
    assert dialog.suggested["raw"] == pytest.approx(4.2, abs=0.05)
    assert dialog.suggested["temperature"] == 25.0

    mqtt_garden.hass.config_entries.subentries.async_abort(dialog.result["flow_id"])
    await hear(mqtt_garden, "4.2", times=4)
    shows_the_tank(mqtt_garden, tank)
    # Nobody says that the probe is back: after five minutes it is taken to be.
    await mqtt_garden.pass_time(timedelta(minutes=1, seconds=1))
    await hear(mqtt_garden, "6.03")
    shows_the_tank(mqtt_garden, tank, "6.03")
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"
    good = [item.value for item in await readings(mqtt_garden, probe) if item.verdict == "good"]
    assert good == [6.0, 6.0, 6.03]


async def test_what_was_measured_in_it_is_stored_as_doubtful(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    await dialog_of(mqtt_garden, tank)
    await hear(mqtt_garden, *TREMBLING)

    found = [item for item in await readings(mqtt_garden, probe) if item.value < 5]

    assert sorted(item.value for item in found) == sorted(map(float, TREMBLING))
    assert {item.verdict for item in found} == {Verdict.SUSPECT}
    assert all("calibrating" in item.reasons for item in found)


async def test_a_restart_heals_no_buffer(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden)
    await dialog_of(mqtt_garden, tank)
    await hear(mqtt_garden, *TREMBLING)

    await mqtt_garden.unload()
    await mqtt_garden.set_up()
    shows_the_tank(mqtt_garden, tank)
    # An entry that is loaded anew knows that the dialog is still open.
    await hear(mqtt_garden, *TREMBLING)
    shows_the_tank(mqtt_garden, tank)

    await mqtt_garden.pass_time(timedelta(minutes=61))
    await hear(mqtt_garden, "6.02")
    shows_the_tank(mqtt_garden, tank, "6.02")


async def at_the_way_back(garden: Garden, tank: str) -> Dialog:
    """Calibrate until the probe is to be put back; it showed 6.9 and 3.9 in 7.0 and 4.01."""
    dialog = await dialog_of(garden, tank)
    for raw, buffer in ((6.9, 7.0), (3.9, 4.01)):
        await hear(garden, str(raw))
        await dialog.choose("calibration_reading")
        await dialog.fill(raw=raw, solution=buffer, temperature=25)
    return await dialog.choose("calibration_store")


async def test_after_storing_the_tank_counts_when_the_probe_is_back(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden)
    dialog = await at_the_way_back(mqtt_garden, tank)
    assert dialog.step == "calibration_back"
    assert "hang it back into **Tank A**" in dialog.placeholders["way_back"]

    # Corrected it is 4.1, and as far from the tank as ever.
    await hear(mqtt_garden, "3.9", times=6)
    shows_the_tank(mqtt_garden, tank)
    assert told(mqtt_garden, tank).reasons["ph"][0] == "calibrating"

    await dialog.choose("calibration_is_back")
    assert dialog.result["reason"] == "calibrated"
    await hear(mqtt_garden, "5.9")
    # A pH of 5.9 is one third of the way from 6.9 to 3.9: 7.0 - 2.99 / 3 = 6.003.
    assert float(mqtt_garden.state("sensor", tank, "ph").state) == pytest.approx(6.003, abs=0.01)
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"


async def test_closed_after_storing_it_holds_until_five_minutes_later(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden)
    dialog = await at_the_way_back(mqtt_garden, tank)
    mqtt_garden.hass.config_entries.subentries.async_abort(dialog.result["flow_id"])

    await hear(mqtt_garden, "3.9", times=4)
    shows_the_tank(mqtt_garden, tank)

    await mqtt_garden.pass_time(timedelta(minutes=1, seconds=1))
    await hear(mqtt_garden, "5.9")
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"


async def test_opened_again_and_finished_it_is_over(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden)
    first = await at_the_way_back(mqtt_garden, tank)
    mqtt_garden.hass.config_entries.subentries.async_abort(first.result["flow_id"])
    again = await at_the_way_back(mqtt_garden, tank)

    await again.choose("calibration_is_back")
    await hear(mqtt_garden, "5.9")

    assert told(mqtt_garden, tank).verdicts["ph"] == "good"


async def test_a_reload_keeps_the_way_back(mqtt_garden: Garden) -> None:
    tank, _ = await add(mqtt_garden)
    dialog = await at_the_way_back(mqtt_garden, tank)
    await mqtt_garden.unload()
    await mqtt_garden.set_up()
    await hear(mqtt_garden, "3.9", times=2)
    shows_the_tank(mqtt_garden, tank)

    await dialog.choose("calibration_is_back")
    await hear(mqtt_garden, "5.9")

    assert dialog.result["reason"] == "calibrated"
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"


async def test_after_an_action_has_measured_there_is_time_to_put_the_probe_back(
    mqtt_garden: Garden,
) -> None:
    tank, _ = await add(mqtt_garden)
    call = mqtt_garden.hass.async_create_task(
        act(mqtt_garden, "calibrate", tank, kind="ph", points={"reference": 7.0})
    )
    await tapped(mqtt_garden)
    mqtt_garden.freezer.tick(1)
    say(mqtt_garden, '{"ph": 7.1, "t": 25, "b": 80}')
    # One buffer makes no calibration of pH, but the probe lies in it all the same.
    with pytest.raises(ServiceValidationError):
        await call

    await hear(mqtt_garden, "7.1", times=4)
    shows_the_tank(mqtt_garden, tank)
    await mqtt_garden.pass_time(timedelta(minutes=1, seconds=1))
    await hear(mqtt_garden, "6.1")
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"


async def test_a_guided_repair_rests_the_tank_too(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, PH)
    await mqtt_garden.pass_time(timedelta(days=14, minutes=1))
    await hear(mqtt_garden, "6.1", celsius="20.3")
    await hear(mqtt_garden, "6.0")
    dialog = await in_buffer(await Repair.begin(mqtt_garden))
    await dialog.choose("calibration_steady")
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS

    await hear(mqtt_garden, *TREMBLING)

    shows_the_tank(mqtt_garden, tank)
    mqtt_garden.hass.data["repairs"]["flow_manager"].async_abort(dialog.result["flow_id"])
    await mqtt_garden.pass_time(timedelta(minutes=5, seconds=1))
    await hear(mqtt_garden, "6.02")
    shows_the_tank(mqtt_garden, tank, "6.02")
