"""Readings: stores what was judged, and what follows from it."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.common.retention import Retention
from kamerplanter_backend.domain.consequences.judged_places import ALERT_WRITES, judge_places
from kamerplanter_backend.domain.consequences.measured_here import is_here
from kamerplanter_backend.domain.consequences.presence import note_heard
from kamerplanter_backend.domain.consequences.rollups import refresh, rollups_within
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.recall import Memory
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, UnitOfWork, open_unit
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.snapshot.late_readings import judged_in_turn, split_late
from kamerplanter_backend.domain.snapshot.past_views import (
    ChannelMoment,
    Past,
    past_of,
    stored_at,
)
from kamerplanter_backend.domain.snapshot.probe_memory import ProbeMemory, memories_of
from kamerplanter_backend.domain.snapshot.probe_views import probe_view
from kamerplanter_backend.domain.snapshot.views import ChannelView
from kamerplanter_backend.domain.snapshot.warmth_views import warmth_told
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.rollup import Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.rollup_engine import LONGEST_HOLD, bucket_of
from kamerplanter_engines.warmth_engine import Told

_LOGGER = logging.getLogger(__name__)

DEFAULT_RETENTION = Retention()

HOURS_AT_ONCE = 5000
"""Most hours that are summed up in one transaction."""

MAX_LISTED = 20_000
"""Most readings of one answer: a week of two a minute. 90 days would be a hundred MB."""


_STORED = frozenset({Verdict.GOOD, Verdict.SUSPECT})
"""What is no value is not stored."""

_RECORD_WRITES = (Readings, ProbePresenceRepository, *ALERT_WRITES)


class TelemetryService(Service):
    """Takes readings in, judges tanks and plants by them, and forgets the old ones.

    Args:
        store: Where they are kept.
        retention: For how long.
    """

    def __init__(self, store: DocumentStore, retention: Retention = DEFAULT_RETENTION) -> None:
        super().__init__(store)
        self.retention = retention
        # Batches follow each other within a second, and hardly anything changes in between.
        self.memory = Memory()

    @command(*_RECORD_WRITES)
    def record(self, uow: UnitOfWork, readings: Sequence[Reading]) -> int:
        """Store readings as they were heard, and look at the tanks and plants they belong to.

        Those that come late, behind a newer one of their channel, get the verdict of their turn.
        Readings of probes that are archived and bad ones are dropped. Those of unknown probes and
        those that are `too_old`, measured before single readings are kept, do not keep the others
        from being stored; the log says which they are. Their time was settled when they were
        heard, so it is never replaced by that of receipt: a value that waited for a server would
        be taken for one of today. And what has been deleted is never summed up anew.

        Returns:
            How many were new.

        Raises:
            NotFoundError: All of them are of probes that are not of this garden.
        """
        return _record(uow, readings, self.retention.raw, must_know_one=True)

    @command(*_RECORD_WRITES)
    def record_judged(self, uow: UnitOfWork, readings: Sequence[Reading]) -> int:
        """Do as `record` does with readings that have got the verdict of their turn already.

        Raises:
            NotFoundError: All of them are of probes that are not of this garden.
        """
        return _record(uow, readings, self.retention.raw, must_know_one=True, judges_late=False)

    @command(*_RECORD_WRITES)
    def revise(self, uow: UnitOfWork, readings: Sequence[Reading]) -> int:
        """Store another judgement of readings that are stored, and look at their places anew.

        For what belongs to the message of a reading and has come later than it.

        Args:
            uow: The unit of work.
            readings: Good or suspect ones; one that is not stored is left out.

        Returns:
            How many were changed.

        Raises:
            NotFoundError: A probe is not of this garden.
        """
        changed = uow.readings.revise(readings)
        probes = uow.of(ProbeRepository).get_many({item.probe_key for item in readings})
        judge_places(
            uow,
            of_tanks={probe.tank_key: () for probe in probes if probe.tank_key is not None},
            of_plants={probe.plant_key: () for probe in probes if probe.plant_key is not None},
        )
        return changed

    def record_all(self, batches: Sequence[tuple[Context, Sequence[Reading]]]) -> tuple[int, ...]:
        """Store what was measured in several gardens in one transaction, each as by `record`.

        Args:
            batches: The readings of each garden with the context of it, without command keys.

        Returns:
            How many were new of each.

        Raises:
            UnavailableError: The store does not answer; nothing was stored.
        """
        if not batches:
            return ()
        with open_unit(self.store, batches[0][0], _RECORD_WRITES, memory=self.memory) as uow:
            return tuple(
                _record(uow.beside(context), readings, self.retention.raw)
                for context, readings in batches
            )

    @query()
    def memories(
        self, uow: UnitOfWork, probe_keys: Collection[str], since: datetime | None = None
    ) -> dict[str, ProbeMemory]:
        """Return what `memories_of` tells of probes, for all that was measured since a moment."""
        return memories_of(uow, probe_keys, since, self.retention.raw)

    @query()
    def stored(
        self, uow: UnitOfWork, moments: Collection[ChannelMoment]
    ) -> dict[ChannelMoment, Reading]:
        """Return those readings of these channels and times that are stored.

        Raises:
            NotFoundError: A probe is not of this garden.
        """
        return stored_at(uow, moments)

    @query()
    def past(
        self,
        uow: UnitOfWork,
        probe: Probe,
        binding: ChannelBinding,
        from_at: datetime,
        until_at: datetime,
    ) -> Past:
        """Return what was known of a channel before a moment, and what it measured then.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        return past_of(uow, probe, binding, from_at, until_at)

    @query()
    def warmth_told(
        self, uow: UnitOfWork, moments: Collection[ChannelMoment]
    ) -> dict[ChannelMoment, tuple[Told, ...]]:
        """Return what the thermometers of a place said before conductivity was measured there.

        Only for channels that the device does not compensate; see `warmth_views`.
        """
        return warmth_told(uow, moments)

    @command(*ALERT_WRITES)
    def evaluate(self, uow: UnitOfWork) -> int:
        """Look at all tanks and plants as of now; return how many alerts and tasks changed."""
        return judge_places(
            uow,
            of_tanks={tank.key: () for tank in uow.of(TankRepository).living()},
            of_plants={plant.key: () for plant in uow.of(PlantRepository).living()},
        )

    @command(Readings)
    def roll_up(self, uow: UnitOfWork) -> int:
        """Sum up hours that are over and in which readings arrived; return how many it was.

        At most 5,000 at a time, so that nobody waits long for the store; more are still due then.
        The present hour stays due: it would be summed up again when it is over.
        """
        hour = uow.context.now.replace(minute=0, second=0, microsecond=0)
        return refresh(uow, before=hour, limit=HOURS_AT_ONCE)

    @command(Readings)
    def prune(self, uow: UnitOfWork) -> int:
        """Delete readings, hours and days that are older than they are kept.

        What goes has been summed up before, and hours go whole: what is left of one must never
        stand for it.

        Returns:
            How many readings went.
        """
        oldest = uow.context.now - self.retention.raw
        refresh(uow, before=oldest)
        uow.rollups.prune(RollupLevel.HOUR, uow.context.now - self.retention.hourly)
        uow.rollups.prune(RollupLevel.DAY, uow.context.now - self.retention.daily)
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
            InvalidInputError: The window ends before it begins.
        """
        _check_window(from_at, until_at)
        return tuple(rollups_within(uow, probe_key, kind, level, from_at, until_at))

    @query()
    def list_latest(self, uow: UnitOfWork, probe_key: str) -> tuple[ChannelView, ...]:
        """Return the last and the last good reading of each bound channel of a probe.

        They are none until it has measured where it is now: what was before is in the history.

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
            InvalidInputError: There is no such kind, the window ends before it begins, or there
                are more than 20,000 readings.
        """
        try:
            channel = ChannelKind(kind)
        except ValueError as error:
            known = ", ".join(ChannelKind)
            raise InvalidInputError(
                f"Kind {kind} is not known; possible are {known}.", field="kind", value=kind
            ) from error
        _check_window(from_at, until_at)
        found = uow.readings.range(probe_key, channel, from_at, until_at, most=MAX_LISTED + 1)
        if len(found) > MAX_LISTED:
            raise InvalidInputError(
                f"There are more than {MAX_LISTED} readings in this window; ask for a shorter one, "
                f"such as until {found[MAX_LISTED].at.isoformat()}.",
                field="until_at",
                value=until_at.isoformat(),
            )
        return tuple(found)


def _check_window(from_at: datetime, until_at: datetime) -> None:
    if until_at < from_at:
        raise InvalidInputError(
            f"until_at {until_at.isoformat()} lies before from_at {from_at.isoformat()}.",
            field="until_at",
            value=until_at.isoformat(),
        )


def _record(
    uow: UnitOfWork,
    readings: Sequence[Reading],
    kept_for: timedelta,
    *,
    must_know_one: bool = False,
    judges_late: bool = True,
) -> int:
    named = {item.probe_key for item in readings}
    found = uow.of(ProbeRepository).get_many(named)
    if unknown := sorted(named - {probe.key for probe in found}):
        if must_know_one and not found:
            raise NotFoundError(
                f"No probe {unknown[0]!r} in this garden.", kind="probes", key=unknown[0]
            )
        count = sum(item.probe_key in unknown for item in readings)
        _LOGGER.warning("%d readings are of no probe here: %s", count, ", ".join(unknown[:10]))
    probes = {probe.key: probe for probe in found if probe.archived_at is None}
    usable = [
        reading
        for reading in readings
        if reading.probe_key in probes and reading.verdict in _STORED
    ]
    oldest = uow.context.now - kept_for
    kept = [reading for reading in usable if reading.at >= oldest]
    if len(kept) < len(usable):
        _tell_too_old([reading for reading in usable if reading.at < oldest], kept_for)
    if len(kept) < len(readings):
        _LOGGER.debug("Dropped %d of %d readings", len(readings) - len(kept), len(readings))
    if not kept:
        return 0
    in_turn, late = split_late(uow, kept)
    added = uow.readings.append(in_turn) if in_turn else 0
    if late:
        # They may have to be measured by what came in its turn, so that is stored before.
        late = judged_in_turn(uow, late, kept_for) if judges_late else late
        added += uow.readings.append(late)
    note_heard(uow, in_turn + late)
    _judge_places(uow, probes, in_turn)
    return added


def _judge_places(
    uow: UnitOfWork, probes: Mapping[str, Probe], readings: Iterable[Reading]
) -> None:
    """Look at the tanks and plants of what has been stored in its turn; late ones decide nothing.

    Args:
        uow: The unit of work.
        probes: Those of the readings, by key.
        readings: What has been stored.
    """
    of_probes: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        of_probes[reading.probe_key].append(reading)
    of_tanks: defaultdict[str, list[Reading]] = defaultdict(list)
    of_plants: defaultdict[str, list[Reading]] = defaultdict(list)
    for key, heard in of_probes.items():
        # What was measured before a move is stored, and nothing follows from it where it is now.
        measured = [reading for reading in heard if is_here(uow, probes[key], reading)]
        if tank_key := probes[key].tank_key:
            of_tanks[tank_key] += measured
        if plant_key := probes[key].plant_key:
            of_plants[plant_key] += measured
    judge_places(uow, of_tanks=of_tanks, of_plants=of_plants)


def _tell_too_old(readings: Sequence[Reading], kept_for: timedelta) -> None:
    _LOGGER.warning(
        "%d readings are not stored (%s): they were measured at %s or later, more than the %d days "
        "ago for which single readings are kept, by: %s",
        len(readings),
        Reason.TOO_OLD,
        min(reading.at for reading in readings).isoformat(),
        kept_for.days,
        ", ".join(sorted({reading.probe_key for reading in readings})[:10]),
    )
