"""What is measured in a place by local days, where several probes may measure the same."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from kamerplanter_backend.domain.consequences.day_figures import (
    Hours,
    figures_of_days,
    hour_within,
    hours_of_days,
    hours_so_far,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.rollup import Bucket, Figures
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict
from kamerplanter_engines.rollup_engine import merge
from kamerplanter_engines.speaking_engine import Hour, figures_of_place, is_enough
from kamerplanter_engines.tables.climate import COVERAGE_RATIO_LOW

type _Grid = dict[datetime, Figures]
"""What one probe measured in each hour of a day, by when the hour begins within it."""

SUMS = frozenset({ChannelKind.PPFD})
"""Kinds of which a day is the sum."""

SHORTEST_HOUR = timedelta(minutes=15)
"""No part of an hour within a day is shorter, as zones differ by multiples of it."""

_SILENT_S = (1 - COVERAGE_RATIO_LOW) * SHORTEST_HOUR.total_seconds()
"""Who was silent for no longer on a day has measured enough of each hour of it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A channel that measures in a place, or did so once."""

    probe_key: str
    kind: ChannelKind
    stays: Sequence[Bucket]
    """When its probe was there, oldest first."""

    @property
    def name(self) -> tuple[str, ChannelKind]:
        """How the store calls it."""
        return self.probe_key, self.kind

    def parts_of(self, span: Bucket) -> list[Bucket]:
        """Return when the probe was there within a span."""
        parts = [
            Bucket(max(stay.starts_at, span.starts_at), min(stay.ends_at, span.ends_at))
            for stay in self.stays
        ]
        return [part for part in parts if part.starts_at < part.ends_at]


def figures_of_place_days(
    uow: UnitOfWork, sources: Sequence[Source], spans: Sequence[Bucket]
) -> list[Figures]:
    """Return what days come to in a place, by the probe that speaks for each hour.

    Days that are over are taken as they were summed up where one probe alone measured, or where
    the oldest one missed nothing; only others are put together from hours.

    Args:
        uow: The unit of work.
        sources: Who measures one kind of value there, the oldest probe first.
        spans: Local days one after the other, in UTC.
    """
    if not sources:
        return [Figures() for _ in spans]
    heard_at = _heard_at(uow, sources)
    if len(sources) == 1:
        return _of_source(uow, sources[0], spans, heard_at)
    closed = [span for span in spans if span.ends_at <= uow.context.now]
    found = _closed_days(uow, sources, closed)
    for span in spans[len(closed) :]:
        over = span._replace(ends_at=min(heard_at or span.starts_at, span.ends_at))
        found.append(_open_day(uow, sources, over, span))
    return found


def _of_source(
    uow: UnitOfWork, source: Source, spans: Sequence[Bucket], until_at: datetime | None
) -> list[Figures]:
    """Return what days come to by one channel."""
    parts = [source.parts_of(span) for span in spans]
    found = iter(figures_of_days(uow, *source.name, list(chain(*parts)), until_at))
    return [merge(islice(found, len(of_day))) for of_day in parts]


def _closed_days(
    uow: UnitOfWork, sources: Sequence[Source], spans: Sequence[Bucket]
) -> list[Figures]:
    """Return what days that are over come to, reading no more hours than are needed."""
    found = [Figures() for _ in spans]
    said = dict[int, list[Figures]]((number, []) for number in range(len(spans)))
    for source in sources:
        asked = [spans[number] for number in said]
        of_source = _of_source(uow, source, asked, None)
        for number, figures in zip(tuple(said), of_source, strict=True):
            said[number].append(figures)
            if len(said[number]) == 1 and _is_whole(figures, spans[number]):
                found[number] = said.pop(number)[0]
    shared = list[int]()
    for number, items in said.items():
        heard = [item for item in items if item.reading_count or item.covered_s]
        if len(heard) > 1:
            shared.append(number)
        elif heard:
            found[number] = heard[0]
    asked = [spans[number] for number in shared]
    hours = [_hours_of(uow, source, asked) for source in sources]
    for place, number in enumerate(shared):
        span = spans[number]
        of_day = [_on_grid(uow, of_source[place], span) for of_source in hours]
        found[number] = _together(uow, sources[0].kind, of_day, span, span)
    return found


def _is_whole(figures: Figures, span: Bucket) -> bool:
    """Tell whether enough of each hour of a day was measured, as none was silent for longer."""
    return figures.covered_s >= span.length_s - _SILENT_S


def _hours_of(uow: UnitOfWork, source: Source, spans: Sequence[Bucket]) -> list[Hours]:
    parts = [source.parts_of(span) for span in spans]
    found = iter(hours_of_days(uow, *source.name, list(chain(*parts))))
    return [list(chain(*islice(found, len(of_day)))) for of_day in parts]


def _open_day(uow: UnitOfWork, sources: Sequence[Source], over: Bucket, span: Bucket) -> Figures:
    """Return what a day that goes on comes to.

    Hours for which an older probe speaks anyway are not read of the younger ones.
    """
    heard, asked = list[_Grid](), over
    for source in sources:
        if parts := source.parts_of(asked):
            hours = chain(*(hours_so_far(uow, *source.name, part) for part in parts))
            heard.append(_on_grid(uow, hours, span))
            asked = asked._replace(starts_at=_first_left(uow, heard[-1], asked, span))
    return _together(uow, sources[0].kind, heard, over, span) if heard else Figures()


def _on_grid(uow: UnitOfWork, hours: Iterable[tuple[datetime, Figures]], span: Bucket) -> _Grid:
    """Return parts by the hours of a day: a probe may come and go within one, and zones change."""
    found: dict[datetime, list[Figures]] = {}
    for at, figures in hours:
        found.setdefault(hour_within(uow, at, span).starts_at, []).append(figures)
    return {at: items[0] if len(items) == 1 else merge(items) for at, items in found.items()}


def _first_left(uow: UnitOfWork, hours: _Grid, asked: Bucket, span: Bucket) -> datetime:
    """Return from when on a younger probe may speak for an hour."""
    at = asked.starts_at
    while at < asked.ends_at:
        hour = hour_within(uow, at, span)
        if not is_enough(hours.get(at, Figures()), hour.length_s):
            return at
        at = hour.ends_at
    return asked.ends_at


def _together(
    uow: UnitOfWork, kind: ChannelKind, heard: Sequence[_Grid], over: Bucket, span: Bucket
) -> Figures:
    """Return what a day comes to by the hours of all probes, the oldest probe first."""
    hours, at = list[Hour](), over.starts_at
    while at < over.ends_at:
        hour = hour_within(uow, at, span)
        over_s = (min(hour.ends_at, over.ends_at) - at).total_seconds()
        said = [of_probe.get(at, Figures()) for of_probe in heard]
        hours.append(Hour(hour.length_s, over_s, said))
        at = hour.ends_at
    return figures_of_place(hours, is_sum=kind in SUMS)


def _heard_at(uow: UnitOfWork, sources: Iterable[Source]) -> datetime | None:
    """Return when a place was last heard; what is to come after it is told by the next reading.

    So what a day shows follows from what is stored, and not from when somebody looks.
    """
    heard = list[datetime]()
    for source in sources:
        newest = uow.readings.latest(*source.name, Verdict.GOOD)
        if newest is not None:
            # What it measures elsewhere by now says nothing of this place.
            heard.append(min(newest.at, source.stays[-1].ends_at, uow.context.now))
    return max(heard, default=None)
