"""What may be shown of a channel now, by its age alone."""

from datetime import datetime, timedelta
from typing import NamedTuple

from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.telemetry import Reason, Verdict
from kamerplanter_engines.stay_engine import is_of_place
from kamerplanter_engines.telemetry_state_engine import (
    ChannelRules,
    ChannelState,
    without_future,
)


class Shown(NamedTuple):
    """What a screen shows of a channel at one moment."""

    value: float | None
    """The last good value until its maximum age; then none. Canonical unit."""
    at: datetime | None
    """When the last good value was measured, even if it is too old to be shown."""
    age_s: float | None
    verdict: Verdict
    """Of the newest message; stale for what is too old, restored or retained."""
    reasons: tuple[Reason, ...] = ()


def freshness(
    state: ChannelState, rules: ChannelRules, now: datetime, started_at: datetime | None
) -> Shown:
    """Return what is shown now.

    A value that came before this process began to listen (`started_at`), or that the broker had
    kept, is shown with its own age and is never more than stale. One that lies ahead of now is not
    shown.

    Raises:
        NaiveTimeError: A time has no zone.
    """
    now = utc(now)
    started_at = None if started_at is None else utc(started_at)
    return freshness_so_far(without_future(state, now), rules, now, started_at)


def freshness_so_far(
    state: ChannelState,
    rules: ChannelRules,
    now: datetime,
    started_at: datetime | None,
    here_since: datetime | None = None,
) -> Shown:
    """Return what is shown now of a memory in which nothing lies ahead of now.

    Args:
        state: The memory of the channel.
        rules: The numbers in force for it.
        now: The present moment.
        started_at: Since when this process listens.
        here_since: Since when what the channel measures is of the place of its probe, see
            `stay_engine.here_since`; what it measured elsewhere is none of the values here.
    """
    if (
        state.good_value is None
        or state.good_at is None
        or not is_of_place(state.good_at, here_since)
    ):
        return Shown(
            value=None,
            at=None,
            age_s=None,
            verdict=state.verdict or Verdict.STALE,
            reasons=state.reasons or (Reason.NEVER_MEASURED,),
        )
    # A device's clock may be up to two minutes ahead.
    age_s = max(0.0, (now - state.good_at).total_seconds())
    is_restored = (
        started_at is not None
        and state.good_received_at is not None
        and state.good_received_at < started_at
    )
    value: float | None = state.good_value
    verdict = state.verdict or Verdict.GOOD
    reasons = state.reasons
    if age_s >= rules.max_age_s:
        value, verdict, reasons = None, Verdict.STALE, (Reason.TOO_OLD, *reasons)
    elif state.good_is_retained or is_restored:
        origin = Reason.RETAINED if state.good_is_retained else Reason.RESTORED
        verdict, reasons = Verdict.STALE, (origin, *reasons)
    return Shown(value=value, at=state.good_at, age_s=age_s, verdict=verdict, reasons=reasons)


def expires_at(state: ChannelState, rules: ChannelRules, now: datetime) -> datetime | None:
    """Return when the value of a channel becomes too old to be shown; none = it is already.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    now = utc(now)
    if state.good_at is None:
        return None
    end = state.good_at + timedelta(seconds=rules.max_age_s)
    return end if end > now else None
