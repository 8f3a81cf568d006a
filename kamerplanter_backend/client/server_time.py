"""What clock and calendar say where the garden is, as far as a client can know."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.client.command_store import CommandStore
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.clock import Clock

_ZONE, _AHEAD = "time_zone", "server_ahead_s"
_NOTABLE = timedelta(minutes=1)


class ServerTime:
    """The site's zone, and how far the server's clock is ahead of ours; survives a restart.

    Args:
        clock: Our clock.
        store: Where it is remembered.
    """

    def __init__(self, clock: Clock, store: CommandStore) -> None:
        self._clock = clock
        self._store = store
        self._ahead = timedelta()
        self._remembered_ahead = timedelta()
        self.zone: ZoneInfo | None = None
        """Zone of the site; none = the server was never reached."""

    def now(self) -> datetime:
        """Return the present moment by the server's clock."""
        return self._clock() + self._ahead

    def today(self) -> date:
        """Return the local date at the site."""
        now = self.now()
        return (now.astimezone(self.zone) if self.zone else now).date()

    async def learn(self, shown: GardenSnapshot) -> None:
        """Take zone and clock from a snapshot that was taken just now."""
        if self.zone is None or self.zone.key != shown.time_zone:
            # Reading the rules of a zone blocks, and so does the file.
            self.zone = await self._store.run(lambda: ZoneInfo(shown.time_zone))
            await self._store.remember(_ZONE, shown.time_zone)
        self._ahead = shown.taken_at - self._clock()
        if abs(self._ahead - self._remembered_ahead) >= _NOTABLE:
            self._remembered_ahead = self._ahead
            await self._store.remember(_AHEAD, str(self._ahead.total_seconds()))

    async def recall(self) -> None:
        """Take up what was known before the last stop."""
        if (name := await self._store.recall(_ZONE)) is not None:
            self.zone = await self._store.run(lambda: ZoneInfo(name))
        if (ahead_s := await self._store.recall(_AHEAD)) is not None:
            self._ahead = self._remembered_ahead = timedelta(seconds=float(ahead_s))
