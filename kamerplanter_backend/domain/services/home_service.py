"""The snapshot: all that screens show, as of one moment."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from pydantic import JsonValue

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.nouns import not_found
from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.consequences.site_days import SiteDays
from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.site import LocationRepository, SiteRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, query
from kamerplanter_backend.domain.snapshot.location_views import SHOWN_FOR, location_view
from kamerplanter_backend.domain.snapshot.plant_views import plant_view
from kamerplanter_backend.domain.snapshot.probe_views import probe_view
from kamerplanter_backend.domain.snapshot.supply_views import (
    SUPPLY_REMEMBERED,
    judged_from,
    supply_tasks,
)
from kamerplanter_backend.domain.snapshot.tank_views import tank_view
from kamerplanter_backend.domain.snapshot.trust_views import disagreeing
from kamerplanter_backend.domain.snapshot.twin_views import among
from kamerplanter_backend.domain.snapshot.views import (
    GardenSnapshot,
    LocationView,
    PlantView,
    TankView,
    TaskView,
)
from kamerplanter_engines.calibration_age_engine import changes_at
from kamerplanter_engines.models.base import Entity
from kamerplanter_engines.models.task import Task, TaskState
from kamerplanter_engines.models.telemetry import Probe
from kamerplanter_engines.task_engine import is_due_today, is_overdue

SHOWN_CLOSED = timedelta(days=14)
"""How long a closed task stays in the list."""


class HomeService(Service):
    """Reads everything at once, from one moment of the store."""

    @query()
    def snapshot(self, uow: UnitOfWork) -> GardenSnapshot:
        """Return all that screens show, as of now; archived things are not part of it."""
        site = uow.of(SiteRepository).home()
        tanks, plants = uow.of(TankRepository).living(), uow.of(PlantRepository).living()
        probes = uow.of(ProbeRepository).living()
        facts = facts_of(uow, plants)
        tasks = _listed_tasks(uow)
        open_tasks = [task for task in tasks if task.state is TaskState.OPEN]
        moments = [task.due_at for task in open_tasks if task.due_at]
        tank_views = []
        for tank in tanks:
            view, changes = tank_view(
                uow,
                tank,
                [probe for probe in probes if probe.tank_key == tank.key],
                [(f.plant.key, f.entry) for f in facts.values() if f.plant.tank_key == tank.key],
                tuple(task.key for task in open_tasks if task.tank_key == tank.key),
            )
            tank_views.append(view)
            moments += changes
        plant_views = []
        days = SiteDays(uow)
        for item in facts.values():
            own = [task for task in open_tasks if task.plant_key == item.plant.key]
            planted = [probe for probe in probes if probe.plant_key == item.plant.key]
            plant, changes = plant_view(uow, item, days, own, planted)
            plant_views.append(plant)
            moments += changes
        location_views, changes = _location_views(uow, probes, days)
        moments += changes
        agreements = [found for view in tank_views for found in view.agreements]
        agreements += [found for view in plant_views for found in view.agreements]
        agreements += [found for view in location_views for found in view.agreements]
        at_odds = disagreeing(agreements)
        supplied_since = judged_from(uow.context.now) - SUPPLY_REMEMBERED
        supplies = supply_tasks(uow, [tank.key for tank in tanks], since=supplied_since)
        beside = among(uow, probes)
        probe_views = tuple(
            probe_view(uow, probe, supplies, at_odds, beside=beside) for probe in probes
        )
        for probe in probe_views:
            moments += changes_at(probe.calibration_statuses)
        return GardenSnapshot(
            name=site.name if site else "",
            time_zone=uow.context.zone.key,
            taken_at=uow.context.now,
            today=uow.context.today,
            tanks=tuple(tank_views),
            plants=tuple(plant_views),
            probes=probe_views,
            tasks=_task_views(uow, tasks),
            next_due_at=_earliest(uow, moments),
            locations=tuple(location_views),
            home_site_key=site.key if site else None,
        )

    def tank(self, context: Context, key: str) -> TankView:
        """Return what screens show of one tank.

        Raises:
            NotFoundError: It does not exist, or is archived.
        """
        tanks = self.snapshot(context).tanks
        return _shown({view.tank.key: view for view in tanks}, key, "tanks")

    def plant(self, context: Context, key: str) -> PlantView:
        """Return what screens show of one plant.

        Raises:
            NotFoundError: It does not exist, or is archived.
        """
        plants = self.snapshot(context).plants
        return _shown({view.plant.key: view for view in plants}, key, "plants")

    @query()
    def list_objects(self, uow: UnitOfWork) -> dict[str, tuple[dict[str, JsonValue], ...]]:
        """Return all tanks, plants and probes as documents, the archived ones too."""
        return {
            "tanks": _documents(uow.of(TankRepository).find()),
            "plants": _documents(uow.of(PlantRepository).find()),
            "probes": _documents(uow.of(ProbeRepository).find()),
        }


def _location_views(
    uow: UnitOfWork, probes: Sequence[Probe], days: SiteDays
) -> tuple[list[LocationView], list[datetime]]:
    """Return all places, and when something of them becomes another by time alone."""
    views, moments = list[LocationView](), list[datetime]()
    gone = uow.of(ProbeRepository).archived_since(uow.context.now - SHOWN_FOR)
    moving = [*(probe for probe in probes if probe.stays), *gone]
    for location in uow.of(LocationRepository).find():
        around = [probe for probe in probes if probe.location_key == location.key]
        here = {probe.key for probe in around}
        former = [probe for probe in moving if probe.key not in here]
        shown, changes = location_view(uow, location, around, days.zone_at(location), former)
        views.append(shown)
        moments += changes
    return views, moments


def _shown[V](views: Mapping[str, V], key: str, kind: str) -> V:
    if key not in views:
        raise not_found(kind, key)
    return views[key]


def _documents(entities: Sequence[Entity]) -> tuple[dict[str, JsonValue], ...]:
    return tuple(entity.model_dump(mode="json") for entity in entities)


def _listed_tasks(uow: UnitOfWork) -> list[Task]:
    tasks = uow.of(TaskRepository)
    since = uow.context.now - SHOWN_CLOSED
    closed = (Where("closed_at", ">=", since), Where("removed_at", "is_null", True))
    return [*tasks.open(), *tasks.find(*closed)]


def _task_views(uow: UnitOfWork, tasks: Sequence[Task]) -> tuple[TaskView, ...]:
    # A closed task may be about something that is archived by now: it keeps its name.
    names = _names(
        (
            *uow.of(PlantRepository).get_many({task.plant_key for task in tasks if task.plant_key}),
            *uow.of(TankRepository).get_many({task.tank_key for task in tasks if task.tank_key}),
        )
    )
    return tuple(
        TaskView(
            key=task.key,
            kind=task.kind,
            state=task.state,
            title=task.title,
            subject_name=names.get(task.plant_key or task.tank_key or ""),
            plant_key=task.plant_key,
            tank_key=task.tank_key,
            due_on=task.due_on,
            due_at=task.due_at,
            description=task.description,
            assignee_key=task.assignee_key,
            rule=task.rule,
            is_overdue=is_overdue(task, uow.context.today, uow.context.now),
            is_due_today=is_due_today(task, uow.context.today, uow.context.zone),
            closed_at=task.closed_at,
        )
        for task in tasks
    )


def _names(entities: Iterable[Entity]) -> dict[str, str]:
    return {entity.key: str(getattr(entity, "name", "")) for entity in entities}


def _earliest(uow: UnitOfWork, moments: Iterable[datetime]) -> datetime:
    """Return the first moment to come; there is always the next local midnight."""
    tomorrow = uow.context.today + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), tzinfo=uow.context.zone).astimezone(UTC)
    return min(moment for moment in (*moments, midnight) if moment > uow.context.now)
