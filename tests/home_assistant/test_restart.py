"""After a restart everything is there, old values say so, and nobody is alarmed."""

from datetime import timedelta

from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_backend.client.requests import AddTask, LogTreatment
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.task import TaskFields
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


async def restart(garden: Garden, *, away: timedelta = timedelta(minutes=2)) -> None:
    await garden.unload()
    garden.freezer.tick(away)
    await garden.set_up()


async def test_tasks_and_karenz_are_there_after_a_restart(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    await mqtt_garden.ask(AddTask(fields=TaskFields(title="Clean the pump")))
    await mqtt_garden.ask(
        LogTreatment(
            plant_keys=(plant,),
            fields=ApplicationFields(
                product="Neem", interval_d=7, at=mqtt_garden.snapshot.taken_at
            ),
        )
    )

    await restart(mqtt_garden)

    assert mqtt_garden.state("binary_sensor", plant, "karenz_active").state == "on"
    titles = {task.title for task in mqtt_garden.snapshot.tasks}
    assert "Clean the pump" in titles


async def test_f49_the_last_value_is_shown_with_its_age_until_it_is_too_old(
    mqtt_garden: Garden,
) -> None:
    # 34 % would be too dry, if it were believed to be so now.
    plant = await mqtt_garden.add_plant(soil_moisture_low_pct=40)
    probe = await mqtt_garden.add_probe(plant)
    async_fire_mqtt_message(mqtt_garden.hass, "bed/soil", '{"moisture": 34}')
    measured_at = mqtt_garden.state("sensor", probe, "soil_moisture").attributes["measured_at"]
    await mqtt_garden.derive()
    await mqtt_garden.jump_to(measured_at + timedelta(minutes=20))

    await restart(mqtt_garden, away=timedelta())

    restarted_at = measured_at + timedelta(minutes=20)
    assert dt_util.utcnow() == restarted_at
    for minute in range(0, 31, 2):
        await mqtt_garden.jump_to(restarted_at + timedelta(minutes=minute))
        state = mqtt_garden.state("sensor", probe, "soil_moisture")
        assert state.state == "34.0"
        assert state.attributes["measured_at"] == measured_at
        assert state.attributes["restored"] is True
        quality = mqtt_garden.state("sensor", probe, "measurement_quality")
        assert (quality.state, quality.attributes["worst_reasons"]) == ("stale", ["restored"])
        assert mqtt_garden.state("binary_sensor", plant, "needs_attention").state != "on"
        assert mqtt_garden.state("binary_sensor", "hub", "problem").state != "on"
    assert [task for task in mqtt_garden.snapshot.tasks if task.rule == "soil_moisture_low"] == []

    # By the age of the reading 8 h are over then, and not by the time since the restart.
    await mqtt_garden.jump_to(restarted_at + timedelta(hours=7, minutes=35))
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == "34.0"
    await mqtt_garden.jump_to(restarted_at + timedelta(hours=7, minutes=41))
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == STATE_UNKNOWN


async def test_f23_a_replay_does_not_make_an_old_value_younger(mqtt_garden: Garden) -> None:
    probe = await mqtt_garden.add_probe(await mqtt_garden.add_plant())
    payload = '{"moisture": 38, "temperature": 21.0}'
    async_fire_mqtt_message(mqtt_garden.hass, "bed/soil", payload)
    measured_at = dt_util.utcnow()
    await mqtt_garden.derive()
    await restart(mqtt_garden, away=timedelta(hours=5))

    for _ in range(2):
        async_fire_mqtt_message(mqtt_garden.hass, "bed/soil", payload, retain=True)
        state = mqtt_garden.state("sensor", probe, "soil_moisture")
        assert (state.state, state.attributes["measured_at"]) == ("38.0", measured_at)
        quality = mqtt_garden.state("sensor", probe, "measurement_quality")
        assert quality.attributes["soil_moisture"] == "stale"
        await mqtt_garden.pass_time(timedelta(hours=1))

    await mqtt_garden.jump_to(measured_at + timedelta(hours=8, seconds=1))
    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == STATE_UNKNOWN


async def test_a_fresh_value_takes_the_place_of_a_restored_one(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.80")
    await mqtt_garden.derive()
    await restart(mqtt_garden)

    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.82")

    state = mqtt_garden.state("sensor", tank, "ec")
    assert state.state == "1.82"
    assert "restored" not in state.attributes


async def test_nothing_alarms_in_the_first_ten_minutes(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(ph_low=5.5, ph_high=6.5)
    plant = await mqtt_garden.add_plant()
    await mqtt_garden.add_probe(plant)
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ph", "7.9")
    async_fire_mqtt_message(mqtt_garden.hass, "bed/soil", '{"moisture": 3}')
    await mqtt_garden.derive()
    await restart(mqtt_garden)

    for _ in range(10):
        await mqtt_garden.pass_time(timedelta(minutes=1))
        assert mqtt_garden.state("binary_sensor", tank, "ph_problem").state != "on"
        assert mqtt_garden.state("binary_sensor", plant, "needs_attention").state != "on"

    assert [task for task in mqtt_garden.snapshot.tasks if task.rule == "tank_ph"] == []


async def test_f53_the_side_of_the_band_is_remembered(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(ec_low_ms_cm=1.0, ec_high_ms_cm=2.0)
    for _ in range(20):
        async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "2.1")
        await mqtt_garden.derive()
        await mqtt_garden.pass_time(timedelta(minutes=1))
    assert mqtt_garden.state("binary_sensor", tank, "ec_problem").state == "on"
    await restart(mqtt_garden)
    # From 2.1 to 1.95 takes the water longer than a minute, or the value is doubted.
    await mqtt_garden.pass_time(timedelta(minutes=5))

    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.95")
    await mqtt_garden.derive()

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.95"
    state = mqtt_garden.state("binary_sensor", tank, "ec_problem")
    assert (state.state, state.attributes["reasons"]) == ("on", ["high"])


async def test_f51_a_replay_after_the_restart_is_no_new_report(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")
    await mqtt_garden.derive()
    await restart(mqtt_garden, away=timedelta(hours=5))

    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85", retain=True)

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.85"
    await mqtt_garden.pass_time(timedelta(hours=1))
    assert mqtt_garden.state("sensor", tank, "ec").state == STATE_UNKNOWN


async def test_an_orderly_stop_costs_no_reading(hass: HomeAssistant, mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    async_fire_mqtt_message(mqtt_garden.hass, "tank/ec", "1.85")

    await restart(mqtt_garden)

    assert mqtt_garden.state("sensor", tank, "ec").state == "1.85"
