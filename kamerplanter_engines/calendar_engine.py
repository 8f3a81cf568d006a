"""Turns tasks, treatments, phases and planting runs into the days of a calendar."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, tzinfo

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Entity
from kamerplanter_engines.models.calendar import (
    CATEGORY_OF,
    CalendarCategory,
    CalendarEvent,
    CalendarEventKind,
)
from kamerplanter_engines.models.ipm import Treatment
from kamerplanter_engines.models.phase import PhaseSequenceFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.planting_run import PlantingRun
from kamerplanter_engines.models.tank import Tank
from kamerplanter_engines.models.task import Task, TaskKind, TaskState
from kamerplanter_engines.phase_transition_engine import phase_status
from kamerplanter_engines.safety_interval_engine import check_harvest
from kamerplanter_engines.task_engine import due_date

MAX_WINDOW_D = 400
"""Longest part of a calendar that is asked for at once. [d]"""

_KIND_OF_STATE = {
    TaskState.OPEN: CalendarEventKind.TASK_DUE,
    TaskState.COMPLETED: CalendarEventKind.TASK_DONE,
}


@dataclass(frozen=True, slots=True)
class Window:
    """The local dates that are looked at.

    Raises:
        InvalidInputError: It is empty, longer than 400 days, or at the end of all dates.
    """

    start: date
    """The first one."""
    end: date
    """The one after the last."""

    def __post_init__(self) -> None:
        length_d = (self.end - self.start).days
        if not 0 < length_d <= MAX_WINDOW_D:
            raise InvalidInputError(
                f"From {self.start} until {self.end} are {length_d} days; "
                f"1 to {MAX_WINDOW_D} are possible, the end is not part of it.",
                field="end",
                value=self.end,
            )
        if not MINYEAR < self.start.year <= self.end.year < MAXYEAR:
            raise InvalidInputError(
                f"{self.start} lies outside the years {MINYEAR + 1} to {MAXYEAR - 1}.",
                field="start",
                value=self.start,
            )

    def __contains__(self, day: date | None) -> bool:
        """Tell whether a day lies in it."""
        return day is not None and self.start <= day < self.end


def task_events(
    tasks: Iterable[Task], subjects: Mapping[str, Plant | Tank], window: Window, zone: tzinfo
) -> list[CalendarEvent]:
    """Return the days on which open tasks are due and done ones were.

    Args:
        tasks: The tasks; those that were skipped or resolved are left out.
        subjects: Plants and tanks by key.
        window: The dates.
        zone: Zone of the site; decides the day of a task that is due at a moment.

    Source: own rule.
    """
    about = [(task, subjects.get(task.plant_key or task.tank_key or "")) for task in tasks]
    return [
        CalendarEvent(
            id=f"task-{task.key}",
            kind=_KIND_OF_STATE[task.state],
            category=CalendarCategory.TASK,
            on=day,
            subject_name=subject.name if subject is not None else None,
            title=task.title,
            detail=None if task.kind is TaskKind.CUSTOM else task.kind.value,
            description=task.description,
            plant_key=task.plant_key,
            tank_key=task.tank_key,
            task_key=task.key,
            # A new name of the plant is a new text of its tasks.
            changed_at=_newest(task, subject),
        )
        for task, subject in about
        if task.state in _KIND_OF_STATE
        and (day := due_date(task, zone)) is not None
        and day in window
    ]


def karenz_events(
    plant: Plant, treatments: Sequence[Treatment], window: Window, today: date
) -> list[CalendarEvent]:
    """Return the first day on which a treated plant may be harvested.

    Nothing, if an unknown interval blocks: then nobody knows such a day.

    Args:
        plant: The plant.
        treatments: All applications that reached it.
        window: The dates.
        today: Local date.

    Source: own rule.
    """
    safe_on = check_harvest(treatments, today).safe_on
    if safe_on is None or safe_on not in window:
        return []
    return [
        CalendarEvent(
            id=f"karenz-{plant.key}",
            kind=CalendarEventKind.HARVEST_SAFE,
            category=CalendarCategory.KARENZ,
            on=safe_on,
            subject_name=plant.name,
            plant_key=plant.key,
            run_key=plant.run_key,
            changed_at=_newest(plant, *treatments),
        )
    ]


def phase_events(
    plant: Plant,
    sequence: PhaseSequenceFields,
    *,
    entry_id: str,
    started_on: date,
    window: Window,
    today: date,
) -> list[CalendarEvent]:
    """Return the day on which the next phase of a plant is expected.

    Args:
        plant: The plant.
        sequence: Its sequence.
        entry_id: The entry that it is in.
        started_on: Local date on which that began.
        window: The dates.
        today: Local date.

    Source: own rule.
    """
    status = phase_status(sequence, entry_id, started_on, today)
    if status.next_entry is None or status.due_on is None or status.due_on not in window:
        return []
    return [
        CalendarEvent(
            id=f"phase-{plant.key}-{entry_id}-{started_on}",
            kind=CalendarEventKind.PHASE_END,
            category=CalendarCategory.PHASE,
            on=status.due_on,
            subject_name=plant.name,
            detail=status.next_entry.phase,
            plant_key=plant.key,
            run_key=plant.run_key,
            changed_at=plant.updated_at,
        )
    ]


def run_events(run: PlantingRun, window: Window) -> list[CalendarEvent]:
    """Return the days of a planting run; a plan counts until the run has begun or ended."""
    is_plan = run.started_on is None and run.ended_on is None
    days = (
        (CalendarEventKind.RUN_PLANNED, run.planned_on if is_plan else None),
        (CalendarEventKind.RUN_STARTED, run.started_on),
        (CalendarEventKind.RUN_HARVEST, run.harvesting_on),
        (CalendarEventKind.RUN_ENDED, run.ended_on),
    )
    return [
        CalendarEvent(
            id=f"{kind.value.replace('_', '-')}-{run.key}",
            kind=kind,
            category=CATEGORY_OF[kind],
            on=day,
            subject_name=run.name,
            description=run.note,
            run_key=run.key,
            changed_at=run.updated_at,
        )
        for kind, day in days
        if day is not None and day in window
    ]


def in_order(events: Iterable[CalendarEvent]) -> tuple[CalendarEvent, ...]:
    """Return events by day; those of one day by category, name and id."""
    return tuple(
        sorted(events, key=lambda item: (item.on, item.category, item.subject_name or "", item.id))
    )


def _newest(*sources: Entity | None) -> datetime:
    """Return when the newest of those that a text is made of was changed."""
    return max(source.updated_at for source in sources if source is not None)
