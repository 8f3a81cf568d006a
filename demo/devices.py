"""The simulated devices: which topics they have and how their messages look."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import override

from demo.garden_physics import Garden
from demo.probe_faults import Sensor


@dataclass(frozen=True, slots=True)
class Message:
    """One message that a device publishes."""

    topic: str
    payload: str
    retain: bool = False


class Device(ABC):
    """A thing with sensors that speaks MQTT.

    Args:
        name: How commands call it.
        sensors: Its measuring elements by the name of what they measure.
    """

    online: str
    """Payload that says that it is there."""
    offline: str
    """Payload of its last will."""

    def __init__(self, name: str, sensors: Mapping[str, Sensor]) -> None:
        self.name = name
        self.sensors = dict(sensors)
        for what, sensor in self.sensors.items():
            sensor.random.seed(f"{name} {what}")

    @property
    @abstractmethod
    def availability_topic(self) -> str:
        """Where it says whether it is there."""

    @abstractmethod
    def truth(self, garden: Garden) -> dict[str, float]:
        """Return the true value for each of its sensors."""

    @abstractmethod
    def messages(self, measured: Mapping[str, float], now: datetime) -> list[Message]:
        """Return what it publishes for one round of measurements."""

    def measure(self, garden: Garden) -> dict[str, float]:
        """Return what its sensors read now, faults and noise included."""
        truth = self.truth(garden)
        return {
            name: sensor.read(truth[name], garden.at_s) for name, sensor in self.sensors.items()
        }


class TankController(Device):
    """An ESPHome controller on the tank: one JSON message, and a plain number for each value."""

    online = "online"
    offline = "offline"

    def __init__(self) -> None:
        super().__init__(
            "tank",
            {
                "ec": Sensor(noise=0.004, digits=3, drift_per_d=0.4),
                "ph": Sensor(noise=0.008, digits=3, drift_per_d=0.5),
                # A cut DS18B20 reads -127.
                "temp": Sensor(noise=0.02, digits=3, drift_per_d=2.0, dead_value=-127.0),
                "level": Sensor(noise=0.15, digits=1, drift_per_d=10.0),
            },
        )

    @property
    @override
    def availability_topic(self) -> str:
        return "hydro-tank/status"

    @override
    def truth(self, garden: Garden) -> dict[str, float]:
        tank = garden.tank
        return {
            "ec": tank.ec_ms_cm,
            "ph": tank.ph,
            "temp": tank.water_temperature_c,
            "level": tank.level_pct,
        }

    @override
    def messages(self, measured: Mapping[str, float], now: datetime) -> list[Message]:
        # ESPHome prints a missing value as a bare NaN, which json.dumps does as well.
        whole = Message("hydro-tank/telemetry", json.dumps(measured))
        plain = [
            Message(f"hydro-tank/sensor/tank_{name}/state", f"{value}", retain=True)
            for name, value in measured.items()
        ]
        return [whole, *plain]


class ZigbeeSoilProbe(Device):
    """A soil sensor behind Zigbee2MQTT."""

    online = '{"state":"online"}'
    offline = '{"state":"offline"}'

    def __init__(self, name: str, pot: str) -> None:
        super().__init__(name, soil_sensors(moisture_digits=1))
        self.pot = pot

    @property
    @override
    def availability_topic(self) -> str:
        return f"zigbee2mqtt/{self.name}/availability"

    @override
    def truth(self, garden: Garden) -> dict[str, float]:
        return soil_truth(garden, self.pot)

    @override
    def messages(self, measured: Mapping[str, float], now: datetime) -> list[Message]:
        body = {
            "battery": 86,
            "soil_moisture": measured["moisture"],
            "temperature": measured["temperature"],
            "temperature_unit": "celsius",
            "ec": measured["ec"],
            "linkquality": 105,
            "last_seen": now.isoformat(timespec="milliseconds"),
        }
        return [Message(f"zigbee2mqtt/{self.name}", json.dumps(body))]


class TasmotaSoilProbe(Device):
    """A Mi Flora sensor behind a Tasmota gateway."""

    online = "Online"
    offline = "Offline"

    def __init__(self, name: str, pot: str) -> None:
        super().__init__(name, soil_sensors(moisture_digits=0))
        self.pot = pot

    @property
    @override
    def availability_topic(self) -> str:
        return f"tele/{self.name}/LWT"

    @override
    def truth(self, garden: Garden) -> dict[str, float]:
        return soil_truth(garden, self.pot)

    @override
    def messages(self, measured: Mapping[str, float], now: datetime) -> list[Message]:
        body = {
            # Tasmota sends the local time without a zone.
            "Time": now.astimezone().replace(tzinfo=None).isoformat(timespec="seconds"),
            "Flora": {
                "Temperature": measured["temperature"],
                "Moisture": measured["moisture"],
                "Fertility": measured["ec"],
                "RSSI": -71,
            },
            "TempUnit": "C",
        }
        return [Message(f"tele/{self.name}/SENSOR", json.dumps(body))]


def soil_sensors(*, moisture_digits: int) -> dict[str, Sensor]:
    """Return the sensors of a soil probe; the EC in µS/cm, as all of them send it."""
    return {
        "moisture": Sensor(noise=0.12, digits=moisture_digits, drift_per_d=8.0),
        "temperature": Sensor(noise=0.05, digits=1, drift_per_d=2.0),
        "ec": Sensor(noise=3.0, digits=0, drift_per_d=80.0, dead_value=0.0),
    }


def soil_truth(garden: Garden, pot: str) -> dict[str, float]:
    """Return the true values in a pot; the EC in µS/cm."""
    soil = garden.pots[pot]
    return {
        "moisture": soil.moisture_pct,
        "temperature": soil.temperature_c,
        "ec": 1000 * soil.ec_ms_cm,
    }
