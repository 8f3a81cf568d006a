"""Seasons by hemisphere, and how an interval that changes with the season runs out."""

from collections.abc import Callable, Collection
from datetime import date, timedelta

NORTHERN_WINTER = frozenset({12, 1, 2})
MONTHS_PER_YEAR = 12
HALF_A_YEAR = 6
_ALMOST_ONE = 1 - 1e-9


def is_southern(latitude_deg: float | None) -> bool:
    """Tell whether a place lies south of the equator; the equator and unknown count as north.

    Args:
        latitude_deg: Geographic latitude, south negative. [°], -90 to 90.

    Source: own rule for the unknown place: most gardens are in the north.
    """
    return latitude_deg is not None and latitude_deg < 0


def local_months(northern_months: Collection[int], latitude_deg: float | None) -> frozenset[int]:
    """Return the months of a place that match months of the north (shifted by six in the south).

    Args:
        northern_months: Months, 1 to 12.
        latitude_deg: Geographic latitude, south negative. [°], -90 to 90.
    """
    shift = HALF_A_YEAR if is_southern(latitude_deg) else 0
    return frozenset((month - 1 + shift) % MONTHS_PER_YEAR + 1 for month in northern_months)


def is_winter(on: date, latitude_deg: float | None) -> bool:
    """Tell whether a day lies in the meteorological winter of a place.

    Args:
        on: Local date.
        latitude_deg: Geographic latitude, south negative. [°], -90 to 90.

    Source: [WMO] meteorological seasons: December to February, in the south June to August.
    """
    return on.month in local_months(NORTHERN_WINTER, latitude_deg)


def interval_end(since: date, interval_on: Callable[[date], float]) -> date:
    """Return the day on which an interval that differs from day to day has run out.

    Each day uses up 1 / (the interval that holds on that day); the end is the day on which the
    sum reaches 1. So the end does not jump when a season begins, and starting later never ends
    earlier.

    Args:
        since: Day of the last care; it does not count itself.
        interval_on: Gives the interval that holds on a day. [d], above 0.

    Source: own rule.
    """
    day, used = since, 0.0
    while used < _ALMOST_ONE:
        day += timedelta(days=1)
        used += 1 / interval_on(day)
    return day


def season_start(on: date, months: Collection[int]) -> date | None:
    """Return the first day of the unbroken run of months in which a day lies.

    Returns:
        None if the month of the day is not one of them, or if all twelve are: then nothing starts.
    """
    if on.month not in months or len(set(months)) == MONTHS_PER_YEAR:
        return None
    first = on.replace(day=1)
    while (before := (first - timedelta(days=1)).replace(day=1)).month in months:
        first = before
    return first


def first_day_within(on: date, months: Collection[int]) -> date | None:
    """Return a day itself if its month is one of these, else the first day of the next such month.

    Returns:
        None if there are no months.
    """
    if not months:
        return None
    day = on
    while day.month not in months:
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day
