"""What several channels of one kind and place say together, and whether they agree.

A place goes by one probe, the oldest that speaks, also where others agree with it: hold times and
"two readings in a row" count the readings of one channel, and a mean would jump whenever one of
several drops out. So the mean is shown beside it, and a disagreement takes nothing off a screen
and ends no alarm: it lowers the quality of all that take part, and nothing is dosed by them.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from kamerplanter_engines.checks import finite
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.models.trust import Agreement, Showing
from kamerplanter_engines.tables.trust import (
    ENTITY_QUALITY_RATIO,
    FRESH_S,
    MESSAGE_QUALITY_RATIO,
    RELEASE_RATIO,
    TOLERANCES,
    WORN_RATIO,
    WORN_S,
)

_ROUNDING = 1e-9
_DIGITS_KEPT = 9
"""Hides what binary fractions add."""


def agree(kind: ChannelKind, shown: Iterable[Showing], *, at_odds: bool = False) -> Agreement:
    """Return what channels of one kind and place say together; their order does not matter.

    What is too old, doubted or no value does not count; what counts is weighted by quality. One
    that counts is its own mean, and agrees.

    Args:
        kind: What all of them measure; one of `TOLERANCES`.
        shown: What each channel shows now.
        at_odds: They disagreed before this; then they have to come clearly below the limit.

    Raises:
        InvalidInputError: Values of this kind cannot be compared.
        OutOfRangeError: A quality is not above 0, or above 1.

    Source: the domain specification (mean by quality), the sensor gate (differences); own rule
        (when a disagreement ends).
    """
    if kind not in TOLERANCES:
        raise InvalidInputError(
            f"{kind} of two probes cannot be compared; use {', '.join(TOLERANCES)}.",
            field="kind",
            value=kind,
        )
    members = sorted(
        (item.key, finite("value", item.value), _quality(item))
        for item in shown
        if item.verdict is Verdict.GOOD and item.value is not None
    )
    if not members:
        return Agreement(
            value=None, agrees=True, spread=0, limit=TOLERANCES[kind].absolute, member_keys=()
        )
    values = [value for _, value, _ in members]
    low, high = min(values), max(values)
    # From the lowest on, so that equal values give exactly themselves.
    weight = sum(quality for _, _, quality in members)
    above = sum((value - low) * quality for _, value, quality in members) / weight
    mean = min(round(low + above, _DIGITS_KEPT), high) if low < high else low
    spread, limit = round(high - low, _DIGITS_KEPT), tolerance(kind, mean)
    limit = _release_limit(limit) if at_odds else limit
    agrees = spread <= limit + _ROUNDING
    return Agreement(
        value=max(mean, low),
        agrees=agrees,
        spread=spread,
        limit=limit,
        member_keys=tuple(key for key, _, _ in members),
        reasons=() if agrees else (Reason.PROBES_DISAGREE,),
    )


def _release_limit(limit: float) -> float:
    return round(limit * (1 - RELEASE_RATIO), _DIGITS_KEPT)


def is_near_its_limit(found: Agreement) -> bool:
    """Tell whether probes that agree might not, if they disagreed before."""
    return found.agrees and found.spread > _release_limit(found.limit) + _ROUNDING


def last_at_odds_at(
    kind: ChannelKind, readings: Iterable[Reading], *, since: datetime
) -> datetime | None:
    """Return when probes last disagreed by more than their limit; none = they have agreed since.

    Args:
        kind: What all of them measure; one of `TOLERANCES`.
        readings: Of all of them, in any order; only good ones count.
        since: What was before is what the others are compared with, and decides nothing. Aware.

    Raises:
        InvalidInputError: Values of this kind cannot be compared.
        NaiveTimeError: The time has no zone.
    """
    since, values = utc(since), dict[str, float]()
    last_at: datetime | None = None
    good = sorted((item for item in readings if item.verdict is Verdict.GOOD), key=_measured_at)
    # What was measured at one instant is of one state of the place, whoever is named first.
    for at, together in groupby(good, key=_measured_at):
        values.update((item.probe_key, item.value) for item in together)
        if at < since:
            continue
        shown = [Showing(key, value, Verdict.GOOD, 1.0) for key, value in values.items()]
        if not agree(kind, shown).agrees:
            last_at = at
        elif last_at is not None and agree(kind, shown, at_odds=True).agrees:
            last_at = None
    return last_at


def _measured_at(reading: Reading) -> datetime:
    return reading.at


def _quality(item: Showing) -> float:
    if not 0 < item.quality_ratio <= 1:
        raise OutOfRangeError(
            f"quality_ratio of {item.key} is {item.quality_ratio:g}; it lies above 0, at most 1.",
            field="quality_ratio",
            value=item.quality_ratio,
        )
    return item.quality_ratio


def tolerance(kind: ChannelKind, value: float) -> float:
    """Return how far two meters of one place may differ around a value, in the canonical unit.

    Args:
        kind: What they measure; one of `TOLERANCES`.
        value: What they measured, about.

    Raises:
        OutOfRangeError: The value is infinite or not a number.
    """
    found = TOLERANCES[kind]
    finite("value", value)
    return max(found.absolute, round(found.relative * abs(value), _DIGITS_KEPT))


def quality_of(binding: ChannelBinding, age_s: float) -> float:
    """Return how much a value weighs beside others, by its source and its age.

    Args:
        binding: Where it comes from.
        age_s: How long ago it was measured. [s]; below 0 counts as 0.

    Returns:
        Above 0, at most 1.

    Raises:
        OutOfRangeError: The age is infinite or not a number.

    Source: the domain specification; its step at one hour is a slope here.
    """
    source = MESSAGE_QUALITY_RATIO if binding.entity_id is None else ENTITY_QUALITY_RATIO
    worn = min(max((finite("age_s", age_s) - FRESH_S) / (WORN_S - FRESH_S), 0.0), 1.0)
    return source * (1 - (1 - WORN_RATIO) * worn)
