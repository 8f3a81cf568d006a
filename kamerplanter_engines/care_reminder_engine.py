"""When the cares of a plant are due, and which of them rest."""

from datetime import date, timedelta

from kamerplanter_engines.models.care import CareDue, CareKind, CarePreset
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.science.seasons import (
    first_day_within,
    is_winter,
    local_months,
    season_start,
)
from kamerplanter_engines.tables.phases import NO_FEED_PHASES
from kamerplanter_engines.watering_schedule_engine import next_watering_on

__all__ = ["care_due", "is_winter", "may_feed"]


def may_feed(phase: PhaseEntry | None) -> bool:
    """Tell whether a plant in a phase takes fertiliser; not at rest, and not where it wants none.

    Source: own rule; a phase with an EC target of 0 is plain water by definition.
    """
    if phase is None:
        return True
    return phase.phase not in NO_FEED_PHASES and phase.ec_target_ms_cm != 0


def care_due(
    kind: CareKind,
    preset: CarePreset,
    *,
    since: date,
    never_done: bool = False,
    today: date,
    interval_override_d: int | None = None,
    phase: PhaseEntry | None = None,
    latitude_deg: float | None = None,
) -> CareDue | None:
    """Return when a care is due next, or none if it rests.

    Args:
        kind: What is to be done.
        preset: Intervals of the plant's care style.
        since: Local date when it was last done or skipped; if never, the day the plant was added.
        never_done: It was never done; said in the reasons.
        today: Local date.
        interval_override_d: A person's own interval for this kind. [d], above 0.
        phase: The phase that the plant is in.
        latitude_deg: Of the site, south negative; none = north. [°], -90 to 90.

    Source: [Kamerplanter] care reminders; own rule for the season of feeding: what falls due
    outside of it waits for its first day, once, and what a whole season missed does so too.
    """
    if kind is CareKind.WATERING:
        return next_watering_on(
            preset,
            since=since,
            never_done=never_done,
            interval_override_d=interval_override_d,
            phase=phase,
            latitude_deg=latitude_deg,
        )
    is_feed = kind is CareKind.FERTILISING
    if is_feed and not may_feed(phase):
        return None
    preset_d = preset.fertilising_interval_d if is_feed else preset.pest_check_interval_d
    interval_d = preset_d if interval_override_d is None else interval_override_d
    due_on = since + timedelta(days=interval_d)
    reasons = ["style_interval" if interval_override_d is None else "own_interval"]
    if never_done:
        reasons.append("never_done")
    if is_feed:
        months = local_months(preset.fertilising_months, latitude_deg)
        in_season = _within_season(due_on, today, months)
        if in_season is None:
            return None
        if in_season != due_on:
            due_on = in_season
            reasons.append("moved_to_season")
    return CareDue(
        kind=kind,
        due_on=due_on,
        interval_d=interval_d,
        rule="fertilising_interval" if is_feed else "pest_check_interval",
        reasons=tuple(reasons),
    )


def _within_season(due_on: date, today: date, months: frozenset[int]) -> date | None:
    """Move a date into the season that is now or comes next; none if there is no season."""
    day = first_day_within(due_on, months)
    if day is None or day > today:
        return day
    if today.month not in months:
        return first_day_within(today, months)
    start = season_start(today, months)
    return day if start is None else max(day, start)
