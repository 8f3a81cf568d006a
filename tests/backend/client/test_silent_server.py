"""A server that takes what it is sent and says nothing: nobody waits long, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient, open_queue
from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import EvaluateGarden, ListObjects, RecordReadings
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.exceptions import QueuedError, UnavailableError
from tests.backend.client.queue_bench import Clock, drained, task, titles
from tests.backend.client.switched_client import SwitchedClient
from tests.eventually import eventually

SOON = Waits(answer_s=0.05, longest_pause_s=0.02)
READINGS = RecordReadings(readings=())


@pytest.fixture
async def client(
    server: SwitchedClient, clock: Clock, tmp_path: Path
) -> AsyncIterator[QueueingClient]:
    queue = await open_queue(server, tmp_path / "q.db", clock=clock, waits=SOON)
    yield queue
    server.gate.set()
    await queue.close()


async def test_a_command_is_stored_and_done_once_when_the_server_speaks_again(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.gate.clear()

    with pytest.raises(QueuedError):
        await client.call(task("a"))
    with pytest.raises(QueuedError):
        await client.call(task("b"))

    assert client.state.depth == 2
    assert isinstance(client.state.trouble, UnavailableError)
    server.gate.set()
    await drained(client)
    assert await titles(server) == ["a", "b"]
    assert len({command.command_key for command in server.sent}) == 2


async def test_what_the_silent_server_did_after_all_is_not_done_twice(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.gate.clear()
    with pytest.raises(QueuedError):
        await client.call(task("a"))
    (first, *_) = server.sent
    await server.garden.call(first)  # it was only slow

    server.gate.set()
    await drained(client)

    assert await titles(server) == ["a"]


async def test_a_command_behind_others_is_stored_too(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.gate.clear()
    with pytest.raises(QueuedError):
        await client.call(task("a"))
    await client.snapshot()  # it answers that, so nothing seems to be wrong
    assert client.state.trouble is None

    async with asyncio.timeout(10):
        with pytest.raises(QueuedError):
            await client.call(task("b"))

    server.gate.set()
    await drained(client)
    assert await titles(server) == ["a", "b"]


async def test_a_question_fails_soon(
    client: QueueingClient, server: SwitchedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(server, "call", hang)

    async with asyncio.timeout(10):
        with pytest.raises(UnavailableError) as told:
            await client.call(ListObjects())

    assert told.value.placeholders["reason"] == "timeout"


@pytest.mark.parametrize("request_", [READINGS, EvaluateGarden()], ids=["many", "now or never"])
async def test_readings_and_what_must_be_now_are_waited_for(
    client: QueueingClient, server: SwitchedClient, request_: Command[int]
) -> None:
    server.gate.clear()
    call = asyncio.create_task(client.call(request_))
    await eventually(lambda: len(server.sent) == 1)
    await asyncio.sleep(4 * SOON.answer_s)
    assert not call.done()

    server.gate.set()

    assert await call >= 0
    assert client.state.depth == 0
