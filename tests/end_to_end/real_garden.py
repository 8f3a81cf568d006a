"""A garden in a real Home Assistant with a real broker, as tests handle it."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from paho.mqtt import publish

from demo.api import Json
from demo.broker import Broker, BrokerKind
from demo.config_flows import Step, create_entry, create_subentry
from demo.garden_setup import add_mqtt, object_key
from demo.home_assistant import HomeAssistant
from demo.ports import free_port
from demo.states import HUB, State, StateError, States
from demo.storage_seeds import TIME_ZONE

DOMAIN = "kamerplanter"
GARDEN, TANK, BASIL, PROBE = "Test garden", "Tank", "Basil", "Basil probe"

EC_TOPIC = "hydro-esp/sensor/tank_ec/state"
"""A plain number, retained, as ESPHome sends it."""
TEMPERATURE_TOPIC = "hydro-esp/sensor/tank_temp/state"
TANK_TOPIC = "hydro-esp/telemetry"
"""JSON with the pH."""
TANK_STATUS = "hydro-esp/status"
SOIL_TOPIC = "zigbee2mqtt/bed1"
SOIL_STATUS = "zigbee2mqtt/bed1/availability"

PATIENCE_S = 30.0
"""How long something may take before it counts as missing; no measure of speed. [s]"""
HOLD_S = 1.2
SHORT_AGE_S = 9.0
"""Maximum age of the water temperature. [s]"""
_EACH_S = 1.5
"""How long a value that was sent is waited for before it is sent again. [s]"""
_QUICK: Mapping[str, float] = {"hold_min": HOLD_S / 60, "rate_per_min": 1000}
"""Tests do not wait until a value may have moved that far."""
_SHORT_LIVED: Mapping[str, float] = {**_QUICK, "max_age_min": SHORT_AGE_S / 60}

_LAST_ENTITIES = ((TANK, "temperature_problem"), (BASIL, "phase"), (PROBE, "soil_moisture"))
PROBLEMS = ("ec_problem", "ph_problem", "temperature_problem")
TREATMENT: Mapping[str, object] = {
    "product": "Neem oil",
    "ingredient": "azadirachtin",
    "interval_d": 7,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the to-do list."""

    uid: str
    summary: str
    status: str
    due: str | None

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.status == "needs_action"


