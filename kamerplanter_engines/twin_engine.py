"""Whether a channel stands still while another one of its kind, in the same place, moves.

Which of the two has stuck is never in doubt: the one that does not move.

What counts as movement: two short times, each a 24th of the stuck time (15 minutes), of which one
lies wholly above the other, by at least three of the finest steps of the coarser meter and at least
a quarter of what two meters of one place may differ by.  Wholly, as a meter that trembles covers
the same values in each of them.  Three steps, so that a coarse meter is not blamed for what a fine
one sees.  And the quarter, as many circuits step more coarsely than the digits they send, and as
nothing hangs on less.

Only the later half of the time in which the other stood still is looked at: in the first one a slow
meter may still have come to where the quick one was already.  Of these times only those count that
are over, so the verdict depends on what was measured and not on the order in which it was heard.

Source: the project's decisions on judging readings (same kind, 6 h); own rules (the rest).
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from math import inf
from typing import NamedTuple

from kamerplanter_engines.agreement_engine import tolerance
from kamerplanter_engines.binding_options_engine import stuck_after_of
from kamerplanter_engines.checks import finite
from kamerplanter_engines.models.base import MICROSECOND, is_ahead, utc
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from kamerplanter_engines.models.twin import KnownTwin, Span
from kamerplanter_engines.tables.channels import CHANNELS, TWIN_STUCK_S
from kamerplanter_engines.tables.trust import MOVED_RATIO, MOVED_STEPS, TOLERANCES
from kamerplanter_engines.telemetry_state_engine import ChannelRules, ChannelState

SPANS_PER_STUCK_TIME = 24
STUCK_TIMES_SEEN = 2
"""What the other one did before that is no news: it would have told long ago."""
SPANS_KEPT = 4 * SPANS_PER_STUCK_TIME
"""More than is looked at, as a reading may come late."""
LATEST_WHOLE = 4
"""Spans that stay as they are: what a device dates itself may be an hour old. Own choice."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROUNDING = 1e-9

type Place = tuple[str, str]
"""The field of a probe that says where it is, and the key of the tank, plant or location."""

type Track = tuple[Span, ...]
"""What a channel showed lately, oldest first; no two begin at one moment."""


class Twin(NamedTuple):
    """A channel of the same kind in the same place, as far as it speaks of another one."""

    spans: Sequence[Span]
    """Of its good readings, oldest first."""
    span: timedelta
    """How long each of them is."""
    finest_step: float | None
    """Of the meter; none = it has never moved. Canonical unit."""
    since: datetime
    """Since when both of them are what and where they are."""


def twin_of(known: KnownTwin, since: datetime) -> Twin:
    """Return a channel that is known from the store, to be compared with another one.

    Args:
        known: What is known of it.
        since: Since when the other one is what and where it is.
    """
    span = timedelta(seconds=known.span_s)
    return Twin(known.spans, span, known.finest_step, max(since, known.since))


def has_twins(kind: ChannelKind) -> bool:
    """Tell whether a channel of this kind has stuck where another one moves.

    Level and soil moisture may stand still, and what devices say of themselves is not compared.
    """
    return kind in TOLERANCES and not CHANNELS[kind].repeats_are_natural


def stuck_time(binding: ChannelBinding) -> timedelta:
    """Return how long a channel may stand still beside one that moves."""
    return timedelta(seconds=stuck_after_of(binding, TWIN_STUCK_S))


def places_of(probe: Probe) -> tuple[Place, ...]:
    """Return where a probe is: in a tank, in the soil of a plant, or both; or in a location."""
    named = (
        ("tank_key", probe.tank_key),
        ("plant_key", probe.plant_key),
        ("location_key", probe.location_key),
    )
    return tuple((field, key) for field, key in named if key is not None)


def by_place[P](present: Iterable[P], probe_of: Callable[[P], Probe]) -> dict[Place, list[P]]:
    """Return what stands for probes by where these are."""
    found: dict[Place, list[P]] = {}
    for item in present:
        for place in places_of(probe_of(item)):
            found.setdefault(place, []).append(item)
    return found


def neighbours_of[P](
    probe: Probe, placed: Callable[[Place], Iterable[P]], probe_of: Callable[[P], Probe]
) -> list[P]:
    """Return what stands for the other probes of the same tank, pot or location, each once.

    Args:
        probe: The probe.
        placed: Returns those of a place.
        probe_of: Returns the probe that one stands for.
    """
    found: dict[str, P] = {}
    for place in places_of(probe):
        for item in placed(place):
            found.setdefault(probe_of(item).key, item)
    found.pop(probe.key, None)
    return list(found.values())


