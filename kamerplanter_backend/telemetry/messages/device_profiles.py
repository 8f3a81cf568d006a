"""What devices are known to send, as data: topics, fields, units, availability and times."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, model_validator

from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.base import Key, Model, Name
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.units import conversion

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLACEHOLDER = re.compile(r"\{(\w+)(\.\.\.)?\}")


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        msg = f"is no regular expression: {error}"
        raise ValueError(msg) from error
    return text


Pattern = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_is_pattern)]
"""A regular expression that the whole of a name has to match; letter case does not matter."""

Template = Annotated[str, Field(min_length=1, max_length=300)]
"""A topic with placeholders: `{x}` is within one level, `{x...}` one level or more."""


def matches(pattern: str, text: str) -> re.Match[str] | None:
    """Return the match of a whole text, whatever its letter case."""
    return re.fullmatch(pattern, text, re.IGNORECASE)


@lru_cache(maxsize=256)
def topic_pattern(template: str) -> re.Pattern[str]:
    """Return what finds the placeholders of a template in a topic."""
    parts, end = [], 0
    for found in _PLACEHOLDER.finditer(template):
        parts.append(re.escape(template[end : found.start()]))
        parts.append(f"(?P<{found.group(1)}>{'.+' if found.group(2) else '[^/]+'})")
        end = found.end()
    parts.append(re.escape(template[end:]))
    return re.compile("".join(parts), re.DOTALL)


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the topic of a template whose placeholders are known."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], template)


def placeholders(template: str) -> frozenset[str]:
    """Return the names of the placeholders of a template."""
    return frozenset(found.group(1) for found in _PLACEHOLDER.finditer(template))


class _Meaning(Model):
    """What a number may be."""

    kinds: tuple[ChannelKind, ...] = Field(min_length=1)
    """The device that is bound decides; of several values that may be of one kind, that which is
    likelier of it comes first."""
    unit: str | None = Field(default=None, max_length=20)
    """None = the message, the name or the size of the numbers tells."""
    score: int = Field(ge=1, le=100)
    """How sure it is; the highest one of a kind is proposed."""

    @model_validator(mode="after")
    def _unit_fits(self) -> _Meaning:
        for kind in self.kinds:
            try:
                conversion(kind, self.unit)
            except UnknownUnitError as error:
                raise ValueError(str(error)) from error
        return self


class ChannelRule(_Meaning):
    """One value that devices of a profile send."""

    path: Pattern | None = None
    """The dotted path in a JSON payload; none = the payload is the value."""
    name: Pattern | None = None
    """What stands for `{name}` in the topic; none = anything."""
    unit_path: str | None = None
    """A field of the message that names the unit."""
    unit_beside: Pattern | None = None
    """Fields of the message in the same unit: what one of them tells counts for this one too."""
    factor: float = Field(default=1.0, gt=0, le=1_000_000)
    decimal_comma: bool = False


class AvailabilityRule(Model):
    """Where devices of a profile say whether they are there."""

    topic: Template
    path: str | None = None
    always: bool = False
    """Each device has it, so it is proposed even if it was not heard."""
    online: tuple[str, ...] = Field(min_length=1)
    offline: tuple[str, ...] = Field(min_length=1)


class DeviceProfile(Model):
    """How one family of devices speaks."""

    key: Key
    name: Name
    rank: int = Field(ge=0, le=100)
    """A topic belongs to the highest profile that knows a value in it."""
    topic: Template
    where: dict[str, Pattern] = Field(default={})
    """What certain placeholders of the topic have to look like."""
    requires: tuple[Pattern, ...] = ()
    """Fields that have to be there."""
    identity_paths: tuple[str, ...] = ()
    """Fields that tell devices on one topic apart; with several nothing can be bound."""
    words_under: str | None = None
    """Fields below this path are looked up in the words; empty = all."""
    words_in_name: bool = False
    """What stands for `{name}` in the topic is looked up in the words."""
    fahrenheit_below: dict[Pattern, float] = Field(default={})
    """Fields whose numbers below this are in a unit of those who measure in °F: what says nothing
    else of its unit is in °F too."""
    time_path: str | None = None
    guard_path: str | None = None
    channels: tuple[ChannelRule, ...] = ()
    availability: tuple[AvailabilityRule, ...] = ()

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> DeviceProfile:
        known = placeholders(self.topic)
        if "device" not in known:
            msg = "the topic needs the placeholder {device}"
            raise ValueError(msg)
        used = set(self.where).union(*(placeholders(item.topic) for item in self.availability))
        if any(rule.name is not None for rule in self.channels) or self.words_in_name:
            used.add("name")
        if unknown := used - known:
            msg = f"the topic has no placeholder {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        return self


def find_topic(profile: DeviceProfile, topic: str) -> re.Match[str] | None:
    """Return the placeholders of a topic that looks like one of a profile."""
    match = topic_pattern(profile.topic).fullmatch(topic)
    if match is None or not all(matches(look, match[name]) for name, look in profile.where.items()):
        return None
    return match


def has_all(profile: DeviceProfile, paths: Iterable[str | None]) -> bool:
    """Tell whether a message with these fields has those that a profile needs."""
    named = [path for path in paths if path is not None]
    return all(any(matches(needed, path) for path in named) for needed in profile.requires)


class Word(_Meaning):
    """A name that devices commonly give to a value."""

    name: Pattern
    knows: tuple[str, ...] = ()
    """Words that make other names be ignored, and are what this one is about."""


class UnitName(Model):
    """An ending of names that tells the unit."""

    name: Pattern
    unit: str = Field(min_length=1, max_length=20)


class ProfileTable(Model):
    """All that is known."""

    profiles: tuple[DeviceProfile, ...]
    words: tuple[Word, ...]
    ignored: tuple[str, ...]
    own_topics: tuple[Template, ...] = ()
    """Where devices tell of themselves what reads like a measurement, such as how warm they are."""
    unit_names: tuple[UnitName, ...]
    guard_names: tuple[str, ...]

    @model_validator(mode="after")
    def _known_words_are_ignored_otherwise(self) -> ProfileTable:
        known = {item for word in self.words for item in word.knows}
        if unknown := known - set(self.ignored):
            msg = f"nobody ignores {', '.join(sorted(unknown))}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _keys_differ(self) -> ProfileTable:
        keys = [profile.key for profile in self.profiles]
        if len(set(keys)) != len(keys):
            msg = "two profiles have the same key"
            raise ValueError(msg)
        return self


@lru_cache(maxsize=1)
def read_profiles() -> ProfileTable:
    """Return the profiles of this version, the highest rank first. Reads a file the first time.

    Raises:
        pydantic.ValidationError: A value is outside its range, or a field is unknown.
    """
    folder = files("kamerplanter_backend.telemetry.messages") / "profile_data"
    path = folder / "device_profiles.yaml"
    content = yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both are safe
    table = ProfileTable.model_validate(content)
    ranked = sorted(table.profiles, key=lambda profile: (-profile.rank, profile.key))
    return table.model_copy(update={"profiles": tuple(ranked)})
