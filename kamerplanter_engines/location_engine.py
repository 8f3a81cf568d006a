"""Where a location may stand: in another one of the same site, never in itself, not too deep."""

from collections.abc import Iterable, Mapping

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.site import Location

MAX_DEPTH = 10
"""Most locations one within another."""


def check_place(location: Location, others: Iterable[Location]) -> None:
    """Make sure that a location stands where it can stand.

    Args:
        location: As it is to be.
        others: All locations that may lie around it or in it; itself among them is no matter.

    Raises:
        InvalidInputError: What is around or in it is at another site, it would lie within
            itself, or more than ten would lie one within another.
    """
    by_key = {other.key: other for other in others} | {location.key: location}
    children = [other for other in by_key.values() if other.parent_key == location.key]
    parent = by_key.get(location.parent_key or "")
    for near in (*children, *([parent] if parent else [])):
        if near.site_key != location.site_key:
            raise InvalidInputError(
                f"{location.name} and {near.name} are at different sites; "
                "one within another must be at the same site.",
                field="site_key",
                value=location.site_key,
            )
    depth = _around(location, by_key) + _within(location.key, by_key)
    if depth > MAX_DEPTH:
        raise InvalidInputError(
            f"{depth} locations would lie one within another; {MAX_DEPTH} are possible.",
            field="parent_key",
            value=location.parent_key,
        )


def _around(location: Location, by_key: Mapping[str, Location]) -> int:
    """Return how many locations there are from this one outwards, itself included."""
    count, place = 1, location
    while place.parent_key is not None and place.parent_key in by_key:
        place = by_key[place.parent_key]
        count += 1
        if place.key == location.key or count > len(by_key):
            raise InvalidInputError(
                f"{location.name} cannot lie within itself; choose another location around it.",
                field="parent_key",
                value=location.parent_key,
            )
    return count


def _within(key: str, by_key: Mapping[str, Location]) -> int:
    """Return how many levels lie within a location."""
    levels, layer = 0, {key}
    while layer := {other.key for other in by_key.values() if other.parent_key in layer}:
        levels += 1
    return levels
