"""What a message says beside the values that are bound: its other fields are of the same device.

A 0 or a full scale beside another one, or beside what no measurement can be, is doubtful. Whether
it stands in such company shows in all that the device sends, not only in what somebody bound.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from typing import NamedTuple

from kamerplanter_backend.telemetry.messages.field_meanings import FieldMeanings, Meaning
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_backend.telemetry.messages.name_reader import split_words
from kamerplanter_backend.telemetry.messages.payload import Json, Missing, decode, find, parse_json
from kamerplanter_engines.bystander_engine import (
    PossibleReading,
    may_witness_end,
    speaks_against,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.telemetry_engine import ChannelRules, Sample

MOST_FIELDS = 64
"""So many fields beside a value are looked at; no device measures more."""
MOST_SHAPES = 16
"""So many kinds of messages of a topic are remembered; a device has a few."""
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class _Bystander(NamedTuple):
    """A field that nobody bound and that may speak against the others."""

    name: str
    meanings: tuple[Meaning, ...]
    end_counts: bool
    """Its 0 and full scale count, and not only what no measurement can be."""


class Bystanders:
    """The fields of the messages of one topic that a probe did not bind.

    Args:
        topic: Where the messages come.
        readers: Those of the bindings on it.
        rules: The numbers in force for the channels of the probe.
        plain_water: The tank holds water where an EC of 0 is a real value.
    """

    def __init__(
        self,
        topic: str,
        readers: Sequence[FieldReader],
        rules: Mapping[ChannelKind, ChannelRules],
        *,
        plain_water: bool = False,
    ) -> None:
        self._ends = {reader.kind: _ends(rules[reader.kind]) for reader in readers}
        self._kinds = frozenset(reader.kind for reader in readers)
        paths = (reader.binding.path for reader in readers)
        self._paths = tuple(path for path in paths if path is not None)
        self._meanings = FieldMeanings(topic, plain_water=plain_water)
        self._by_shape: dict[tuple[str, ...], tuple[_Bystander, ...]] = {}

    def doubtful(self, payload: bytes | str, samples: Sequence[Sample]) -> int:
        """Return how many of them make a 0 or a full scale among the samples doubtful.

        They are looked at only where a sample is one, which is rare.

        Args:
            payload: The message.
            samples: What was read of it.
        """
        if not self._paths or not self._ask(samples):
            return 0
        text = decode(payload)
        document = parse_json(text) if text else None
        if document is None or isinstance(document, Missing):
            return 0
        return sum(
            _speaks_against(bystander, holder[bystander.name])
            for prefix, holder in self._holders(document)
            for bystander in self._of(prefix, holder)
        )

    def _ask(self, samples: Sequence[Sample]) -> bool:
        """Tell whether the company of a number matters; hardly any is a 0 or a full scale."""
        for sample in samples:
            value = sample.raw
            if value is None:
                continue
            ends, low = self._ends[sample.kind]
            if value in ends or value < low or sample.measured in ends:
                return True
        return False

    def _holders(self, document: Json) -> Iterator[tuple[str, dict[str, Json]]]:
        """Yield the objects with bound fields, each once, and what their paths begin with."""
        seen = set()
        for path in self._paths:
            holder = find(document, path)[1]
            if isinstance(holder, dict) and id(holder) not in seen:
                seen.add(id(holder))
                yield _prefix(path, holder), holder

    def _of(self, prefix: str, holder: Mapping[str, Json]) -> tuple[_Bystander, ...]:
        """Return who is to be asked; worked out once for each kind of message."""
        shape = (prefix, *holder)
        found = self._by_shape.get(shape)
        if found is None:
            if len(self._by_shape) >= MOST_SHAPES:
                self._by_shape.clear()
            found = self._by_shape[shape] = tuple(self._among(prefix, list(holder)))
        return found

    def _among(self, prefix: str, names: Sequence[str]) -> Iterator[_Bystander]:
        bound = [name for name in names if f"{prefix}{name}" in self._paths]
        known = frozenset(word for name in bound for word in split_words(name))
        paths = [f"{prefix}{name}" for name in names]
        for name in names[:MOST_FIELDS]:
            if name in bound:
                continue
            field = self._meanings.of(f"{prefix}{name}", paths)
            if field is None:
                continue
            is_clear = field.is_sure and field.beside <= known
            end_counts = is_clear and all(
                may_witness_end(item.rules, self._kinds) for item in field.meanings
            )
            yield _Bystander(name, field.meanings, end_counts)


def _ends(rules: ChannelRules) -> tuple[frozenset[float], float]:
    """Return what is doubtful in bad company, and below what all is."""
    zero = {0.0} if rules.zero_counts else set()
    return frozenset(
        zero | set(rules.full_scale)
    ), -inf if rules.shown_low is None else rules.shown_low


def _prefix(path: str, holder: Mapping[str, Json]) -> str:
    """Return what stands before the name of a field in its path."""
    name = next((name for name in holder if path == name or path.endswith(f".{name}")), path)
    return path[: len(path) - len(name)]


def _speaks_against(bystander: _Bystander, field: Json) -> bool:
    readings = (
        PossibleReading(item.reader.read_value(field, _ANY_TIME), item.rules, item.names_unit)
        for item in bystander.meanings
    )
    return speaks_against(readings, end_counts=bystander.end_counts)
