"""What happens beside a calibration: the garden is reloaded, the channel changed, two people."""

import asyncio
from typing import Any

import pytest
from homeassistant.const import STATE_UNKNOWN
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from custom_components.kamerplanter.errors import translation_of
from kamerplanter_backend.client.requests import ListCalibrations, UpdateProbe
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.telemetry.calibration.calibrating import RETURNS
from kamerplanter_engines.models.calibration import Calibration, CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.calibrating import Repair, act, calibrate, issues
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.garden import Garden

TOPIC = "tank/ec"
WAITING = frozenset({"calibration_steady", "progress"})
"""What the step that waits is called, in the dialogs and in the repair."""
TURNS = 100
"""What is told goes on within fewer turns of the loop."""
EC = CalibrationFields(kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.4, value=1.413),))


async def add(garden: Garden) -> tuple[str, str]:
    """Add a tank with a probe; return their keys."""
    tank = await garden.add_tank(channels=[bind("ec", topic=TOPIC)])
    return tank, garden.snapshot.probes[0].probe.key


async def rebind(garden: Garden, probe: str, **binding: Any) -> None:
    channels: Any = [{"kind": "ec", "topic": TOPIC, **binding}]
    await garden.ask(UpdateProbe(key=probe, patch={"channels": channels}))
    await garden.derive()


async def at_first_solution(garden: Garden, tank: str) -> Dialog:
    """Walk to where the probe is to be put into the only solution."""
    dialog = await Dialog.manage(garden, garden.subentry(tank))
    await dialog.choose("calibrate")
    await dialog.fill(channel="ec")
    return await dialog.fill(method="standard")


async def at_summary(garden: Garden, tank: str, raw: float) -> Dialog:
    """Walk to where the result is to be stored."""
    dialog = await at_first_solution(garden, tank)
    await dialog.choose("calibration_reading")
    return await dialog.fill(raw=raw, solution=1.413)


async def stored(garden: Garden, probe: str) -> tuple[Calibration, ...]:
    return (await garden.ask(ListCalibrations(probe_key=probe))).calibrations


async def interrupted(dialog: Dialog, *, is_loaded_again: bool) -> None:
    """Unload the garden while a dialog waits, and follow it when it goes on by itself."""
    await dialog.choose("calibration_steady")
    assert dialog.result["type"] is FlowResultType.SHOW_PROGRESS
    await dialog.garden.unload()
    if is_loaded_again:
        await dialog.garden.set_up()
    # No clock moves here: what waits for five minutes waits for ever.
    for _ in range(TURNS):
        if dialog.flows.async_get(dialog.result["flow_id"])["step_id"] not in WAITING:
            break
        await dialog.garden.settle()
    else:
        dialog.flows.async_abort(dialog.result["flow_id"])
        pytest.fail("it still waits")
    await dialog.wait()
    assert dialog.result["reason"] == "calibration_interrupted"


@pytest.mark.parametrize("is_loaded_again", [False, True])
async def test_a_reload_ends_a_dialog_that_waits_at_once_and_says_so(
    mqtt_garden: Garden, *, is_loaded_again: bool
) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await at_first_solution(mqtt_garden, tank)

    await interrupted(dialog, is_loaded_again=is_loaded_again)

    if not is_loaded_again:
        await mqtt_garden.set_up()
    assert await stored(mqtt_garden, probe) == ()