def span_of(stuck: timedelta) -> timedelta:
    """Return how long one span of a channel is, by its stuck time."""
    return stuck / SPANS_PER_STUCK_TIME


def span_start(at: datetime, span: timedelta) -> datetime:
    """Return when the span began that a moment lies in; the same for all who ask.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    return _EPOCH + (utc(at) - _EPOCH) // span * span


def counts_from(unchanged_since: datetime, stuck: timedelta) -> datetime:
    """Return from when on the movement of a twin speaks against a channel that stands still."""
    return unchanged_since + stuck / 2


def with_value(
    track: Track, at: datetime, value: float, span: timedelta, *, now: datetime
) -> Track:
    """Return what a channel showed lately, with one more good reading; their order does not matter.

    It is bounded: the newest spans stay.

    Args:
        track: What it showed so far.
        at: When the reading was measured, aware.
        value: The reading. Canonical unit.
        span: How long each span is.
        now: The present moment; what lies ahead of it is forgotten, as the clock was wrong.

    Raises:
        NaiveTimeError: The time has no zone.
        OutOfRangeError: The value is infinite or not a number.
    """
    if track:
        last = track[-1]
        if last.from_at <= at < last.from_at + span and last.low <= value <= last.high:
            return track
    finite("value", value)
    found = Span(from_at=span_start(at, span), low=value, high=value)
    return merged([item for item in track if not is_ahead(item.from_at, now)], [found])[
        -SPANS_KEPT:
    ]


def merged(*tracks: Iterable[Span]) -> Track:
    """Return one track of several of one channel; what they share counts once."""
    spans: dict[datetime, Span] = {}
    for item in chain(*tracks):
        known = spans.setdefault(item.from_at, item)
        if known is not item:
            spans[item.from_at] = Span(
                from_at=item.from_at, low=min(known.low, item.low), high=max(known.high, item.high)
            )
    return tuple(spans[at] for at in sorted(spans))


def way_of(spans: Sequence[Span]) -> float:
    """Return how far one of these lies wholly above another one; 0 or less if none does."""
    if not spans:
        return 0.0
    return max(item.low for item in spans) - min(item.high for item in spans)


def telling(track: Sequence[Span]) -> Track:
    """Return those spans on which a verdict of now, or of the last hour, may hang.

    How far a channel moved since some moment is told by the highest low end and the lowest high
    end since then. So what a later span reaches in both ways tells nothing: of what stands still
    or trembles little is left. It is bounded: the newest spans stay.

    Args:
        track: What a channel showed, oldest first.
    """
    cut = max(len(track) - LATEST_WHOLE, 0)
    kept = list(reversed(track[cut:]))
    low, high = -inf, inf
    for item in reversed(track[:cut]):
        if item.low > low or item.high < high:
            kept.append(item)
        low, high = max(low, item.low), min(high, item.high)
    return tuple(reversed(kept))[-SPANS_KEPT:]


def is_left_behind(
    state: ChannelState,
    rules: ChannelRules,
    twins: Iterable[Twin],
    *,
    step: float,
    at: datetime,
) -> bool:
    """Tell whether a channel has stood still for its stuck time while one of its twins moved.

    Args:
        state: Its memory, the newest reading included.
        rules: The numbers in force for it.
        twins: The others of its kind in its place.
        step: The finest step that it has shown. Canonical unit.
        at: When the newest reading was measured.
    """
    since, value = state.unchanged_since, state.value
    if since is None or value is None or not has_twins(rules.kind):
        return False
    if value in rules.full_scale and not rules.full_scale_is_suspect:
        return False  # it cannot show more, as humidity in fog
    stuck = timedelta(seconds=rules.twin_stuck_s)
    if at - since < stuck:
        return False
    for twin in twins:
        if twin.finest_step is None:
            continue
        least = max(
            MOVED_STEPS * max(step, twin.finest_step), MOVED_RATIO * tolerance(rules.kind, value)
        )
        if _way(twin, max(since, twin.since), at, stuck) >= least - _ROUNDING:
            return True
    return False


def _way(twin: Twin, since: datetime, at: datetime, stuck: timedelta) -> float:
    """Return how far a twin has moved; 0 if it has not, or says nothing of the time."""
    if at - since < stuck:
        return 0.0
    from_at = max(counts_from(since, stuck), at - STUCK_TIMES_SEEN * stuck)
    first = bisect_left(twin.spans, from_at, key=_begins)
    over = bisect_left(twin.spans, at - twin.span + MICROSECOND, key=_begins)
    seen = twin.spans[first:over]
    # One that has been silent since is no witness any more.
    if not seen or seen[-1].from_at < at - stuck / 2:
        return 0.0
    return way_of(seen)


def _begins(span: Span) -> datetime:
    return span.from_at
