"""Who speaks for a place, a probe or a person, and the numbers in force for what is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from kamerplanter_backend.domain.consequences.measured_here import is_here, newest_here
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.binding_options_engine import hold_of, max_age_of
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.hand_measurement_engine import as_reading
from kamerplanter_engines.models.base import CLOCK_TOLERANCE, is_ahead
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Verdict,
)
from kamerplanter_engines.tables.tank_bands import READINGS_NEEDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One bound channel with its newest good reading, or what was measured by hand."""

    probe: Probe | None
    """None = a person measured it."""
    binding: ChannelBinding
    reading: Reading | None
    is_gone: bool = False
    """The device said goodbye: its reading is shown and decides nothing, as if it were too old."""

    @property
    def deciding(self) -> Reading | None:
        """The reading, unless its device is gone."""
        return None if self.is_gone else self.reading

    @property
    def max_age_s(self) -> float:
        """An older reading decides nothing, in seconds."""
        return max_age_of(self.binding)

    @property
    def hold_s(self) -> float:
        """How long a value is out of band before it is a problem, in seconds.

        What a person measured counts at once: nobody measures again within five minutes, and
        whoever looks at a meter has seen whether it stands still.
        """
        if self.is_by_hand:
            return 0
        return hold_of(self.binding)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person measured it."""
        return self.probe is None

    @property
    def readings_needed(self) -> int:
        """How many readings in a row must be out of band."""
        return 1 if self.is_by_hand else READINGS_NEEDED


def source_of(
    uow: UnitOfWork,
    probes: Sequence[Probe],
    kind: ChannelKind,
    *,
    tank_key: str | None = None,
    plant_key: str | None = None,
) -> Source | None:
    """Return who speaks for a place, or none if nobody measures this there.

    Of several probes the oldest one that is there, with a reading that is not too old, speaks; so
    two probes that differ a little do not take turns, and hold times count the readings of one. One
    that was moved has no reading until it has measured in its new place, and what came late is none
    of now. It speaks also where another one disagrees: a problem must not hide behind that. Where
    no probe speaks it is what was last measured by hand, until that is too old as well; then the
    oldest one.

    Args:
        uow: The unit of work.
        probes: Those of the place that are not archived.
        kind: What is measured.
        tank_key: The place, if it is a tank.
        plant_key: The place, if it is a plant.
    """
    gone = uow.of(ProbePresenceRepository).gone()
    sources = [
        Source(
            probe=probe,
            binding=binding,
            reading=newest_here(uow, probe, kind, Verdict.GOOD, in_order=True),
            is_gone=probe.key in gone,
        )
        for probe in sorted(probes, key=lambda item: (item.created_at, item.key))
        if (binding := probe.binding(kind))
    ]
    speaking = next((item for item in sources if _speaks(uow, item)), None)
    if speaking is not None:
        return speaking
    by_hand = _by_hand(uow, kind, tank_key, plant_key)
    if by_hand is not None and (not sources or _speaks(uow, by_hand)):
        return by_hand
    return next(iter(sources), None)


def _by_hand(
    uow: UnitOfWork, kind: ChannelKind, tank_key: str | None, plant_key: str | None
) -> Source | None:
    measured = uow.of(HandMeasurementRepository).newest_good(
        kind, tank_key=tank_key, plant_key=plant_key
    )
    if measured is None:
        return None
    reading = as_reading(measured, uow.context.now)
    return Source(probe=None, binding=ChannelBinding(kind=kind), reading=reading)


def _speaks(uow: UnitOfWork, source: Source) -> bool:
    reading = source.deciding
    return reading is not None and is_recent(
        reading.at, now=uow.context.now, max_age_s=source.max_age_s
    )


type Fresh = Mapping[tuple[str, ChannelKind], Sequence[Reading]]
"""The good readings that have just been stored, by probe and kind, oldest first."""


def fresh_of(readings: Iterable[Reading]) -> Fresh:
    """Return the good ones among the readings that have just been stored."""
    fresh: dict[tuple[str, ChannelKind], list[Reading]] = {}
    for reading in readings:
        if reading.verdict is Verdict.GOOD:
            fresh.setdefault((reading.probe_key, reading.kind), []).append(reading)
    for found in fresh.values():
        found.sort(key=attrgetter("at"))
    return fresh


def only_probe(probes: Iterable[Probe], kind: ChannelKind) -> Probe | None:
    """Return the probe that alone can speak for a place; none = there are several, or no one."""
    found = [probe for probe in probes if probe.binding(kind) is not None]
    return found[0] if len(found) == 1 else None


def heard_just_now(
    uow: UnitOfWork,
    probes: Iterable[Probe],
    kind: ChannelKind,
    fresh: Fresh,
    last_reading_at: datetime | None,
) -> Sequence[Reading]:
    """Return what the only probe of a place has just said, if it speaks by that already.

    Empty if it does not, or if nobody knows by which reading the place was judged last: then the
    store tells who speaks.

    Args:
        uow: The unit of work.
        probes: Those of the place that are not archived.
        kind: What is measured.
        fresh: What has just been stored.
        last_reading_at: When that reading was measured, as it is written down.
    """
    probe = only_probe(probes, kind)
    if probe is None or last_reading_at is None or is_ahead(last_reading_at, uow.context.now):
        return ()
    found = fresh.get((probe.key, kind), ())
    binding = probe.binding(kind)
    if not found or binding is None:
        return ()
    is_gone = probe.key in uow.of(ProbePresenceRepository).gone()
    source = Source(probe=probe, binding=binding, reading=found[-1], is_gone=is_gone)
    return found if _speaks(uow, source) else ()


def new_readings(fresh: Fresh, source: Source, kind: ChannelKind) -> list[Reading | None]:
    """Return what has to be judged, oldest first: the new readings of the channel.

    Without new ones it is the newest good one that is stored, or none. Of a device that is gone it
    is none: nothing follows from what it said.
    """
    if source.probe is None or source.is_gone:
        return [source.deciding]
    return [*fresh.get((source.probe.key, kind), ())] or [source.reading]


def last_judged_at(
    uow: UnitOfWork,
    probe: Probe,
    source: Source,
    readings: Sequence[Reading | None],
    written_at: datetime | None,
) -> datetime | None:
    """Return when the reading was measured by which a place without a problem was judged last.

    Args:
        uow: The unit of work.
        probe: The only one that can speak for the place.
        source: Who speaks now: it, or a person.
        readings: What is to be judged now; it may be stored already.
        written_at: The same as it is written down, which it is seldom.
    """
    told_at = _judged_before(uow, probe, source, readings)
    is_written_newer = (
        told_at is not None
        and written_at is not None
        and told_at <= written_at
        and not is_ahead(written_at, uow.context.now)
    )
    return written_at if told_at is None or is_written_newer else told_at


def _judged_before(
    uow: UnitOfWork, probe: Probe, source: Source, readings: Sequence[Reading | None]
) -> datetime | None:
    """Return what the store tells of it; none = it is older than these, or there is none."""
    now, kind = uow.context.now, source.binding.kind
    present = [reading for reading in readings if reading is not None]
    if not present:
        return None
    # What is too old decides nothing, so nobody has to know what came after it.
    oldest = now - timedelta(seconds=source.max_age_s)
    from_at = max(present[0].at, oldest)
    if source.is_by_hand:
        # What came late decided nothing, so it leaves what a person measured to speak.
        newest = newest_here(uow, probe, kind, Verdict.GOOD, in_order=True)
        return None if newest is None or newest.at < from_at else newest.at
    found = uow.readings.range(probe.key, kind, from_at, now + CLOCK_TOLERANCE)
    stored = [item for item in found if is_here(uow, probe, item)]
    moments = {reading.at for reading in present}
    # What was received later was stored by a clock that was ahead.
    heard_at = min(reading.received_at for reading in present)
    return max(
        (
            item.at
            for item in stored
            if item.verdict is Verdict.GOOD
            and item.at not in moments
            and item.received_at <= heard_at
        ),
        default=None,
    )
