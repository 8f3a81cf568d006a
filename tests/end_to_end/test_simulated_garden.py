"""The garden of the demo behaves as a garden does."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import pytest

from demo.broker import Broker, BrokerKind
from demo.devices import TASMOTA, ZIGBEE2MQTT, soil_probe, tank_controller
from demo.garden_physics import DAY_S, Garden, Soil, Tank
from demo.ports import free_port
from demo.probe_faults import Fault, Sensor
from demo.simulator import CommandError, Simulator
from tests.backend.telemetry.brokers import program

MEASURED_AT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
PLAIN_TOPICS = {
    "hydro-tank/telemetry": {
        "ec": "hydro-tank/sensor/tank_ec/state",
        "ph": "hydro-tank/sensor/tank_ph/state",
        "temp": "hydro-tank/sensor/tank_temp/state",
        "level": "hydro-tank/sensor/tank_level/state",
    },
    "hydro-tent/telemetry": {
        "temperature": "hydro-tent/sensor/tent_temperature/state",
        "humidity": "hydro-tent/sensor/tent_humidity/state",
        "ppfd": "hydro-tent/sensor/tent_ppfd/state",
    },
    "zigbee2mqtt/bed1": {
        "soil_moisture": "zigbee2mqtt/bed1/soil_moisture",
        "temperature": "zigbee2mqtt/bed1/temperature",
        "ec": "zigbee2mqtt/bed1/ec",
    },
    "tele/pot2/SENSOR": {
        "Moisture": "stat/pot2/Flora/Moisture",
        "Temperature": "stat/pot2/Flora/Temperature",
        "Fertility": "stat/pot2/Flora/Fertility",
    },
}
"""Topic of a JSON message: its values, each with the topic of the same as a plain number."""
STATUS_TOPICS = {
    "hydro-tank/status",
    "hydro-tent/status",
    "zigbee2mqtt/bed1/availability",
    "tele/pot2/LWT",
}
LISTEN_SECONDS = 10
MOSQUITTO = pytest.mark.mosquitto


def garden() -> Garden:
    return Garden(pots={"basil": Soil()})


def test_in_a_day_the_tank_loses_water_and_gains_ec_and_ph() -> None:
    here = garden()
    here.advance(DAY_S)
    # 51 L less 3 L; salts 1.8 * (51 - 0.6 * 3) / 48, to the square of the small steps.
    assert here.tank.volume_l == pytest.approx(48.0, abs=0.05)
    assert here.tank.ec_ms_cm == pytest.approx(1.8 * (51 - 1.8) / 48, abs=0.01)
    # A tenth of the way from 5.9 to 7.8.
    assert here.tank.ph == pytest.approx(5.9 + 1.9 * (1 - math.exp(-0.1)), abs=0.01)


def test_water_leaves_at_noon_and_not_at_midnight() -> None:
    def lost(from_s: float) -> float:
        here = Garden(at_s=from_s)
        before = here.tank.volume_l
        here.advance(3600)
        return before - here.tank.volume_l

    assert lost(12 * 3600) > 20 * lost(0)


def test_an_empty_tank_gives_nothing() -> None:
    here = Garden(tank=Tank(volume_l=1.5))
    here.advance(5 * DAY_S)
    assert here.tank.volume_l == pytest.approx(1.0, abs=0.01)
    assert math.isfinite(here.tank.ec_ms_cm)


def test_a_dose_of_acid_acts_late_and_not_at_once() -> None:
    here = Garden(tank=Tank(volume_l=60, ph=6.5))
    here.tank.dose_ph(here.at_s, -5)
    here.advance(50)
    assert here.tank.ph == pytest.approx(6.5, abs=0.01)
    here.advance(240)
    assert 6.25 < here.tank.ph < 6.45
    # 5 mL at 0.06 per mL.
    here.advance(1800)
    assert here.tank.ph == pytest.approx(6.2, abs=0.01)


def test_half_a_tank_needs_half_the_dose() -> None:
    here = Garden(tank=Tank(volume_l=30, ec_ms_cm=1.0))
    here.tank.dose_feed(here.at_s, 10)
    here.advance(3600)
    assert here.tank.ec_ms_cm == pytest.approx(1.0 + 10 * 0.012 * 2, abs=0.02)


def test_tap_water_dilutes_and_does_not_overflow() -> None:
    tank = Tank(volume_l=50, ec_ms_cm=2.0, ph=5.8)
    tank.top_up(10)
    assert tank.volume_l == 60
    assert tank.ec_ms_cm == pytest.approx((2.0 * 50 + 0.35 * 10) / 60)
    assert 5.8 < tank.ph < 6.0
    tank.top_up(10)
    assert tank.volume_l == 60


def test_soil_dries_towards_wilting_and_its_ec_rises() -> None:
    here = garden()
    pot = here.pots["basil"]
    ec_before = pot.ec_ms_cm
    here.advance(DAY_S)
    # 42 % less a share of 0.16 (mean of the day) of what is above 8 %.
    assert pot.moisture_pct == pytest.approx(8 + 34 * math.exp(-0.16), abs=0.3)
    assert pot.ec_ms_cm > ec_before
    here.advance(60 * DAY_S)
    assert pot.moisture_pct == pytest.approx(8, abs=0.1)


def test_watering_raises_the_moisture_within_minutes_up_to_saturation() -> None:
    here = garden()
    pot = here.pots["basil"]
    pot.water(here.at_s, 600)
    here.advance(30)
    assert 42 < pot.moisture_pct < 44
    here.advance(1500)
    assert pot.moisture_pct == pytest.approx(52, abs=0.4)
    pot.water(here.at_s, 3000)
    here.advance(3600)
    assert pot.moisture_pct == pytest.approx(60, abs=0.6)


def test_one_long_step_equals_many_short_ones() -> None:
    long, short = garden(), garden()
    long.advance(7200)
    for _ in range(120):
        short.advance(60)
    assert long.tank.ph == pytest.approx(short.tank.ph)
    assert long.pots["basil"].moisture_pct == pytest.approx(short.pots["basil"].moisture_pct)


def test_a_probe_can_die_drift_and_stick() -> None:
    sensor = Sensor(noise=0.01, digits=2, drift_per_d=0.5, dead_value=-127.0)
    first = sensor.read(6.0, 0)
    assert first == pytest.approx(6.0, abs=0.05)
    sensor.set_fault(Fault.STUCK, 0)
    assert {sensor.read(value, 60) for value in (5.0, 6.5, 7.0)} == {first}
    sensor.set_fault(Fault.DRIFT, 0)
    assert sensor.read(6.0, 2 * DAY_S) == pytest.approx(7.0, abs=0.05)
    sensor.set_fault(Fault.DEAD, 0)
    assert sensor.read(6.0, 0) == -127.0
    sensor.set_fault(Fault.NONE, 0)
    assert sensor.read(6.0, 0) == pytest.approx(6.0, abs=0.05)


def test_a_probe_in_a_bottle_shows_what_the_bottle_has_until_it_is_put_back() -> None:
    sensor = Sensor(noise=0.01, digits=3, drift_per_d=0.5)
    sensor.bottle = 7.06
    assert sensor.read(5.9, 0) == pytest.approx(7.06, abs=0.015)
    sensor.bottle = None
    assert sensor.read(5.9, 0) == pytest.approx(5.9, abs=0.05)


def test_a_dead_ph_probe_is_a_bare_nan_beside_good_neighbours() -> None:
    device = tank_controller()
    device.sensors["ph"].set_fault(Fault.DEAD, 0)
    whole, *plain = device.messages(device.measure(garden()), MEASURED_AT)
    assert '"ph": NaN' in whole.payload
    assert json.loads(whole.payload)["ec"] == pytest.approx(1.8, abs=0.05)
    assert {message.topic: message.payload for message in plain}[
        "hydro-tank/sensor/tank_ph/state"
    ] == "nan"


def test_devices_send_the_shapes_of_real_ones() -> None:
    here = Garden(pots={"basil": Soil(), "tomato": Soil()})
    zigbee = soil_probe("bed1", ZIGBEE2MQTT, "basil", moisture_digits=1)
    whole, *plain = zigbee.messages(zigbee.measure(here), MEASURED_AT)
    body = json.loads(whole.payload)
    assert whole.topic == "zigbee2mqtt/bed1"
    assert body["soil_moisture"] == pytest.approx(42, abs=1)
    assert body["last_seen"] == "2026-05-04T08:00:00.000+00:00"
    assert len(plain) == 3
    tasmota = soil_probe("pot2", TASMOTA, "tomato", moisture_digits=0)
    whole, *plain = tasmota.messages(tasmota.measure(here), MEASURED_AT)
    body = json.loads(whole.payload)
    assert whole.topic == "tele/pot2/SENSOR"
    assert "+" not in body["Time"]
    # 26 mS/cm % / 42 % in µS/cm.
    assert body["Flora"]["Fertility"] == pytest.approx(619, abs=20)
    assert len(plain) == 3


@pytest.fixture(params=[BrokerKind.AMQTT, pytest.param(BrokerKind.MOSQUITTO, marks=MOSQUITTO)])
async def broker(
    request: pytest.FixtureRequest, tmp_path: Path, socket_enabled: None
) -> AsyncGenerator[Broker]:
    if request.param is BrokerKind.MOSQUITTO:
        program("mosquitto")
    broker = Broker(request.param, free_port(), tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


async def heard(broker: Broker, topics: set[str], simulator: Simulator | None) -> dict[str, str]:
    """Listen until each of these topics was heard, or in vain; returns what was first on each."""
    first: dict[str, str] = {}
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(LISTEN_SECONDS),
            aiomqtt.Client("127.0.0.1", broker.port) as client,
        ):
            await client.subscribe("#")
            if simulator is not None:
                await simulator.start()
            async for message in client.messages:
                first.setdefault(str(message.topic), bytes(message.payload).decode())
                if topics <= first.keys():
                    break
    return first


@pytest.mark.e2e
async def test_a_real_broker_carries_json_of_each_device_and_a_plain_number_of_each_value(
    broker: Broker,
) -> None:
    plain = {topic for of_device in PLAIN_TOPICS.values() for topic in of_device.values()}
    simulator = Simulator(broker.port)
    try:
        first = await heard(broker, {*PLAIN_TOPICS, *plain, *STATUS_TOPICS}, simulator)
    finally:
        await simulator.stop()
    assert first.keys() == {*PLAIN_TOPICS, *plain, *STATUS_TOPICS}
    for whole, of_device in PLAIN_TOPICS.items():
        body = json.loads(first[whole])
        for value, topic in of_device.items():
            assert float(first[topic]) == body.get("Flora", body)[value]

    # ESPHome alone has its numbers kept; each device has said that it went.
    boards = ("hydro-tank/telemetry", "hydro-tent/telemetry")
    kept = {topic for board in boards for topic in PLAIN_TOPICS[board].values()} | STATUS_TOPICS
    late = await heard(broker, kept, None)
    assert late.keys() == kept
    assert {late[topic] for topic in STATUS_TOPICS} == {
        "offline",
        '{"state":"offline"}',
        "Offline",
    }


@pytest.mark.parametrize(
    "command",
    [{"dose_everything": 5}, {"pot": "cactus", "water_ml": 5}, {"dose_feed_ml": None}, {}],
)
async def test_a_command_that_makes_no_sense_is_refused(command: dict[str, object]) -> None:
    with pytest.raises(CommandError):
        Simulator(1).command(command)


async def test_commands_reach_the_garden() -> None:
    simulator = Simulator(1)
    simulator.command({"device": "bed1", "sensor": "ec", "fault": "dead"})
    simulator.command({"pot": "basil", "drying_factor": 30})
    simulator.command({"top_up_l": 9})
    simulator.command({"device": "tank", "sensor": "ph", "bottle": 7.06})
    assert simulator.devices["bed1"].measure(simulator.garden)["ec"] == 0.0
    assert simulator.garden.pots["basil"].drying_factor == 30
    assert simulator.garden.tank.volume_l == pytest.approx(60, abs=0.01)
    tank = simulator.devices["tank"]
    assert tank.measure(simulator.garden)["ph"] == pytest.approx(7.06, abs=0.02)
    simulator.command({"device": "tank", "sensor": "ph", "bottle": None})
    # Tap water has made of the 5.9 some more, but far less than the bottle has.
    assert tank.measure(simulator.garden)["ph"] < 6.2
