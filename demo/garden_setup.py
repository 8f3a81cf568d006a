"""Makes the demo garden through the same config flows that a person clicks through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from demo.api import Api, ApiError
from demo.broker import MQTT_VERSION, BrokerKind
from demo.config_flows import (
    Step,
    create_entry,
    create_subentry,
    reconfigure_entry,
    reconfigure_subentry,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.tables.channels import CHANNELS, TWIN_STUCK_S

DOMAIN = "kamerplanter"
GARDEN_NAME = "Demo garden"
TANK_NAME = "Nutrient tank"
TENT_NAME = "Tent"
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

    def form(self, speed: float) -> dict[str, object]:
        """Return what a person fills in to bind it."""
        given = {"topic": self.topic, "path": self.path, "unit": self.unit}
        form: dict[str, object] = {name: text for name, text in given.items() if text is not None}
        return form if speed == 1 else form | {"more": scaled(self.kind, speed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of the simulator and how the garden reads it."""

    title: str
    plant: str = ""
    """The plant in whose soil it is."""
    sources: Sequence[Source]
    availability: str
    availability_path: str | None = None

    def binding_steps(self, speed: float) -> list[Step]:
        """Return the steps of a flow that bind its values and its availability."""
        steps: list[Step] = []
        for source in self.sources:
            steps += [
                ("values", {"next_step_id": f"value_{source.kind}"}),
                ("source", {"next_step_id": "topic"}),
                ("topic", source.form(speed)),
            ]
        there = {"topic": self.availability}
        if self.availability_path is not None:
            there["path"] = self.availability_path
        steps += [("values", {"next_step_id": "availability"}), ("availability", there)]
        return [*steps, ("values", {"next_step_id": "finish"})]


TANK_FORM: dict[str, object] = {"name": TANK_NAME, "tank_type": "recirculation", "volume": 60}
TANK_DEVICE = Device(
    title=TANK_NAME,
    # Of each device some values from the one message with all, the others as plain numbers.
    sources=(
        Source(ChannelKind.EC, "hydro-tank/telemetry", "ec", "mS/cm"),
        Source(ChannelKind.PH, "hydro-tank/telemetry", "ph"),
        Source(ChannelKind.WATER_TEMPERATURE, "hydro-tank/sensor/tank_temp/state", unit="°C"),
        Source(ChannelKind.LEVEL, "hydro-tank/sensor/tank_level/state"),
    ),
    availability="hydro-tank/status",
)
TENT_FORM: dict[str, object] = {"name": TENT_NAME, "base_temperature": 10}
TENT_DEVICE = Device(
    title=TENT_NAME,
    sources=(
        Source(ChannelKind.AIR_TEMPERATURE, "hydro-tent/telemetry", "temperature", "°C"),
        Source(ChannelKind.AIR_HUMIDITY, "hydro-tent/telemetry", "humidity"),
        Source(ChannelKind.PPFD, "hydro-tent/sensor/tent_ppfd/state"),
    ),
    availability="hydro-tent/status",
)
SOIL_DEVICES = (
    Device(
        title=BASIL_PROBE,
        plant=BASIL,
        sources=(
            Source(ChannelKind.SOIL_MOISTURE, "zigbee2mqtt/bed1", "soil_moisture"),
            Source(ChannelKind.SOIL_TEMPERATURE, "zigbee2mqtt/bed1", "temperature", "°C"),
            Source(ChannelKind.SOIL_EC, "zigbee2mqtt/bed1/ec", unit="µS/cm"),
        ),
        availability="zigbee2mqtt/bed1/availability",
        availability_path="state",
    ),
    Device(
        title=TOMATO_PROBE,
        plant=TOMATO,
        sources=(
            Source(ChannelKind.SOIL_MOISTURE, "tele/pot2/SENSOR", "Flora.Moisture"),
            Source(ChannelKind.SOIL_TEMPERATURE, "tele/pot2/SENSOR", "Flora.Temperature", "°C"),
            Source(ChannelKind.SOIL_EC, "stat/pot2/Flora/Fertility", unit="µS/cm"),
        ),
        availability="tele/pot2/LWT",
    ),
)
DEVICES = (TANK_DEVICE, TENT_DEVICE, *SOIL_DEVICES)
_FORMS = {TANK_NAME: TANK_FORM, TENT_NAME: TENT_FORM}


async def add_mqtt(api: Api, kind: BrokerKind, port: int) -> str:
    """Connect Home Assistant's own MQTT to the broker of the demo; returns the entry's id."""
    settings = {
        "broker": "127.0.0.1",
        "port": port,
        "protocol": MQTT_VERSION[kind],
        "other_settings": {"set_client_cert": False, "set_ca_cert": "off"},
    }
    return await create_entry(api, "mqtt", [("broker", settings)])


