"""A device that was away sends what it kept behind its newest value."""

import json
from datetime import timedelta

from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_backend.client.requests import ListReadings
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Verdict
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES

PH = ChannelKind.PH


async def test_a_spike_among_them_is_doubted_in_the_history_and_shown_nowhere(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(
        channels=(ChannelBinding(kind=PH, topic="pond", path="ph", time_path="at"),)
    )
    probe_key = mqtt_garden.subentry(tank).data["probe_key"]
    start = dt_util.utcnow()
    mqtt_garden.freezer.tick(timedelta(minutes=30))

    for minute, value in ((0, 6.01), (20, 6.11), (1, 9.52), (2, 6.02)):
        at = start + timedelta(minutes=minute)
        payload = json.dumps({"ph": value, "at": at.isoformat()})
        async_fire_mqtt_message(mqtt_garden.hass, "pond", payload)
        mqtt_garden.freezer.tick(timedelta(seconds=1))
        await mqtt_garden.pass_time(timedelta(seconds=1))

    assert mqtt_garden.state("sensor", tank, "ph").state == "6.11"
    stored = await mqtt_garden.ask(
        ListReadings(
            probe_key=probe_key, kind=PH, from_at=start, until_at=start + timedelta(hours=1)
        )
    )
    assert [(item.value, item.verdict, item.reasons) for item in stored] == [
        (6.01, Verdict.GOOD, ()),
        (9.52, Verdict.SUSPECT, ("rate",)),
        (6.02, Verdict.GOOD, ()),
        (6.11, Verdict.GOOD, ()),
    ]


async def test_one_that_comes_late_hides_no_end_of_a_trouble(mqtt_garden: Garden) -> None:
    await mqtt_garden.add_tank(
        channels=(ChannelBinding(kind=ChannelKind.EC, topic="pond", path="ec", time_path="at"),)
    )
    start = dt_util.utcnow()
    mqtt_garden.freezer.tick(timedelta(minutes=30))

    async def say(minute: int, value: float) -> int:
        """Send what was measured then; return how many repairs there are of units."""
        payload = json.dumps({"ec": value, "at": (start + timedelta(minutes=minute)).isoformat()})
        async_fire_mqtt_message(mqtt_garden.hass, "pond", payload)
        await mqtt_garden.pass_time(timedelta(seconds=1))
        return sum(
            issue_id.startswith("unit_mismatch_")
            for _, issue_id in ir.async_get(mqtt_garden.hass).issues
        )

    assert [await say(minute, 1413) for minute in (25, 26, 27)][-1] == 1
    assert await say(5, 1.41) == 1, "what comes late says nothing of now"
    assert await say(28, 1.41) == 0
