"""Reads the server's stream of changes, and opens it again whenever it ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
from pydantic import ValidationError

from kamerplanter_backend.client.protocol import Change
from kamerplanter_backend.client.transport import Transport, jittered
from kamerplanter_backend.client.wire import UNREADABLE
from kamerplanter_backend.common.exceptions import RateLimitedError, UnavailableError
from kamerplanter_engines.errors import KamerplanterError

_LOGGER = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    kind: str
    data: str
    id: str | None


class EventReader:
    """Tells of changes, from the first connection to the last.

    Args:
        transport: The way to the server.
        path: Of the stream.
        tell: Gets each change.
        on_state: Told when the stream opens and when it ends.
        headers: Sent with each attempt to open it.
    """

    def __init__(
        self,
        transport: Transport,
        path: str,
        tell: Callable[[Change], None],
        on_state: Callable[[bool], None],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._headers = {} if headers is None else headers  # what is learned later is sent, too
        self._transport = transport
        self._path = path
        self._tell = tell
        self._on_state = on_state
        self._task: asyncio.Task[None] | None = None
        self._last_id: str | None = None
        self._is_gap = False
        """Changes may have been missed that nobody can name any more."""
        self._tried = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """Whether it reads, or tries to."""
        return self._task is not None

    def start(self, last_id: str | None) -> None:
        """Begin to read; after that event if one is known, else with what comes next."""
        self._last_id = last_id
        self._is_gap = False
        self._tried.clear()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def tried(self) -> None:
        """Wait a little, until the first attempt to connect has succeeded or failed."""
        if self._task is not None and not self._tried.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._transport.waits.connect_s):
                    await self._tried.wait()

    def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._tried.set()

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async for event in self._events():
                    pause_s = FIRST_PAUSE_S
                    self._take(event)
            except RateLimitedError as error:
                pause_s = max(pause_s, error.retry_after_s)
            except UnavailableError as error:
                _LOGGER.debug("No stream of changes: %s", error)
            except KamerplanterError as error:
                # A key that was withdrawn may come back; until then each call says so.
                _LOGGER.debug("The stream of changes is refused: %s", error)
                pause_s = self._transport.waits.longest_pause_s
            except Exception:
                # Whatever it is: who ends here is deaf for good, and nobody would notice.
                _LOGGER.exception("The stream of changes failed")
                pause_s = self._transport.waits.longest_pause_s
            self._is_gap = self._is_gap or self._last_id is None
            self._on_state(False)
            self._tried.set()
            await asyncio.sleep(jittered(pause_s))
            pause_s = min(2 * pause_s, self._transport.waits.longest_pause_s)

    async def _events(self) -> AsyncIterator[Event]:
        headers = {**self._headers, "Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id is not None:
            headers["Last-Event-ID"] = self._last_id
        async with self._transport.stream(self._path, headers) as lines:
            async for event in parse_events(lines):
                yield event

    def _take(self, event: Event) -> None:
        if event.id is not None:
            self._last_id = event.id
        if event.kind == "change":
            try:
                self._tell(Change.model_validate_json(event.data, extra="ignore"))
            except ValidationError:
                _LOGGER.warning("The server told of a change that cannot be read")
                self._tell(self._everything())
        elif event.kind == "reset" or (event.kind == "ready" and self._is_gap):
            self._tell(self._everything())
        if event.kind in {"ready", "reset"}:
            self._is_gap = False
            self._on_state(True)
            self._tried.set()

    def _everything(self) -> Change:
        cursor = self._last_id or ""
        known = int(cursor) if cursor.isascii() and cursor.isdigit() else 0
        return Change(cursor=known, tenant_key="", collections=())


async def parse_events(lines: aiohttp.StreamReader) -> AsyncIterator[Event]:
    """Read events as the standard of server-sent events says; comments are skipped.

    Raises:
        UnavailableError: A line is too long to be an event.
    """
    kind, data, event_id = "message", list[str](), None
    while True:
        try:
            raw = await lines.readline()
        except ValueError as error:
            raise UnavailableError(
                "The stream of changes cannot be read; check the address.", reason=UNREADABLE
            ) from error
        if not raw:
            return
        line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield Event(kind, "\n".join(data), event_id)
            kind, data, event_id = "message", [], None
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            event_id = value
