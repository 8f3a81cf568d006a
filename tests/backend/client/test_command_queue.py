"""Commands for a server that is away: kept, delivered in order and once, reported, gated."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.command_store import BATCH_SIZE, MOST_COMMANDS
from kamerplanter_backend.client.delivery import BREAKING_ATTEMPTS
from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.queue_file import RefusedCommand
from kamerplanter_backend.client.requests import (
    AddTask,
    ArchivePlant,
    CheckHarvest,
    CompleteTask,
    CorrectTreatment,
    EvaluateGarden,
    ListSpecies,
    ListTreatments,
    LogHarvest,
    RecordReadings,
    SetPhase,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    CommandExpiredError,
    ConflictError,
    ForbiddenError,
    HostRefusedError,
    IncompatibleServerError,
    NotFoundError,
    OtherServerError,
    QueuedError,
    TenantSuspendedError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_engines.errors import KamerplanterError, KarenzViolationError
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskState
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.backend.client.queue_bench import (
    OWNER,
    START,
    Clock,
    Open,
    drained,
    neem,
    queued,
    task,
    titles,
)
from tests.backend.client.switched_client import SwitchedClient, away
from tests.eventually import eventually

# --- What waits, and what does not ----------------------------------------------------------


async def test_a_server_that_is_there_answers_at_once(
    client: QueueingClient, server: SwitchedClient
) -> None:
    answer = await client.call(task("a"))

    assert answer.title == "a"
    assert client.state.depth == 0
    assert client.state.away_since is None


async def test_commands_wait_and_are_delivered_in_order(
    client: QueueingClient, server: SwitchedClient, clock: Clock
) -> None:
    server.trouble = away()
    with pytest.raises(QueuedError) as told:
        await client.call(task("a"))
    await queued(client, task("b"), task("c"))
    state = client.state

    server.trouble = None
    await drained(client)

    assert told.value.placeholders["found"] == "1"
    assert (state.depth, state.oldest_at, state.away_since) == (3, START, START)
    assert [command.fields.title for command in server.sent if isinstance(command, AddTask)] == [
        "a",
        "b",
        "c",
    ]
    assert sorted(await titles(server)) == ["a", "b", "c"]
    assert client.state.away_since is None


async def test_an_answer_that_got_lost_does_nothing_twice(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.loses_answers = True
    await queued(client, task("a"))
    server.loses_answers = False
    await drained(client)

    assert len(server.sent) >= 2
    assert len({command.command_key for command in server.sent}) == 1
    assert await titles(server) == ["a"]


@pytest.mark.parametrize(
    "request_now",
    [
        LogHarvest(fields=HarvestFields(plant_key="p", at=START)),
        CorrectTreatment(key="t", patch={"voided": True}, reason="Mistyped"),
        EvaluateGarden(),
        ListSpecies(),
        CheckHarvest(plant_key="p"),
    ],
    ids=lambda item: type(item).__name__,
)
async def test_what_must_be_answered_now_is_refused(
    client: QueueingClient, server: SwitchedClient, request_now: LogHarvest
) -> None:
    server.trouble = away()

    with pytest.raises(UnavailableError):
        await client.call(request_now, OWNER)

    assert client.state.depth == 0
    server.trouble = None
    await asyncio.sleep(0.05)
    assert server.sent == []


async def test_a_harvest_does_not_overtake_what_waits(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    server.trouble = away()
    await queued(client, neem(plant))
    harvest = LogHarvest(fields=HarvestFields(plant_key=plant.key, at=START))
    with pytest.raises(UnavailableError):
        await client.call(harvest)

    server.trouble = None
    with pytest.raises(KarenzViolationError) as refused:
        await client.call(harvest)

    assert refused.value.placeholders["date"] == "2026-05-05"
    assert client.state.depth == 0


async def test_a_command_behind_others_gets_its_answer_when_the_server_is_there(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    server.gate.clear()  # the first one stays on its way
    server.trouble = None
    await client.snapshot()  # the server is seen again
    behind = asyncio.create_task(client.call(task("b")))
    await asyncio.sleep(0.02)
    server.gate.set()

    assert (await behind).title == "b"
    assert [item.fields.title for item in server.sent if isinstance(item, AddTask)] == ["a", "b"]


async def test_a_viewer_leaves_nothing_in_the_queue(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()

    with pytest.raises(ForbiddenError):
        await client.call(task("a"), Caller(actor="guest", role=Role.VIEWER))

    assert client.state.depth == 0


async def test_a_key_that_waits_stands_for_one_content(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    command = task("a").model_copy(update={"command_key": "c-1"})
    await queued(client, command, command)

    with pytest.raises(ConflictError):
        await client.call(task("b").model_copy(update={"command_key": "c-1"}))

    assert client.state.depth == 1


async def test_a_full_queue_refuses_and_says_so(
    client: QueueingClient, server: SwitchedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerplanter_backend.client.command_store.MOST_COMMANDS", 2)
    server.trouble = away()
    await queued(client, task("a"), task("b"))

    with pytest.raises(UnavailableError) as refused:
        await client.call(task("c"))

    assert refused.value.placeholders["reason"] == "too many waiting commands"
    assert client.state.depth == 2
    assert MOST_COMMANDS == 2000


# --- Moments --------------------------------------------------------------------------------


async def test_what_is_done_now_was_done_now_whenever_it_arrives(
    client: QueueingClient, server: SwitchedClient, clock: Clock
) -> None:
    done = await client.call(task("a"))
    await client.snapshot()
    server.trouble = away()
    with pytest.raises(QueuedError):
        await client.call(CompleteTask(key=done.key))

    clock.now += timedelta(days=2)
    server.trouble = None
    await drained(client)

    (shown,) = (await client.snapshot()).tasks
    assert (shown.state, shown.closed_at) == (TaskState.COMPLETED, START)


async def test_today_is_the_local_day_of_the_call(
    client: QueueingClient, server: SwitchedClient, clock: Clock, plant: Plant
) -> None:
    clock.now = datetime(2026, 5, 1, 23, tzinfo=UTC)  # the second of May in Berlin
    await client.snapshot()
    server.trouble = away()
    entry = (await server.garden.snapshot()).plant(plant.key).phases[1]
    with pytest.raises(QueuedError):
        await client.call(SetPhase(key=plant.key, entry_id=entry))

    clock.now += timedelta(days=5)
    server.trouble = None
    await drained(client)

    assert client.state.refused == ()
    assert (await client.snapshot()).plant(plant.key).phase_started_on == date(2026, 5, 2)


async def test_the_clock_of_the_server_counts(
    open_client: Open, server: SwitchedClient, clock: Clock
) -> None:
    ours = Clock()
    ours.now = START + timedelta(hours=3)  # fast: what is done "now" would lie in the future
    client = await open_client(ours)
    done = await client.call(task("a"))
    await client.snapshot()

    finished = await client.call(CompleteTask(key=done.key))

    assert finished.closed_at == START


# --- Restart --------------------------------------------------------------------------------


async def test_what_waits_is_delivered_after_a_restart(
    open_client: Open, server: SwitchedClient, plant: Plant
) -> None:
    client = await open_client()
    await client.snapshot()
    server.trouble = away()
    await queued(client, task("a"), neem(plant), task("b"))

    client = await open_client()
    assert client.state.depth == 3
    server.trouble = None
    await drained(client)

    assert sorted(await titles(server)) == ["a", "b"]
    treatments = await server.garden.call(ListTreatments(plant_key=plant.key))
    assert [item.product for item in treatments] == ["Neem"]


async def test_the_caller_is_remembered(
    open_client: Open, server: SwitchedClient, plant: Plant
) -> None:
    client = await open_client()
    server.trouble = away()
    with pytest.raises(QueuedError):
        await client.call(ArchivePlant(key=plant.key), OWNER)
    client = await open_client()

    server.trouble = None
    await drained(client)

    assert client.state.refused == ()
    assert (await client.snapshot()).plants == ()


async def test_what_is_too_old_is_reported_and_not_sent(
    open_client: Open, server: SwitchedClient, clock: Clock
) -> None:
    client = await open_client()
    server.trouble = away()
    await queued(client, task("old"))
    clock.now += timedelta(days=10)
    await queued(client, task("new"))
    heard: list[RefusedCommand] = []
    client.on_refused(heard.append)

    clock.now += timedelta(days=4, seconds=1)
    server.trouble = None
    await drained(client)

    assert await titles(server) == ["new"]
    assert [refused.code for refused in heard] == ["COMMAND_EXPIRED"]
    assert heard[0].placeholders["date"] == "2026-05-01"
    assert client.state.refused == tuple(heard)


# --- Refused by the server ------------------------------------------------------------------


async def test_a_refused_command_is_reported_and_holds_nobody_up(
    open_client: Open, server: SwitchedClient
) -> None:
    client = await open_client()
    heard: list[RefusedCommand] = []
    client.on_refused(heard.append)
    server.trouble = away()
    await queued(client, task("a"), task("bad"), task("b"))
    server.refusals["bad"] = NotFoundError("No plant.", kind="plants", key="p")

    server.trouble = None
    await drained(client)

    assert sorted(await titles(server)) == ["a", "b"]
    assert [(r.code, r.message, r.placeholders) for r in heard] == [
        ("NOT_FOUND", "No plant.", {"kind": "plants", "key": "p"})
    ]
    assert (await open_client()).state.refused == tuple(heard)  # until a person has seen it


async def test_a_person_forgets_a_refused_command_or_sends_it_again(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("one"), task("two"))
    server.refusals = {name: ConflictError("No.", kind="tasks") for name in ("one", "two")}
    server.trouble = None
    await drained(client)
    first, second = (refused.command.command_key for refused in client.state.refused)

    server.refusals.clear()
    await client.forget_refused(first)
    assert await client.send_again(second)
    assert not await client.send_again(first)
    await drained(client)

    assert client.state.refused == ()
    assert await titles(server) == ["two"]


async def test_what_the_server_may_have_done_and_forgotten_is_not_sent_again(
    client: QueueingClient, server: SwitchedClient, clock: Clock
) -> None:
    server.loses_answers = True
    await queued(client, task("a"))  # it arrived
    server.loses_answers = False
    server.trouble = away()
    clock.now += timedelta(days=14, seconds=1)
    await drained(client)
    (expired,) = client.state.refused
    key = expired.command.command_key

    clock.now = START + timedelta(days=20)
    assert await client.send_again(key)  # the server still knows the key
    clock.now = START + timedelta(days=29, seconds=1)
    await drained(client)
    (too_old,) = client.state.refused
    with pytest.raises(CommandExpiredError):
        await client.send_again(key)

    assert (expired.code, too_old.code) == ("COMMAND_EXPIRED", "COMMAND_EXPIRED")
    assert too_old.placeholders["date"] == "2026-05-01"
    server.trouble = None
    assert (client.state.depth, await titles(server)) == (0, ["a"])
    await client.forget_refused(key)


@pytest.mark.parametrize(
    "trouble",
    [
        UnauthorizedError("The key was revoked."),
        TenantSuspendedError("The garden is suspended."),
        HostRefusedError("Not this name.", value="garden.lan"),
        OtherServerError("Another server."),
        NotFoundError("No garden.", kind="tenants", key="home"),
        away("server error"),
    ],
    ids=lambda error: error.code,
)
async def test_nothing_is_lost_while_the_server_will_not_have_us(
    client: QueueingClient, server: SwitchedClient, trouble: KamerplanterError
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    server.trouble = trouble
    await eventually(lambda: client.state.trouble is trouble)
    assert (client.state.depth, client.state.refused) == (1, ())

    server.trouble = None
    await drained(client)

    assert await titles(server) == ["a"]


async def test_a_command_that_breaks_the_server_is_given_up(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("breaks"), task("a"))
    server.refusals["breaks"] = away("server error")
    server.trouble = None

    await drained(client)

    assert await titles(server) == ["a"]
    assert [refused.command.name for refused in client.state.refused] == ["AddTask"]


async def test_attempts_while_the_server_was_away_are_not_the_fault_of_a_command(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    await eventually(lambda: client._store.waiting[0].attempts > BREAKING_ATTEMPTS)
    server.refusals["a"] = away("server error")  # as from one that is not ready yet
    server.trouble = None
    await eventually(lambda: bool(server.sent))
    server.refusals.clear()

    await drained(client)

    assert client.state.refused == ()
    assert await titles(server) == ["a"]


# --- Readings -------------------------------------------------------------------------------


def readings(first: int, count: int) -> RecordReadings:
    return RecordReadings(
        readings=tuple(
            Reading(
                probe_key="probe",
                kind=ChannelKind.EC,
                at=START + timedelta(seconds=number),
                received_at=START + timedelta(seconds=number),
                value=1.5,
                verdict=Verdict.GOOD,
            )
            for number in range(first, first + count)
        )
    )


async def test_small_batches_of_readings_are_put_together(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()
    for number in range(30):
        with pytest.raises(QueuedError):
            await client.call(readings(number * 10, 10))

    sizes = [len(_sent(item.command.body).readings) for item in client._store.waiting]
    assert sizes == [10, BATCH_SIZE, 90]  # the first one may have arrived, so it stays as it is
    assert [r.at for item in client._store.waiting for r in _sent(item.command.body).readings] == [
        START + timedelta(seconds=number) for number in range(300)
    ]


async def test_too_many_readings_cost_the_oldest_ones_and_no_command(
    client: QueueingClient, server: SwitchedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerplanter_backend.client.command_store.MOST_BATCHES", 3)
    server.trouble = away()
    await queued(client, task("a"))
    for number in range(5):
        with pytest.raises(QueuedError):
            await client.call(readings(number * BATCH_SIZE, BATCH_SIZE))

    kept = [item.command.name for item in client._store.waiting]
    assert kept == ["AddTask", "RecordReadings", "RecordReadings", "RecordReadings"]
    assert client.state.dropped_readings_count == 2 * BATCH_SIZE
    oldest = _sent(client._store.waiting[1].command.body).readings[0]
    assert oldest.at == START + timedelta(seconds=2 * BATCH_SIZE)


async def test_readings_that_waited_too_long_are_counted_and_nobody_is_asked_about_each(
    client: QueueingClient, server: SwitchedClient, clock: Clock
) -> None:
    heard: list[RefusedCommand] = []
    client.on_refused(heard.append)
    server.trouble = away()
    for number in range(3):
        with pytest.raises(QueuedError):
            await client.call(readings(number * BATCH_SIZE, BATCH_SIZE))
    lost: list[int] = []
    client.on_state(lambda state: lost.append(state.dropped_readings_count))

    clock.now += timedelta(days=14, seconds=1)
    await drained(client)  # nothing grows without an end, though the server never came back

    assert client.state.dropped_readings_count == lost[-1] == 3 * BATCH_SIZE
    assert (heard, client.state.refused) == ([], ())


@pytest.mark.parametrize(
    "trouble",
    [
        IncompatibleServerError("Too new."),
        OtherServerError("Another one."),
        UnauthorizedError("Who?"),
        NotFoundError("No garden.", kind="tenants", key="home"),
    ],
    ids=lambda error: error.code,
)
async def test_readings_wait_on_the_disk_whatever_keeps_the_server_from_taking_them(
    client: QueueingClient, server: SwitchedClient, trouble: KamerplanterError
) -> None:
    server.trouble = trouble

    with pytest.raises(QueuedError):
        await client.call(readings(0, 3))
    assert client.state.trouble is trouble
    await client.close()
    with pytest.raises(UnavailableError) as refused:
        await client.call(readings(3, 3))

    assert refused.value.placeholders["reason"] == "closed"
    assert client.state.depth == 1


def _sent(body: str) -> RecordReadings:
    return RecordReadings.model_validate_json(body)


# --- Telling --------------------------------------------------------------------------------


async def test_the_state_is_told_when_it_changes(
    client: QueueingClient, server: SwitchedClient
) -> None:
    depths: list[int] = []
    client.on_state(lambda state: depths.append(state.depth))
    server.trouble = away()
    await queued(client, task("a"), task("b"))
    server.trouble = None
    await drained(client)

    assert max(depths) == 2
    assert depths[-1] == 0


async def test_closing_while_something_is_stored_leaves_nobody_in_doubt(
    open_client: Open, server: SwitchedClient
) -> None:
    client = await open_client()
    server.trouble = away()
    await queued(client, task("a"))
    storing = [asyncio.create_task(client.call(task(f"t{number}"))) for number in range(9)]
    await asyncio.sleep(0)  # lets them begin

    await client.close()
    told = await asyncio.gather(*storing, return_exceptions=True)

    assert {type(error) for error in told} <= {QueuedError, UnavailableError}
    stored = sum(isinstance(error, QueuedError) for error in told)
    assert (await open_client()).state.depth == 1 + stored


async def test_what_cannot_wait_is_refused_after_closing_though_something_waits(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    server.trouble = away()
    await queued(client, task("a"))
    await client.close()

    async with asyncio.timeout(5):
        with pytest.raises(UnavailableError) as refused:
            await client.call(LogHarvest(fields=HarvestFields(plant_key=plant.key, at=START)))

    assert refused.value.placeholders["reason"] == "closed"


async def test_closing_leaves_what_waits_and_answers_who_waits(
    open_client: Open, server: SwitchedClient
) -> None:
    client = await open_client()
    server.trouble = away()
    await queued(client, task("a"))
    server.gate.clear()
    server.trouble = None
    await client.snapshot()
    waiting = asyncio.create_task(client.call(task("b")))
    await eventually(lambda: client.state.depth == 2)

    client = await open_client()
    with pytest.raises(QueuedError):
        await waiting
    server.gate.set()
    await drained(client)

    assert sorted(await titles(server)) == ["a", "b"]
