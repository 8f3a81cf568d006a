"""Groups what was heard by device and proposes how each device could be bound.

Nothing is bound here: a proposal is a guess that a person looks at and corrects. It does not
depend on the order of the messages, but for the newest value that is shown beside it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from kamerplanter_backend.telemetry.discovery.hearing import (
    MAX_TOPICS,
    Place,
    Smallest,
    TopicHeard,
    is_bindable,
)
from kamerplanter_backend.telemetry.discovery.listening import Heard, describe_message
from kamerplanter_backend.telemetry.discovery.unit_guess import guess_unit
from kamerplanter_backend.telemetry.messages.device_profiles import (
    ChannelRule,
    DeviceProfile,
    ProfileTable,
    fill,
    find_topic,
    has_all,
    matches,
    topic_pattern,
)
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_backend.telemetry.messages.name_reader import NameReader
from kamerplanter_backend.telemetry.messages.payload import decode, read_number, read_presence
from kamerplanter_engines.models.telemetry import (
    DEVICE_KINDS,
    Availability,
    ChannelBinding,
    ChannelKind,
)
from kamerplanter_engines.tables.channels import CHANNELS

_BOOLEANS = ("True", "False")
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""A reading needs a moment; a proposal shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelProposal:
    """One value that could be bound."""

    binding: ChannelBinding
    value_text: str
    """The newest value, as sent and shortened."""
    value: float | None
    """The same in the canonical unit; none = not possible as a measurement of this kind."""
    score: int
    """How sure it is, 1 to 100."""

    @property
    def kind(self) -> ChannelKind:
        """What it would measure."""
        return self.binding.kind

    @property
    def is_measured(self) -> bool:
        """Whether it is more than what the device says about itself."""
        return self.kind not in DEVICE_KINDS

    @property
    def shown(self) -> str:
        """The value with its canonical unit; what cannot be one as it came, with a (?)."""
        if self.value is None:
            return f"{self.value_text} (?)"
        spec = CHANNELS[self.kind]
        return f"{self.value:.{spec.precision}f} {spec.unit}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProposal:
    """One device that was heard."""

    name: str
    """What the device calls itself in its topics."""
    profile_key: str
    profile_name: str
    channels: tuple[ChannelProposal, ...]
    """By kind, the best one of each kind first."""
    availability: Availability | None

    def best(self) -> dict[ChannelKind, ChannelProposal]:
        """Return the best proposal of each kind."""
        found: dict[ChannelKind, ChannelProposal] = {}
        for item in self.channels:
            found.setdefault(item.kind, item)
        return found


type _Places = dict[str | None, Place]


@dataclass(frozen=True, slots=True)
class _Known:
    """A topic that a profile understands."""

    profile: DeviceProfile
    topic: str
    places: _Places
    captures: dict[str, str]
    identity: str
    """Topic up to the device, with the field that tells devices apart."""

    def name_of(self, path: str | None) -> str:
        """Return what a value is called: by its path, or by its topic where it stands alone."""
        return self.captures.get("name", "") if path is None else path

    def is_of_fahrenheit(self) -> bool:
        """Tell whether another number of the message is in a unit that goes with °F."""
        return any(
            place.high is not None and 0 < place.high < limit
            for pattern, limit in self.profile.fahrenheit_below.items()
            for path, place in self.places.items()
            if path is not None and matches(pattern, path)
        )


class Discovery:
    """Takes in what is heard and proposes devices; never raises on what devices send.

    Args:
        table: The known profiles.
    """

    def __init__(self, table: ProfileTable) -> None:
        self._table = table
        self._names = NameReader(table)
        self._own = [topic_pattern(template) for template in table.own_topics]
        self._topics: Smallest[str, TopicHeard] = Smallest(MAX_TOPICS, self._topic_rank)

    @property
    def topic_count(self) -> int:
        """How many topics are remembered."""
        return len(self._topics)

    @property
    def place_count(self) -> int:
        """How many fields of all topics are remembered."""
        return sum(len(heard.places) for _, heard in self._topics)

    def on_message(self, topic: str, payload: bytes | str) -> None:
        """Take in one message."""
        self.take(topic, describe_message(topic, payload))

    def take(self, topic: str, items: Iterable[Heard]) -> None:
        """Take in the values of one message."""
        if not is_bindable(topic) or any(own.fullmatch(topic) for own in self._own):
            return
        heard = self._topics.get(topic, TopicHeard)
        if heard is not None:
            heard.take(items)

    def propose(self, kinds: Iterable[ChannelKind]) -> tuple[DeviceProposal, ...]:
        """Return the devices that measure one of these kinds, the most promising one first.

        What a device says about itself comes along, but makes nobody a probe: doors have a battery.
        """
        wanted = frozenset(kinds)
        devices: dict[tuple[str, str], tuple[_Known, list[ChannelProposal]]] = {}
        for topic, heard in self._topics:
            known = self._understand(topic, dict(heard.places), wanted)
            if known is None:
                continue
            for part, item in self._values(known, wanted):
                key = (known.profile.key, f"{known.identity} · {part}" if part else known.identity)
                devices.setdefault(key, (known, []))[1].append(item)
        found = [
            self._device(known, name, items)
            for (_, name), (known, items) in devices.items()
            if any(item.is_measured for item in items)
        ]
        ranks = {profile.key: profile.rank for profile in self._table.profiles}
        return tuple(
            sorted(
                found,
                key=lambda device: (
                    -sum(
                        item.is_measured and item.value is not None
                        for item in device.best().values()
                    ),
                    -ranks[device.profile_key],
                    device.name,
                ),
            )
        )

    def _topic_rank(self, topic: str) -> tuple[int, str]:
        ranks = (profile.rank for profile in self._table.profiles if find_topic(profile, topic))
        return -next(ranks, 0), topic

    def _understand(
        self, topic: str, places: _Places, wanted: frozenset[ChannelKind]
    ) -> _Known | None:
        """Return the highest profile that knows a wanted value of a topic.

        One that only knows what the device says about itself is taken if no other knows more.
        """
        fallback: _Known | None = None
        for profile in self._table.profiles:
            match = find_topic(profile, topic)
            if match is None or not has_all(profile, places):
                continue
            identity = _identity(profile, places)
            if identity is None:
                return fallback  # several devices share the topic: a binding would mix them
            device = topic[: match.end("device")]
            name = f"{device} · {identity}" if identity else device
            known = _Known(profile, topic, places, match.groupdict(), name)
            if any(item.is_measured for _, item in self._values(known, wanted)):
                return known
            if fallback is None and next(self._values(known, wanted), None) is not None:
                fallback = known
        return fallback

    def _values(
        self, known: _Known, wanted: frozenset[ChannelKind]
    ) -> Iterator[tuple[str, ChannelProposal]]:
        """Yield part and proposal of each wanted value of a topic."""
        for path, place in known.places.items():
            rule = None if place.low is None else self._rule(known, path)
            if rule is None:
                continue
            for kind in rule.kinds:
                if kind in wanted:
                    yield _part(rule, path), self._proposal(known, rule, kind, path)

    def _rule(self, known: _Known, path: str | None) -> ChannelRule | None:
        """Return what a field is: by the list of the profile, else by the words."""
        profile, name = known.profile, known.captures.get("name", "")
        for rule in profile.channels:
            is_path = path is None if rule.path is None else path and matches(rule.path, path)
            if is_path and (rule.name is None or matches(rule.name, name)):
                return rule
        if profile.words_in_name and path is None:
            return self._names.meaning(name)
        if profile.words_under is not None and path is not None:
            below = _below(path, profile.words_under)
            return None if below is None else self._names.meaning(below)
        return None

    def _proposal(
        self, known: _Known, rule: ChannelRule, kind: ChannelKind, path: str | None
    ) -> ChannelProposal:
        profile, text = known.profile, known.places[path].text
        binding = ChannelBinding(
            kind=kind,
            topic=known.topic,
            path=path,
            unit=rule.unit or self._unit(known, rule, kind, path),
            factor=rule.factor,
            decimal_comma=rule.decimal_comma,
            guard_path=profile.guard_path or self._guard(known, path),
            time_path=profile.time_path if profile.time_path in known.places else None,
        )
        if _reader(binding).looks_like_comma(known.places[path].comma_text):
            binding = binding.model_copy(update={"decimal_comma": True})
        return ChannelProposal(
            binding=binding,
            value_text=text,
            value=_canonical(binding, text),
            score=max(rule.score - rule.kinds.index(kind), 1),
        )

    def _unit(
        self, known: _Known, rule: ChannelRule, kind: ChannelKind, path: str | None
    ) -> str | None:
        place = known.places[path]
        if rule.unit_path is not None:
            told = known.places.get(rule.unit_path)
            if told is None or not told.is_constant:
                return None
            return self._names.unit_of_text(told.text, kind)
        if read_number(place.text, decimal_comma=place.comma_text is not None)[1] is not None:
            return None  # the device writes the unit behind each number
        unit = self._names.unit(known.name_of(path), kind) or guess_unit(kind, place)
        if unit is None and rule.unit_beside is not None:
            unit = self._unit_beside(known, rule.unit_beside, kind)
        if unit is None and CHANNELS[kind].is_temperature and known.is_of_fahrenheit():
            return "°F"
        return unit

    def _unit_beside(self, known: _Known, fields: str, kind: ChannelKind) -> str | None:
        """Return the unit that another field of the message tells by its name or its numbers."""
        for path, place in known.places.items():
            if path is None or not matches(fields, path):
                continue
            rule = self._rule(known, path)
            if rule is not None and rule.unit is not None:
                unit = self._names.unit_of_text(rule.unit, kind)
            else:
                unit = guess_unit(kind, place)
            if unit is not None:
                return unit
        return None

    def _guard(self, known: _Known, path: str | None) -> str | None:
        """Return the field beside a value that says whether it counts."""
        if path is None:
            return None
        prefix = path.rpartition(".")[0]
        for name in self._table.guard_names:
            guard = f"{prefix}.{name}" if prefix else name
            if guard in known.places and known.places[guard].text in _BOOLEANS:
                return guard
        return None

    def _device(self, known: _Known, name: str, items: list[ChannelProposal]) -> DeviceProposal:
        order = list(CHANNELS)
        ranked = sorted(
            items,
            key=lambda item: (
                order.index(item.kind),
                item.value is None,
                -item.score,
                item.binding.topic or "",
                item.binding.path or "",
            ),
        )
        return DeviceProposal(
            name=name,
            profile_key=known.profile.key,
            profile_name=known.profile.name,
            channels=tuple(ranked),
            availability=self._availability(known),
        )

    def _availability(self, known: _Known) -> Availability | None:
        for rule in known.profile.availability:
            topic = fill(rule.topic, known.captures)
            if rule.always or self._tells_presence(topic):
                return Availability(topic=topic, path=rule.path)
        return None

    def _tells_presence(self, topic: str) -> bool:
        heard = self._topics.find(topic)
        return heard is not None and any(
            read_presence(place.text) is not None
            for path, place in heard.places
            if path in (None, "state")
        )


def _identity(profile: DeviceProfile, places: _Places) -> str | None:
    """Return what tells devices of one topic apart; none = there are several."""
    told = [places[path] for path in profile.identity_paths if path in places]
    if not all(place.is_constant for place in told):
        return None
    return " ".join(place.text for place in told)


def _below(path: str, prefix: str) -> str | None:
    if not prefix:
        return path
    return path.removeprefix(f"{prefix}.") if path.startswith(f"{prefix}.") else None


def _part(rule: ChannelRule, path: str | None) -> str:
    match = None if rule.path is None or path is None else matches(rule.path, path)
    return "" if match is None else match.groupdict().get("part") or ""


@lru_cache(maxsize=256)
def _reader(binding: ChannelBinding) -> FieldReader:
    return FieldReader(binding)


def _canonical(binding: ChannelBinding, text: str) -> float | None:
    value = _reader(binding).read_text(decode(text) or "", _ANY_TIME).raw
    spec = CHANNELS[binding.kind]
    is_possible = value is not None and spec.physical_low <= value <= spec.physical_high
    return value if is_possible else None
