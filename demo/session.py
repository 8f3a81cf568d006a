"""One run of the demo: broker, simulator, Home Assistant and the garden in it."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from demo import dashboard
from demo.broker import Broker, BrokerKind
from demo.garden_setup import (
    DEVICES,
    DOMAIN,
    GARDEN_NAME,
    add_garden,
    add_mqtt,
    ignore_protocol_advice,
    move_server,
    set_speed,
)
from demo.home_assistant import HomeAssistant
from demo.ports import free_port
from demo.server import DemoServer
from demo.simulator import Simulator
from demo.states import States
from demo.storage_seeds import TIME_ZONE
from kamerplanter_engines.models.site import SiteFields

ENTITY_SECONDS = 20
LAST_ENTITIES = tuple((device.title, "measurement_quality") for device in DEVICES)
"""When these are there, all entities are."""


class Session:
    """Starts everything in order and ends what it started.

    Args:
        config: Configuration folder of Home Assistant; what is there is gone on with.
        kind: Which broker.
        speed: How much faster than the wall's the time of the garden goes.
        say: Told in a line what is being done.
        time_zone: Where the house is, if the folder is new.
        on_server: Whether the garden lives on a server of its own.
    """

    def __init__(
        self,
        config: Path,
        kind: BrokerKind,
        speed: float,
        say: Callable[[str], None],
        *,
        time_zone: str = TIME_ZONE,
        on_server: bool = False,
    ) -> None:
        config.mkdir(parents=True, exist_ok=True)
        self.config = config
        self.speed = speed
        self.time_zone = time_zone
        self.broker = Broker(kind, free_port(), config)
        self.simulator = Simulator(self.broker.port, speed=speed)
        self.home = HomeAssistant(config, self.broker.port, time_zone=time_zone)
        self.server = DemoServer(config / "server") if on_server else None
        self.states = States(self.home.api)
        self.entry_id = ""
        self._say = say

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything, and make the garden if there is none."""
        # The log of this run only; restarts within a run are appended.
        self.home.forget_log()
        self._say(f"starting the broker {self.broker.kind} on port {self.broker.port}")
        await self.broker.start()
        await self.simulator.start()
        if self.server is not None:
            self._say(f"starting the server on port {self.server.port}")
            await self.server.start()
            await self.server.place(SiteFields(name=GARDEN_NAME, time_zone=self.time_zone))
        self._say("starting Home Assistant")
        await self.home.start()
        await self.prepare()

    async def prepare(self) -> None:
        """Make what is missing in a Home Assistant that runs, and follow it."""
        if not await self._entries("mqtt"):
            await add_mqtt(self.home.api, self.broker.kind, self.broker.port)
        entries = await self._entries(DOMAIN)
        is_new = not entries
        if entries:
            self.entry_id = entries[0]
            if self.server is not None:
                await move_server(self.home.api, self.entry_id, self.server.address)
            if self._remembered_speed() != self.speed:
                await set_speed(self.home.api, self.entry_id, speed=self.speed)
        else:
            self._say("making the garden through the config flows")
            self.entry_id = await add_garden(
                self.home.api,
                speed=self.speed,
                today=datetime.now(ZoneInfo(self.time_zone)).date(),
                server_address=None if self.server is None else self.server.address,
            )
        self._speed_file.write_text(json.dumps(self.speed))
        await self.states.follow(self.entry_id)
        await ignore_protocol_advice(self.home.api)
        # What a person has removed since does not come.
        await self.states.until_known(LAST_ENTITIES, ENTITY_SECONDS if is_new else 1)
        await dashboard.install(self.states, speed=self.speed)

    async def restart(self) -> None:
        """End Home Assistant in order, start it again and follow it."""
        await self.home.stop()
        await self.home.start()
        await self.states.follow(self.entry_id)

    async def stop(self) -> None:
        """End everything in order."""
        await self.home.close()
        if self.server is not None:
            await self.server.stop()
        await self.simulator.stop()
        await self.broker.stop()

    async def _entries(self, domain: str) -> list[str]:
        entries = await self.home.api.command("config_entries/get", domain=domain)
        return [entry["entry_id"] for entry in entries]

    @property
    def _speed_file(self) -> Path:
        return self.config / "demo-speed.json"

    def _remembered_speed(self) -> float:
        return float(json.loads(self._speed_file.read_text())) if self._speed_file.exists() else 1.0
