"""What one call of an action is about, and the rows of the table of actions."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Any

from homeassistant.core import SupportsResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from kamerplanter_backend.client.protocol import Caller, Command, Request
from kamerplanter_backend.client.views import PlantView

from ..coordinator import KamerplanterConfigEntry  # noqa: TID252 - the neighbours import alike
from ..moments import moment_of  # noqa: TID252
from ..numbers import Limits  # noqa: TID252
from ..queued import call_or_queue  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..subjects import Subject, SubjectKind  # noqa: TID252

type Data = Mapping[str, Any]
type Answer = dict[str, JsonValueType]
type Run = Callable[[Job], Awaitable[list[Answer]]]

PLANTS = frozenset({SubjectKind.PLANT})
QUEUED: Answer = {"queued": True}
"""Answered in place of what the server would say, while it is away."""
PAST = {vol.Optional("at"): cv.datetime, vol.Optional("note"): cv.string}
"""Fields of something that has happened."""
POSITIVE = Limits(above=0)
TEXT = vol.All(cv.string, vol.Length(min=1, max=200))
REASON = vol.All(cv.string, vol.Length(min=1, max=1000))


class Reach(Enum):
    """How many plants one call may be about."""

    ONE_PLANT = auto()
    """Of several, one could be booked before another is refused."""
    ONE_GARDEN = auto()
    """All or none, which two gardens cannot promise each other."""
    ANY = auto()


@dataclass(frozen=True, slots=True)
class Job:
    """One call, as far as it is about plants of one garden."""

    entry: KamerplanterConfigEntry
    plants: tuple[PlantView, ...]
    caller: Caller
    data: Data

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the plants."""
        return tuple(view.plant.key for view in self.plants)

    async def ask[R](self, request: Request[R]) -> R:
        """Ask or do one thing in the garden of the call."""
        return await self.entry.runtime_data.client.call(request, self.caller)

    async def book[R](self, command: Command[R]) -> R | None:
        """Do one thing in the garden of the call; none = it waits for the server."""
        return await call_or_queue(self.entry.runtime_data.client, command, self.caller)

    async def refreshed(self) -> tuple[PlantView, ...]:
        """Return the plants as they are now, which entities then show too."""
        coordinator = self.entry.runtime_data.coordinator
        await coordinator.async_refresh()
        now = {key: coordinator.view(Subject(SubjectKind.PLANT, key)) for key in self.keys}
        # One that is gone by now was there when its booking was committed.
        return tuple(
            view if isinstance(view := now[before.plant.key], PlantView) else before
            for before in self.plants
        )


@dataclass(frozen=True, kw_only=True)
class Action:
    """A row: name, input, what it does for the plants, and one answer for each of them."""

    name: str
    schema: Mapping[Any, Any]
    run: Run
    response: SupportsResponse = SupportsResponse.OPTIONAL
    reach: Reach = Reach.ANY


def each(run_one: Callable[[Job, PlantView], Awaitable[Answer]]) -> Run:
    """Return what does a thing for one plant after the other."""

    async def run(job: Job) -> list[Answer]:
        return [await run_one(job, plant) for plant in job.plants]

    return run


def past(data: Data) -> datetime:
    """Return the moment of a call; a text without a zone is one of Home Assistant's.

    Raises:
        InvalidInputError: The clock never shows it.
    """
    at: datetime | None = data.get("at")
    return dt_util.utcnow() if at is None else moment_of(at)


def iso(value: date | None) -> str | None:
    """Return a date or moment as text."""
    return None if value is None else value.isoformat()
