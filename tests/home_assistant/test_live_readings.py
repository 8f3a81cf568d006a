"""Between the intake of a probe and those who look at it."""

from datetime import timedelta

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.util import dt as dt_util
from pydantic import JsonValue
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_backend.client.requests import (
    AddTask,
    ArchiveProbe,
    CompleteTask,
    LogWatering,
    ReopenTask,
    UpdateProbe,
)
from kamerplanter_engines.models.irrigation import WateringFields
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Verdict
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


def say(garden: Garden, topic: str, payload: str) -> None:
    """Let a device speak, ten minutes after it spoke last."""
    garden.freezer.tick(600)
    async_fire_mqtt_message(garden.hass, topic, payload)


@pytest.fixture
async def tank(mqtt_garden: Garden) -> str:
    """A tank whose EC is 2.40 mS/cm."""
    key = await mqtt_garden.add_tank()
    say(mqtt_garden, "tank/ec", "2.40")
    return key


def ec(garden: Garden, tank: str) -> str:
    return garden.state("sensor", tank, "ec").state


async def correct(garden: Garden, tank: str) -> str:
    """Complete a task about the EC of a tank; return its key."""
    task = await garden.ask(AddTask(fields=TaskFields(kind=TaskKind.TANK_EC, tank_key=tank)))
    await garden.ask(CompleteTask(key=task.key))
    await garden.derive()
    return task.key


async def test_a_jump_of_nobody_is_doubted(mqtt_garden: Garden, tank: str) -> None:
    say(mqtt_garden, "tank/ec", "0.80")

    assert ec(mqtt_garden, tank) == "2.4"


async def test_the_jump_after_a_logged_correction_of_the_tank_is_believed(
    mqtt_garden: Garden, tank: str
) -> None:
    await correct(mqtt_garden, tank)
    say(mqtt_garden, "tank/ec", "0.80")
    assert ec(mqtt_garden, tank) == "0.8"

    say(mqtt_garden, "tank/ec", "2.40")  # 20 minutes after it
    assert ec(mqtt_garden, tank) == "0.8"


async def test_a_correction_that_was_taken_back_excuses_no_jump(
    mqtt_garden: Garden, tank: str
) -> None:
    task = await correct(mqtt_garden, tank)
    await mqtt_garden.ask(ReopenTask(key=task))
    await mqtt_garden.derive()

    say(mqtt_garden, "tank/ec", "0.80")

    assert ec(mqtt_garden, tank) == "2.4"


@pytest.mark.parametrize(("is_corrected", "shown"), [(True, "0.8"), (False, "2.4")])
async def test_a_correction_is_known_after_a_restart(
    mqtt_garden: Garden, tank: str, is_corrected: bool, shown: str
) -> None:
    if is_corrected:
        await correct(mqtt_garden, tank)
    await mqtt_garden.unload()
    await mqtt_garden.set_up()
    await mqtt_garden.hass.async_block_till_done(wait_background_tasks=True)

    say(mqtt_garden, "tank/ec", "0.80")

    assert ec(mqtt_garden, tank) == shown


async def test_the_jump_of_a_watered_pot_is_believed(mqtt_garden: Garden) -> None:
    plant, other = await mqtt_garden.add_plant(), await mqtt_garden.add_plant("Other")
    probe = await mqtt_garden.add_probe(plant)
    say(mqtt_garden, "bed/soil", '{"moisture": 24}')

    for key, shown in ((other, "24.0"), (plant, "88.0")):
        fields = WateringFields(at=dt_util.utcnow())
        await mqtt_garden.ask(LogWatering(plant_keys=(key,), fields=fields))
        await mqtt_garden.derive()
        say(mqtt_garden, "bed/soil", '{"moisture": 88}')
        assert mqtt_garden.state("sensor", probe, "soil_moisture").state == shown


async def test_a_message_without_news_writes_no_state(mqtt_garden: Garden) -> None:
    probe = await mqtt_garden.add_probe(await mqtt_garden.add_plant())
    say(mqtt_garden, "bed/soil", '{"moisture": 41}')
    before = mqtt_garden.state("sensor", probe, "soil_moisture").last_reported

    say(mqtt_garden, "bed/soil", '{"battery": 90}')

    assert mqtt_garden.state("sensor", probe, "soil_moisture").last_reported == before


async def test_an_entity_speaks_only_for_the_probes_that_name_it(garden: Garden) -> None:
    plant = await garden.add_plant()
    first, second = [
        await garden.add_probe(
            plant,
            name,
            channels=(ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, entity_id=entity_id),),
            availability=None,
        )
        for name, entity_id in (("First", "sensor.one"), ("Second", "sensor.two"))
    ]
    garden.freezer.tick(5)

    garden.hass.states.async_set("sensor.two", "41", {"unit_of_measurement": "%"})
    await garden.settle()

    assert garden.state("sensor", first, "soil_moisture").state == STATE_UNKNOWN
    assert garden.state("sensor", second, "soil_moisture").state == "41.0"


async def test_last_seen_is_the_newest_good_value_of_any_channel(mqtt_garden: Garden) -> None:
    probe = await mqtt_garden.add_probe(await mqtt_garden.add_plant())
    live = mqtt_garden.entry.runtime_data.live
    assert live.last_seen_at(probe) is None
    say(mqtt_garden, "bed/soil", '{"moisture": 41}')
    say(mqtt_garden, "bed/soil", '{"temperature": 21.0}')
    newest = dt_util.utcnow()

    say(mqtt_garden, "bed/soil", '{"moisture": 900}')  # no value

    assert live.last_seen_at(probe) == newest


async def test_of_a_probe_that_is_gone_nothing_is_known(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)
    live = mqtt_garden.entry.runtime_data.live
    say(mqtt_garden, "bed/soil", '{"moisture": 41}')
    assert live.quality(probe).verdict is not Verdict.BAD

    await mqtt_garden.ask(ArchiveProbe(key=probe))
    await mqtt_garden.derive()
    say(mqtt_garden, "bed/soil", '{"moisture": 42}')
    # The age of a value that nobody shows any more is not waited for.
    await mqtt_garden.pass_time(timedelta(hours=9))

    assert live.shown(probe, ChannelKind.SOIL_MOISTURE) is None
    assert not live.is_available(probe, ChannelKind.SOIL_MOISTURE)
    assert live.quality(probe) is None
    assert live.quality_summary(probe) is None
    assert live.hint(probe, ChannelKind.SOIL_MOISTURE) is None
    assert live.kinds(probe) == ()
    assert live.counts(probe) == {}
    assert live.last_seen_at(probe) is None
    assert live.pump.waiting == 0


async def test_a_channel_that_is_not_bound_any_more_shows_nothing(
    mqtt_garden: Garden, tank: str
) -> None:
    probe = mqtt_garden.subentry(tank).data["probe_key"]
    live = mqtt_garden.entry.runtime_data.live
    assert live.shown(probe, ChannelKind.EC).value == 2.4

    patch: dict[str, JsonValue] = {"channels": [{"kind": "ph", "topic": "tank/ph"}]}
    await mqtt_garden.ask(UpdateProbe(key=probe, patch=patch))
    await mqtt_garden.derive()

    assert live.shown(probe, ChannelKind.EC) is None
    assert not live.is_available(probe, ChannelKind.EC)
    assert live.is_available(probe, ChannelKind.PH)
    assert mqtt_garden.state("sensor", tank, "ph").state != STATE_UNAVAILABLE
