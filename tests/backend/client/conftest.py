"""A queue in front of a garden whose server a test takes away."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient, open_queue
from kamerplanter_backend.client.embedded import open_garden
from kamerplanter_backend.client.requests import (
    CreatePlant,
)
from kamerplanter_engines.models.plant import Plant, PlantFields
from tests.backend.client.queue_bench import WAITS, Clock, Open
from tests.backend.client.switched_client import SwitchedClient


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[SwitchedClient]:
    garden = open_garden(
        None, name="Home", time_zone="Europe/Berlin", latitude_deg=52.5, clock=clock
    )
    yield SwitchedClient(garden.client)
    await garden.client.close()


@pytest.fixture
async def open_client(server: SwitchedClient, clock: Clock, tmp_path: Path) -> AsyncIterator[Open]:
    """Return a function that opens the queue; an open one is closed before."""
    opened: list[QueueingClient] = []

    async def make(ours: Clock = clock) -> QueueingClient:
        for client in opened:
            await client.close()
        opened.append(await open_queue(server, tmp_path / "q.db", clock=ours, waits=WAITS))
        return opened[-1]

    yield make
    for client in opened:
        await client.close()


@pytest.fixture
async def client(open_client: Open) -> QueueingClient:
    return await open_client()


@pytest.fixture
async def plant(server: SwitchedClient) -> Plant:
    fields = PlantFields(name="Tomato", species_key="solanum_lycopersicum")
    return await server.garden.call(CreatePlant(fields=fields))
