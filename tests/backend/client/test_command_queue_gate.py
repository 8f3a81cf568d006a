"""The gate of the harvest, for treatments that the server does not know yet."""

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.protocol import Change
from kamerplanter_backend.client.requests import (
    CheckHarvest,
    LogHarvest,
)
from kamerplanter_backend.common.exceptions import (
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_engines.errors import KarenzViolationError
from kamerplanter_engines.models.harvest import HarvestFields, HarvestPurpose
from kamerplanter_engines.models.plant import Plant
from tests.backend.client.queue_bench import (
    OWNER,
    START,
    Clock,
    Open,
    drained,
    neem,
    queued,
    view_of,
)
from tests.backend.client.switched_client import SwitchedClient, away


async def test_a_treatment_that_waits_closes_the_gate_at_once(
    client: QueueingClient, server: SwitchedClient, plant: Plant, clock: Clock
) -> None:
    before = await client.snapshot()
    told: list[Change] = []
    client.changes(told.append)
    server.trouble = away()
    await queued(client, neem(plant))

    shown = await client.snapshot()

    assert view_of(before, plant) == (True, False, None, 0)
    assert view_of(shown, plant) == (False, True, date(2026, 5, 5), 4)
    view = shown.plant(plant.key)
    assert [(b.product, b.interval_d, b.reason) for b in view.blockers] == [
        ("Neem", 3, "waiting_period")
    ]
    assert view.has_treatment
    assert shown.taken_at == START
    assert told


async def test_an_unknown_interval_closes_it_for_good(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant, interval_d=None))

    assert view_of(await client.snapshot(), plant) == (False, True, None, 0)


async def test_what_the_server_knows_and_what_waits_count_together(
    client: QueueingClient, server: SwitchedClient, plant: Plant, clock: Clock
) -> None:
    await server.garden.call(neem(plant, interval_d=7))
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant, interval_d=3))
    shown = view_of(await client.snapshot(), plant)
    clock.now += timedelta(days=5)
    later = view_of(await client.snapshot(), plant)

    assert shown == (False, True, date(2026, 5, 9), 8)
    assert later == (False, True, date(2026, 5, 9), 3)


async def test_a_treatment_without_a_waiting_period_closes_nothing(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant, interval_d=0))

    assert view_of(await client.snapshot(), plant) == (True, False, date(2026, 5, 1), 0)


async def test_the_gate_stays_closed_between_delivery_and_the_next_snapshot(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant))
    server.trouble = None
    await drained(client)
    server.trouble = away()  # away again before anybody looked

    assert view_of(await client.snapshot(), plant)[0] is False
    server.trouble = None
    assert len((await client.snapshot()).plant(plant.key).blockers) == 1


async def test_a_treatment_that_was_booked_directly_closes_the_last_known_view_too(
    client: QueueingClient, server: SwitchedClient, plant: Plant
) -> None:
    await client.snapshot()
    await client.call(neem(plant))
    server.trouble = away()

    assert view_of(await client.snapshot(), plant)[0] is False


async def test_the_gate_is_closed_after_a_restart_too(
    open_client: Open, server: SwitchedClient, plant: Plant
) -> None:
    client = await open_client()
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant))
    client = await open_client()
    server.trouble = None
    server.gate.clear()  # the server is back, but the command is still on its way

    assert view_of(await client.snapshot(), plant)[0] is False
    verdict = await client.call(CheckHarvest(plant_key=plant.key))
    server.gate.set()

    assert (verdict.allowed, verdict.safe_on) == (False, date(2026, 5, 5))


@pytest.mark.parametrize("waits_first", [True, False], ids=["delivered", "direct"])
async def test_a_treatment_that_no_snapshot_shows_yet_closes_the_gate_after_a_restart_too(
    open_client: Open, server: SwitchedClient, plant: Plant, *, waits_first: bool
) -> None:
    client = await open_client()
    known = await client.snapshot()
    if waits_first:
        server.trouble = away()
        await queued(client, neem(plant))
        server.trouble = None
        await drained(client)
    else:
        await client.call(neem(plant))
    server.trouble = away()  # away again before anybody looked

    client = await open_client()
    closed = view_of(await client.gated(known), plant)
    server.trouble = None
    await client.snapshot()
    client = await open_client()

    assert closed == (False, True, date(2026, 5, 5), 4)
    assert view_of(await client.gated(known), plant)[0] is True, "a snapshot has shown it"


async def test_a_refused_treatment_keeps_the_gate_closed_until_a_person_has_seen_it(
    client: QueueingClient, server: SwitchedClient, plant: Plant, clock: Clock
) -> None:
    await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant, interval_d=30))
    clock.now += timedelta(days=15)  # too old to be sent
    server.trouble = None
    await drained(client)
    harvest = LogHarvest(fields=HarvestFields(plant_key=plant.key, at=clock.now))
    disposal = HarvestFields(
        plant_key=plant.key, at=clock.now, purpose=HarvestPurpose.DISPOSAL, reason="Mildew"
    )

    assert view_of(await client.snapshot(), plant)[0] is False
    with pytest.raises(KarenzViolationError) as refused:
        await client.call(harvest)
    assert (await client.call(LogHarvest(fields=disposal), OWNER)).plant_key == plant.key
    await client.forget_refused(client.state.refused[0].command.command_key)

    assert refused.value.placeholders["date"] == "2026-06-01"
    assert view_of(await client.snapshot(), plant)[0] is True
    assert (await client.call(harvest)).plant_key == plant.key


async def test_what_was_known_is_shown_with_the_gate_closed_while_the_server_refuses_us(
    open_client: Open, server: SwitchedClient, plant: Plant, tmp_path: Path
) -> None:
    client = await open_client()
    known = await client.snapshot()
    server.trouble = away()
    await queued(client, neem(plant))
    await client.close()
    with closing(sqlite3.connect(tmp_path / "q.db")) as connection, connection:
        connection.execute("DELETE FROM remembered")  # not even the zone is known
    client = await open_client()
    server.trouble = UnauthorizedError("The key was revoked.")

    with pytest.raises(UnauthorizedError):
        await client.snapshot()

    assert view_of(await client.gated(known), plant) == (False, True, date(2026, 5, 5), 4)


async def test_nothing_is_shown_of_a_server_that_was_never_there(
    client: QueueingClient, server: SwitchedClient
) -> None:
    server.trouble = away()

    with pytest.raises(UnavailableError):
        await client.snapshot()
