"""What a message says beside the values that are bound: its other fields are of the same device.

A 0 or a full scale beside another one, or beside what no measurement can be, is doubtful. Whether
it stands in such company shows in all that the device sends, not only in what somebody bound.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from kamerplanter_backend.telemetry.device_profiles import read_profiles
from kamerplanter_backend.telemetry.mapping import FieldReader
from kamerplanter_backend.telemetry.payload import Json, Missing, decode, find, parse_json
from kamerplanter_backend.telemetry.unit_guess import NameReader
from kamerplanter_engines.flaw_engine import flaws_of
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason
from kamerplanter_engines.telemetry_engine import ChannelRules, Sample, rules_for

SURE_SCORE = 70
"""From here on the profiles are sure of what a name means."""
MOST_FIELDS = 64
"""So many fields beside a value are looked at; no device measures more."""
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_SIGNATURES = frozenset({Reason.STARTUP_SIGNATURE, Reason.DISCONNECT_SIGNATURE})


class _Meaning(NamedTuple):
    """What a field may be."""

    reader: FieldReader
    rules: ChannelRules
    is_sure: bool
    """Its name says so much that its 0 counts; `level` may be that of anything."""


def may_be_end(samples: Sequence[Sample], rules: Mapping[ChannelKind, ChannelRules]) -> bool:
    """Tell whether company matters to a message: hardly any holds a 0 or a full scale."""
    for sample in samples:
        rule = rules[sample.kind]
        if (sample.raw == 0 and rule.zero_counts) or sample.raw in rule.full_scale:
            return True
    return False


def doubtful_beside(payload: bytes | str, readers: Sequence[FieldReader]) -> int:
    """Return how many unbound fields speak against a 0 or a full scale in their message.

    Only fields in the same object whose name tells what they measure: a counter, an alarm or a
    flag is 0 honestly. And only what is doubtful in each unit: an exact 0, where such a thing is
    not natural, and what a cable that is cut or a sensor that just started says.

    Args:
        payload: The message.
        readers: Those of the bindings on its topic.
    """
    text = decode(payload)
    document = parse_json(text) if text else None
    if document is None or isinstance(document, Missing):
        return 0
    paths = [reader.binding.path for reader in readers if reader.binding.path is not None]
    holders: dict[int, dict[str, Json]] = {}
    for path in paths:
        holder = find(document, path)[1]
        if isinstance(holder, dict):
            holders[id(holder)] = holder
    return sum(
        _is_doubtful(name, field)
        for holder in holders.values()
        for name, field in list(holder.items())[:MOST_FIELDS]
        if not any(path == name or path.endswith(f".{name}") for path in paths)
    )


def _is_doubtful(name: str, field: Json) -> bool:
    meanings = _meanings(name)
    return bool(meanings) and all(_speaks_against(meaning, field) for meaning in meanings)


def _speaks_against(meaning: _Meaning, field: Json) -> bool:
    sample = meaning.reader.read_value(field, _ANY_TIME)
    if sample.raw is None:
        return False
    flaw = flaws_of(sample, meaning.rules, None)
    # Where it freezes nobody knows here what was measured before, so 0 °C may be true.
    is_zero = meaning.is_sure and sample.raw == 0 and meaning.rules.zero_reach is None
    return (is_zero and flaw.is_end) or not _SIGNATURES.isdisjoint(flaw.reasons)


@lru_cache(maxsize=1024)
def _meanings(name: str) -> tuple[_Meaning, ...]:
    names = _names()
    rule = names.meaning(name)
    if rule is None:
        return ()
    bindings = [
        ChannelBinding(kind=kind, topic="beside", unit=rule.unit or names.unit(name, kind))
        for kind in rule.kinds
    ]
    is_sure = rule.score >= SURE_SCORE
    return tuple(_Meaning(FieldReader(item), rules_for(item), is_sure) for item in bindings)


@lru_cache(maxsize=1)
def _names() -> NameReader:
    return NameReader(read_profiles())
