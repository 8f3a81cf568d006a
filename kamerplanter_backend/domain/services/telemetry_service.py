"""Readings: stores what was judged, and what follows from it."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.consequences.rollups import refresh, rollups_within
from kamerplanter_backend.domain.consequences.soil_alerts import evaluate_soil
from kamerplanter_backend.domain.consequences.tank_alerts import evaluate_tank
from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.snapshot.probe_views import SUPPLY_TASKS, probe_view
from kamerplanter_backend.domain.snapshot.views import ChannelView, ProbeView
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.rollup import Rollup, RollupLevel
from kamerplanter_engines.models.tank import Tank, TankType
from kamerplanter_engines.models.task import Task, TaskState
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading, Verdict
from kamerplanter_engines.rollup_engine import LONGEST_HOLD, bucket_of
from kamerplanter_engines.tables.channels import JUMP_EXPECTED_S

_LOGGER = logging.getLogger(__name__)

RAW_RETENTION = timedelta(days=90)
"""How long single readings are kept."""

ROLLUP_RETENTION = {
    RollupLevel.HOUR: timedelta(days=2 * 365),
    RollupLevel.DAY: timedelta(days=5 * 365),
}
"""How long the hours and days that readings come to are kept."""

HOURS_AT_ONCE = 5000
"""Most hours that are summed up in one transaction."""

MAX_LISTED = 20_000
"""Most readings of one answer: a week of two a minute. All 90 days would be a hundred MB."""

MOMENT = timedelta(microseconds=1)
"""Two readings of a channel are not closer."""

_ALERT_WRITES = (TankAlertRepository, PlantAlertRepository, TaskRepository)


type ChannelMoment = tuple[str, ChannelKind, datetime]
"""Probe, kind and time of measurement: what makes a reading one reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeMemory:
    """What the store knows that is needed to judge what a probe measures."""

    view: ProbeView
    plain_water: bool
    """It hangs in water where an EC of 0 is a real value."""
    stock_solution: bool
    """It hangs in a concentrate."""


