"""Local dates of a plant or place: those of its site, which may not be the garden's first."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kamerplanter_backend.domain.repositories.site import LocationRepository, SiteRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.site import Location


class SiteDays:
    """Tells whose days count for the plants and places of a garden.

    Sites and locations are read once, and locations only where a site has another zone.

    Args:
        uow: The unit of work.
    """

    def __init__(self, uow: UnitOfWork) -> None:
        self._now = uow.context.now
        self._home = uow.context.zone
        zones = {site.key: ZoneInfo(site.time_zone) for site in uow.of(SiteRepository).find()}
        self._by_site = zones
        self._by_location: dict[str, ZoneInfo] = {}
        if any(zone.key != self._home.key for zone in zones.values()):
            locations = uow.of(LocationRepository).find()
            self._by_location = {item.key: zones[item.site_key] for item in locations}

    def zone_of(self, plant: Plant) -> ZoneInfo:
        """Return the zone whose days count; the garden's for a plant without a location."""
        return self._by_location.get(plant.location_key or "", self._home)

    def zone_at(self, location: Location) -> ZoneInfo:
        """Return the zone of the site of a location."""
        return self._by_site.get(location.site_key, self._home)

    def today_of(self, plant: Plant) -> date:
        """Return the local date where a plant stands."""
        return self._now.astimezone(self.zone_of(plant)).date()

    def midnight_of(self, plant: Plant) -> datetime:
        """Return when the next day begins where a plant stands, in UTC."""
        tomorrow = self.today_of(plant) + timedelta(days=1)
        return datetime.combine(tomorrow, time(), tzinfo=self.zone_of(plant)).astimezone(UTC)
