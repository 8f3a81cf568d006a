"""Entities of the garden itself."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory

from kamerplanter_backend.client.views import GardenSnapshot, TaskView
from kamerplanter_engines.models.task import TaskState

from ..server_client import ServerClient  # noqa: TID252 - the tables import alike
from .rows import Attributes, LinkBinary, LinkSensor, TaskList, ViewBinary, ViewSensor


def _open(view: GardenSnapshot) -> list[TaskView]:
    return [task for task in view.tasks if task.state is TaskState.OPEN]


def _next_due(view: GardenSnapshot) -> datetime | None:
    """Return the earliest due moment; a task for a day is due when that day begins."""
    zone = ZoneInfo(view.time_zone)
    moments = [task.due_at for task in _open(view) if task.due_at is not None]
    days = [task.due_on for task in _open(view) if task.due_at is None and task.due_on is not None]
    moments += [datetime.combine(day, time(), tzinfo=zone) for day in days]
    return min(moments, default=None)


def _problems(view: GardenSnapshot) -> Attributes:
    tanks = [
        tank.tank.name for tank in view.tanks if any(problem.is_on for problem in tank.problems)
    ]
    plants = [plant.plant.name for plant in view.plants if plant.needs_attention]
    return {"tanks": tanks, "plants": plants}


def _queue(server: ServerClient) -> Attributes:
    state = server.queue.state
    return {
        "oldest": state.oldest_at,
        "refused": len(state.refused),
        "dropped_readings": state.dropped_readings_count,
    }


def _away(server: ServerClient) -> Attributes:
    return {"away_since": server.queue.state.away_since}


HUB_SENSORS = (
    ViewSensor[GardenSnapshot](
        key="tasks_due_today",
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda view: sum(task.is_due_today for task in _open(view)),
        attributes_fn=lambda view: {"overdue": sum(task.is_overdue for task in _open(view))},
    ),
    ViewSensor[GardenSnapshot](
        key="next_task_due", device_class=SensorDeviceClass.TIMESTAMP, value_fn=_next_due
    ),
)

HUB_BINARY_SENSORS = (
    ViewBinary[GardenSnapshot](
        key="problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda view: any(_problems(view).values()),
        attributes_fn=_problems,
    ),
)

LINK_SENSORS = (
    LinkSensor(
        key="queue_depth",
        entity_category=EntityCategory.DIAGNOSTIC,
        state_class=SensorStateClass.MEASUREMENT,
        suggested_display_precision=0,
        value_fn=lambda server: server.queue.state.depth,
        attributes_fn=_queue,
    ),
    LinkSensor(
        key="last_sync",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=lambda server: server.seen_at,
    ),
)
"""Of a garden that is on a server."""

LINK_BINARY_SENSORS = (
    LinkBinary(
        key="server_connected",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda server: server.is_connected,
        attributes_fn=_away,
    ),
)
"""Of a garden that is on a server."""

HUB_TASK_LISTS = (TaskList[GardenSnapshot](key="tasks"),)
