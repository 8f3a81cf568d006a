"""Server-sent events: changes of a garden, for as long as the caller may see it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import override

from fastapi.sse import format_sse_event
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kamerplanter_backend.api.v1.client.change_queue import ChangeQueue
from kamerplanter_backend.client.protocol import Change
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange

MEDIA_TYPE = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTimes:
    """How long a stream waits for what."""

    heartbeat_s: float = 15
    """A comment after so much silence, so that proxies and readers see that it lives. [s]"""
    check_s: float = 20
    """Whether the caller still may listen is asked so often; a minute is promised. [s]"""
    write_s: float = 20
    """A reader that takes nothing for so long is let go. [s]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What a listener gets first."""

    cursor: int
    """The latest change at this moment."""
    missed: tuple[StoredChange, ...] | None
    """What came since the listener's last event; none = nobody knows, it must read all again."""


class ChangeStream(Response):
    """An answer that goes on until the listener leaves, is too slow, or may not listen any more.

    Args:
        changes: Where they come from; ended with the stream.
        beginning: What was missed.
        may_listen: Asked again and again; seconds until the question must come again at the
            latest, or none = the caller may not listen any more.
        times: How long it waits.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        changes: ChangeQueue,
        beginning: Beginning,
        may_listen: Callable[[], Awaitable[float | None]],
        times: StreamTimes,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers={"cache-control": "no-store", **(headers or {})})
        del self.headers["content-length"]
        # A proxy that gathers the stream would hold every change back.
        self.headers["x-accel-buffering"] = "no"
        self._changes = changes
        self._beginning = beginning
        self._may_listen = may_listen
        self._times = times

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(_disconnected(receive))
        gone.add_done_callback(lambda _done: self._changes.end())
        try:
            await self._send(send, type="http.response.start", headers=self.raw_headers)
            await self._write(send, _opening(self._beginning))
            await self._follow(send)
            if not gone.done():
                await self._send(send, type="http.response.body", body=b"", more_body=False)
        except TimeoutError:
            pass  # it reads nothing: the server closes the connection behind us
        finally:
            self._changes.end()
            gone.cancel()

    async def _follow(self, send: Send) -> None:
        now = asyncio.get_running_loop().time
        told = {change.cursor for change in self._beginning.missed or ()}
        check_at, spoken_at = now(), now()
        while True:
            if now() >= check_at:
                rest_s = await self._may_listen()
                if rest_s is None:
                    return
                check_at = now() + min(rest_s, self._times.check_s)
            quiet_until = spoken_at + self._times.heartbeat_s
            change = await self._changes.next(max(0.0, min(check_at, quiet_until) - now()))
            if change is not None and change.cursor not in told:
                await self._write(send, [_change_event(change)])
            elif change is None and self._changes.is_ended:
                if self._changes.has_lost:
                    await self._write(send, [_reset_event(self._beginning.cursor)])
                return
            elif now() >= quiet_until:
                await self._write(send, [format_sse_event(comment="alive")])
            else:
                continue
            spoken_at = now()

    async def _write(self, send: Send, events: Iterable[bytes]) -> None:
        body = b"".join(events)
        await self._send(send, type="http.response.body", body=body, more_body=True)

    async def _send(self, send: Send, **message: object) -> None:
        if message["type"] == "http.response.start":
            message["status"] = self.status_code
        async with asyncio.timeout(self._times.write_s):
            await send(message)


def _opening(beginning: Beginning) -> list[bytes]:
    if beginning.missed is None:
        return [_reset_event(beginning.cursor)]
    ready = format_sse_event(event="ready", data_str="{}", id=str(beginning.cursor))
    return [*map(_change_event, beginning.missed), ready]


def _change_event(stored: StoredChange) -> bytes:
    change = Change(
        cursor=stored.cursor, tenant_key=stored.tenant_key, collections=stored.collections
    )
    return format_sse_event(
        event="change", data_str=change.model_dump_json(), id=str(stored.cursor)
    )


def _reset_event(cursor: int) -> bytes:
    """Return the event that says: read everything again, and go on from here."""
    return format_sse_event(event="reset", data_str="{}", id=str(cursor))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
