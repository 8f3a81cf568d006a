"""The climate of a place by local days: who speaks for it, and what that comes to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.domain.consequences.day_figures import figures_of_days
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.climate_engine import (
    Daily,
    daily_light_of,
    degree_days,
    have_enough,
    speaking,
)
from kamerplanter_engines.models.rollup import Bucket, Figures
from kamerplanter_engines.models.site import Location
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Verdict

CLIMATE_KINDS = (ChannelKind.PPFD, ChannelKind.AIR_TEMPERATURE)
"""What days are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayClimate:
    """What one local day comes to in a place."""

    day: date
    light: Daily
    """[mol/m²]"""
    warmth: Daily
    """[°C d]"""
    temperatures: Figures
    """Of the air. [°C]"""


def measures_days(probes: Iterable[Probe]) -> bool:
    """Tell whether anybody measures what days are made of."""
    return any(probe.binding(kind) for probe in probes for kind in CLIMATE_KINDS)


def climate_of_days(
    uow: UnitOfWork,
    location: Location,
    probes: Sequence[Probe],
    zone: ZoneInfo,
    days: Sequence[date],
) -> tuple[DayClimate, ...]:
    """Return what days come to in a place.

    Args:
        uow: The unit of work.
        location: The place.
        probes: Those in it that are not archived.
        zone: The zone of its site.
        days: Local dates one after the other.
    """
    spans = [day_span(day, zone) for day in days]
    lights = _of_place(uow, probes, ChannelKind.PPFD, spans)
    warmths = _of_place(uow, probes, ChannelKind.AIR_TEMPERATURE, spans)
    return tuple(
        DayClimate(
            day=day,
            light=daily_light_of(light, span),
            warmth=degree_days(warmth, span, location.base_temperature_c),
            temperatures=warmth,
        )
        for day, span, light, warmth in zip(days, spans, lights, warmths, strict=True)
    )


def day_span(day: date, zone: ZoneInfo) -> Bucket:
    """Return from when to when a local day lasts, in UTC: 23, 24 or 25 hours."""
    return Bucket(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _part_of(span: Bucket, probe: Probe) -> Bucket:
    """Return the part of a day in which a probe was in its place."""
    if probe.placed_at is None or probe.placed_at <= span.starts_at:
        return span
    return span._replace(starts_at=min(probe.placed_at, span.ends_at))


def _of_place(
    uow: UnitOfWork, probes: Sequence[Probe], kind: ChannelKind, spans: Sequence[Bucket]
) -> list[Figures]:
    """Return the figures of each day by the probe that speaks on it.

    A younger one is only asked about days on which the older ones leave it the word.
    """
    bound = sorted(
        (probe for probe in probes if probe.binding(kind)),
        key=lambda item: (item.created_at, item.key),
    )
    heard_at = _heard_at(uow, bound, kind)
    over_s = [_over_s(span, heard_at, uow.context.now) for span in spans]
    measured: list[list[Figures]] = [[] for _ in spans]
    for probe in bound:
        left = [n for n, said in enumerate(measured) if not have_enough(said, over_s[n])]
        if left:
            asked = [_part_of(spans[n], probe) for n in left]
            found = figures_of_days(uow, probe.key, kind, asked, heard_at)
            for number, figures in zip(left, found, strict=True):
                measured[number].append(figures)
    pairs = zip(measured, over_s, strict=True)
    return [speaking(said, passed_s) or Figures() for said, passed_s in pairs]


def _heard_at(uow: UnitOfWork, probes: Iterable[Probe], kind: ChannelKind) -> datetime | None:
    """Return when a place was last heard; what is to come after it is told by the next reading.

    So what a day shows follows from what is stored, and not from when somebody looks.
    """
    newest = (uow.readings.latest(probe.key, kind, Verdict.GOOD) for probe in probes)
    heard_at = max((item.at for item in newest if item is not None), default=None)
    return None if heard_at is None else min(heard_at, uow.context.now)


def _over_s(span: Bucket, heard_at: datetime | None, now: datetime) -> float:
    """Return how much of a day has been told of, in seconds; all of one that is over."""
    ends_at = span.ends_at if span.ends_at <= now else min(span.ends_at, heard_at or now)
    return max((ends_at - span.starts_at).total_seconds(), 0.0)
