"""A server that is there and will not have us: nothing new waits, and what waits stays."""

import asyncio
from datetime import timedelta

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.protocol import Change
from kamerplanter_backend.client.requests import LogHarvest, RecordReadings
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    HostRefusedError,
    IncompatibleServerError,
    NotFoundError,
    OtherServerError,
    QueuedError,
    RateLimitedError,
    TenantSuspendedError,
    UnauthorizedError,
)
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.backend.client.queue_bench import (
    START,
    drained,
    neem,
    queued,
    task,
    titles,
    view_of,
)
from tests.backend.client.switched_client import SwitchedClient, away
from tests.eventually import eventually

REFUSALS = [
    UnauthorizedError("The key was revoked."),
    TenantSuspendedError("The garden is suspended."),
    HostRefusedError("Not this name.", value="garden.lan"),
    IncompatibleServerError("Too new."),
    OtherServerError("Another server."),
    NotFoundError("No garden.", kind="tenants", key="home"),
]


def reading(number: int) -> RecordReadings:
    at = START + timedelta(seconds=number)
    one = Reading(
        probe_key="p",
        kind=ChannelKind.EC,
        at=at,
        received_at=at,
        value=1.5,
        verdict=Verdict.GOOD,
    )
    return RecordReadings(readings=(one,))


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: error.code)
async def test_the_caller_hears_it_whether_something_waits_or_not(
    client: QueueingClient, server: SwitchedClient, refusal: KamerplanterError, plant: Plant
) -> None:
    server.trouble = refusal
    with pytest.raises(type(refusal)):
        await client.call(task("early"))
    nothing = client.state.depth

    server.trouble = away()
    await queued(client, neem(plant), task("a"))
    server.trouble = refusal
    await eventually(lambda: client.state.trouble is refusal)
    for command in (task("b"), neem(plant)):
        with pytest.raises(type(refusal)):
            await client.call(command)
    with pytest.raises(type(refusal)):
        await client.call(LogHarvest(fields=HarvestFields(plant_key=plant.key, at=START)))
    waiting = [item.name for item in client.waiting]
    for number in range(2):  # nobody waits for news of readings
        with pytest.raises(QueuedError):
            await client.call(reading(number))

    assert (nothing, waiting, client.state.refused) == (0, ["LogTreatment", "AddTask"], ())
    assert [item.name for item in client.waiting] == [*waiting, "RecordReadings"]
    server.trouble = None
    await drained(client)
    assert await titles(server) == ["a"]


async def test_a_treatment_that_was_refused_closes_no_gate(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    shown = await client.snapshot()
    server.trouble = away()
    await queued(client, task("a"))
    server.trouble = UnauthorizedError("The key was revoked.")
    await eventually(lambda: isinstance(client.state.trouble, UnauthorizedError))
    told: list[Change] = []
    client.changes(told.append)

    with pytest.raises(UnauthorizedError):
        await client.call(neem(plant))

    assert view_of(await client.gated(shown), plant)[0] is True
    assert told, "what was shown as closed meanwhile is shown anew"


async def test_a_treatment_that_waits_closes_the_gate_whatever_the_server_says(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    shown = await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant))
    server.trouble = UnauthorizedError("The key was revoked.")
    await eventually(lambda: isinstance(client.state.trouble, UnauthorizedError))

    assert view_of(await client.gated(shown), plant)[0] is False


async def test_who_stands_behind_others_when_the_server_refuses_us_is_not_stored(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    server.gate.clear()  # the first one stays on its way
    server.trouble = None
    await client.snapshot()  # the server is seen again
    behind = asyncio.create_task(client.call(task("b")))
    await eventually(lambda: client.state.depth == 2)
    server.refusals["a"] = TenantSuspendedError("The garden is suspended.")
    server.gate.set()

    with pytest.raises(TenantSuspendedError):
        await behind
    assert client.state.depth == 1
    server.refusals.clear()
    await drained(client)

    assert await titles(server) == ["a"]


async def test_a_suspended_garden_that_can_be_read_takes_nothing_new(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    suspended = TenantSuspendedError("The garden is suspended.")
    server.refusals = {"a": suspended, "b": suspended}
    server.trouble = None
    await client.snapshot()

    with pytest.raises(TenantSuspendedError):
        await client.call(task("b"))

    assert client.state.depth == 1


async def test_what_was_promised_once_stays_when_it_is_said_again(
    client: QueueingClient, server: SwitchedClient
) -> None:
    command = task("a").model_copy(update={"command_key": "c-1"})
    server.trouble = away()
    await queued(client, command)
    server.trouble = UnauthorizedError("The key was revoked.")
    await eventually(lambda: isinstance(client.state.trouble, UnauthorizedError))

    with pytest.raises(QueuedError):
        await client.call(command)

    assert client.state.depth == 1
    server.trouble = None
    await drained(client)
    assert await titles(server) == ["a"]


async def test_the_first_after_the_refusal_ended_is_done_at_once(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    server.trouble = UnauthorizedError("The key was revoked.")
    await eventually(lambda: isinstance(client.state.trouble, UnauthorizedError))

    server.trouble = None
    assert (await client.call(task("b"))).title == "b"

    assert client.state.depth == 0
    assert [getattr(item, "fields").title for item in server.sent] == ["a", "b"]  # noqa: B009


async def test_a_server_that_is_busy_is_like_one_that_is_away(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = RateLimitedError("Too many.", retry_after_s=1)
    await queued(client, task("a"), task("b"))

    server.trouble = None
    await drained(client)
    assert sorted(await titles(server)) == ["a", "b"]


async def test_another_thing_under_the_same_key_leaves_nobody_without_an_answer(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    server.gate.clear()
    server.trouble = None
    await client.snapshot()
    key = {"command_key": "c-1"}
    behind = asyncio.create_task(client.call(task("b").model_copy(update=key)))
    await eventually(lambda: client.state.depth == 2)

    with pytest.raises(ConflictError):
        await client.call(task("c").model_copy(update=key))
    server.gate.set()

    assert (await behind).title == "b"
