"""What a calendar shows: whole local days, computed when they are asked for."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Instant, Model


class CalendarCategory(StrEnum):
    """What an event is about; a person chooses among these."""

    TASK = "task"
    KARENZ = "karenz"
    PHASE = "phase"
    PLANTING_RUN = "planting_run"


class CalendarEventKind(StrEnum):
    """What happens on the day of an event."""

    TASK_DUE = "task_due"
    TASK_DONE = "task_done"
    """A task that was due on this day, and has been done."""
    HARVEST_SAFE = "harvest_safe"
    """First day on which a treated plant may be harvested."""
    PHASE_END = "phase_end"
    """The next phase is expected."""
    RUN_PLANNED = "run_planned"
    RUN_STARTED = "run_started"
    RUN_HARVEST = "run_harvest"
    RUN_ENDED = "run_ended"


CATEGORY_OF: dict[CalendarEventKind, CalendarCategory] = {
    CalendarEventKind.TASK_DUE: CalendarCategory.TASK,
    CalendarEventKind.TASK_DONE: CalendarCategory.TASK,
    CalendarEventKind.HARVEST_SAFE: CalendarCategory.KARENZ,
    CalendarEventKind.PHASE_END: CalendarCategory.PHASE,
    CalendarEventKind.RUN_PLANNED: CalendarCategory.PLANTING_RUN,
    CalendarEventKind.RUN_STARTED: CalendarCategory.PLANTING_RUN,
    CalendarEventKind.RUN_HARVEST: CalendarCategory.PLANTING_RUN,
    CalendarEventKind.RUN_ENDED: CalendarCategory.PLANTING_RUN,
}
"""Each kind of event belongs to one category."""


class CalendarEvent(Model):
    """One day of something in the garden."""

    id: str
    """Stays the same when the day moves."""
    kind: CalendarEventKind
    category: CalendarCategory
    on: date
    """Local date at the site."""
    subject_name: str | None = None
    """Name of the plant, tank or run."""
    title: str | None = None
    """A person's own words, of a task that has such."""
    detail: str | None = None
    """Machine-readable: the kind of a task without a title, or the phase that is expected."""
    description: str | None = Field(default=None, max_length=4000)
    plant_key: str | None = None
    tank_key: str | None = None
    task_key: str | None = None
    run_key: str | None = None
    changed_at: Instant
    """When what it is computed from was last changed."""