class RealGarden:
    """A Home Assistant, its broker and the garden in it.

    Args:
        folder: Where Home Assistant and the broker keep their files.
        broker: A broker that is shared; none = one of its own.
    """

    def __init__(self, folder: Path, broker: Broker | None = None) -> None:
        self._owns_broker = broker is None
        self.broker = broker or Broker(BrokerKind.MOSQUITTO, free_port(), folder)
        self.home = HomeAssistant(folder / "config", self.broker.port)
        self.states = States(self.home.api)
        self.entry_id = ""

    async def start(self) -> None:
        """Start broker and Home Assistant."""
        if self._owns_broker:
            await self.broker.start()
        await self.home.start()

    async def stop(self) -> None:
        """End what was started."""
        await self.home.close()
        if self._owns_broker:
            await self.broker.stop()

    async def mend(self) -> None:
        """Make what is missing: at first the garden, later what a failed test has left behind."""
        if not self.broker._child.is_running:
            await self.broker.start()
        if not self.home._is_running():
            await self.home.start()
            self.states.now.clear()
        entries = await self._entries(DOMAIN)
        if not entries:
            await self._make()
        elif entries[0] != self.entry_id or not self.states.now:
            self.entry_id = entries[0]
            await self.follow()

    async def _make(self) -> None:
        """Make the garden through the flows."""
        api = self.home.api
        if not await self._entries("mqtt"):
            await add_mqtt(api, self.broker.kind, self.broker.port)
        garden: Step = ("garden", {"name": GARDEN, "readings": "mqtt"})
        menu: Step = ("user", {"next_step_id": "garden"})
        self.entry_id = await create_entry(api, DOMAIN, [menu, garden])
        await self._add("tank", [("user", _TANK_FORM), *_TANK_BINDINGS])
        today = datetime.now(ZoneInfo(TIME_ZONE)).date().isoformat()
        phase = {"phase_entry_id": "vegetative", "phase_started_on": today}
        await self._add("plant", [("user", _PLANT_FORM), ("phase", phase)])
        probe = {"name": PROBE, "place": f"plant:{await object_key(api, self.entry_id, BASIL)}"}
        await self._add("probe", [("user", probe), *_SOIL_BINDINGS])
        await self.follow()

    async def _entries(self, domain: str) -> list[str]:
        entries = await self.home.api.command("config_entries/get", domain=domain)
        return [entry["entry_id"] for entry in entries]

    def _data_files(self) -> list[Path]:
        return list((self.home.config / DOMAIN).glob("*/garden.db"))

    async def _add(self, kind: str, steps: Sequence[Step]) -> None:
        await create_subentry(self.home.api, self.entry_id, kind, steps)

    async def follow(self) -> None:
        """Follow the states; needed again after each connection."""
        await self.states.follow(self.entry_id)
        assert await self.states.until_known(_LAST_ENTITIES, 20), f"only {list(self.states.ids)}"

    # --- Devices ------------------------------------------------------------------------

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> float:
        """Send a message as a device does; returns when, on the clock of the event loop."""
        sent_s = time.monotonic()
        publish.single(
            topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=self.broker.port
        )
        return sent_s

    def send_ec(self, ec_ms_cm: float) -> float:
        """Send an EC, which the broker keeps."""
        return self.publish(EC_TOPIC, f"{ec_ms_cm}", retain=True)

    def send_ph(self, ph: float) -> float:
        """Send a pH within JSON."""
        return self.publish(TANK_TOPIC, f'{{"ph": {ph}, "uptime": 4711}}')

    def send_temperature(self, temperature_c: float) -> float:
        """Send a water temperature, which the broker keeps and which is short-lived."""
        return self.publish(TEMPERATURE_TOPIC, f"{temperature_c}", retain=True)

    def send_moisture(self, moisture_pct: float) -> float:
        """Send a soil moisture."""
        return self.publish(SOIL_TOPIC, f'{{"soil_moisture": {moisture_pct}}}')

    async def settle(self) -> None:
        """Make all values live and good, and wait until nothing is out of band.

        The digits differ each time: a value that never changes would be a stuck one.
        """
        fine = time.time() % 0.01
        self.publish(TANK_STATUS, "online", retain=True)
        self.publish(SOIL_STATUS, '{"state":"online"}', retain=True)
        await self.until(PROBE, "soil_moisture", None, lambda: self.send_moisture(45 + fine))
        await self.until(TANK, "ec_problem", "off", lambda: self.send_ec(1.8 + fine))
        await self.until(TANK, "ph_problem", "off", lambda: self.send_ph(5.9 + fine))
        await self.until(
            TANK, "temperature_problem", "off", lambda: self.send_temperature(20 + fine)
        )

    async def until(
        self, subject: str, row: str, wanted: str | None, send: Callable[[], object]
    ) -> State:
        """Send a value until a state is as wanted; without a wish, until it is a number."""
        last = StateError(f"{subject} {row}")
        for _ in range(round(PATIENCE_S / _EACH_S)):
            send()
            try:
                return await self.states.until(
                    subject,
                    row,
                    lambda state: (
                        state.number is not None if wanted is None else _is(state, wanted)
                    ),
                    _EACH_S,
                    f"waiting for {wanted or 'a number'}",
                )
            except StateError as error:
                last = error
        raise last

    # --- What is shown ------------------------------------------------------------------

    def shown(self, subject: str, row: str) -> State:
        """Return the present state of an entity that must exist."""
        state = self.states.get(subject, row)
        assert state is not None, f"{subject} {row} is not there; there are {self.states.ids}"
        return state

    def age_s(self, subject: str, row: str) -> float:
        """Return how old a shown value says it is. [s]"""
        measured_at = datetime.fromisoformat(self.shown(subject, row).attributes["measured_at"])
        return (datetime.now(UTC) - measured_at).total_seconds()

    async def wait_for(self, subject: str, row: str, wanted: str | float) -> State:
        """Wait until an entity shows this."""
        return await self.states.until(
            subject, row, lambda state: _is(state, wanted), PATIENCE_S, f"waiting for {wanted}"
        )

    async def items(self) -> dict[str, Item]:
        """Return the to-do list by id."""
        entity_id = self.states.ids[HUB, "tasks"]
        answer: Json = await self.home.api.command("todo/item/list", entity_id=entity_id)
        return {
            item["uid"]: Item(item["uid"], item["summary"], item["status"], item.get("due"))
            for item in answer["items"]
        }

    async def open_about(self, word: str) -> list[Item]:
        """Return the open tasks with this word in their title."""
        return [
            item for item in (await self.items()).values() if item.is_open and word in item.summary
        ]

    async def open_soon(self, word: str, count: int) -> list[Item]:
        """Wait until that many tasks with this word are open."""
        deadline_s = time.monotonic() + PATIENCE_S
        while len(found := await self.open_about(word)) != count:
            assert time.monotonic() < deadline_s, f"{word}: {count} wanted, open are {found}"
            await asyncio.sleep(0.1)
        return found

    # --- What a person does -------------------------------------------------------------

    async def treat(self, **fields: object) -> None:
        """Log a treatment of the plant, which starts a Karenz."""
        await self.home.api.call_action(
            "kamerplanter.log_treatment",
            {"entity_id": self.states.ids[BASIL, "phase"], **TREATMENT, **fields},
        )

    async def add_task(self, title: str) -> None:
        """Add a task to the list."""
        await self.home.api.call_action(
            "todo.add_item",
            {"entity_id": self.states.ids[HUB, "tasks"], "item": title, "due_date": "2031-05-01"},
        )

    # --- Registries and the process -----------------------------------------------------

    async def entities(self) -> dict[str, str]:
        """Return the entities of the integration: unique id to entity id."""
        return {
            entity["unique_id"]: entity["entity_id"]
            for entity in await self.home.api.command("config/entity_registry/list")
            if entity["platform"] == DOMAIN
        }

    async def devices(self) -> list[str]:
        """Return the names of the devices of the integration."""
        return [
            device["name"]
            for device in await self.home.api.command("config/device_registry/list")
            if any(identifier[0] == DOMAIN for identifier in device["identifiers"])
        ]

    async def issues(self) -> list[Json]:
        """Return the repair issues of the integration."""
        answer: Json = await self.home.api.command("repairs/list_issues")
        return [issue for issue in answer["issues"] if issue["domain"] == DOMAIN]

    def our_log(self, since: int = 0) -> list[str]:
        """Return the lines of the integration and its backend in the log, from a line on."""
        names = ("custom_components.kamerplanter", "kamerplanter_backend", "kamerplanter_engines")
        return [
            line
            for line in self.home.log_lines()[since:]
            if any(f"[{name}" in line for name in names)
        ]


