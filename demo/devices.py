"""The simulated devices: which topics they have and how their messages look.

Each publishes one JSON message with all its values, and one plain number for each value.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from demo.garden_physics import Garden
from demo.probe_faults import Sensor


@dataclass(frozen=True, slots=True)
class Message:
    """One message that a device publishes."""

    topic: str
    payload: str
    retain: bool = False


type Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a kind of device speaks MQTT; topics hold the `{name}` of the device."""

    availability: str
    """Where it says whether it is there."""
    online: str
    """Payload that says that it is there."""
    offline: str
    """Payload of its last will."""
    whole: str
    """Topic of the message with all values."""
    body: Callable[[Values, datetime], Mapping[str, object]]
    """Makes that message of the values and the moment."""
    plain: str
    """Topic of a plain number; `{value}` is what the device calls it."""
    is_plain_kept: bool = False
    """Whether the broker keeps the plain numbers."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the device calls a value, where that is not our name for it."""


class Device:
    """A thing with sensors that speaks MQTT.

    Args:
        name: How commands call it.
        dialect: How it speaks.
        sensors: Its measuring elements by the name of what they measure.
        truth: Returns the true value for each of them.
    """

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        sensors: Mapping[str, Sensor],
        truth: Callable[[Garden], Values],
    ) -> None:
        self.name = name
        self.dialect = dialect
        self.sensors = dict(sensors)
        self._truth = truth
        for what, sensor in self.sensors.items():
            sensor.random.seed(f"{name} {what}")

    @property
    def availability_topic(self) -> str:
        """Where it says whether it is there."""
        return self.dialect.availability.format(name=self.name)

    def measure(self, garden: Garden) -> dict[str, float]:
        """Return what its sensors read now, faults and noise included."""
        truth = self._truth(garden)
        return {
            name: sensor.read(truth[name], garden.at_s) for name, sensor in self.sensors.items()
        }

    def messages(self, measured: Values, now: datetime) -> list[Message]:
        """Return what it publishes for one round of measurements."""
        speech = self.dialect
        values = {speech.names.get(what, what): value for what, value in measured.items()}
        # A missing value is printed as a bare NaN, which json.dumps does as well.
        whole = Message(speech.whole.format(name=self.name), json.dumps(speech.body(values, now)))
        plain = [
            Message(
                speech.plain.format(name=self.name, value=called),
                f"{value}",
                retain=speech.is_plain_kept,
            )
            for called, value in values.items()
        ]
        return [whole, *plain]


ESPHOME = Dialect(
    availability="hydro-{name}/status",
    online="online",
    offline="offline",
    whole="hydro-{name}/telemetry",
    body=lambda values, _now: values,
    plain="hydro-{name}/sensor/{name}_{value}/state",
    is_plain_kept=True,
)
ZIGBEE2MQTT = Dialect(
    availability="zigbee2mqtt/{name}/availability",
    online='{"state":"online"}',
    offline='{"state":"offline"}',
    whole="zigbee2mqtt/{name}",
    body=lambda values, now: {
        "battery": 86,
        **values,
        "temperature_unit": "celsius",
        "linkquality": 105,
        "last_seen": now.isoformat(timespec="milliseconds"),
    },
    # With its setting `output: attribute_and_json`.
    plain="zigbee2mqtt/{name}/{value}",
    names={"moisture": "soil_moisture"},
)
TASMOTA = Dialect(
    availability="tele/{name}/LWT",
    online="Online",
    offline="Offline",
    whole="tele/{name}/SENSOR",
    body=lambda values, now: {
        # Tasmota sends the local time without a zone.
        "Time": now.astimezone().replace(tzinfo=None).isoformat(timespec="seconds"),
        "Flora": {**values, "RSSI": -71},
        "TempUnit": "C",
    },
    # By a rule: on tele-Flora#Moisture do publish stat/pot2/Flora/Moisture %value% endon
    plain="stat/{name}/Flora/{value}",
    names={"moisture": "Moisture", "temperature": "Temperature", "ec": "Fertility"},
)


def tank_controller() -> Device:
    """Return the ESPHome controller on the tank."""
    sensors = {
        "ec": Sensor(noise=0.004, digits=3, drift_per_d=0.4),
        "ph": Sensor(noise=0.008, digits=3, drift_per_d=0.5),
        # A cut DS18B20 reads -127.
        "temp": Sensor(noise=0.02, digits=3, drift_per_d=2.0, dead_value=-127.0),
        "level": Sensor(noise=0.15, digits=1, drift_per_d=10.0),
    }

    def truth(garden: Garden) -> Values:
        tank = garden.tank
        return {
            "ec": tank.ec_ms_cm,
            "ph": tank.ph,
            "temp": tank.water_temperature_c,
            "level": tank.level_pct,
        }

    return Device("tank", ESPHOME, sensors, truth)


def soil_probe(name: str, dialect: Dialect, pot: str, *, moisture_digits: int) -> Device:
    """Return a soil sensor in a pot; the EC in µS/cm, as all of them send it."""
    sensors = {
        "moisture": Sensor(noise=0.12, digits=moisture_digits, drift_per_d=8.0),
        "temperature": Sensor(noise=0.05, digits=1, drift_per_d=2.0),
        "ec": Sensor(noise=3.0, digits=0, drift_per_d=80.0, dead_value=0.0),
    }

    def truth(garden: Garden) -> Values:
        soil = garden.pots[pot]
        return {
            "moisture": soil.moisture_pct,
            "temperature": soil.temperature_c,
            "ec": 1000 * soil.ec_ms_cm,
        }

    return Device(name, dialect, sensors, truth)


def air_probe() -> Device:
    """Return the ESPHome board that measures air and light in the tent."""
    sensors = {
        "temperature": Sensor(noise=0.03, digits=2, drift_per_d=3.0),
        "humidity": Sensor(noise=0.2, digits=1, drift_per_d=10.0),
        # In the dark it reads some µmol below 0 as often as above.
        "ppfd": Sensor(noise=1.5, digits=0, drift_per_d=50.0),
    }

    def truth(garden: Garden) -> Values:
        tent = garden.tent
        return {
            "temperature": tent.temperature_c,
            "humidity": tent.humidity_pct,
            "ppfd": tent.ppfd_umol,
        }

    return Device("tent", ESPHOME, sensors, truth)


def all_devices() -> tuple[Device, ...]:
    """Return the devices of the garden: on the tank, in the tent, and in each of two pots."""
    return (
        tank_controller(),
        air_probe(),
        # A Tuya sensor behind Zigbee2MQTT, and a Mi Flora behind a Tasmota gateway.
        soil_probe("bed1", ZIGBEE2MQTT, "basil", moisture_digits=1),
        soil_probe("pot2", TASMOTA, "tomato", moisture_digits=0),
    )
