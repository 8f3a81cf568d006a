"""What the name of a value, and the size of its numbers, say about kind and unit."""

import re

from kamerplanter_backend.telemetry.device_profiles import ChannelRule, ProfileTable, matches
from kamerplanter_backend.telemetry.hearing import Place
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import ChannelKind, Hint
from kamerplanter_engines.tables.channels import CHANNELS, STARTUP_C
from kamerplanter_engines.units import conversion, normalise_unit

_HUMP = re.compile(r"(?<=[a-zäöüµμ])(?=[A-ZÄÖÜ])")
_OTHER = re.compile(r"[\W_]+")
_WORD = re.compile(r"[0-9]+|[^0-9_]+")
_WRAPPERS = frozenset({"value", "val", "v", "reading"})
"""Names that only wrap the value: what it is stands one level up."""

UNITS_OF_HINTS: dict[Hint, str] = {
    Hint.LOOKS_LIKE_US_CM: "µS/cm",
    Hint.LOOKS_LIKE_FAHRENHEIT: "°F",
}
"""The unit that is probably meant, by hint."""

LARGEST_MS_CM = 20.0
"""No solution for plants reaches this in mS/cm, and none is as thin in µS/cm."""
LARGEST_C = 50.0
"""Neither water in a tank nor soil is as warm in °C, nor air but in a closed glass house at noon,
and a warm day is more in °F."""


def spelled(path: str) -> str:
    """Return the telling part of a path in small letters, its words joined by `_`."""
    parts = path.split(".")
    name = parts[-1]
    if len(parts) > 1 and name.casefold() in _WRAPPERS:
        name = parts[-2]
    return _OTHER.sub("_", _HUMP.sub("_", name)).strip("_").casefold()


def split_words(path: str) -> tuple[str, ...]:
    """Return the words of the telling part of a path; a number is one of its own."""
    return tuple(_WORD.findall(spelled(path)))


class NameReader:
    """Looks names up in the words of a table."""

    def __init__(self, table: ProfileTable) -> None:
        self._words = tuple(
            (
                word.name,
                ChannelRule(kinds=word.kinds, unit=word.unit, score=word.score),
                frozenset(word.knows),
            )
            for word in table.words
        )
        self._units = table.unit_names
        self._ignored = frozenset(table.ignored)

    def meaning(self, path: str) -> ChannelRule | None:
        """Return what a value of this name is; none = nothing that is known."""
        name = spelled(path)
        odd = self._ignored & set(name.split("_"))
        found = (
            rule for pattern, rule, known in self._words if odd <= known and matches(pattern, name)
        )
        return next(found, None)

    def unit(self, path: str, kind: ChannelKind) -> str | None:
        """Return the unit that a name ends with, if it belongs to the kind."""
        name = spelled(path)
        return next(
            (
                item.unit
                for item in self._units
                if matches(item.name, name) and self.unit_of_text(item.unit, kind) is not None
            ),
            None,
        )

    @staticmethod
    def unit_of_text(text: str, kind: ChannelKind) -> str | None:
        """Return the unit that a text names, if it belongs to the kind."""
        unit = normalise_unit(text)
        try:
            conversion(kind, unit)
        except UnknownUnitError:
            return None
        return unit


def guess_unit(kind: ChannelKind, place: Place) -> str | None:
    """Return the unit that the size of the heard numbers speaks for; none = the usual one."""
    if place.low is None or place.high is None:
        return None
    if kind in (ChannelKind.EC, ChannelKind.SOIL_EC):
        if place.high > LARGEST_MS_CM:
            return "µS/cm"
        return "mS/cm" if place.high > 0 and not place.high.is_integer() else None
    if CHANNELS[kind].is_temperature and place.low > LARGEST_C and place.high != STARTUP_C:
        return "°F"
    return None


def usual_unit(kind: ChannelKind) -> str:
    """Return the unit that counts where neither device nor binding names one."""
    return CHANNELS[kind].default_unit
