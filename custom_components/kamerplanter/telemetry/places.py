"""What the probes of one place say together about one kind of value, as of now."""

from collections.abc import Sequence

from kamerplanter_backend.telemetry.messages.kinds import is_battery_low as is_low
from kamerplanter_backend.telemetry.probe.together import (
    agreement_of,
    is_comparable,
    quality_together,
)
from kamerplanter_engines.models.telemetry import ChannelKind, QualityView, Reason
from kamerplanter_engines.models.trust import Agreement

from . import LiveReadings
from .protocols import Shown

_REMEMBERED = frozenset({Reason.RESTORED, Reason.RETAINED})


def speaker(live: LiveReadings, keys: Sequence[str], kind: ChannelKind) -> str | None:
    """Return the probe that speaks for a place: the oldest one that has something to say.

    Args:
        live: The readings.
        keys: The probes that measure this kind there, the oldest first.
        kind: What is asked.
    """
    if len(keys) < 2:  # noqa: PLR2004 - one has nobody beside it
        return next(iter(keys), None)
    looks = {key: live.look(key, kind) for key in keys}
    there = [key for key, (_, is_available) in looks.items() if is_available]
    telling = [key for key in there if (shown := looks[key][0]) and shown.value is not None]
    return next(iter((*telling, *there, *keys)), None)


def is_remembered(shown: Shown) -> bool:
    """Tell whether a value is from before the start, so that nobody knows what came since."""
    return not _REMEMBERED.isdisjoint(shown.reasons)


def agreement(live: LiveReadings, keys: Sequence[str], kind: ChannelKind) -> Agreement | None:
    """Return how far several probes agree now; none = there is nothing to compare."""
    if len(keys) < 2 or not is_comparable(kind):  # noqa: PLR2004
        return None
    looks, qualities = [], []
    for key in keys:
        shown, is_available = live.look(key, kind)
        binding = live.binding(key, kind)
        if shown is not None and binding is not None and is_available:
            looks.append((key, binding, shown))
            quality_so_far = live.quality(key, kind)
            qualities += [] if quality_so_far is None else [quality_so_far]
    return agreement_of(kind, looks, qualities)


def quality(live: LiveReadings, keys: Sequence[str], kind: ChannelKind) -> QualityView | None:
    """Return how far a value of a place is to be trusted now; none = nobody measures it.

    Args:
        live: The readings.
        keys: The probes that measure this kind there, the oldest first.
        kind: What is asked.
    """
    key = speaker(live, keys, kind)
    view = None if key is None else live.quality(key, kind)
    together = agreement(live, keys, kind)
    if view is None or together is None:
        return view
    return quality_together(view, together)


def is_one_silent(live: LiveReadings, keys: Sequence[str], kind: ChannelKind) -> bool:
    """Tell whether one of several probes shows nothing, while another one speaks for it."""
    looks = [live.look(key, kind) for key in keys]
    silent = [not there or shown is None or shown.value is None for shown, there in looks]
    return any(silent) and not all(silent)


def is_battery_low(live: LiveReadings, key: str) -> bool:
    """Tell whether the battery of a probe should be changed or charged."""
    shown = live.shown(key, ChannelKind.BATTERY)
    return shown is not None and shown.value is not None and is_low(shown.value)
