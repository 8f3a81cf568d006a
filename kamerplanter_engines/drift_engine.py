"""Where a value is heading, and how far a probe has wandered from what is measured by hand."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from kamerplanter_engines.agreement_engine import tolerance
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.tank import Band, Side
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Verdict,
)
from kamerplanter_engines.models.trust import Drift, Trend
from kamerplanter_engines.raw_mapping_engine import gives_same_numbers
from kamerplanter_engines.science.theil_sen import Slope, theil_sen
from kamerplanter_engines.tables.trust import (
    HAND_COMPARISONS,
    HAND_COMPARISONS_AGREEING,
    TOLERANCES,
    TREND_BUCKET_S,
    TREND_CERTAIN_COUNT,
    TREND_COUNT,
    TREND_SPAN_H,
    TREND_WINDOW,
)

_ROUNDING = 1e-9
_DIGITS_KEPT = 9
_HOUR_S = 3600.0
_DAY_S = 86_400.0


def trend(
    kind: ChannelKind,
    readings: Iterable[Reading],
    *,
    now: datetime,
    changed_at: datetime | None,
    band: Band | None = None,
) -> Trend:
    """Return where a value is heading, and when it reaches the limit it is heading for.

    Args:
        kind: What is measured.
        readings: Of one channel, in any order; only good ones of the window count.
        now: The present moment, aware.
        changed_at: When it was last changed on purpose (fill, dose, calibration, another device);
            none = never.
        band: What the value should keep within; none = no limits.

    Returns:
        A moment at a limit only where the slope is up or down with 95 %.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: the project's decisions on drift; [Sen1968].
    """
    moment = utc(now)
    since = moment - TREND_WINDOW
    if changed_at is not None:
        since = max(since, utc(changed_at))
    points = sorted(
        ((item.at - moment).total_seconds() / _HOUR_S, item.value)
        for item in readings
        if item.kind is kind and item.verdict is Verdict.GOOD and since <= item.at <= moment
    )
    span_h = points[-1][0] - points[0][0] if points else 0.0
    known = Trend(kind=kind, count=len(points), span_h=span_h, since=since)
    if len(points) < TREND_COUNT or span_h < TREND_SPAN_H - _ROUNDING:
        return known
    thinned = _thinned(points)
    slope = theil_sen(thinned) if len(thinned) >= TREND_CERTAIN_COUNT else None
    if slope is None:
        return known
    present = median(y - slope.middle * x for x, y in thinned)
    return known.model_copy(
        update={
            "change_per_h": slope.middle,
            "change_low_per_h": slope.low,
            "change_high_per_h": slope.high,
            **_heading(slope, present, moment, band or Band()),
        }
    )


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return one point for each bucket of time: the middle of its times and of its values."""
    buckets: dict[int, list[tuple[float, float]]] = {}
    for hours, value in points:
        buckets.setdefault(int(hours * _HOUR_S // TREND_BUCKET_S), []).append((hours, value))
    return [
        (median(x for x, _ in bucket), median(y for _, y in bucket)) for bucket in buckets.values()
    ]


def _heading(slope: Slope, present: float, now: datetime, band: Band) -> dict[str, object]:
    if not slope.is_certain:
        return {}
    side = Side.HIGH if slope.middle > 0 else Side.LOW
    limit = band.high if side is Side.HIGH else band.low
    if limit is None:
        return {}
    hours = max((limit - present) / slope.middle, 0.0)
    try:
        limit_at = now + timedelta(hours=hours)
    except OverflowError:  # so slow that no calendar reaches that far
        return {}
    return {"side": side, "limit": limit, "limit_at": limit_at}


class Compared(NamedTuple):
    """One measurement by hand beside what a probe showed then; canonical unit."""

    at: datetime
    by_hand: float
    difference: float
    """By hand minus by the probe."""


def compared(
    measurements: Iterable[HandMeasurement],
    probe_key: str,
    binding: ChannelBinding,
    *,
    written_at: datetime,
) -> list[Compared]:
    """Return the comparisons with one channel among measurements by hand, oldest first.

    Those that were made with other numbers, or with those of another source, say nothing of how it
    is now; they count again where that is taken back.

    Args:
        measurements: Of one kind and place; doubted ones do not count.
        probe_key: The probe.
        binding: The channel as it is bound now.
        written_at: When the probe was last changed: before that nobody knows how it was bound, if
            the comparison does not tell, being older. Aware.
    """
    return sorted(
        Compared(item.measured_at, item.value, found.difference)
        for item in measurements
        if item.verdict is Verdict.GOOD
        for found in item.comparisons
        if found.probe_key == probe_key
        and (
            item.measured_at >= written_at
            if found.channel is None
            else gives_same_numbers(found.channel, binding)
        )
    )


def drift(kind: ChannelKind, comparisons: Sequence[Compared]) -> Drift | None:
    """Return how far a probe is from what is measured by hand; none = never compared.

    The meter in the hand is a second one of the same place, so it may differ as two probes may.
    A probe has drifted where two of the newest three say so in the same direction: one slip of the
    hand decides nothing, and an old agreement does not hide what happened since. Where only the
    newest one says so nobody knows which of the two is wrong, until it is measured again.

    Args:
        kind: What is measured.
        comparisons: Since it was last calibrated or exchanged, oldest first.

    Source: own rule.
    """
    if not comparisons or kind not in TOLERANCES:
        return None
    newest = comparisons[-HAND_COMPARISONS:]
    difference = round(median(item.difference for item in newest), _DIGITS_KEPT)
    limit = tolerance(kind, median(item.by_hand for item in newest))
    last = comparisons[-1].at
    sides = [_side_beyond(kind, item) for item in newest]
    drifted = any(sides.count(side) >= HAND_COMPARISONS_AGREEING for side in Side)
    slope = None
    if len(comparisons) >= HAND_COMPARISONS:
        slope = theil_sen(
            [((item.at - last).total_seconds() / _DAY_S, item.difference) for item in comparisons]
        )
    return Drift(
        kind=kind,
        difference=difference,
        limit=limit,
        measured_at=last,
        drifted=drifted,
        measure_again=sides[-1] is not None and not drifted,
        count=len(comparisons),
        change_per_d=slope.middle if slope else None,
    )


def _side_beyond(kind: ChannelKind, item: Compared) -> Side | None:
    """Return on which side a comparison lies beyond its limit; none = it lies within."""
    if abs(item.difference) <= tolerance(kind, item.by_hand) + _ROUNDING:
        return None
    return Side.HIGH if item.difference > 0 else Side.LOW
