"""Local dates of a plant: those of its site, which may not be the garden's first."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.domain.repositories.site import LocationRepository, SiteRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.plant import Plant


def zone_of(uow: UnitOfWork, plant: Plant) -> ZoneInfo:
    """Return the zone whose days count for a plant; the garden's for one without a location."""
    if plant.location_key is None:
        return uow.context.zone
    location = uow.of(LocationRepository).try_get(plant.location_key)
    site = uow.of(SiteRepository).try_get(location.site_key) if location is not None else None
    return ZoneInfo(site.time_zone) if site is not None else uow.context.zone


def today_of(uow: UnitOfWork, plant: Plant) -> date:
    """Return the local date where a plant stands."""
    return uow.context.now.astimezone(zone_of(uow, plant)).date()


def midnight_of(uow: UnitOfWork, plant: Plant) -> datetime:
    """Return when the next day begins where a plant stands, in UTC."""
    zone = zone_of(uow, plant)
    tomorrow = uow.context.now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)
