"""A Kamerplanter server beside a test's Home Assistant, and a garden on it.

The application is made once and before any test freezes the time, as its models are built then.
"""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, override

import pytest
from fastapi import FastAPI
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kamerplanter.const import DOMAIN, ENTRY_VERSION
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.identity import SYSTEM_USER_KEY
from kamerplanter_backend.domain.services.tenant_service import PLATFORM_KEY
from kamerplanter_backend.main import build_jobs, create_app, open_server
from kamerplanter_engines.models.site import SiteFields
from tests.backend.api.harness import settings_of
from tests.home_assistant.garden import STORE_ID, Garden, new_entry
from tests.live_server import LiveServer
from tests.shared_garden import SharedGarden

EMBEDDED, ON_SERVER = "embedded", "server"
BOTH_PLACES = pytest.mark.parametrize("place", [EMBEDDED, ON_SERVER], indirect=True)
"""Runs the tests of a module with the garden in Home Assistant, and on a server."""
PATIENCE = Waits(
    connect_s=20,
    total_s=30,
    answer_s=20,
    attempts=1,
    retry_s=0.01,
    silence_s=45,
    longest_pause_s=0.2,
)
"""No pause between attempts: a frozen clock would make it last for ever."""
PAUSE_S = 0.01
LOOKS = 3000
"""Some thirty seconds."""
PATIENT_LOOKS = 100
START = datetime(2026, 5, 1, 10, tzinfo=UTC)


class GoingClock:
    """Stands still until a test has frozen the time, and then says what the test says."""

    def __init__(self) -> None:
        self.is_going = False

    def __call__(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC) if self.is_going else START


@cache
def _application(mode: Mode) -> FastAPI:
    """Return the application of a mode; which server it serves is set for each test."""
    server = open_server(settings_of(mode))
    app = create_app(server)
    app.openapi()  # asks for each route, which is built then
    server.close()
    return app


