"""Things to do."""

from datetime import date
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Key, Model, Name, Text


class TaskKind(StrEnum):
    """What a task is about; decides what its completion means."""

    WATERING = "watering"
    FERTILISING = "fertilising"
    PEST_CHECK = "pest_check"
    TANK_EC = "tank_ec"
    TANK_PH = "tank_ph"
    TANK_WATER_TEMPERATURE = "tank_water_temperature"
    TANK_LEVEL = "tank_level"
    PHASE_CHECK = "phase_check"
    CUSTOM = "custom"


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    RESOLVED = "resolved"
    """Closed by the system because its cause is gone."""


class TaskFields(Model):
    """A task as a person or a rule writes it."""

    title: Name | None = None
    """A person's own words; none = screens build the title from kind and subject."""
    kind: TaskKind = TaskKind.CUSTOM
    plant_key: str | None = None
    tank_key: str | None = None
    due_on: date | None = None
    due_at: Instant | None = None
    description: Text | None = None
    assignee_key: Key | None = None
    """The member who is to do it; none = every grower may."""
    rule: str | None = Field(default=None, max_length=60)
    """The rule that made it, e.g. `soil_moisture_low`; none = a person did."""


class Task(Entity, TaskFields):
    """A task that exists."""

    state: TaskState = TaskState.OPEN
    closed_at: Instant | None = None
    irrigation_key: str | None = None
    confirmation_key: str | None = None
    """What its completion wrote, so that reopening takes it back."""
    removed_at: Instant | None = None
    """When a person took it off the list after it was closed; what it says of its end stays."""
