"""A real broker says goodbye for a device whose line is cut, and the store hears of it."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from kamerplanter_backend.domain.models.tenant import Tenant
from kamerplanter_backend.telemetry.worker import ingest_worker as worker
from kamerplanter_engines.models.telemetry import Availability
from tests.backend.telemetry.brokers import HOST, mosquitto
from tests.backend.telemetry.fleet import Fleet, message, send, topic_of, until, worker_of

pytestmark = [pytest.mark.mosquitto, pytest.mark.usefixtures("socket_enabled")]

_CONNECT, _CLEAN_WITH_WILL = 0x10, 0b0000_1110
"""MQTT 3.1.1: a new session, and a last will of QoS 1."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and store more often than people need."""
    monkeypatch.setattr(worker, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(worker, "FLUSH_AFTER_S", 0.1)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a fleet without gardens, on a file."""
    fleet = Fleet(tmp_path / "garden.db")
    yield fleet
    fleet.close()


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2) + encoded


async def connect(port: int, topic: str, will: str) -> asyncio.StreamWriter:
    """Connect as a device does that leaves a last will; whoever closes the line says no goodbye."""
    body = _text("MQTT") + bytes([4, _CLEAN_WITH_WILL]) + (60).to_bytes(2)
    body += _text("device") + _text(topic) + _text(will)
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(bytes([_CONNECT, len(body)]) + body)
    answer = await reader.readexactly(4)
    assert answer[3] == 0, "refused"
    return writer


def gone_since(fleet: Fleet, garden: Tenant) -> datetime | None:
    probe = fleet.probes[garden.key][0]
    found = fleet.services.telemetry.memories(fleet.context(garden), [probe.key])
    return found[probe.key].view.gone_since


async def test_a_device_whose_line_is_cut_is_gone_until_it_speaks(
    tmp_path: Path, fleet: Fleet
) -> None:
    garden = fleet.add_garden(1)
    probe = fleet.probes[garden.key][0]
    there = Availability(topic="status").model_dump()
    fleet.services.probe.update(fleet.context(garden), probe.key, {"availability": there})
    async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
        line = await connect(broker.port, f"kamerplanter/{garden.slug}/status", "offline")
        await send(broker.port, [(topic_of(garden), message(6.0))])
        await until(lambda: live.counts.stored.total() == 1)
        assert gone_since(fleet, garden) is None

        line.close()
        await until(lambda: gone_since(fleet, garden) is not None)

        await send(broker.port, [(topic_of(garden), message(6.1))])
        await until(lambda: gone_since(fleet, garden) is None)
