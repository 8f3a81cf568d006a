"""When a probe was in which place, and whether what it measured is of the one where it is."""

from datetime import UTC, datetime

from kamerplanter_engines.models.base import MICROSECOND, is_ahead, utc
from kamerplanter_engines.models.rollup import ALWAYS, Bucket
from kamerplanter_engines.models.telemetry import (
    DEVICE_KINDS,
    MOST_STAYS,
    ChannelKind,
    Probe,
    Stay,
)

EVER = datetime.max.replace(tzinfo=UTC)
"""Until when a probe is where it is now."""


def moved(
    before: Probe,
    location_key: str | None,
    now: datetime,
    *,
    tank_key: str | None = None,
    plant_key: str | None = None,
    heard_at: datetime | None = None,
) -> tuple[datetime | None, tuple[Stay, ...]]:
    """Return since when a probe is where it is, and in which locations it was before.

    What is more than can be kept is forgotten, the oldest first. One that is taken out of one of
    two places stays in the other one; one that is in no place keeps what it says until it comes
    to one.

    Args:
        before: The probe as it was.
        location_key: In which location it is from now on; none = in none.
        now: The present moment.
        tank_key: In which tank it is from now on.
        plant_key: In the soil of which plant it is from now on.
        heard_at: When its newest reading was measured that is known: it is of where the probe was,
            though the clock of whoever heard it may be a little ahead.

    Raises:
        NaiveTimeError: A moment has no zone.

    Source: own rule.
    """
    was = (before.tank_key, before.plant_key, before.location_key)
    keys = (tank_key, plant_key, location_key)
    if keys == was:
        return before.placed_at, before.stays
    at, stays = utc(now), before.stays
    if heard_at is not None and not is_ahead(utc(heard_at), at):
        at = max(at, utc(heard_at) + MICROSECOND)
    if before.location_key is not None and location_key != before.location_key:
        until_at = min(before.archived_at or at, at)
        if before.placed_at is None or before.placed_at < until_at:
            stay = Stay(
                location_key=before.location_key, from_at=before.placed_at, until_at=until_at
            )
            stays = (*stays, stay)[-MOST_STAYS:]
    comes = any(key is not None and key != old for key, old in zip(keys, was, strict=True))
    return (at if comes else before.placed_at), stays


def here_since(probe: Probe, kind: ChannelKind, now: datetime | None = None) -> datetime | None:
    """Return since when what a probe measures is of the place where it is now; none = ever since.

    What it says of itself, such as its battery, is of no place. A move that lies ahead, as the
    clock went back since, says nothing: else no value would count until it has caught up.

    Args:
        probe: The probe.
        kind: What it measures.
        now: The present moment; none = nobody asks whether the move lies ahead.

    Raises:
        NaiveTimeError: The moment has no zone.

    Source: own rule.
    """
    at = None if kind in DEVICE_KINDS else probe.placed_at
    return None if at is not None and now is not None and is_ahead(at, utc(now)) else at


def is_of_place(at: datetime, since: datetime | None) -> bool:
    """Tell whether something was measured where its probe is now: else it says nothing of there.

    Nothing follows from what was measured elsewhere, whenever it is heard.

    Args:
        at: When it was measured.
        since: What `here_since` says of the channel.

    Raises:
        NaiveTimeError: The moment has no zone.

    Source: own rule.
    """
    return since is None or utc(at) >= since


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
