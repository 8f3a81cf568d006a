"""What an archive holds of measurements: readings, hours and days, and how far these are made."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.domain.interfaces.archive import (
    ArchivedChannel,
    ArchivedEra,
    ArchivedReadings,
    ArchivedRollup,
    ArchivedRollups,
)
from kamerplanter_backend.domain.interfaces.document_store import Transaction
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.rollup import (
    Bucket,
    DueHour,
    Era,
    Figures,
    Rollup,
    RollupLevel,
    rollup_of,
)
from kamerplanter_engines.models.telemetry import ChannelKind

A_LINE = 200
"""Readings or rollups on one line; they are read in such parts, so memory stays small."""

_FIRST = datetime(2, 1, 1, tzinfo=UTC)
_LAST = datetime(9998, 1, 1, tzinfo=UTC)

type SeriesItem = ArchivedReadings | ArchivedRollups | ArchivedChannel


def series_items(transaction: Transaction, probe_key: str) -> Iterator[SeriesItem]:
    """Yield all that is stored of what a probe measured.

    A channel that is not bound any more has its history still.
    """
    eras = transaction.rollups.eras([probe_key])
    due = transaction.rollups.due([probe_key])
    for kind in ChannelKind:
        if (probe_key, kind) not in eras:
            continue
        yield from _readings(transaction, probe_key, kind)
        for level in RollupLevel:
            yield from _rollups(transaction, probe_key, kind, level)
        yield ArchivedChannel(
            probe_key=probe_key,
            kind=kind,
            eras=tuple(
                ArchivedEra(from_at=era.from_at, zone=era.zone.key) for era in eras[probe_key, kind]
            ),
            due=tuple(item.starts_at for item in due if item.kind is kind),
        )


def take_in_rollups(transaction: Transaction, item: ArchivedRollups) -> int:
    """Store hours or days of an archive; return how many."""
    transaction.rollups.put(
        [
            rollup_of(item.probe_key, item.kind, item.level, _bucket(one), _figures(one))
            for one in item.rollups
        ]
    )
    return len(item.rollups)


def take_in_channel(transaction: Transaction, item: ArchivedChannel) -> None:
    """Take over which hours are summed up, and in which zones.

    Storing its readings has made all hours due, also those of which a part of the readings was
    deleted before the archive was written: what these came to must not be made of the rest.

    Raises:
        InvalidInputError: The zones are not in the order of time, or an hour is none.
    """
    moments = [era.from_at for era in item.eras]
    if sorted(set(moments)) != moments:
        raise InvalidInputError(
            f"The zones of {item.kind} of {item.probe_key} are not in the order of time.",
            field="eras",
            value=item.probe_key,
        )
    if any(at != at.replace(minute=0, second=0, microsecond=0) for at in item.due):
        raise InvalidInputError(
            f"What is due of {item.kind} of {item.probe_key} are full hours.",
            field="due",
            value=item.probe_key,
        )
    eras = [Era(era.from_at, ZoneInfo(era.zone)) for era in item.eras]
    store = transaction.rollups
    store.set_eras(item.probe_key, item.kind, eras)
    store.settle([one for one in store.due([item.probe_key]) if one.kind is item.kind])
    store.mark([DueHour(item.probe_key, item.kind, at) for at in item.due])


def _readings(
    transaction: Transaction, probe_key: str, kind: ChannelKind
) -> Iterator[ArchivedReadings]:
    start = _FIRST
    while found := transaction.readings.range(probe_key, kind, start, _LAST, most=A_LINE):
        yield ArchivedReadings(readings=tuple(found))
        start = found[-1].at + MICROSECOND


def _rollups(
    transaction: Transaction, probe_key: str, kind: ChannelKind, level: RollupLevel
) -> Iterator[ArchivedRollups]:
    start = _FIRST
    while found := transaction.rollups.range(probe_key, kind, level, start, _LAST, most=A_LINE):
        yield ArchivedRollups(
            probe_key=probe_key,
            kind=kind,
            level=level,
            rollups=tuple(_archived(item) for item in found),
        )
        start = found[-1].starts_at + MICROSECOND


def _archived(item: Rollup) -> ArchivedRollup:
    return ArchivedRollup(
        starts_at=item.starts_at, length_s=item.length_s, **item.figures._asdict()
    )


def _bucket(item: ArchivedRollup) -> Bucket:
    return Bucket(item.starts_at, item.starts_at + timedelta(seconds=item.length_s))


def _figures(item: ArchivedRollup) -> Figures:
    return Figures(
        reading_count=item.reading_count,
        total=item.total,
        covered_s=item.covered_s,
        integral=item.integral,
        low=item.low,
        high=item.high,
        suspect_count=item.suspect_count,
    )