async def test_a_repair_that_is_interrupted_is_there_again(mqtt_garden: Garden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await rebind(mqtt_garden, probe, unit="µS/cm")
    dialog = await Repair.begin(mqtt_garden)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")

    await interrupted(dialog, is_loaded_again=True)

    assert len(issues(mqtt_garden)) == 1
    assert len(await stored(mqtt_garden, probe)) == 1


async def test_an_action_that_waits_for_a_reading_ends_with_the_garden(
    mqtt_garden: Garden,
) -> None:
    tank, _ = await add(mqtt_garden)
    call = asyncio.create_task(
        act(mqtt_garden, "calibrate", tank, kind="ec", points=[{"reference": 1.413}])
    )
    taps = mqtt_garden.entry.runtime_data.live.taps
    for _ in range(TURNS):
        if len(taps):
            break
        await asyncio.sleep(0)
    assert len(taps) == 1

    await mqtt_garden.unload()

    for _ in range(TURNS):
        if call.done():
            break
        await asyncio.sleep(0)
    assert call.done() or not call.cancel()
    with pytest.raises(HomeAssistantError, match="being closed") as ended:
        call.result()
    assert ended.value.translation_key == translation_of(UnavailableError("", reason=""))[0]


async def test_what_was_measured_in_another_unit_is_not_stored(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await at_summary(mqtt_garden, tank, 1.4)

    await rebind(mqtt_garden, probe, factor=1.1)
    await dialog.choose("calibration_store")

    assert dialog.result["reason"] == "calibration_outdated"
    assert await stored(mqtt_garden, probe) == ()


async def test_a_renamed_topic_meanwhile_changes_nothing(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await at_summary(mqtt_garden, tank, 1.4)

    await rebind(mqtt_garden, probe, topic="tank/renamed")
    await dialog.choose("calibration_store", "calibration_is_back")

    assert dialog.result["reason"] == "calibrated"
    assert len(await stored(mqtt_garden, probe)) == 1


async def test_what_the_device_before_an_exchange_showed_is_not_stored(
    mqtt_garden: Garden,
) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await at_summary(mqtt_garden, tank, 1.4)

    mqtt_garden.freezer.tick(60)
    await act(mqtt_garden, "replace_probe", tank)
    await dialog.choose("calibration_store")

    assert dialog.result["reason"] == "calibration_outdated"
    assert await stored(mqtt_garden, probe) == ()


async def test_what_was_kept_of_the_device_before_an_exchange_is_not_gone_on_with(
    mqtt_garden: Garden,
) -> None:
    tank, _ = await add(mqtt_garden)
    dialog = await at_summary(mqtt_garden, tank, 1.4)
    dialog.flows.async_abort(dialog.result["flow_id"])

    mqtt_garden.freezer.tick(60)
    await act(mqtt_garden, "replace_probe", tank)
    again = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await again.choose("calibrate")
    await again.fill(channel="ec")

    assert again.step == "calibration_method"


async def test_an_exchange_of_before_that_is_told_meanwhile_changes_nothing(
    mqtt_garden: Garden,
) -> None:
    tank, probe = await add(mqtt_garden)
    exchanged_at = dt_util.now()
    mqtt_garden.freezer.tick(600)
    dialog = await at_summary(mqtt_garden, tank, 1.4)

    await act(mqtt_garden, "replace_probe", tank, at=exchanged_at.isoformat())
    await dialog.choose("calibration_store", "calibration_is_back")

    assert dialog.result["reason"] == "calibrated"
    assert len(await stored(mqtt_garden, probe)) == 1


async def test_a_channel_that_is_removed_meanwhile_is_said(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=TOPIC), bind("ph", topic=TOPIC)])
    probe = mqtt_garden.snapshot.probes[0].probe.key
    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.choose("calibrate")

    await rebind(mqtt_garden, probe)
    await dialog.fill(channel="ph")

    assert dialog.result["reason"] == "calibration_outdated"


async def test_nobody_is_led_on_whose_channel_was_changed(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic=TOPIC)])
    probe = mqtt_garden.snapshot.probes[0].probe.key
    dialog = await Dialog.manage(mqtt_garden, mqtt_garden.subentry(tank))
    await dialog.choose("calibrate")
    await dialog.fill(channel="ec")
    await dialog.fill(method="dry_standard")
    await dialog.choose("calibration_reading")

    await rebind(mqtt_garden, probe, unit="µS/cm")
    await dialog.fill(raw=0, solution=0)

    assert dialog.result["reason"] == "calibration_outdated"


async def test_of_two_people_the_later_one_counts_and_both_are_on_record(
    mqtt_garden: Garden,
) -> None:
    tank, probe = await add(mqtt_garden)
    first = await at_summary(mqtt_garden, tank, 1.4)
    second = await at_summary(mqtt_garden, tank, 1.3)
    assert await stored(mqtt_garden, probe) == ()

    await second.choose("calibration_store", "calibration_is_back")
    mqtt_garden.freezer.tick(60)
    await first.choose("calibration_store", "calibration_is_back")
    await mqtt_garden.derive()

    assert [item.points[0].raw for item in await stored(mqtt_garden, probe)] == [1.4, 1.3]
    say(mqtt_garden, "1.4", topic=TOPIC)
    await mqtt_garden.settle()
    assert float(mqtt_garden.state("sensor", tank, "ec").state) == pytest.approx(1.413)
    assert len(mqtt_garden.entry.runtime_data.live.taps) == 0


async def test_a_restart_in_the_middle_leaves_nothing_behind(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await at_summary(mqtt_garden, tank, 1.4)

    mqtt_garden.hass.config_entries.subentries.async_abort(dialog.result["flow_id"])
    assert len(mqtt_garden.entry.runtime_data.live.taps) == 0
    await mqtt_garden.unload()
    await mqtt_garden.set_up()

    assert await stored(mqtt_garden, probe) == ()
    # Loaded anew it still leaves the time to put the probe back.
    say(mqtt_garden, "1.4", topic=TOPIC)
    await mqtt_garden.settle()
    assert mqtt_garden.state("sensor", tank, "ec").state == STATE_UNKNOWN
    await mqtt_garden.pass_time(RETURNS)
    say(mqtt_garden, "1.4", topic=TOPIC)
    await mqtt_garden.settle()
    assert mqtt_garden.state("sensor", tank, "ec").state == "1.4"
