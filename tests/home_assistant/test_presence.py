"""A device that says goodbye counts for nothing at once, on the screen as in the store."""

from datetime import datetime, timedelta

import pytest
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from custom_components.kamerplanter.telemetry.pump import RETRY_AFTER_S
from kamerplanter_backend.client.requests import ReportPresence
from kamerplanter_backend.common.exceptions import (
    NotFoundError,
    RequestTimeoutError,
    UnavailableError,
)
from kamerplanter_engines.errors import FutureTimeError, KamerplanterError
from kamerplanter_engines.models.presence import ProbePresenceFields
from kamerplanter_engines.models.tank import TankProblem
from kamerplanter_engines.models.telemetry import Availability, ChannelBinding, ChannelKind
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

PH = ChannelBinding(kind=ChannelKind.PH, topic="tank/ph")
SECOND_PH = ChannelBinding(kind=ChannelKind.PH, topic="second/ph")
STATUS = "second/status"

pytestmark = BOTH_PLACES


async def say(garden: Garden, payload: object, topic: str = "tank/ph") -> None:
    async_fire_mqtt_message(garden.hass, topic, str(payload))
    await garden.derive()


def decided_by(garden: Garden, tank: str) -> tuple[float | None, bool | None]:
    """Return which value the store goes by, and whether it is a problem."""
    view = garden.snapshot.tank(tank)
    assert view is not None
    problem = view.problem(TankProblem.PH)
    return problem.value, problem.is_on


def gone_since(garden: Garden) -> datetime | None:
    """Return since when the oldest probe is gone, as the store says."""
    return min(garden.snapshot.probes, key=lambda view: view.probe.created_at).gone_since


async def test_the_store_and_the_screen_go_by_the_same_probe(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=(PH,))
    mqtt_garden.freezer.tick(1)
    there = Availability(topic=STATUS)
    young = await mqtt_garden.add_probe(
        None, "Young", tank_key=tank, channels=(SECOND_PH,), availability=there
    )
    await say(mqtt_garden, 6.0)
    await say(mqtt_garden, 6.2, "second/ph")
    assert decided_by(mqtt_garden, tank) == (6.0, False)

    await say(mqtt_garden, "offline")

    assert mqtt_garden.state("sensor", tank, "ph").state == "6.2"
    assert decided_by(mqtt_garden, tank) == (6.2, False)
    assert gone_since(mqtt_garden) is not None

    await say(mqtt_garden, "online")

    assert mqtt_garden.state("sensor", tank, "ph").state == "6.0"
    assert decided_by(mqtt_garden, tank) == (6.0, False)
    assert gone_since(mqtt_garden) is None

    await say(mqtt_garden, "Offline", STATUS)

    assert mqtt_garden.state("sensor", young, "ph").state == STATE_UNAVAILABLE
    view = mqtt_garden.snapshot.probe(young)
    assert view is not None
    assert view.gone_since is not None


async def test_a_goodbye_ends_no_alarm_and_raises_none(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=(PH,))
    for _ in range(7):
        async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "8.5")
        await mqtt_garden.pass_time(timedelta(minutes=1))
    assert mqtt_garden.state("binary_sensor", tank, "ph_problem").state == "on"

    await say(mqtt_garden, "offline")
    await mqtt_garden.pass_time(timedelta(minutes=20))

    problem = mqtt_garden.state("binary_sensor", tank, "ph_problem")
    assert problem.state == "on"
    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE
    view = mqtt_garden.snapshot.tank(tank)
    assert view is not None
    assert view.problem(TankProblem.PH).reasons == ("high", "no_data")


async def test_after_a_restart_a_device_is_gone_until_it_is_heard(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=(PH,))
    await say(mqtt_garden, 6.0)
    await say(mqtt_garden, "offline")
    since = gone_since(mqtt_garden)
    assert since is not None

    await mqtt_garden.unload()
    await mqtt_garden.set_up()

    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE
    assert gone_since(mqtt_garden) == since
    await say(mqtt_garden, 6.1)
    assert mqtt_garden.state("sensor", tank, "ph").state == "6.1"
    assert gone_since(mqtt_garden) is None
    assert decided_by(mqtt_garden, tank) == (6.1, False)


async def test_what_somebody_else_heard_of_a_device_is_shown(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=(PH,))
    await say(mqtt_garden, 6.0)
    await mqtt_garden.pass_time(timedelta(minutes=1))
    key = mqtt_garden.snapshot.probes[0].probe.key
    said = ProbePresenceFields(probe_key=key, is_online=False, since=dt_util.utcnow())

    await mqtt_garden.ask(ReportPresence(said=(said,)))
    await mqtt_garden.derive()

    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE


@pytest.mark.parametrize(
    ("refusal", "is_told_again"),
    [
        (UnavailableError("Away.", reason="unreachable"), True),
        (RequestTimeoutError("Too slow."), True),
        (FutureTimeError("By a clock that is ahead of an older server's."), True),
        (NotFoundError("No such request.", kind="requests", key="x"), False),
    ],
)
async def test_what_could_not_be_told_is_told_when_the_store_takes_it(
    mqtt_garden: Garden,
    monkeypatch: pytest.MonkeyPatch,
    refusal: KamerplanterError,
    is_told_again: bool,
) -> None:
    tank = await mqtt_garden.add_tank(channels=(PH,))
    await say(mqtt_garden, 6.0)
    client = mqtt_garden.entry.runtime_data.client
    call, told = client.call, []

    async def refuse(request: object, caller: object = None) -> object:
        if isinstance(request, ReportPresence):
            told.append(request)
            raise refusal
        return await call(request, caller)

    with monkeypatch.context() as patched:
        patched.setattr(client, "call", refuse)
        await say(mqtt_garden, "offline")
    assert len(told) == 1
    assert gone_since(mqtt_garden) is None

    await mqtt_garden.pass_time(timedelta(seconds=RETRY_AFTER_S + 1))
    await mqtt_garden.derive()

    # A server that does not know of it is not asked again and again.
    assert (gone_since(mqtt_garden) is not None) == is_told_again
    assert mqtt_garden.state("sensor", tank, "ph").state == STATE_UNAVAILABLE
