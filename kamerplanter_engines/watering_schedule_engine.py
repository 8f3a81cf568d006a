"""When a plant is due for water, by interval and by soil moisture."""

from collections.abc import Callable
from datetime import date, datetime

from kamerplanter_engines.evidence_engine import decides, is_recent
from kamerplanter_engines.models.base import Instant, Model, is_ahead, utc
from kamerplanter_engines.models.care import CareDue, CareKind, CarePreset
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.telemetry import Reading
from kamerplanter_engines.science.seasons import interval_end, is_winter
from kamerplanter_engines.science.thresholds import is_above, is_below, release_margin
from kamerplanter_engines.tables.tank_bands import MOISTURE_COMPARE, RELEASE_BAND_RATIO

RULE = "watering_interval"


class MoistureVerdict(Model):
    """Whether the soil is too dry, and why."""

    is_dry: bool | None
    """None = no reading that may decide, or no limit."""
    pending_since: Instant | None = None
    """When moisture fell below its limit; kept while it is dry."""
    reasons: tuple[str, ...] = ()
    """`moisture_low`, `moisture_high`, `no_data`, `no_limit`."""


def watering_interval_d(
    preset: CarePreset,
    *,
    interval_override_d: int | None,
    phase: PhaseEntry | None,
    latitude_deg: float | None,
) -> tuple[Callable[[date], float], str]:
    """Return the interval that holds on a day, and which rule gives it.

    A person's own interval wins over that of the phase, and that over the style's; only the
    style's is stretched in winter.

    Source: own rule.
    """
    if interval_override_d is not None:
        own_d = float(interval_override_d)
        return (lambda _day: own_d), "own_interval"
    if phase is not None and phase.watering_interval_d is not None:
        phase_d = float(phase.watering_interval_d)
        return (lambda _day: phase_d), "phase_interval"
    summer_d = float(preset.watering_interval_d)
    winter_d = summer_d * preset.winter_watering_factor
    return (lambda day: winter_d if is_winter(day, latitude_deg) else summer_d), "style_interval"


def next_watering_on(
    preset: CarePreset,
    *,
    since: date,
    never_done: bool = False,
    interval_override_d: int | None = None,
    phase: PhaseEntry | None = None,
    latitude_deg: float | None = None,
) -> CareDue:
    """Return when a plant is due for water.

    Args:
        preset: Intervals of its care style.
        since: Local date of the last watering; if there was none, the day it was added.
        never_done: There was none; said in the reasons.
        interval_override_d: A person's own interval. [d], above 0.
        phase: The phase that the plant is in.
        latitude_deg: Of the site, south negative; none = north. [°], -90 to 90.

    Source: own rule; a new plant waits one interval, as it was watered when it was potted.
    """
    interval_on, source = watering_interval_d(
        preset, interval_override_d=interval_override_d, phase=phase, latitude_deg=latitude_deg
    )
    due_on = interval_end(since, interval_on)
    return CareDue(
        kind=CareKind.WATERING,
        due_on=due_on,
        interval_d=interval_on(due_on),
        rule=RULE,
        reasons=(source, "never_done") if never_done else (source,),
    )


def judge_moisture(
    low: float | None,
    high: float | None,
    reading: Reading | None,
    *,
    now: datetime,
    started_at: datetime | None,
    max_age_s: float,
    hold_s: float | None,
    pending_since: datetime | None,
    was_dry: bool = False,
    held_at: datetime | None = None,
) -> MoistureVerdict:
    """Tell whether the soil is too dry, has been so long enough, and still is without data.

    Args:
        low: Lowest moisture that is right for the plant; none = no limit. [%], 0 to 100.
        high: Highest moisture that is right for the plant; none = no limit. [%], 0 to 100.
        reading: The newest reading of the soil; none = none yet.
        now: The present moment.
        started_at: When this process began to listen; none = no such rule.
        max_age_s: An older reading decides nothing. [s]
        hold_s: How long it must be dry, with two readings at least; none = one is enough. [s]
        pending_since: What the last verdict said.
        was_dry: What the last verdict said; dry soil stays so until it is clearly wetter.
        held_at: Until when it has lasted, as far as this reading tells; none = until now.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: own rule.
    """
    moment = utc(now)
    since = None if pending_since is None else utc(pending_since)
    if since and is_ahead(since, moment):
        since = None  # the clock went back: nobody knows how long it has waited
    if since and started_at is not None and not was_dry and since < utc(started_at):
        since = None  # what waited before the start waits anew
    if low is None and high is None:
        return MoistureVerdict(is_dry=None, reasons=("no_limit",))
    if reading is None or not decides(
        reading, now=moment, started_at=started_at, max_age_s=max_age_s
    ):
        if was_dry:
            return MoistureVerdict(
                is_dry=True, pending_since=since, reasons=("moisture_low", "no_data")
            )
        is_kept = since is not None and is_recent(since, now=moment, max_age_s=max_age_s)
        return MoistureVerdict(
            is_dry=None, pending_since=since if is_kept else None, reasons=("no_data",)
        )
    step = MOISTURE_COMPARE.resolution
    margin = _moisture_margin(low, high) if was_dry else 0.0
    if low is not None and is_below(reading.value, low + margin, resolution=step):
        since = since or reading.at
        # The reading that began it is the first; a later one is the second.
        until = moment if held_at is None else utc(held_at)
        held = hold_s is None or (reading.at > since and (until - since).total_seconds() >= hold_s)
        is_dry = was_dry or held
        return MoistureVerdict(
            is_dry=is_dry, pending_since=since, reasons=("moisture_low",) if is_dry else ()
        )
    too_wet = high is not None and is_above(reading.value, high, resolution=step)
    return MoistureVerdict(is_dry=False, reasons=("moisture_high",) if too_wet else ())


def _moisture_margin(low: float | None, high: float | None) -> float:
    """Return how far above its lower limit dry soil has to be to count as moist again."""
    rule = MOISTURE_COMPARE
    return release_margin(
        wanted=rule.release,
        width=(rule.highest if high is None else high) - (rule.lowest if low is None else low),
        most_ratio=RELEASE_BAND_RATIO,
    )
