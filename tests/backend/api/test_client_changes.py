"""The stream of changes over a real socket: resumed, ended, bounded, and freed."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from kamerplanter_backend.api.v1.client import router
from kamerplanter_backend.api.v1.client.change_queue import ChangeQueue
from kamerplanter_backend.api.v1.client.event_stream import StreamTimes
from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.client.event_reader import Event, parse_events
from kamerplanter_backend.client.protocol import Change
from kamerplanter_backend.client.requests import AddTask
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.common.change_hub import ChangeHub
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.services.tenant_service import PLATFORM_KEY
from kamerplanter_backend.domain.services.transfer_service import TransferService
from kamerplanter_engines.models.task import TaskFields
from tests.backend.api.harness import Bench
from tests.eventually import PATIENCE_S, eventually
from tests.served_garden import ServedGarden

pytestmark = pytest.mark.usefixtures("socket_enabled")

TIMES = StreamTimes(heartbeat_s=0.2, check_s=0.1, write_s=0.5)


def add(title: str = "a") -> AddTask:
    return AddTask(fields=TaskFields(title=title))


def commit(
    hub: ChangeHub, cursor: int, tenant_key: str, collections: tuple[str, ...] = ("tanks",)
) -> None:
    """Tell of a commit as a store does, from wherever it is called."""
    hub._on_commit(StoredChange(cursor=cursor, tenant_key=tenant_key, collections=collections))


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the patience of the streams."""

    def put(**changes: float) -> None:
        monkeypatch.setattr(router, "STREAM_TIMES", replace(TIMES, **changes))

    put()
    return put


@pytest.fixture(params=[False], ids=["light"])
async def served(
    request: pytest.FixtureRequest, socket_enabled: None, times: Callable[..., None]
) -> AsyncIterator[ServedGarden]:
    garden = await asyncio.to_thread(ServedGarden, is_full=request.param)
    yield garden
    await asyncio.to_thread(garden.stop)


@pytest.fixture
async def client(served: ServedGarden) -> AsyncIterator[RestClient]:
    made = served.client()
    yield made
    await made.close()


@dataclass
class Stream:
    """An open stream, read by hand."""

    response: aiohttp.ClientResponse
    events: AsyncIterator[Event]

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENCE_S):
            return await anext(self.events)

    async def rest(self) -> list[Event]:
        """Return what comes until the server ends the stream."""
        async with asyncio.timeout(PATIENCE_S):
            return [event async for event in self.events]


@pytest.fixture
async def opened(served: ServedGarden) -> AsyncIterator[Callable[..., Awaitable[Stream]]]:
    """Return a function that opens a stream."""
    responses: list[aiohttp.ClientResponse] = []
    forever = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(timeout=forever) as session:

        async def open_stream(last_id: str | None = None, token: str | None = None) -> Stream:
            headers = {"Last-Event-ID": last_id} if last_id is not None else {}
            if (token or served.token) is not None:
                headers["Authorization"] = f"Bearer {token or served.token}"
            response = await session.get(
                f"{served.live.url}/api/v1/t/{served.slug}/client/changes", headers=headers
            )
            responses.append(response)
            assert response.status == 200
            return Stream(response, parse_events(response.content))

        yield open_stream
        for response in responses:
            response.close()


type Opened = Callable[..., Awaitable[Stream]]


async def test_a_new_stream_says_where_it_begins_and_then_what_happens(
    served: ServedGarden, client: RestClient, opened: Opened
) -> None:
    before = served.server.store.last_cursor()
    stream = await opened()
    ready = await stream.next()
    await client.call(add())
    change = await stream.next()

    assert stream.response.headers["Content-Type"].startswith("text/event-stream")
    assert (ready.kind, ready.id) == ("ready", str(before))
    told = Change.model_validate_json(change.data)
    assert (change.kind, change.id) == ("change", str(told.cursor))
    assert told.cursor == served.server.store.last_cursor()
    assert told.collections == ("tasks",)


async def test_what_was_missed_is_told_first(
    served: ServedGarden, client: RestClient, opened: Opened
) -> None:
    last = str(served.server.store.last_cursor())
    await client.call(add("a"))
    await client.call(add("b"))

    stream = await opened(last)
    got = [await stream.next() for _ in range(3)]
    await client.call(add("c"))
    got.append(await stream.next())

    assert [event.kind for event in got] == ["change", "change", "ready", "change"]
    cursors = [int(event.id or 0) for event in got]
    assert cursors[0] < cursors[1] < cursors[3]


