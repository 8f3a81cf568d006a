"""What must not hold the queue up for ever, and who hears of a refusal."""

import asyncio

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.wire import UNREADABLE
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    QueuedError,
    RateLimitedError,
    ReadOnlyStoreError,
    StoreFullError,
    UnauthorizedError,
)
from tests.backend.client.queue_bench import drained, queued, task, titles
from tests.backend.client.switched_client import SwitchedClient, away
from tests.eventually import eventually


async def test_an_answer_that_nobody_can_read_holds_the_others_up_for_a_while_only(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("odd"), task("a"))
    # As where something in between refuses this one content, while the server answers.
    server.refusals["odd"] = away(UNREADABLE)
    server.trouble = None

    await drained(client)

    assert await titles(server) == ["a"]
    assert [item.command.name for item in client.state.refused] == ["AddTask"]


async def test_a_mistake_of_ours_holds_the_others_up_for_a_while_only(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("odd"), task("a"))
    server.breaks_at = "odd"
    server.trouble = None

    await drained(client)

    assert await titles(server) == ["a"]
    (refused,) = client.state.refused
    assert "ZeroDivisionError" in refused.message


async def test_a_busy_server_is_left_alone_as_long_as_it_says(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = RateLimitedError("Too many.", retry_after_s=3600)
    await queued(client, task("a"))
    await eventually(lambda: client._store.waiting[0].attempts >= 2)  # the queue tried it as well
    tried = client._store.waiting[0].attempts

    await asyncio.sleep(0.1)  # several pauses of this client

    assert client._store.waiting[0].attempts == tried
    server.trouble = None
    assert (await client.snapshot()).tasks == ()  # whoever hears of it first tells the others
    await drained(client)


async def behind(client: QueueingClient, server: SwitchedClient) -> asyncio.Task[object]:
    """Return a call of a bad command that waits behind another one."""
    server.trouble = away()
    await queued(client, task("a"))
    server.gate.clear()
    server.trouble = None
    await client.snapshot()
    call = asyncio.create_task(client.call(task("bad")))
    await eventually(lambda: client.state.depth == 2)
    server.refusals["bad"] = ConflictError("No.", kind="tasks")
    return call


async def test_who_hears_of_a_refusal_is_not_asked_about_it_again(
    client: QueueingClient, server: SwitchedClient
) -> None:
    call = await behind(client, server)
    server.gate.set()

    with pytest.raises(ConflictError):
        await call

    assert (client.state.depth, client.state.refused) == (0, ())


async def test_of_a_caller_who_gave_up_the_refusal_is_kept(
    client: QueueingClient, server: SwitchedClient
) -> None:
    call = await behind(client, server)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    server.gate.set()

    await drained(client)

    assert [item.code for item in client.state.refused] == ["CONFLICT"]


async def test_a_disk_that_takes_nothing_is_heard_of_and_loses_nothing(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    disk = client._store._file._connection
    disk.execute("PRAGMA query_only = 1")
    server.trouble = None
    await eventually(lambda: isinstance(client.state.trouble, ReadOnlyStoreError))
    with pytest.raises(ReadOnlyStoreError):
        await client.call(task("b"))
    stuck = [item.name for item in client.waiting]

    disk.execute("PRAGMA query_only = 0")
    await drained(client)

    assert (stuck, client.state.refused) == (["AddTask"], ())
    assert await titles(server) == ["a"]
    assert (await client.call(task("b"))).title == "b"


@pytest.mark.parametrize("is_one_refused", [True, False], ids=["it", "us"])
async def test_nobody_waits_for_ever_where_a_refusal_cannot_be_written_down(
    client: QueueingClient,
    server: SwitchedClient,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_one_refused: bool,
) -> None:
    call = await behind(client, server)
    if not is_one_refused:
        server.refusals = {"a": UnauthorizedError("The key was revoked.")}
    file = client._store._file
    remove = file.remove

    def full(*_: object) -> None:
        raise StoreFullError("The disk is full.", reason="queue file")

    last = client._store.waiting[-1].seq
    monkeypatch.setattr(file, "remove", lambda seq: full() if seq == last else remove(seq))
    monkeypatch.setattr(file, "refuse", full)
    server.gate.set()

    async with asyncio.timeout(20):
        with pytest.raises(QueuedError):
            await call

    assert client._store.waiting[-1].seq == last, "it is still there, and will be told of later"
