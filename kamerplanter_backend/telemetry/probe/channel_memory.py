"""What channels remember after their probe was exchanged or moved, and of what was kept."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading, Verdict
from kamerplanter_engines.stay_engine import here_since, is_of_place
from kamerplanter_engines.telemetry_engine import (
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Sample,
    keep_retained,
    of_new_device,
    of_new_place,
)

type States = Mapping[ChannelKind, ChannelState]
"""The memory of each channel of a probe."""


def followed(
    states: States, before: Probe, after: Probe, kinds: Iterable[ChannelKind]
) -> dict[ChannelKind, ChannelState]:
    """Return the memory of channels whose probe was changed: other devices and places begin anew.

    Args:
        states: The memory so far.
        before: Their probe as it was.
        after: Their probe as it is now.
        kinds: Its channels; what else is remembered is let go.
    """
    is_other_device = before.replacements != after.replacements
    found = {}
    for kind in kinds:
        state = states.get(kind, UNKNOWN_CHANNEL)
        since = here_since(after, kind)
        if is_other_device:
            state = of_new_device(state)
        if since is not None and (kind not in states or since != here_since(before, kind)):
            state = of_new_place(state, since)
        found[kind] = state
    return found


def kept(
    probe: Probe,
    samples: Sequence[Sample],
    states: States,
    rules: Mapping[ChannelKind, ChannelRules],
    doubtful_beside: int = 0,
) -> dict[ChannelKind, ChannelState]:
    """Return the memory after a message from before, without what was measured elsewhere.

    Args:
        probe: The probe as it is now.
        samples: What the broker, or Home Assistant, had kept.
        states: The memory so far.
        rules: The numbers in force for each channel.
        doubtful_beside: How many unbound fields of the message speak against a 0 or full scale.
    """
    here = [
        item
        for item in samples
        if is_of_place(item.at, here_since(probe, item.kind, item.received_at))
    ]
    return keep_retained(here, states, rules, doubtful_beside)


def is_newer(last_good: Reading | None, good_at: datetime | None, since: datetime) -> bool:
    """Tell whether the store got a good value since then that is newer than the one here."""
    return (
        last_good is not None
        and last_good.received_at > since
        and (good_at is None or last_good.at > good_at)
    )


def was_doubted(last: Reading | None, good_at: datetime | None) -> bool:
    """Tell whether what was taken over as good got another verdict with the rest of its message."""
    return last is not None and last.at == good_at and last.verdict is not Verdict.GOOD
