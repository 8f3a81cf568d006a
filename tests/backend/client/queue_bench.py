"""What the tests of the command queue share."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import (
    AddTask,
    LogTreatment,
)
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    QueuedError,
)
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskFields
from tests.backend.client.switched_client import SwitchedClient
from tests.eventually import eventually

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
OWNER = Caller(actor="owner", role=Role.ADMIN)
WAITS = Waits(answer_s=20, longest_pause_s=0.02)


type Open = Callable[..., Awaitable[QueueingClient]]
"""Opens the queue, after closing the one before."""


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def task(title: str) -> AddTask:
    return AddTask(fields=TaskFields(title=title))


def neem(plant: Plant, interval_d: int | None = 3, at: datetime = START) -> LogTreatment:
    fields = ApplicationFields(product="Neem", interval_d=interval_d, at=at)
    return LogTreatment(plant_keys=(plant.key,), fields=fields)


async def queued(client: QueueingClient, *commands: AddTask | LogTreatment) -> None:
    for command in commands:
        with pytest.raises(QueuedError):
            await client.call(command)


async def drained(client: QueueingClient) -> None:
    await eventually(lambda: client.state.depth == 0)


async def titles(server: SwitchedClient) -> list[str]:
    return [str(item.title) for item in (await server.garden.snapshot()).tasks]


def view_of(shown: GardenSnapshot, plant: Plant) -> tuple[bool, bool, date | None, int]:
    view = shown.plant(plant.key)
    return (
        view.harvest_allowed,
        view.karenz_active,
        view.safe_harvest_on,
        view.karenz_days_left,
    )
