"""Many clients at once, and a power cut in the middle: nothing is lost, nothing happens twice."""

import asyncio
import contextlib
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.end_to_end.server_process import Process

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("socket_enabled")]

GARDEN = "/api/v1/t/platform"
CLIENTS = 64
PATIENCE = aiohttp.ClientTimeout(total=60)
AT = "2026-05-01T08:00:00Z"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """Return a running server with the demo garden."""
    process = Process(tmp_path, log_level="warning")
    yield process
    process.kill()


@dataclass
class Ledger:
    """What the clients were told."""

    statuses: Counter[int] = field(default_factory=Counter)
    tanks: dict[str, str] = field(default_factory=dict)
    """Key by name of each tank whose making was acknowledged."""
    waterings: set[str] = field(default_factory=set)
    raises: int = 0
    """How often the shared tank was made a litre larger."""


class Client:
    """One of many; it repeats every third command, as a client does that heard no answer."""

    def __init__(
        self, session: aiohttp.ClientSession, ledger: Ledger, shared: str, plant: str
    ) -> None:
        self._session, self._ledger = session, ledger
        self._shared, self._plant = shared, plant
        self._count = 0

    async def work(self, until: float) -> None:
        """Work until the time is up."""
        while time.monotonic() < until:
            await self._make_tank()
            await self._water()
            await self._raise_shared()
            await self._call("GET", "/plants?limit=50")
            await self._call("GET", f"/tanks/{self._shared}/state")

    async def _call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, Any, str]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(method, GARDEN + path, json=body, headers=sent) as answer:
            self._ledger.statuses[answer.status] += 1
            return answer.status, await answer.json(), answer.headers.get("ETag", "")

    async def _once(self, path: str, body: object) -> Any:
        """Send a command; every third one twice, one after the other or both at once."""
        key = uuid4().hex
        self._count += 1
        first = self._call("POST", path, body, Idempotency_Key=key)
        if self._count % 3:
            status, answer, _ = await first
            assert status == 201, answer
            return answer
        if self._count % 2:
            answers = [await first, await self._call("POST", path, body, Idempotency_Key=key)]
        else:
            second = self._call("POST", path, body, Idempotency_Key=key)
            answers = list(await asyncio.gather(first, second))
        assert [status for status, *_ in answers] == [201, 201], answers
        assert answers[0][1] == answers[1][1]
        return answers[0][1]

    async def _make_tank(self) -> None:
        name = uuid4().hex
        made = await self._once("/tanks", {"name": name, "volume_l": 10})
        self._ledger.tanks[name] = made["key"]

    async def _water(self) -> None:
        note = uuid4().hex
        body = {"plant_keys": [self._plant], "watering": {"at": AT, "volume_l": 0.1, "note": note}}
        await self._once("/irrigation", body)
        self._ledger.waterings.add(note)

    async def _raise_shared(self) -> None:
        """Make the shared tank a litre larger, on top of what the others did."""
        path = f"/tanks/{self._shared}"
        _, seen, tag = await self._call("GET", path)
        status, *_ = await self._call(
            "PATCH", path, {"volume_l": seen["volume_l"] + 1}, If_Match=tag
        )
        assert status in {200, 412}
        self._ledger.raises += status == 200


async def _all(session: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
        async with session.get(GARDEN + path, params=parameters) as answer:
            page = await answer.json()
        found += page["items"]
        cursor = page["cursor"]
    return found


async def _made(session: aiohttp.ClientSession, path: str, body: object) -> str:
    async with session.post(GARDEN + path, json=body) as answer:
        made: dict[str, Any] = await answer.json()
        return str(made["key"])


async def _load(address: str, seconds: float) -> Ledger:
    ledger = Ledger()
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    async with aiohttp.ClientSession(address, connector=connector, timeout=PATIENCE) as session:
        shared = await _made(session, "/tanks", {"name": "Shared", "volume_l": 1})
        plant = await _made(
            session, "/plants", {"name": "Tomato", "species_key": "solanum_lycopersicum"}
        )
        clients = [Client(session, ledger, shared, plant) for _ in range(CLIENTS)]
        until = time.monotonic() + seconds
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.work(until))

        tanks = Counter(tank["name"] for tank in await _all(session, "/tanks"))
        waterings = Counter(item["note"] for item in await _all(session, "/irrigation"))
        async with session.get(f"{GARDEN}/tanks/{shared}") as answer:
            volume = (await answer.json())["volume_l"]
    assert {name: tanks[name] for name in ledger.tanks} == dict.fromkeys(ledger.tanks, 1)
    assert {note: waterings[note] for note in ledger.waterings} == dict.fromkeys(
        ledger.waterings, 1
    )
    assert volume == 1 + ledger.raises
    return ledger