def _is(state: State, wanted: str | float) -> bool:
    return state.state == wanted if isinstance(wanted, str) else state.number == wanted


def _bound(kind: str, topic: str, options: Mapping[str, float], **form: str) -> list[Step]:
    return [
        ("values", {"next_step_id": f"value_{kind}"}),
        ("source", {"next_step_id": "topic"}),
        ("topic", {"topic": topic, **form, "more": dict(options)}),
    ]


def _finished(**availability: str) -> list[Step]:
    return [
        ("values", {"next_step_id": "availability"}),
        ("availability", availability),
        ("values", {"next_step_id": "finish"}),
    ]


_TANK_FORM: Mapping[str, object] = {"name": TANK, "tank_type": "recirculation", "volume": 60}
_TANK_BINDINGS = (
    *_bound("ec", EC_TOPIC, _QUICK, unit="mS/cm"),
    *_bound("ph", TANK_TOPIC, _QUICK, path="ph"),
    *_bound("water_temperature", TEMPERATURE_TOPIC, _SHORT_LIVED, unit="°C"),
    *_finished(topic=TANK_STATUS),
)
_PLANT_FORM: Mapping[str, object] = {
    "name": BASIL,
    "species_key": "ocimum_basilicum",
    "care": {
        "watering_interval_d": 3,
        "soil_moisture_low_pct": 30,
        "soil_moisture_high_pct": 60,
    },
}
_SOIL_BINDINGS = (
    *_bound("soil_moisture", SOIL_TOPIC, _QUICK, path="soil_moisture"),
    *_finished(topic=SOIL_STATUS, path="state"),
)
