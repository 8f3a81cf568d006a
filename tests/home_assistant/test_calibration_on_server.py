"""A probe whose garden is on a server is calibrated here, and only while the server answers."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import ListCalibrations, ListMeasurements, RecordReadings
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.wire import TIMEOUT
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.home_assistant.calibrating import Repair, act, calibrate, issues, steady
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind
from tests.home_assistant.served import ON_SERVER, ServedGarden

pytestmark = pytest.mark.parametrize("place", [ON_SERVER], indirect=True)

EC = CalibrationFields(kind=ChannelKind.EC, points=(CalibrationPoint(raw=1.4, value=1.413),))


async def add(garden: ServedGarden) -> tuple[str, str]:
    tank = await garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    return tank, garden.snapshot.probes[0].probe.key


async def begin(garden: ServedGarden, tank: str) -> Dialog:
    dialog = await Dialog.manage(garden, garden.subentry(tank))
    await dialog.choose("calibrate")
    await dialog.fill(channel="ec")
    return await dialog.fill(method="standard")


async def test_a_calibration_that_is_due_is_repaired(mqtt_garden: ServedGarden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(timedelta(days=14, minutes=1))
    assert len(issues(mqtt_garden)) == 1
    dialog = await Repair.begin(mqtt_garden)
    await dialog.fill(channel="ec")
    await dialog.fill(method="standard")
    await steady(dialog, "1.38", topic="tank/ec")
    await dialog.fill(raw=dialog.suggested["raw"], solution=1.413)
    await dialog.choose("calibration_store", "calibration_is_back")

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    await mqtt_garden.settle()
    assert issues(mqtt_garden) == []
    known = await mqtt_garden.ask(ListCalibrations(probe_key=probe))
    assert [item.points[0].raw for item in known.calibrations] == [1.38, 1.4]


async def test_while_the_server_is_away_nothing_is_stored_and_nothing_waits(
    mqtt_garden: ServedGarden,
) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await begin(mqtt_garden, tank)
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)
    await mqtt_garden.server_goes()

    await dialog.choose("calibration_store")

    assert dialog.step == "calibration_summary"
    assert "The garden cannot answer now" in dialog.placeholders["refused"]
    assert mqtt_garden.entry.runtime_data.server.queue.state.depth == 0
    await mqtt_garden.server_returns()
    await dialog.choose("calibration_store", "calibration_is_back")
    assert dialog.result["reason"] == "calibrated"
    assert len((await mqtt_garden.ask(ListCalibrations(probe_key=probe))).calibrations) == 1


async def test_a_memory_of_the_garden_neither_asks_nor_forgets(mqtt_garden: ServedGarden) -> None:
    _, probe = await add(mqtt_garden)
    await calibrate(mqtt_garden, probe, EC)
    await mqtt_garden.pass_time(timedelta(days=14, minutes=1))
    (before,) = issues(mqtt_garden)

    await mqtt_garden.server_goes()
    await mqtt_garden.entry.runtime_data.coordinator.async_refresh()

    assert mqtt_garden.entry.runtime_data.coordinator.is_stale
    assert [issue.issue_id for issue in issues(mqtt_garden)] == [before.issue_id]


async def test_what_the_server_hears_itself_is_shown_live(garden: ServedGarden) -> None:
    tank, probe = await add(garden)
    await calibrate(garden, probe, EC)
    dialog = await begin(garden, tank)
    assert garden.freezer is not None
    garden.freezer.tick(30)
    reading = Reading(
        probe_key=probe,
        kind=ChannelKind.EC,
        at=dt_util.utcnow(),
        received_at=dt_util.utcnow(),
        value=1.5,
        raw=1.486,
        verdict=Verdict.GOOD,
    )
    await garden.ask(RecordReadings(readings=(reading,)))
    await garden.settle()

    await dialog.choose("calibration_solution")

    assert "**1.486 mS/cm**" in dialog.placeholders["live"]


async def test_while_the_server_is_away_an_action_calibrates_nothing_and_keeps_what_a_hand_measured(
    mqtt_garden: ServedGarden,
) -> None:
    tank, _ = await add(mqtt_garden)
    await mqtt_garden.server_goes()

    with pytest.raises(HomeAssistantError) as caught:
        await act(
            mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413, "raw": 1.4}
        )
    queued = await act(mqtt_garden, "log_measurement", tank, kind="ec", value=2.1)
    await mqtt_garden.server_returns()

    assert caught.value.translation_key == "unavailable"
    assert queued == {"queued": True}
    (kept,) = await mqtt_garden.ask(ListMeasurements(tank_key=tank))
    assert kept.value == 2.1
    assert (await act(mqtt_garden, "list_calibrations", tank))["calibrations"] == []


async def test_an_answer_that_is_lost_stores_once_and_says_that_nobody_knows(
    mqtt_garden: ServedGarden, monkeypatch: pytest.MonkeyPatch
) -> None:
    tank, probe = await add(mqtt_garden)
    dialog = await begin(mqtt_garden, tank)
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)
    ask = RestClient.call

    async def answers_too_late(client: RestClient, request: Any, caller: Any = None) -> Any:
        await ask(client, request, caller)
        raise UnavailableError("too late", reason=TIMEOUT)

    with monkeypatch.context() as patch:
        patch.setattr(RestClient, "call", answers_too_late)
        await dialog.choose("calibration_store")

    assert dialog.step == "calibration_summary"
    assert "not known yet whether the calibration was stored" in dialog.placeholders["refused"]
    assert "calibration_cancel" not in dialog.options  # it says that nothing changes
    known = await mqtt_garden.ask(ListCalibrations(probe_key=probe))
    (stored,) = known.calibrations

    await mqtt_garden.server_goes()
    await dialog.choose("calibration_store")
    assert "not known yet" in dialog.placeholders["refused"]
    await mqtt_garden.server_returns()
    await dialog.choose("calibration_store", "calibration_is_back")

    assert dialog.result["reason"] == "calibrated"
    again = await mqtt_garden.ask(ListCalibrations(probe_key=probe))
    assert again.calibrations == (stored,)


async def test_who_leaves_without_an_answer_is_not_told_that_nothing_was_stored(
    mqtt_garden: ServedGarden,
) -> None:
    tank, _ = await add(mqtt_garden)
    dialog = await begin(mqtt_garden, tank)
    await dialog.choose("calibration_reading")
    await dialog.fill(raw=1.4, solution=1.413)
    await mqtt_garden.server_goes()
    await dialog.choose("calibration_store", "calibration_leave")

    assert dialog.result["reason"] == "calibration_unsure"