class HomeServer:
    """A server on a real socket that can go away and come back at the same address.

    Args:
        folder: Where it keeps its file.
        is_full: Whether it has accounts; then there is a garden with a member and a key.
        share: How that garden is made.
    """

    def __init__(self, folder: Path, *, is_full: bool = False, **share: Any) -> None:
        self.clock = GoingClock()
        self._settings = settings_of(
            Mode.FULL if is_full else Mode.LIGHT,
            store=f"sqlite:///{folder}/server.db",
            run_jobs=False,
        )
        self._app = _application(self._settings.mode)
        self.server: Server = self._open()
        self.shared = SharedGarden(self.server, **share) if is_full else None
        self.slug = PLATFORM_KEY if self.shared is None else self.shared.slug
        self.key = None if self.shared is None else self.shared.raw_key
        self._held = socket.socket()
        self._swapped: Server | None = None
        self._live: LiveServer | None = LiveServer(self._app)
        self.port = self._live.port
        self.url = self._live.url
        self.instance_id = self.server.instance_id

    def _open(self) -> Server:
        server = open_server(self._settings, clock=self.clock)
        self._app.state.server = server
        return server

    @property
    def tenant_key(self) -> str:
        """The garden's key in the store."""
        return PLATFORM_KEY if self.shared is None else self.shared.tenant.key

    def place(self, fields: SiteFields) -> None:
        """Say where the garden is."""
        context = self.server.contexts.make(
            self.tenant_key, actor="test", role=Role.ADMIN, now=self.clock()
        )
        self.server.services.site.set(context, fields)

    def tick(self) -> None:
        """Run the jobs that are due, as its own scheduler does."""
        if self._live is not None:
            build_jobs(self.server).tick()

    def go_away(self) -> None:
        """Stop it; what it stored stays, and nobody else gets its port."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._held.close()
            self._held = socket.socket()
            self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._held.bind(("127.0.0.1", self.port))  # who connects is refused

    def come_back(self, meanwhile: Callable[[Server], object] | None = None) -> None:
        """Start it again, on the same port and file.

        Args:
            meanwhile: What happened in the garden before anybody could reach it again.
        """
        self.server = self._open()
        if meanwhile is not None:
            meanwhile(self.server)
        self._held.close()
        self._live = LiveServer(self._app, port=self.port)

    def be_replaced(self) -> None:
        """Let another server answer at the address, with a garden of the same name."""
        self._settings = self._settings.model_copy(
            update={"store": self._settings.store.replace("server.db", "other.db")}
        )
        self.come_back()

    def swap(self) -> Server:
        """Let another server answer on the connections that are open; it has a garden of its own.

        Nothing fails by it. Until `swap_back`, which closes it.
        """
        assert self._live is not None
        other = self._settings.store.replace("server.db", "swapped.db")
        self._swapped = open_server(
            self._settings.model_copy(update={"store": other}), clock=self.clock
        )
        self._live.serve(self._swapped)
        return self._swapped

    def swap_back(self) -> None:
        """Let the right server answer again."""
        assert self._live is not None
        assert self._swapped is not None
        self._live.serve(self.server)
        self._swapped.close()

    def be_itself(self) -> None:
        """Let the right server answer again, after another one."""
        self.go_away()
        self._settings = self._settings.model_copy(
            update={"store": self._settings.store.replace("other.db", "server.db")}
        )
        self.come_back()

    def stop(self) -> None:
        """Stop it for good."""
        self.go_away()
        self._held.close()

    def entry(self, readings: str = "none", **data: object) -> MockConfigEntry:
        """Return an entry as the config flow makes it."""
        return MockConfigEntry(
            domain=DOMAIN,
            version=ENTRY_VERSION,
            title="Garden",
            unique_id=f"{self.instance_id}:{self.slug}",
            data={
                "mode": "server",
                "store_id": STORE_ID,
                "name": "Garden",
                "url": self.url,
                "verify_ssl": True,
                "api_key": self.key,
                "slug": self.slug,
                "garden_key": self.tenant_key,
                "instance_id": self.instance_id,
                "readings": readings,
                **data,
            },
        )


@dataclass
class ServedGarden(Garden):
    """A garden on a server, as a test's Home Assistant shows it."""

    place: HomeServer

    @override
    async def settle(self) -> None:
        """Let everything finish, and look at the server as a change of it would make us do."""
        await super().settle()
        if self.entry.state is not ConfigEntryState.LOADED:
            return
        await self.hass.async_add_executor_job(self.place.tick)
        await self.entry.runtime_data.coordinator.async_refresh()
        await super().settle()

    @override
    def anew(self) -> Garden:
        """Return the garden of a new entry for the same thing."""
        return ServedGarden(self.hass, self.place.entry(), self.freezer, self.place)

    async def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait in real time, as packets take some, until something is so.

        What came too early or failed once waits for a pause to end, which the test's own clock
        never reaches: after a second it goes on.
        """
        for look in range(LOOKS):  # every clock of a test stands still, so the looks are counted
            if is_so():
                return
            if look > PATIENT_LOOKS:
                self.freezer.tick(PAUSE_S)
            await self.hass.async_add_executor_job(time.sleep, PAUSE_S)
            await self.hass.async_block_till_done()
        raise AssertionError(f"not in time: {what}")

    async def server_goes(self) -> None:
        """Let the server go away, and Home Assistant see it."""
        await self.hass.async_add_executor_job(self.place.go_away)
        await self.settle()

    async def server_returns(self) -> None:
        """Let the server come back, and everything be delivered."""
        await self.hass.async_add_executor_job(self.place.come_back)
        await self.settle()
        queue = self.entry.runtime_data.server.queue
        await self.until(lambda: not queue.state.depth, "the queue is empty")
        await self.settle()

    @override
    def known_as(self, user_id: str) -> str:
        """A server knows accounts: who is behind the key did it."""
        return SYSTEM_USER_KEY

    @override
    async def _add_subentry(self, kind: str, title: str, data: dict[str, Any]) -> None:
        """Wait until the thing is taken over: it may have been already."""
        await self.settle()
        key = data["key"]
        if kind == "location" and "probe_key" not in data:
            await super()._add_subentry(kind, title, data)  # nobody shows it by itself
        assert key in {item.data["key"] for item in self.entry.subentries.values()}
        await self.settle()


async def garden_at(
    hass: HomeAssistant,
    place: HomeServer | None,
    freezer: FrozenDateTimeFactory,
    readings: str = "none",
) -> Garden:
    """Load a garden here, or one on the server; both are where the house is."""
    if place is None:
        garden = Garden(hass, new_entry(readings), freezer)
    else:
        place.clock.is_going = True
        place.place(
            SiteFields(
                name="Garden",
                time_zone=hass.config.time_zone,
                latitude_deg=hass.config.latitude,
            )
        )
        garden = ServedGarden(hass, place.entry(readings), freezer, place)
    await garden.set_up()
    return garden
