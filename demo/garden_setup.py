"""Makes the demo garden through the same config flows that a person clicks through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from demo.api import Api, ApiError
from demo.broker import MQTT_VERSION, BrokerKind
from demo.config_flows import Step, create_entry, create_subentry
from demo.storage_seeds import TIME_ZONE
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.tables.channels import CHANNELS, TWIN_STUCK_S

DOMAIN = "kamerplanter"
GARDEN_NAME = "Demo garden"
TANK_NAME = "Nutrient tank"
BASIL, TOMATO = "Basil", "Tomato"
BASIL_PROBE, TOMATO_PROBE = "Basil probe", "Tomato probe"
SHORTEST_MINUTES = 0.1
"""The least that the form takes for an age. [min]"""


@dataclass(frozen=True, slots=True)
class Source:
    """Where one value of a device comes from."""

    kind: ChannelKind
    topic: str
    path: str | None = None
    unit: str | None = None


TANK_SOURCES = (
    # Two from the one message with all values, two as plain numbers.
    Source(ChannelKind.EC, "hydro-tank/telemetry", "ec", "mS/cm"),
    Source(ChannelKind.PH, "hydro-tank/telemetry", "ph"),
    Source(ChannelKind.WATER_TEMPERATURE, "hydro-tank/sensor/tank_temp/state", unit="°C"),
    Source(ChannelKind.LEVEL, "hydro-tank/sensor/tank_level/state"),
)
BASIL_SOURCES = (
    Source(ChannelKind.SOIL_MOISTURE, "zigbee2mqtt/bed1", "soil_moisture"),
    Source(ChannelKind.SOIL_TEMPERATURE, "zigbee2mqtt/bed1", "temperature", "°C"),
    Source(ChannelKind.SOIL_EC, "zigbee2mqtt/bed1", "ec", "µS/cm"),
)
TOMATO_SOURCES = (
    Source(ChannelKind.SOIL_MOISTURE, "tele/pot2/SENSOR", "Flora.Moisture"),
    Source(ChannelKind.SOIL_TEMPERATURE, "tele/pot2/SENSOR", "Flora.Temperature", "°C"),
    Source(ChannelKind.SOIL_EC, "tele/pot2/SENSOR", "Flora.Fertility", "µS/cm"),
)


async def add_mqtt(api: Api, kind: BrokerKind, port: int) -> str:
    """Connect Home Assistant's own MQTT to the broker of the demo; returns the entry's id."""
    settings = {
        "broker": "127.0.0.1",
        "port": port,
        "protocol": MQTT_VERSION[kind],
        "other_settings": {"set_client_cert": False, "set_ca_cert": "off"},
    }
    return await create_entry(api, "mqtt", [("broker", settings)])


async def add_garden(api: Api, *, speed: float) -> str:
    """Add the garden with a tank, two plants and their soil probes; returns the entry's id.

    Args:
        api: A logged-in user.
        speed: How much faster than the wall's the time of the garden goes: ages, hold times and
            rates of all values are scaled by it.
    """
    entry_id = await create_entry(
        api,
        DOMAIN,
        [
            ("user", {"next_step_id": "embedded"}),
            ("embedded", {"name": GARDEN_NAME, "readings": "mqtt"}),
        ],
    )
    tank_form = {"name": TANK_NAME, "tank_type": "recirculation", "volume": 60}
    await create_subentry(
        api,
        entry_id,
        "tank",
        [("user", tank_form), *binding_steps(TANK_SOURCES, "hydro-tank/status", None, speed)],
    )
    tank_key = await object_key(api, entry_id, TANK_NAME)
    await _add_plant(api, entry_id, BASIL, "ocimum_basilicum", "vegetative", None)
    await _add_plant(api, entry_id, TOMATO, "solanum_lycopersicum", "flowering", tank_key)
    await _add_probe(
        api,
        entry_id,
        BASIL_PROBE,
        BASIL,
        binding_steps(BASIL_SOURCES, "zigbee2mqtt/bed1/availability", "state", speed),
    )
    await _add_probe(
        api,
        entry_id,
        TOMATO_PROBE,
        TOMATO,
        binding_steps(TOMATO_SOURCES, "tele/pot2/LWT", None, speed),
    )
    return entry_id


def binding_steps(
    sources: Sequence[Source], availability: str, path: str | None, speed: float
) -> list[Step]:
    """Return the steps that bind the values of a device and its availability."""
    steps: list[Step] = []
    for source in sources:
        form: dict[str, object] = {"topic": source.topic}
        if source.path is not None:
            form["path"] = source.path
        if source.unit is not None:
            form["unit"] = source.unit
        if speed != 1:
            form["more"] = scaled(source.kind, speed)
        steps += [
            ("values", {"next_step_id": f"value_{source.kind}"}),
            ("source", {"next_step_id": "topic"}),
            ("topic", form),
        ]
    there = {"topic": availability} | ({} if path is None else {"path": path})
    steps += [("values", {"next_step_id": "availability"}), ("availability", there)]
    return [*steps, ("values", {"next_step_id": "finish"})]


def scaled(kind: ChannelKind, speed: float) -> dict[str, float]:
    """Return how a value is judged where the time of the garden is faster than the wall's."""
    spec = CHANNELS[kind]
    options = {
        "max_age_min": max(spec.max_age_s / 60 / speed, SHORTEST_MINUTES),
        "hold_min": spec.hold_s / 60 / speed,
        "stuck_after_min": max(TWIN_STUCK_S / 60 / speed, SHORTEST_MINUTES),
    }
    if spec.rate_per_min is not None:
        options["rate_per_min"] = spec.rate_per_min * speed
    return options


async def object_key(api: Api, entry_id: str, title: str) -> str:
    """Return the key of the tank, plant or probe whose subentry has this title.

    Raises:
        ApiError: There is none.
    """
    for subentry in await api.command("config_entries/subentries/list", entry_id=entry_id):
        if subentry["title"] == title:
            _, key = str(subentry["unique_id"]).split("-", 1)
            return key
    raise ApiError("subentries", "missing", title)


async def _add_plant(  # noqa: PLR0917 - a row of a table
    api: Api, entry_id: str, name: str, species_key: str, phase: str, tank_key: str | None
) -> None:
    form: dict[str, object] = {
        "name": name,
        "species_key": species_key,
        "care": {
            "watering_interval_d": 3,
            "soil_moisture_low_pct": 30,
            "soil_moisture_high_pct": 60,
        },
    }
    if tank_key is not None:
        form["tank_key"] = tank_key
    today = datetime.now(ZoneInfo(TIME_ZONE)).date()
    phase_form = {"phase_entry_id": phase, "phase_started_on": today.isoformat()}
    await create_subentry(api, entry_id, "plant", [("user", form), ("phase", phase_form)])


async def _add_probe(
    api: Api, entry_id: str, name: str, plant: str, bindings: Sequence[Step]
) -> None:
    form = {"name": name, "plant_key": await object_key(api, entry_id, plant)}
    await create_subentry(api, entry_id, "probe", [("user", form), *bindings])
