"""The store knows of a calibration that is open in Home Assistant, here and on a server."""

from datetime import datetime, timedelta

import pytest
from homeassistant.util import dt as dt_util

from custom_components.kamerplanter.telemetry.calibrating import solution_times
from kamerplanter_backend.client.requests import ReportSolution
from kamerplanter_backend.common.exceptions import NotFoundError, UnavailableError
from kamerplanter_backend.telemetry.calibration.calibrating import RETURNS
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.solution_hold import SolutionHoldFields
from tests.home_assistant.garden import Garden
from tests.home_assistant.quality import told
from tests.home_assistant.served import BOTH_PLACES
from tests.home_assistant.test_calibrating import (
    TREMBLING,
    add,
    at_the_way_back,
    dialog_of,
    hear,
    readings,
    shows_the_tank,
)

pytestmark = BOTH_PLACES


async def holds(garden: Garden) -> list[tuple[datetime, datetime]]:
    """Return since when and until when the store holds the only probe."""
    snapshot = await garden.entry.runtime_data.client.snapshot()
    return sorted((item.since, item.until) for item in snapshot.probes[0].solution_holds)


def forget(garden: Garden, probe: str) -> None:
    """Let Home Assistant forget what only its memory holds, as a restart does."""
    for held in list(garden.hass.data.values()):
        if isinstance(held, dict) and probe in held:
            known = getattr(held[probe], "times", None)
            if known is solution_times(garden.hass, probe):
                del held[probe]
                return
    raise AssertionError("nothing is known")


async def test_the_store_knows_from_the_first_solution_to_the_way_back(
    mqtt_garden: Garden,
) -> None:
    tank, _ = await add(mqtt_garden)
    begun = dt_util.utcnow()
    dialog = await dialog_of(mqtt_garden, tank)
    await mqtt_garden.settle()
    assert await holds(mqtt_garden) == [(begun, begun + timedelta(minutes=75))]

    await mqtt_garden.pass_time(timedelta(minutes=5))
    mqtt_garden.hass.config_entries.subentries.async_abort(dialog.result["flow_id"])
    await mqtt_garden.settle()
    assert await holds(mqtt_garden) == [(begun, dt_util.utcnow() + RETURNS)]

    again = dt_util.utcnow()
    dialog = await at_the_way_back(mqtt_garden, tank)
    await mqtt_garden.pass_time(timedelta(seconds=30))
    await dialog.choose("calibration_is_back")
    await mqtt_garden.settle()
    now = dt_util.utcnow()
    assert await holds(mqtt_garden) == [(begun, now), (again, now)]


async def test_a_sign_is_told_only_when_it_has_to(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    tank, _ = await add(mqtt_garden)
    client = mqtt_garden.entry.runtime_data.client
    call, told_at = client.call, list[datetime]()

    async def count(request: object, caller: object = None) -> object:
        if isinstance(request, ReportSolution):
            told_at.append(dt_util.utcnow())
        return await call(request, caller)

    monkeypatch.setattr(client, "call", count)
    begun = dt_util.utcnow()
    dialog = await dialog_of(mqtt_garden, tank)
    for _ in range(30):
        await mqtt_garden.pass_time(timedelta(minutes=1))
        await dialog.choose("calibration_solution")

    assert told_at == [begun, begun + timedelta(minutes=16)]


async def test_after_a_restart_it_goes_on_until_somebody_says_that_the_probe_is_back(
    mqtt_garden: Garden,
) -> None:
    tank, probe = await add(mqtt_garden)
    await dialog_of(mqtt_garden, tank)
    await mqtt_garden.settle()
    await mqtt_garden.unload()
    forget(mqtt_garden, probe)
    await mqtt_garden.set_up()

    await hear(mqtt_garden, *TREMBLING)
    shows_the_tank(mqtt_garden, tank)

    dialog = await at_the_way_back(mqtt_garden, tank)
    await dialog.choose("calibration_is_back")
    await hear(mqtt_garden, "5.9")
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"
    assert all(until <= dt_util.utcnow() for _, until in await holds(mqtt_garden))


async def test_after_a_restart_it_ends_by_itself(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    await dialog_of(mqtt_garden, tank)
    await mqtt_garden.settle()
    await mqtt_garden.unload()
    forget(mqtt_garden, probe)
    await mqtt_garden.set_up()

    await mqtt_garden.pass_time(timedelta(minutes=74))
    await hear(mqtt_garden, "6.02", "6.01")
    found = {item.value: item.verdict for item in await readings(mqtt_garden, probe)}
    assert (found[6.02], found[6.01]) == ("suspect", "good")


async def test_what_another_client_says_counts_here(mqtt_garden: Garden) -> None:
    tank, probe = await add(mqtt_garden)
    now = dt_util.utcnow()
    hold = SolutionHoldFields(
        probe_key=probe, dialog="elsewhere:1", since=now, until=now + timedelta(minutes=4)
    )
    await mqtt_garden.ask(ReportSolution(hold=hold))
    await mqtt_garden.derive()

    await hear(mqtt_garden, "4.2", times=2)
    shows_the_tank(mqtt_garden, tank)
    await mqtt_garden.pass_time(timedelta(minutes=2))
    await hear(mqtt_garden, "6.01")
    assert told(mqtt_garden, tank).verdicts["ph"] == "good"


@pytest.mark.parametrize(
    ("refusal", "is_told_later"),
    [
        (UnavailableError("Away.", reason="unreachable"), True),
        (NotFoundError("No such request.", kind="requests", key="x"), False),
    ],
)
async def test_where_the_store_does_not_take_it_it_goes_on_here(
    mqtt_garden: Garden,
    monkeypatch: pytest.MonkeyPatch,
    refusal: KamerplanterError,
    is_told_later: bool,
) -> None:
    tank, _ = await add(mqtt_garden)
    client = mqtt_garden.entry.runtime_data.client
    call = client.call

    async def refuse(request: object, caller: object = None) -> object:
        if isinstance(request, ReportSolution):
            raise refusal
        return await call(request, caller)

    with monkeypatch.context() as patched:
        patched.setattr(client, "call", refuse)
        dialog = await dialog_of(mqtt_garden, tank)
        await hear(mqtt_garden, *TREMBLING)
    shows_the_tank(mqtt_garden, tank)
    assert await holds(mqtt_garden) == []

    await dialog.choose("calibration_solution")
    await mqtt_garden.settle()

    # An older server is asked again when there is something new to say.
    assert bool(await holds(mqtt_garden)) == is_told_later
