"""What a screen shows of a place and its climate."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.domain.consequences.place_climate import (
    DayClimate,
    climate_of_days,
    day_span,
    measures_days,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.trust_views import agreement_views
from kamerplanter_backend.domain.snapshot.views import (
    DailyClimateView,
    LocationView,
    PlaceDayView,
)
from kamerplanter_engines.models.site import Location
from kamerplanter_engines.models.telemetry import Probe
from kamerplanter_engines.stay_engine import stays_in

SHOWN_FOR = timedelta(hours=50)
"""Today and yesterday are no longer, also where clocks are set back."""


def location_view(
    uow: UnitOfWork,
    location: Location,
    probes: Sequence[Probe],
    zone: ZoneInfo,
    former: Sequence[Probe] = (),
) -> tuple[LocationView, list[datetime]]:
    """Return the view of a place, and when it changes by time alone.

    Args:
        uow: The unit of work.
        location: The place.
        probes: The probes in it that are not archived.
        zone: The zone of its site.
        former: Those that may have been in it today or yesterday and are not any more.
    """
    agreements, moments = agreement_views(uow, probes)
    today: DailyClimateView | None = None
    yesterday: DailyClimateView | None = None
    measuring = [*probes, *(probe for probe in former if _was_seen(uow, probe, location))]
    if measures_days(measuring):
        present = uow.context.now.astimezone(zone).date()
        days = (present - timedelta(days=1), present)
        yesterday, today = map(climate_view, climate_of_days(uow, location, measuring, zone, days))
        moments.append(day_span(present, zone).ends_at)
    view = LocationView(
        location=location,
        time_zone=zone.key,
        today=today,
        yesterday=yesterday,
        agreements=agreements,
    )
    return view, moments


def _was_seen(uow: UnitOfWork, probe: Probe, location: Location) -> bool:
    """Tell whether a probe was in a place so lately that a screen may still show it."""
    since = uow.context.now - SHOWN_FOR
    return any(stay.ends_at > since for stay in stays_in(probe, location.key))


def climate_view(day: DayClimate) -> DailyClimateView:
    """Return what a screen shows of a day."""
    light, warmth = day.light, day.warmth
    return DailyClimateView(
        day=day.day,
        dli_mol_m2=light.value,
        dli_coverage_ratio=light.coverage_ratio,
        dli_may_decide=light.may_decide,
        degree_days_c_d=warmth.value,
        degree_days_coverage_ratio=warmth.coverage_ratio,
        degree_days_may_decide=warmth.may_decide,
    )


def day_view(day: DayClimate) -> PlaceDayView:
    """Return all that is known of a day."""
    air = day.temperatures
    return PlaceDayView(
        **dict(climate_view(day)), air_low_c=air.low, air_mean_c=air.mean, air_high_c=air.high
    )
