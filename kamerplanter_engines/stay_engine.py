"""When a probe hung in which place."""

from datetime import UTC, datetime

from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.rollup import ALWAYS, Bucket
from kamerplanter_engines.models.telemetry import MOST_STAYS, Probe, Stay

EVER = datetime.max.replace(tzinfo=UTC)
"""Until when a probe is where it is now."""


def moved(
    before: Probe, location_key: str | None, now: datetime
) -> tuple[datetime | None, tuple[Stay, ...]]:
    """Return since when a probe is in its location, and where it was before.

    What is more than can be kept is forgotten, the oldest first.

    Args:
        before: The probe as it was.
        location_key: Where it is from now on; none = in no location.
        now: The present moment.

    Raises:
        NaiveTimeError: The moment has no zone.

    Source: own rule.
    """
    if location_key == before.location_key:
        return before.placed_at, before.stays
    now, stays = utc(now), before.stays
    if before.location_key is not None:
        until_at = min(before.archived_at or now, now)
        if before.placed_at is None or before.placed_at < until_at:
            stay = Stay(
                location_key=before.location_key, from_at=before.placed_at, until_at=until_at
            )
            stays = (*stays, stay)[-MOST_STAYS:]
    return (before.placed_at if location_key is None else now), stays


def stays_in(probe: Probe, location_key: str) -> list[Bucket]:
    """Return when a probe was in a location, oldest first; none = it never was.

    A probe that was nowhere before has no other place, so all that it measured counts.

    Args:
        probe: The probe, which may be archived.
        location_key: The location.

    Source: own rule.
    """
    found = [
        Bucket(stay.from_at or ALWAYS, stay.until_at)
        for stay in probe.stays
        if stay.location_key == location_key
    ]
    if probe.location_key == location_key:
        found.append(Bucket(probe.placed_at or ALWAYS, probe.archived_at or EVER))
    return [stay for stay in found if stay.starts_at < stay.ends_at]