async def test_an_unknown_event_means_read_everything_again(
    served: ServedGarden, client: RestClient, opened: Opened
) -> None:
    latest = str(served.server.store.last_cursor())
    for last_id in ("999999", "0x1", "-1", "", "9" * 30, "null"):
        first = await (await opened(last_id)).next()
        assert (first.kind, first.id) == ("reset", latest), last_id
    stream = await opened("null")
    await stream.next()
    await client.call(add())

    assert (await stream.next()).kind == "change"


async def test_an_import_on_the_command_line_is_told_to_those_who_listen() -> None:
    bench, other = Bench(), Bench(store="sqlite:///:memory:")
    heard: asyncio.Queue[StoredChange | None] = asyncio.Queue()
    try:
        async with other.client() as api:
            made = await api.post("/api/v1/t/platform/tanks", json={"name": "A", "volume_l": 60})
            assert made.status_code == 201
        lines = list(TransferService(other.server.store).export(PLATFORM_KEY, other.clock()))
        bench.server.feed.start()
        end = bench.server.hub.listen(PLATFORM_KEY, heard.put_nowait)

        def read_in() -> None:
            # As another process does, with a store of its own on the same file.
            store = open_store(bench.server.settings.store_path)
            try:
                context = bench.server.contexts.make(
                    PLATFORM_KEY, actor="import", role=Role.ADMIN, now=bench.clock()
                )
                TransferService(store).restore(context, lines)
            finally:
                store.close()

        await asyncio.to_thread(read_in)
        async with asyncio.timeout(PATIENCE_S):
            told = await heard.get()
        end()
    finally:
        bench.close()
        other.close()

    assert told is not None
    assert "tanks" in told.collections


async def test_gardens_do_not_hear_of_each_other(
    served: ServedGarden, client: RestClient, opened: Opened
) -> None:
    stream = await opened()
    await stream.next()
    commit(served.server.hub, 1, "elsewhere")
    await client.call(add())

    assert '"elsewhere"' not in (await stream.next()).data


async def test_a_quiet_stream_gives_signs_of_life(opened: Opened) -> None:
    stream = await opened()
    async with asyncio.timeout(PATIENCE_S):
        lines = [await stream.response.content.readline() for _ in range(9)]

    assert lines.count(b": alive\n") >= 2


async def test_a_reader_that_leaves_is_forgotten(served: ServedGarden, opened: Opened) -> None:
    streams = [await opened() for _ in range(3)]
    for stream in streams:
        await stream.next()
    hub = served.server.hub
    listening = hub.listener_count

    for stream in streams:
        stream.response.close()

    assert listening == 3
    await eventually(lambda: hub.listener_count == 0)


async def test_a_server_that_stops_ends_its_streams(served: ServedGarden, opened: Opened) -> None:
    stream = await opened()
    await stream.next()

    stopping = asyncio.create_task(asyncio.to_thread(served.live.stop))

    assert await stream.rest() == []
    await stopping


@pytest.mark.parametrize("served", [True], indirect=True, ids=["full"])
@pytest.mark.parametrize("how", ["revoked", "put out", "suspended"])
async def test_a_stream_ends_with_the_access(
    served: ServedGarden, opened: Opened, how: str
) -> None:
    stream = await opened()
    await stream.next()
    garden = served.shared

    await asyncio.to_thread(
        {"revoked": garden.revoke_key, "put out": garden.put_out, "suspended": garden.suspend}[how]
    )

    assert [event.kind for event in await stream.rest() if event.kind != "change"] == []
    await eventually(lambda: served.server.hub.listener_count == 0)


@pytest.mark.parametrize("served", [True], indirect=True, ids=["full"])
@pytest.mark.parametrize("kind", ["key", "access token"])
async def test_a_stream_ends_with_its_token(
    served: ServedGarden, opened: Opened, times: Callable[..., None], kind: str
) -> None:
    garden = served.shared
    if kind == "key":
        soon = served.clock() + timedelta(minutes=15)
        _, token = garden.make_key(expires_at=soon)
    else:
        token = garden.access_token()
    served.clock.wait(minutes=15, seconds=-1)
    times(check_s=3600)  # only the token's own end counts, a second from now
    stream = await opened(token=token)
    await stream.next()

    served.clock.wait(seconds=2)

    assert await stream.rest() == []


