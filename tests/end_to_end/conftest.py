"""One real Home Assistant with mosquitto for all tests here, as each start takes ten seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from demo.broker import mosquitto_path
from demo.processes import ChildError
from tests.end_to_end.real_garden import RealGarden

type Run = Callable[[Awaitable[Any]], Any]


@pytest.fixture(scope="session")
def run() -> Generator[Run]:
    """Give the one event loop that all processes and connections here belong to.

    The tests are plain functions, because the loop of an async test ends with it.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:

        async def wait(awaitable: Awaitable[Any]) -> Any:
            return await awaitable

        yield lambda awaitable: runner.run(wait(awaitable))


@pytest.fixture(scope="session")
def _shared_garden(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Generator[RealGarden]:
    try:
        mosquitto_path()
    except ChildError as error:
        pytest.skip(str(error))
    # A session begins before the first test may ask for sockets.
    pytest_socket.enable_socket()
    garden = run(_started(tmp_path_factory.mktemp("garden")))
    yield garden
    pytest_socket.enable_socket()
    run(garden.stop())


async def _started(folder: Path) -> RealGarden:
    garden = RealGarden(folder)
    try:
        await garden.start()
    except BaseException:
        await garden.stop()
        raise
    return garden


@pytest.fixture
def garden(_shared_garden: RealGarden, socket_enabled: None, run: Run) -> RealGarden:
    """Give the shared garden with all values live and good."""

    async def settle() -> None:
        await _shared_garden.mend()
        await _shared_garden.settle()

    run(settle())
    return _shared_garden
