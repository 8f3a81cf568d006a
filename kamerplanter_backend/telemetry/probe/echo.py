"""Steady entities are confirmed by their device: many write a state only when it changes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_backend.telemetry.probe.reports import Reports
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict
from kamerplanter_engines.stillness_engine import is_coarse
from kamerplanter_engines.telemetry_engine import (
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Sample,
)

ECHO_AGE_RATIO = 0.25
"""A steady entity is confirmed by its device this often, as a share of its maximum age."""


def neighbours(
    entity_id: str,
    by_entity: Mapping[str, Iterable[FieldReader]],
    device_of: Callable[[str], str | None],
) -> Iterator[ChannelKind]:
    """Return what other entities of the same device measure.

    Args:
        entity_id: The one that has just reported.
        by_entity: The readers of each entity.
        device_of: Names the device of an entity; none = not known, so it speaks for no other.
    """
    device = device_of(entity_id)
    if device is None:
        return
    for other, readers in by_entity.items():
        if other != entity_id and device_of(other) == device:
            for reader in readers:
                yield reader.kind


def echoes(
    kinds: Iterable[ChannelKind],
    states: Mapping[ChannelKind, ChannelState],
    rules: Mapping[ChannelKind, ChannelRules],
    reports: Reports,
    *,
    at: datetime,
    received_at: datetime,
) -> list[Sample]:
    """Return what steady channels would say again now, as their device is alive.

    Only what may stand still to the digit for hours is confirmed: moisture, level, battery, and
    channels of coarse steps. A finer number that is silent while its device lives has died.

    It is what the device sent, without calibration: what was put right before a calibration was
    made, or at another temperature, would be wrong now.

    Args:
        kinds: The channels.
        states: Their memory.
        rules: The numbers in force for them.
        reports: What the device sent last; nothing is known of it after a start.
        at: When the device reported.
        received_at: Now.
    """
    samples = []
    for kind in kinds:
        state = states.get(kind, UNKNOWN_CHANNEL)
        raw = reports.sent(kind)
        if state.verdict is not Verdict.GOOD or state.at is None or raw is None:
            continue
        if not (rules[kind].repeats_are_natural or is_coarse(state)):
            continue
        if (at - state.at).total_seconds() >= rules[kind].max_age_s * ECHO_AGE_RATIO:
            sample = Sample(
                kind=kind,
                raw=raw,
                at=at,
                received_at=received_at,
                # What was good as it was sent needs no calibration.
                is_canonical=state.sent == state.value,
                is_ready=reports.is_ready(kind),
            )
            samples.append(sample)
    return samples
