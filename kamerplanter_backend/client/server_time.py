"""What clock and calendar say where the garden is, as far as a client can know."""

import logging
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kamerplanter_backend.client.command_store import CommandStore
from kamerplanter_backend.client.protocol import Command, KamerplanterClient
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.clock import Clock
from kamerplanter_backend.common.exceptions import UnavailableError

_LOGGER = logging.getLogger(__name__)

_ZONE, _AHEAD = "time_zone", "server_ahead_s"
_NOTABLE = timedelta(minutes=1)


class ServerTime:
    """The zones of the sites, and how far the server's clock is ahead of ours; survives a restart.

    Args:
        clock: Our clock.
        store: Where it is remembered.
        client: The way to the server, for a zone that nobody knows.
    """

    def __init__(self, clock: Clock, store: CommandStore, client: KamerplanterClient) -> None:
        self._clock = clock
        self._store = store
        self._client = client
        self._ahead = timedelta()
        self._remembered_ahead = timedelta()
        self._zone: ZoneInfo | None = None
        self._name: str | None = None
        """As the server called the zone last."""
        self._assumed: str | None = None
        self._shown: GardenSnapshot | None = None
        """What the server showed last, or before the last stop."""

    def now(self) -> datetime:
        """Return the present moment by the server's clock."""
        return self._clock() + self._ahead

    def today(self) -> date:
        """Return the local date at the site."""
        now = self.now()
        return (now.astimezone(self._zone) if self._zone else now).date()

    async def zones_of(self, shown: GardenSnapshot) -> Mapping[str, ZoneInfo]:
        """Return the zone whose days count for each plant of a snapshot, by its key."""
        names = {view.time_zone for view in shown.plants if view.time_zone is not None}
        zones = {name: await self._read(name) for name in names}
        first = self._zone or await self._read(shown.time_zone)
        return {view.plant.key: zones.get(view.time_zone or "", first) for view in shown.plants}

    async def zone_at(self, plant_key: str) -> ZoneInfo:
        """Return the zone whose days count for a plant; the server is asked if nobody knows it.

        Raises:
            KamerplanterError: Nobody knows it, and the server does not say.
        """
        if (name := self._zone_name(plant_key)) is None:
            await self.learn(await self._client.snapshot())
            name = self._zone_name(plant_key)
        return await self.zone() if name is None else await self._read(name)

    async def zone(self) -> ZoneInfo:
        """Return the site's zone; the server is asked if nobody knows it yet.

        Raises:
            KamerplanterError: Nobody knows it, and the server does not say.
        """
        if self._zone is None and self._assumed is not None:
            self._zone = await self._read(self._assumed)
        if self._zone is None:
            await self.learn(await self._client.snapshot())
        return self._zone or ZoneInfo("UTC")

    async def dated[C: Command[Any]](self, command: C) -> C:
        """Write "now" and "today" out, as the server's clock and the site's calendar say.

        Raises:
            KamerplanterError: As `zone`.
        """
        if command.as_of(self.now(), self.today()) == command:
            return command
        await self.zone()
        return command.as_of(self.now(), self.today())

    async def learn(self, shown: GardenSnapshot) -> None:
        """Take zones and clock from a snapshot that was taken just now."""
        self._shown = shown
        self._ahead = shown.taken_at - self._clock()
        if self._name != shown.time_zone:
            self._name = shown.time_zone
            self._zone = await self._read(shown.time_zone)
            await self._remember(_ZONE, shown.time_zone)
        if abs(self._ahead - self._remembered_ahead) >= _NOTABLE:
            self._remembered_ahead = self._ahead
            await self._remember(_AHEAD, str(self._ahead.total_seconds()))

    def assume(self, shown: GardenSnapshot) -> None:
        """Take the zones of what was shown before the last stop, until better ones are known."""
        self._assumed = shown.time_zone
        self._shown = self._shown or shown

    async def recall(self) -> None:
        """Take up what was known before the last stop."""
        if (name := await self._store.recall(_ZONE)) is not None:
            self._zone = await self._read(name)
        if (ahead_s := await self._store.recall(_AHEAD)) is not None:
            self._ahead = self._remembered_ahead = timedelta(seconds=float(ahead_s))

    def _zone_name(self, plant_key: str) -> str | None:
        view = self._shown.plant(plant_key) if self._shown is not None else None
        return view.time_zone if view is not None else None

    async def _read(self, name: str) -> ZoneInfo:
        # Reading the rules of a zone blocks.
        return await self._store.run(lambda: _zone(name))

    async def _remember(self, name: str, value: str) -> None:
        try:
            await self._store.remember(name, value)
        except UnavailableError as error:
            # It counts until the next stop, and is no reason to refuse what the server showed.
            _LOGGER.warning("%s of the server cannot be remembered: %s", name, error)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError, ValueError, OSError:
        _LOGGER.warning("The time zone %s of the server is not known here; UTC counts", name)
        return ZoneInfo("UTC")