class TelemetryService(Service):
    """Takes readings in, judges tanks and plants by them, and forgets the old ones."""

    @command(Readings, *_ALERT_WRITES)
    def record(self, uow: UnitOfWork, readings: Sequence[Reading]) -> int:
        """Store judged readings and look at the tanks and plants that they belong to.

        Readings of probes that are archived or unknown, bad ones and those older than what is
        kept are dropped.

        Returns:
            How many were new.
        """
        probes = {
            probe.key: probe
            for probe in uow.of(ProbeRepository).get_many({item.probe_key for item in readings})
            if probe.archived_at is None
        }
        oldest = uow.context.now - RAW_RETENTION
        kept = [
            reading
            for reading in readings
            if reading.probe_key in probes
            and reading.verdict in {Verdict.GOOD, Verdict.SUSPECT}
            and reading.at >= oldest
        ]
        if len(kept) < len(readings):
            _LOGGER.debug("Dropped %d of %d readings", len(readings) - len(kept), len(readings))
        if not kept:
            return 0
        added = uow.readings.append(kept)
        touched = [probes[key] for key in {reading.probe_key for reading in kept}]
        _evaluate(
            uow,
            tank_keys={probe.tank_key for probe in touched if probe.tank_key},
            plant_keys={probe.plant_key for probe in touched if probe.plant_key},
            readings=kept,
        )
        return added

    @query()
    def memories(self, uow: UnitOfWork, probe_keys: Collection[str]) -> dict[str, ProbeMemory]:
        """Return what is known of those probes that are of this garden and not archived."""
        probes = uow.of(ProbeRepository).get_many(sorted(probe_keys))
        return {probe.key: _memory(uow, probe) for probe in probes if probe.archived_at is None}

    @query()
    def stored(
        self, uow: UnitOfWork, moments: Collection[ChannelMoment]
    ) -> dict[ChannelMoment, Reading]:
        """Return those readings of these channels and times that are stored.

        Raises:
            NotFoundError: A probe is not of this garden.
        """
        return {
            moment: found[0]
            for moment in moments
            if (found := uow.readings.range(*moment, moment[2] + MOMENT))
        }

    @command(*_ALERT_WRITES)
    def evaluate(self, uow: UnitOfWork) -> int:
        """Look at all tanks and plants as of now; return how many alerts and tasks changed."""
        return _evaluate(
            uow,
            tank_keys={tank.key for tank in uow.of(TankRepository).living()},
            plant_keys={plant.key for plant in uow.of(PlantRepository).living()},
        )

    @command(Readings)
    def roll_up(self, uow: UnitOfWork) -> int:
        """Sum up hours and days in which readings arrived; return how many hours it was.

        At most 5,000 at a time, so that nobody waits long for the store; more are still due then.
        """
        return refresh(uow, limit=HOURS_AT_ONCE)

    @command(Readings)
    def prune(self, uow: UnitOfWork) -> int:
        """Delete single readings that are older than 90 days, and older rollups.

        What goes has been summed up before, and hours go whole: what is left of one must never
        stand for it.

        Returns:
            How many readings went.
        """
        oldest = uow.context.now - RAW_RETENTION
        refresh(uow, before=oldest)
        for level, kept in ROLLUP_RETENTION.items():
            uow.rollups.prune(level, uow.context.now - kept)
        hour = bucket_of(RollupLevel.HOUR, oldest, uow.context.zone)
        return uow.readings.prune(hour.starts_at - LONGEST_HOLD)

    @query()
    def list_rollups(  # noqa: PLR0917 - the key of a rollup, and a window
        self,
        uow: UnitOfWork,
        probe_key: str,
        kind: ChannelKind,
        level: RollupLevel,
        from_at: datetime,
        until_at: datetime,
    ) -> tuple[Rollup, ...]:
        """Return the hours or days of a channel that begin within [from, until), oldest first.

        What has arrived up to now is part of them; hours without any reading are left out.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        return tuple(rollups_within(uow, probe_key, kind, level, from_at, until_at))

    @query()
    def list_latest(self, uow: UnitOfWork, probe_key: str) -> tuple[ChannelView, ...]:
        """Return the last and the last good reading of each bound channel of a probe.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        return probe_view(uow, uow.of(ProbeRepository).get(probe_key), ()).channels

    @query()
    def list_readings(
        self, uow: UnitOfWork, probe_key: str, kind: str, from_at: datetime, until_at: datetime
    ) -> tuple[Reading, ...]:
        """Return the stored readings of a channel within [from, until), oldest first.

        Raises:
            NotFoundError: The probe is not of this garden.
            InvalidInputError: There is no such kind, or there are more than 20,000 readings.
        """
        try:
            channel = ChannelKind(kind)
        except ValueError as error:
            known = ", ".join(ChannelKind)
            raise InvalidInputError(
                f"Kind {kind} is not known; possible are {known}.", field="kind", value=kind
            ) from error
        found = uow.readings.range(probe_key, channel, from_at, until_at, most=MAX_LISTED + 1)
        if len(found) > MAX_LISTED:
            raise InvalidInputError(
                f"There are more than {MAX_LISTED} readings in this window; ask for a shorter one, "
                f"such as until {found[MAX_LISTED].at.isoformat()}.",
                field="until_at",
                value=until_at.isoformat(),
            )
        return tuple(found)


def _memory(uow: UnitOfWork, probe: Probe) -> ProbeMemory:
    tank: Tank | None = None
    tasks: list[Task] = []
    if probe.tank_key is not None:
        tank = uow.of(TankRepository).try_get(probe.tank_key)
        tasks = uow.of(TaskRepository).find(
            Where("tank_key", "==", probe.tank_key),
            Where("state", "==", TaskState.COMPLETED),
            Where("kind", "in", sorted(SUPPLY_TASKS)),
            Where("closed_at", ">=", uow.context.now - timedelta(seconds=JUMP_EXPECTED_S)),
        )
    return ProbeMemory(
        view=probe_view(uow, probe, tasks),
        plain_water=tank is not None and tank.plain_water,
        stock_solution=tank is not None and tank.tank_type is TankType.STOCK_SOLUTION,
    )


def _evaluate(
    uow: UnitOfWork,
    *,
    tank_keys: set[str],
    plant_keys: set[str],
    readings: Sequence[Reading] = (),
) -> int:
    tanks = [
        tank
        for tank in uow.of(TankRepository).get_many(sorted(tank_keys))
        if tank.archived_at is None
    ]
    plants = [
        plant
        for plant in uow.of(PlantRepository).get_many(sorted(plant_keys))
        if plant.archived_at is None
    ]
    changed = sum(evaluate_tank(uow, tank, readings) for tank in tanks)
    facts = facts_of(uow, plants)
    return changed + sum(evaluate_soil(uow, item, readings) for item in facts.values())
