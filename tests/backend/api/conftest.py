"""Servers for the tests of the HTTP interface."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import Bench
from tests.backend.api.walk_world import World
from tests.live_server import PATIENCE_S, workers_where


@pytest.fixture(autouse=True)
async def _workers_end() -> AsyncIterator[None]:
    """Leave no thread behind on which the server of a test read a file or sent an archive."""
    yield
    here = asyncio.get_running_loop()
    for worker in workers_where(lambda loop: loop is here):
        await asyncio.to_thread(worker.join, PATIENCE_S)


@pytest.fixture
def server_of() -> Iterator[Callable[..., Bench]]:
    """Return a function that opens servers, in any mode and with any settings."""
    opened: list[Bench] = []

    def make(mode: Mode = Mode.LIGHT, **values: Any) -> Bench:
        opened.append(Bench(mode, **values))
        return opened[-1]

    yield make
    for bench in opened:
        bench.close()


@pytest.fixture
def bench(server_of: Callable[..., Bench]) -> Bench:
    """Return a light server."""
    return server_of()


@pytest.fixture
async def api(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the light server."""
    async with bench.client() as client:
        yield client


@pytest.fixture(scope="module")
def _world_of_the_module() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.fixture
def world(_world_of_the_module: World) -> Iterator[World]:
    """Return the one full server of a module, with two gardens; each call makes what it needs."""
    yield _world_of_the_module
    _world_of_the_module.settle()
