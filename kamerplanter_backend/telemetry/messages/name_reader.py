"""Names of values, as words, and what a table knows of them."""

import re

from kamerplanter_backend.telemetry.messages.device_profiles import (
    ChannelRule,
    ProfileTable,
    matches,
)
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.units import conversion, normalise_unit

_HUMP = re.compile(r"(?<=[a-zäöüµμ])(?=[A-ZÄÖÜ])")
_OTHER = re.compile(r"[\W_]+")
_WORD = re.compile(r"[0-9]+|[^0-9_]+")
_WRAPPERS = frozenset({"value", "val", "v", "reading"})
"""Names that only wrap the value: what it is stands one level up."""


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
