"""The climate of a place in the past; asked for, as it looks through many days."""

from datetime import date, timedelta

from kamerplanter_backend.domain.consequences.place_climate import climate_of_days
from kamerplanter_backend.domain.consequences.site_days import SiteDays
from kamerplanter_backend.domain.repositories.site import LocationRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, query
from kamerplanter_backend.domain.snapshot.location_views import day_view
from kamerplanter_backend.domain.snapshot.views import PlaceDayView
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError

MOST_DAYS = 366
"""More are not looked through at once: a leap year."""
EARLIEST = date(1970, 1, 2)
"""Readings are counted from the day before on, in UTC."""


class ClimateService(Service):
    """Tells what light and warmth came to."""

    @query()
    def of_days(
        self, uow: UnitOfWork, location_key: str, from_on: date, to_on: date
    ) -> tuple[PlaceDayView, ...]:
        """Return the days of a place, oldest first; those that have not begun are left out.

        Args:
            uow: The unit of work.
            location_key: The place; each of its probes counts for as long as it was there.
            from_on: The first day, local to its site.
            to_on: The last one.

        Raises:
            NotFoundError: There is no such place in this garden.
            InvalidInputError: The last day comes before the first one.
            OutOfRangeError: It is more than a year, or long before anything was measured.
        """
        location = uow.of(LocationRepository).get(location_key)
        _check_window(from_on, to_on)
        zone = SiteDays(uow).zone_at(location)
        to_on = min(to_on, uow.context.now.astimezone(zone).date())
        days = [from_on + timedelta(days=n) for n in range((to_on - from_on).days + 1)]
        probes = uow.of(ProbeRepository).ever_in(location_key)
        return tuple(map(day_view, climate_of_days(uow, location, probes, zone, days)))


def _check_window(from_on: date, to_on: date) -> None:
    if from_on < EARLIEST:
        raise OutOfRangeError(
            f"from {from_on} lies before anything was measured; give {EARLIEST} or later.",
            field="from",
            value=from_on.isoformat(),
            allowed=f"≥ {EARLIEST}",
        )
    if to_on < from_on:
        raise InvalidInputError(
            f"to {to_on} comes before from {from_on}; swap them.",
            field="to",
            value=to_on.isoformat(),
        )
    if (to_on - from_on).days >= MOST_DAYS:
        latest = from_on + timedelta(days=MOST_DAYS - 1)
        raise OutOfRangeError(
            f"from {from_on} to {to_on} is more than {MOST_DAYS} days; ask for a year at a time, "
            f"here up to {latest}.",
            field="to",
            value=to_on.isoformat(),
            allowed=f"≤ {latest}",
        )
