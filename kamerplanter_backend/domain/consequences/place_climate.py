"""The climate of a place by local days: what light and warmth come to."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.domain.consequences.place_figures import Source, figures_of_place_days
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.climate_engine import (
    ClimateReason,
    Daily,
    daily_light_of,
    degree_days,
)
from kamerplanter_engines.errors import OutOfRangeError
from kamerplanter_engines.models.rollup import Bucket, Figures
from kamerplanter_engines.models.site import Location
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from kamerplanter_engines.stay_engine import stays_in

_LOGGER = logging.getLogger(__name__)

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
        probes: Those that are or were in it.
        zone: The zone of its site.
        days: Local dates one after the other.
    """
    spans = [day_span(day, zone) for day in days]
    lights = _of_place(uow, location, probes, ChannelKind.PPFD, spans)
    warmths = _of_place(uow, location, probes, ChannelKind.AIR_TEMPERATURE, spans)
    found = []
    for day, span, light, temperatures in zip(days, spans, lights, warmths, strict=True):
        warmth = _warmth_of(temperatures, span, location.base_temperature_c)
        # What was measured makes a value, unless some of it cannot be.
        is_usable = warmth.value is not None or temperatures.high is None
        known = temperatures if is_usable else Figures()
        found.append(
            DayClimate(day=day, light=_light_of(light, span), warmth=warmth, temperatures=known)
        )
    return tuple(found)


def _light_of(fluxes: Figures, span: Bucket) -> Daily:
    try:
        return daily_light_of(fluxes, span)
    except OutOfRangeError as error:
        return _unusable(span, error)


def _warmth_of(temperatures: Figures, span: Bucket, base_c: float) -> Daily:
    try:
        return degree_days(temperatures, span, base_c)
    except OutOfRangeError as error:
        return _unusable(span, error)


def _unusable(span: Bucket, error: OutOfRangeError) -> Daily:
    """Return that nothing is known of a day for which a number is stored that cannot be.

    An archive or an older version may have brought it. It must not cost the other days, nor all
    that a snapshot shows beside them.
    """
    _LOGGER.debug("The day from %s has no climate: %s", span.starts_at.isoformat(), error.message)
    return Daily(value=None, coverage_ratio=0.0, may_decide=False, reasons=(ClimateReason.NO_DATA,))


def day_span(day: date, zone: ZoneInfo) -> Bucket:
    """Return from when to when a local day lasts, in UTC: 23, 24 or 25 hours."""
    return Bucket(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _of_place(
    uow: UnitOfWork,
    location: Location,
    probes: Iterable[Probe],
    kind: ChannelKind,
    spans: Sequence[Bucket],
) -> list[Figures]:
    """Return what the probes of a place measured on each day."""
    sources = [
        Source(probe.key, kind, stays)
        for probe in sorted(probes, key=lambda item: (item.created_at, item.key))
        # One that has left may measure other things by now.
        if (stays := stays_in(probe, location.key))
        and (probe.binding(kind) or stays[-1].ends_at < uow.context.now)
    ]
    return figures_of_place_days(uow, sources, spans)
