"""Problems are on, off or not known, and say why."""

from datetime import timedelta

from homeassistant.const import MATCH_ALL, STATE_OFF, STATE_ON, STATE_UNKNOWN
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_mqtt_message,
)

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


async def measure(garden: Garden, topic: str, value: str, *, minutes: int = 1) -> None:
    """Let a device say the same once a minute."""
    for _ in range(minutes):
        async_fire_mqtt_message(garden.hass, topic, value)
        await garden.pass_time(timedelta(minutes=1), step=timedelta(seconds=20))


async def test_a_value_out_of_its_band_becomes_a_problem_and_ends(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(ph_low=5.5, ph_high=6.5)
    await measure(mqtt_garden, "tank/ph", "6.0")
    assert mqtt_garden.state("binary_sensor", tank, "ph_problem").state == STATE_OFF

    await measure(mqtt_garden, "tank/ph", "7.2", minutes=30)

    problem = mqtt_garden.state("binary_sensor", tank, "ph_problem")
    assert problem.state == STATE_ON
    assert problem.attributes["side"] == "high"
    assert "high" in problem.attributes["reasons"]
    assert problem.attributes["since"] is not None
    garden_problem = mqtt_garden.state("binary_sensor", "hub", "problem")
    assert garden_problem.state == STATE_ON
    assert garden_problem.attributes["tanks"] == ["Tank A"]
    tasks = [task for task in mqtt_garden.snapshot.tasks if task.tank_key == tank]
    assert [task.state for task in tasks] == ["open"]

    await measure(mqtt_garden, "tank/ph", "6.0", minutes=5)

    problem = mqtt_garden.state("binary_sensor", tank, "ph_problem")
    assert (problem.state, problem.attributes["reasons"]) == (STATE_OFF, [])
    tasks = [task for task in mqtt_garden.snapshot.tasks if task.tank_key == tank]
    assert [task.state for task in tasks] == ["resolved"]


async def test_each_problem_says_how_far_the_value_is_from_its_band(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(
        ec_low_ms_cm=1.4,
        ec_high_ms_cm=2.2,
        ph_low=5.5,
        ph_high=6.5,
        water_temperature_low_c=16,
        water_temperature_high_c=24,
        level_low_pct=25,
    )
    for topic, value in {"ec": "2.25", "ph": "5.8", "temperature": "26.5", "level": "20"}.items():
        async_fire_mqtt_message(mqtt_garden.hass, f"tank/{topic}", value)
    await mqtt_garden.derive()

    def numbers(row: str) -> dict[str, object]:
        known = mqtt_garden.state("binary_sensor", tank, row).attributes
        words = ("value", "low", "high", "target", "deviation")
        return {name: known[name] for name in known if name.startswith(words)}

    # 1.8 and 6.0 are the middles; temperature and level have limits only.
    assert numbers("ec_problem") == {
        "value_ms_cm": 2.25,
        "low_ms_cm": 1.4,
        "high_ms_cm": 2.2,
        "target_ms_cm": 1.8,
        "deviation_ms_cm": 0.45,
    }
    assert numbers("ph_problem") == {
        "value": 5.8,
        "low": 5.5,
        "high": 6.5,
        "target": 6.0,
        "deviation": -0.2,
    }
    assert numbers("temperature_problem") == {
        "value_c": 26.5,
        "low_c": 16.0,
        "high_c": 24.0,
        "target_c": None,
        "deviation_c": 2.5,
    }
    assert numbers("level_low") == {
        "value_pct": 20.0,
        "low_pct": 25.0,
        "high_pct": None,
        "target_pct": None,
        "deviation_pct": -5.0,
    }


async def test_a_low_level_becomes_a_problem_and_ends(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(level_low_pct=25)
    await measure(mqtt_garden, "tank/level", "60")
    assert mqtt_garden.state("binary_sensor", tank, "level_low").state == STATE_OFF

    await measure(mqtt_garden, "tank/level", "20", minutes=15)
    problem = mqtt_garden.state("binary_sensor", tank, "level_low")
    assert (problem.state, problem.attributes["side"]) == (STATE_ON, "low")

    await measure(mqtt_garden, "tank/level", "80", minutes=5)
    assert mqtt_garden.state("binary_sensor", tank, "level_low").state == STATE_OFF


async def test_a_problem_without_a_reading_is_not_known(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()

    for row in ("ec_problem", "ph_problem", "temperature_problem", "level_low"):
        problem = mqtt_garden.state("binary_sensor", tank, row)
        assert problem.state == STATE_UNKNOWN
        numbers = [name for name in problem.attributes if name.startswith(("value", "deviation"))]
        assert len(numbers) == 2
        assert {problem.attributes[name] for name in numbers} == {None}


async def test_one_noisy_reading_is_no_problem(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(ph_low=5.5, ph_high=6.5)
    await measure(mqtt_garden, "tank/ph", "6.4", minutes=2)
    await measure(mqtt_garden, "tank/ph", "6.6")
    await measure(mqtt_garden, "tank/ph", "6.4", minutes=2)

    assert mqtt_garden.state("binary_sensor", tank, "ph_problem").state == STATE_OFF


async def test_f46_a_source_that_drops_out_does_not_calm_anybody(garden: Garden) -> None:
    binding = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, entity_id="sensor.pot", hold_s=60)
    plant = await garden.add_plant(soil_moisture_low_pct=20, soil_moisture_high_pct=60)
    probe = await garden.add_probe(plant, channels=(binding,), availability=None)
    for moisture in range(10):
        garden.hass.states.async_set("sensor.pot", str(12 + moisture / 10))
        await garden.settle()
        await garden.pass_time(timedelta(minutes=1), step=timedelta(seconds=20))
    attention = garden.state("binary_sensor", plant, "needs_attention")
    assert (attention.state, attention.attributes["reasons"]) == (STATE_ON, ["soil_dry"])
    assert len(garden.snapshot.plants[0].open_task_keys) == 1
    events = async_capture_events(garden.hass, MATCH_ALL)

    garden.hass.states.async_set("sensor.pot", "unavailable")
    await garden.settle()
    await garden.derive()

    quality = garden.state("sensor", probe, "measurement_quality").state
    assert quality == "bad"
    # At once, hours later, and when the value is too old.
    for hours in range(10):
        attention = garden.state("binary_sensor", plant, "needs_attention")
        assert attention.state == STATE_ON
        reasons = ["soil_dry"] if hours < 8 else ["soil_dry", "no_data"]
        assert attention.attributes["reasons"] == reasons, hours
        assert garden.state("binary_sensor", "hub", "problem").state == STATE_ON
        assert len(garden.snapshot.plants[0].open_task_keys) == 1
        await garden.pass_time(timedelta(hours=1))
    # Nothing says that all is well again, not for a moment.
    ours = {attention.entity_id, garden.entity_id("binary_sensor", "hub", "problem")}
    written = [event.data["new_state"] for event in events if event.data.get("entity_id") in ours]
    assert {state.state for state in written} <= {STATE_ON}
    names = {str(event.event_type) for event in events}
    assert not any("kamerplanter" in name or "notification" in name for name in names)
    assert garden.hass.states.async_entity_ids("persistent_notification") == []


async def test_dry_soil_makes_one_watering_task(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant(soil_moisture_low_pct=30, soil_moisture_high_pct=70)
    await mqtt_garden.add_probe(plant)

    for minute in range(45):
        await measure(mqtt_garden, "bed/soil", f'{{"moisture": {20 - minute / 100}}}')

    tasks = [
        task
        for task in mqtt_garden.snapshot.tasks
        if task.plant_key == plant and task.kind == "watering" and task.state == "open"
    ]
    assert [task.rule for task in tasks] == ["soil_moisture_low"]


async def test_what_moves_with_each_reading_is_not_recorded_twice(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()

    moving = {
        "ec_problem": {"value_ms_cm", "deviation_ms_cm"},
        "ph_problem": {"value", "deviation"},
        "temperature_problem": {"value_c", "deviation_c"},
        "level_low": {"value_pct", "deviation_pct"},
    }
    for key, names in moving.items():
        problem = mqtt_garden.state("binary_sensor", tank, key)
        assert names <= problem.attributes.keys()
        assert problem.state_info is not None
        unrecorded = problem.state_info["unrecorded_attributes"]
        assert names <= unrecorded
        assert unrecorded.isdisjoint({"reasons", "side", "since"})
