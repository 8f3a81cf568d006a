"""What a field that nobody bound measures, as far as its name tells beyond doubt.

A controller says `ph_pump` 0 and `ec_error` 0 all day; only a name that is that of the
measurement, and no longer, speaks of one.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from kamerplanter_backend.telemetry.messages.device_profiles import (
    ChannelRule,
    find_topic,
    has_all,
    matches,
    read_profiles,
)
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_backend.telemetry.messages.name_reader import NameReader, split_words
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.telemetry_engine import ChannelRules, rules_for

SURE_SCORE = 70
"""From here on the profiles are sure of what a name means: `level` may be that of anything."""
_PLACES = frozenset(
    {"soil", "boden", "substrate", "water", "tank", "reservoir", "nutrient", "solution", "plant"}
) | {"pot", "sensor", "probe", "value"}
_UNITS = frozenset(
    {"c", "f", "celsius", "fahrenheit", "us", "μs", "u", "μ", "ms", "ds", "m", "s", "cm", "mv"}
) | {"mg", "l", "pct", "percent"}
"""Words beside a measurement that leave it one: where and of what it is, and in which unit."""


def prepare() -> None:
    """Read what names mean; reads a file, so it is called before messages are listened to."""
    _names().meaning("prepare")


class Meaning(NamedTuple):
    """What a field may be."""

    reader: FieldReader
    rules: ChannelRules
    names_unit: bool


class FieldMeaning(NamedTuple):
    """All that a field may be."""

    meanings: tuple[Meaning, ...]
    is_sure: bool
    beside: frozenset[str]
    """Words of its name that are not of the measurement, such as the number of the pot."""


class FieldMeanings:
    """Tells what fields of a topic may be, by the profiles of devices and the words of names.

    Args:
        topic: Where they come.
        plain_water: The tank holds water where an EC of 0 is a real value.
    """

    def __init__(self, topic: str, *, plain_water: bool = False) -> None:
        self._topic = topic
        self._plain_water = plain_water

    def of(self, path: str, paths: Sequence[str]) -> FieldMeaning | None:
        """Return what a field may be; none = nothing that is known.

        Args:
            path: The field.
            paths: It and those beside it, by which a device is told.
        """
        rule, words = self._listed(path, paths), split_words(path)
        beside = frozenset(word for word in words if word.isdigit())
        if rule is None:
            rule = _names().meaning("_".join(words))
            beside = frozenset(_beside(words, rule)) - _PLACES - _UNITS
        if rule is None:
            return None
        found = tuple(self._meanings(path, rule))
        return FieldMeaning(found, rule.score >= SURE_SCORE, beside)

    def _listed(self, path: str, paths: Sequence[str]) -> ChannelRule | None:
        """Return what the profile of the device says about a field; the highest one counts."""
        for profile in read_profiles().profiles:
            if find_topic(profile, self._topic) is None or not has_all(profile, paths):
                continue
            for rule in profile.channels:
                if rule.path is not None and rule.name is None and matches(rule.path, path):
                    return rule
        return None

    def _meanings(self, path: str, rule: ChannelRule) -> Iterator[Meaning]:
        for kind in rule.kinds:
            unit = rule.unit or _names().unit(path, kind)
            for item in (unit,) if unit else _usual_units(kind):
                binding = ChannelBinding(kind=kind, topic="beside", unit=item, factor=rule.factor)
                rules = rules_for(binding, plain_water=self._plain_water)
                yield Meaning(FieldReader(binding), rules, bool(unit))


def _beside(words: Sequence[str], rule: ChannelRule | None) -> Iterator[str]:
    """Yield the words that may be left out of a name without another meaning."""
    start, end = 0, len(words)
    while end - start > 1 and _names().meaning("_".join(words[start : end - 1])) is rule:
        end -= 1
        yield words[end]
    while end - start > 1 and _names().meaning("_".join(words[start + 1 : end])) is rule:
        yield words[start]
        start += 1


def _usual_units(kind: ChannelKind) -> tuple[str | None, ...]:
    """Return what a number may be in if nobody says."""
    if CHANNELS[kind].is_temperature:
        return ("°C", "°F")
    return ("µS/cm", "mS/cm") if kind in (ChannelKind.EC, ChannelKind.SOIL_EC) else (None,)


@lru_cache(maxsize=1)
def _names() -> NameReader:
    return NameReader(read_profiles())