def _check_load(server: Process, seconds: float) -> None:
    ledger = asyncio.run(_load(server.address, seconds))

    assert {status for status in ledger.statuses if status >= 500} == set(), ledger.statuses
    assert len(ledger.tanks) >= CLIENTS
    assert ledger.raises > 0
    assert server.stop() == 0


def test_64_clients_at_once_lose_nothing_and_nothing_happens_twice(server: Process) -> None:
    _check_load(server, 5)


@pytest.mark.soak
def test_64_clients_for_a_minute(server: Process) -> None:
    _check_load(server, 60)


# --- A power cut ---------------------------------------------------------------------------------


@dataclass
class Written:
    """What writers sent, and what of it was acknowledged."""

    sent: dict[str, str] = field(default_factory=dict)
    """Command key by name of the tank."""
    acknowledged: set[str] = field(default_factory=set)


async def _write_until_it_dies(process: Process, written: Written, after_s: float) -> None:
    enough, before = asyncio.Event(), len(written.acknowledged)
    async with aiohttp.ClientSession(process.address, timeout=PATIENCE) as session:

        async def write() -> None:
            while True:
                name, command = uuid4().hex, uuid4().hex
                written.sent[name] = command
                await _send_tank(session, name, command)
                written.acknowledged.add(name)
                if len(written.acknowledged) >= before + 5:
                    enough.set()

        async def until_it_dies() -> None:
            with contextlib.suppress(aiohttp.ClientError):
                await write()

        writers = [asyncio.create_task(until_it_dies()) for _ in range(8)]
        await enough.wait()
        await asyncio.sleep(after_s)
        process.process.kill()
        await asyncio.gather(*writers)


async def _send_tank(session: aiohttp.ClientSession, name: str, command: str) -> None:
    body, headers = {"name": name, "volume_l": 10}, {"Idempotency-Key": command}
    async with session.post(f"{GARDEN}/tanks", json=body, headers=headers) as answer:
        assert answer.status == 201, await answer.text()


async def _check_and_repeat(process: Process, written: Written) -> None:
    """Find what was acknowledged, once; then repeat all that was not, and find it once too."""
    async with aiohttp.ClientSession(process.address, timeout=PATIENCE) as session:
        found = Counter(tank["name"] for tank in await _all(session, "/tanks"))
        assert {name for name in written.acknowledged if found[name] != 1} == set()

        for name in written.sent.keys() - written.acknowledged:
            await _send_tank(session, name, written.sent[name])
            written.acknowledged.add(name)
        found = Counter(tank["name"] for tank in await _all(session, "/tanks"))
        assert {name for name in written.sent if found[name] != 1} == set()


def _check_kills(folder: Path, times: int) -> None:
    written, chance = Written(), Random(7)  # noqa: S311 - when to pull the plug
    for _ in range(times):
        process = Process(folder, log_level="warning")
        try:
            asyncio.run(_check_and_repeat(process, written))
            asyncio.run(_write_until_it_dies(process, written, chance.uniform(0.05, 0.6)))
        finally:
            process.kill()
        with contextlib.closing(sqlite3.connect(folder / "garden.db")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    last = Process(folder, log_level="warning")
    try:
        asyncio.run(_check_and_repeat(last, written))
        assert len(written.acknowledged) >= 5 * times
        assert last.stop() == 0
    finally:
        last.kill()


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    _check_kills(tmp_path, 3)


@pytest.mark.soak
def test_it_survives_twenty(tmp_path: Path) -> None:
    _check_kills(tmp_path, 20)
