"""Zone and clock of the server, as far as they are known here."""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.requests import SetPhase
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.models.plant import Plant
from tests.backend.client.queue_bench import Clock, Open, task
from tests.backend.client.switched_client import SwitchedClient, away


async def test_a_zone_that_only_an_old_snapshot_knows_is_enough_to_wait(
    open_client: Open, server: SwitchedClient, plant: Plant, clock: Clock
) -> None:
    known = await server.garden.snapshot()
    clock.now = clock.now.replace(hour=23)  # the second of May in Berlin
    client = await open_client()
    client.recall(known)
    server.trouble = away()

    with pytest.raises(QueuedError):
        await client.call(SetPhase(key=plant.key, entry_id=known.plants[0].phases[1]))

    body = SetPhase.model_validate_json(client.waiting[0].body)
    assert body.started_on == date(2026, 5, 2)


async def test_a_full_disk_does_not_hide_what_the_server_shows(
    client: QueueingClient, server: SwitchedClient
) -> None:
    await server.garden.call(task("a"))
    client._store._file._connection.execute("PRAGMA query_only = 1")

    seen = await client.look()

    assert seen.is_fresh
    assert [item.title for item in seen.snapshot.tasks] == ["a"]


async def test_a_zone_that_is_not_known_here_keeps_nobody_out(
    open_client: Open, server: SwitchedClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = await open_client()
    await client.snapshot()
    await client.close()
    with closing(sqlite3.connect(tmp_path / "q.db")) as connection, connection:
        connection.execute("UPDATE remembered SET value = 'Mars/Olympus' WHERE name = 'time_zone'")

    client = await open_client()

    assert (await client.look()).is_fresh
    assert "Mars/Olympus" in caplog.text
