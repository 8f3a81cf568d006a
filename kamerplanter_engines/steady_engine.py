"""Says whether the number of a probe that lies in a solution has come to rest.

Source: own rule; pH meters lock their display within about 0.02 pH.
"""

from collections.abc import Sequence
from statistics import median

from kamerplanter_engines.models.calibration import RawScale
from kamerplanter_engines.models.steadiness import RawSample, Steadiness
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.stillness_engine import digits_step
from kamerplanter_engines.tables.calibration import (
    EC_BAND_MS_CM,
    EC_BAND_RATIO,
    MILLIVOLT_BAND,
    PH_BAND,
    SLOW_COUNT,
    SLOW_S,
    SOIL_BAND,
    SOIL_BAND_RATIO,
    SOIL_BAND_STEPS,
    STEADY_COUNT,
    STEADY_S,
)

_ROUNDING = 1e-9


def steadiness(samples: Sequence[RawSample], kind: ChannelKind, scale: RawScale) -> Steadiness:
    """Return whether the newest readings agree for long enough.

    Args:
        samples: Oldest first, since the probe lies in the solution.
        kind: What is measured.
        scale: What the raw numbers are.

    Source: own rule.
    """
    if not samples:
        return Steadiness(is_steady=False, raw=None, spread=None, agreeing=0)
    newest = samples[-1]
    band = _band(kind, scale, newest.raw) + _ROUNDING
    if kind is ChannelKind.SOIL_MOISTURE:
        step = min(digits_step(sample.raw) for sample in samples)
        band = max(band, SOIL_BAND_STEPS * step + _ROUNDING)
    low = high = newest.raw
    agreeing = [newest.raw]
    since = newest.at
    for sample in reversed(samples[:-1]):
        low, high = min(low, sample.raw), max(high, sample.raw)
        if high - low > band:
            break
        agreeing.append(sample.raw)
        since = sample.at
    lasted_s, count = (newest.at - since).total_seconds(), len(agreeing)
    recent = [sample.raw for sample in samples[-STEADY_COUNT:]]
    is_steady = (count >= STEADY_COUNT and lasted_s >= STEADY_S) or (
        count >= SLOW_COUNT and lasted_s >= SLOW_S
    )
    return Steadiness(
        is_steady=is_steady,
        raw=median(agreeing),
        spread=max(recent) - min(recent) if len(recent) > 1 else None,
        agreeing=count,
        is_settling=not is_steady and 1 < len(recent) <= count,
    )


def _band(kind: ChannelKind, scale: RawScale, raw: float) -> float:
    if kind is ChannelKind.PH:
        return MILLIVOLT_BAND if scale is RawScale.MILLIVOLT else PH_BAND
    if kind is ChannelKind.SOIL_MOISTURE:
        return max(SOIL_BAND, SOIL_BAND_RATIO * abs(raw))
    return max(EC_BAND_MS_CM, EC_BAND_RATIO * abs(raw))