def test_the_promised_minute_is_kept() -> None:
    assert router.STREAM_TIMES.check_s + router.STREAM_TIMES.write_s <= 60
    assert router.STREAM_TIMES.heartbeat_s == 15


async def test_a_listener_that_falls_behind_reads_everything_again(
    served: ServedGarden,
) -> None:
    hub = served.server.hub
    slow = ChangeQueue(hub, "garden", size=3, most_listeners=9)
    for cursor in (1, 2, 3):
        commit(hub, cursor, "garden")
    await asyncio.sleep(0)
    kept = [await slow.next(1) for _ in range(2)]
    for cursor in (4, 5, 6, 7):
        commit(hub, cursor, "garden")
    await asyncio.sleep(0)

    assert [change.cursor for change in kept if change] == [1, 2]
    assert (slow.has_lost, slow.is_ended) == (True, True)
    assert await slow.next(1) is None
    assert hub.listener_count == 0


async def test_a_reader_that_takes_nothing_costs_nothing(served: ServedGarden) -> None:
    head = f"GET /api/v1/t/{served.slug}/client/changes HTTP/1.1\r\nHost: localhost\r\n"
    if served.token:
        head += f"Authorization: Bearer {served.token}\r\n"
    with socket.create_connection(("127.0.0.1", served.live.port)) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.sendall(f"{head}\r\n".encode())
        hub = served.server.hub
        await eventually(lambda: hub.listener_count == 1)
        wide = tuple(f"collection_{number:05}" for number in range(3000))
        for cursor in range(2000):
            commit(hub, cursor, served.tenant_key, wide)

        await eventually(lambda: hub.listener_count == 0)


async def test_too_many_listeners_are_sent_away(served: ServedGarden) -> None:
    hub = served.server.hub
    first = ChangeQueue(hub, "garden", most_listeners=1)

    with pytest.raises(UnavailableError, match="listeners are connected"):
        ChangeQueue(hub, "garden", most_listeners=1)
    first.end()

    ChangeQueue(hub, "garden", most_listeners=1).end()


async def test_one_person_does_not_take_all_streams(served: ServedGarden) -> None:
    hub = served.server.hub
    mine = [ChangeQueue(hub, "garden", most_listeners=80, owner="ada") for _ in range(20)]

    with pytest.raises(UnavailableError, match="This account"):
        ChangeQueue(hub, "other", most_listeners=80, owner="ada")
    theirs = ChangeQueue(hub, "garden", most_listeners=80, owner="ben")
    mine[0].end()
    again = ChangeQueue(hub, "garden", most_listeners=80, owner="ada")

    assert hub.listener_count == 21
    for one in (*mine, theirs, again):
        one.end()


async def test_the_client_goes_on_where_the_stream_broke(
    served: ServedGarden, client: RestClient
) -> None:
    heard: list[Change] = []
    states: list[bool] = []
    client.on_stream(states.append)
    client.changes(heard.append)
    await client.call(add("a"))
    await eventually(lambda: len(heard) == 1)

    other: Any = served.client()
    hub = served.server.hub
    for one in list(hub._listeners.values()):
        one.listener(None)  # the stream ends
    await eventually(lambda: not client.is_stream_open)
    await other.call(add("b"))
    await eventually(lambda: len(heard) == 2)
    await other.close()

    assert [change.collections for change in heard] == [("tasks",), ("tasks",)]
    assert heard[0].cursor < heard[1].cursor
    await eventually(lambda: states == [True, False, True])


async def test_a_client_that_never_reached_the_stream_reads_everything_then(
    served: ServedGarden, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = served.client()
    heard: list[Change] = []
    monkeypatch.setattr(router, "MOST_LISTENERS", 0)
    client.changes(heard.append)
    await client.call(add())
    assert heard == []
    monkeypatch.setattr(router, "MOST_LISTENERS", 9)

    await eventually(lambda: bool(heard))
    await client.close()

    assert heard[0].collections == ()


async def test_a_stream_begins_where_the_snapshot_was_taken(
    served: ServedGarden, client: RestClient
) -> None:
    await client.snapshot()
    other = served.client()
    await other.call(add())
    heard: list[Change] = []

    client.changes(heard.append)

    await eventually(lambda: bool(heard))
    await other.close()
    assert heard[0].collections == ("tasks",)