async def ignore_protocol_advice(api: Api) -> None:
    """Ignore the advice to change to MQTT 5, which would part Home Assistant from amqtt."""
    advice = "protocol_5_migration"
    found = (await api.command("repairs/list_issues"))["issues"]
    if any(issue["issue_id"] == advice and not issue["ignored"] for issue in found):
        await api.command("repairs/ignore_issue", domain="mqtt", issue_id=advice, ignore=True)


async def add_garden(
    api: Api, *, speed: float, today: date, server_address: str | None = None
) -> str:
    """Add the garden with tank, tent, two plants and their soil probes; returns the entry's id.

    Args:
        api: A logged-in user.
        speed: How much faster than the wall's the time of the garden goes: ages, hold times and
            rates of all values are scaled by it.
        today: The day at the house, on which the phases of the plants begin.
        server_address: Where the garden is; none = on this Home Assistant.
    """
    steps: list[Step] = [
        ("user", {"next_step_id": "garden"}),
        ("garden", {"name": GARDEN_NAME, "readings": "mqtt"}),
    ]
    if server_address is not None:
        steps = [
            ("user", {"next_step_id": "server"}),
            ("server", {"url": server_address, "verify_ssl": True}),
            ("server_readings", {"readings": "mqtt"}),
        ]
    entry_id = await create_entry(api, DOMAIN, steps)
    await create_subentry(
        api, entry_id, "tank", [("user", TANK_FORM), *TANK_DEVICE.binding_steps(speed)]
    )
    await create_subentry(
        api, entry_id, "location", [("new", TENT_FORM), *TENT_DEVICE.binding_steps(speed)]
    )
    tank_key = await object_key(api, entry_id, TANK_NAME)
    await _add_plant(api, entry_id, BASIL, "ocimum_basilicum", "vegetative", today)
    await _add_plant(api, entry_id, TOMATO, "solanum_lycopersicum", "flowering", today, tank_key)
    for device in SOIL_DEVICES:
        form = await _probe_form(api, entry_id, device)
        await create_subentry(
            api, entry_id, "probe", [("user", form), *device.binding_steps(speed)]
        )
    return entry_id


async def move_server(api: Api, entry_id: str, address: str) -> None:
    """Tell a demo garden that its server has another port in this run."""
    form = {"url": address, "verify_ssl": True}
    steps: list[Step] = [
        ("reconfigure_choice", {"next_step_id": "reconfigure_server"}),
        ("reconfigure_server", form),
    ]
    await reconfigure_entry(api, entry_id, DOMAIN, steps)


async def set_speed(api: Api, entry_id: str, *, speed: float) -> None:
    """Judge the values of a demo garden that exists by another speed of its time.

    What a person has removed meanwhile is left out.
    """
    for subentry in await api.command("config_entries/subentries/list", entry_id=entry_id):
        device = next((item for item in DEVICES if item.title == subentry["title"]), None)
        if device is None:
            continue
        kind = subentry["subentry_type"]
        form = _FORMS.get(device.title) or await _probe_form(api, entry_id, device)
        await reconfigure_subentry(
            api,
            (entry_id, kind, subentry["subentry_id"]),
            [
                ("manage", {"next_step_id": "change"}),
                ("reconfigure", form),
                *device.binding_steps(speed),
            ],
        )


def scaled(kind: ChannelKind, speed: float) -> dict[str, float]:
    """Return how a value is judged where the time of the garden is faster than the wall's.

    These options of the binding are all that follows the garden; the second and the minute within
    which messages are compared belong to the device, which sends by the wall's clock.
    """
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
    """Return the key of the place, tank, plant or probe whose subentry has this title.

    Raises:
        ApiError: There is none.
    """
    for subentry in await api.command("config_entries/subentries/list", entry_id=entry_id):
        if subentry["title"] == title:
            _, key = str(subentry["unique_id"]).split("-", 1)
            return key
    raise ApiError("subentries", "missing", title)


async def _add_plant(  # noqa: PLR0917 - a row of a table
    api: Api,
    entry_id: str,
    name: str,
    species_key: str,
    phase: str,
    today: date,
    tank_key: str | None = None,
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
    phase_form = {"phase_entry_id": phase, "phase_started_on": today.isoformat()}
    await create_subentry(api, entry_id, "plant", [("user", form), ("phase", phase_form)])


async def _probe_form(api: Api, entry_id: str, device: Device) -> dict[str, object]:
    return {"name": device.title, "place": f"plant:{await object_key(api, entry_id, device.plant)}"}
