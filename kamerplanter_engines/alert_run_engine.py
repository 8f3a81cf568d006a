"""Judges many readings of one value of a tank at once, as one after the other would be."""

from collections.abc import Sequence
from datetime import datetime

from kamerplanter_engines.evidence_engine import decides, until_the_next
from kamerplanter_engines.models.tank import AlertState, Band, TankAlertFields, TankProblem
from kamerplanter_engines.models.telemetry import Reading
from kamerplanter_engines.tables.tank_bands import READINGS_NEEDED
from kamerplanter_engines.tank_engine import judge_alert, side_of


def judge_run(
    alert: TankAlertFields,
    band: Band,
    readings: Sequence[Reading | None],
    *,
    now: datetime,
    started_at: datetime | None,
    max_age_s: float,
    hold_s: float,
    readings_needed: int = READINGS_NEEDED,
) -> TankAlertFields:
    """Return the alert after a look at each reading in turn.

    While there is no problem and the value keeps within its band, only the newest reading leaves
    a trace, so those before it are not written down.

    Args:
        alert: The alert so far.
        band: What the value should keep within now.
        readings: Oldest first; a none = look at the clock only.
        now: The present moment.
        started_at: When this process began to listen; none = no such rule.
        max_age_s: An older reading decides nothing. [s], above 0.
        hold_s: How long the value must be out of band before it is a problem. [s], 0 or more.
        readings_needed: So many in a row must be out of band.

    Returns:
        What `judge_alert` gives if it is called for one reading after the other, when each came.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: own rule.
    """

    def judged(
        before: TankAlertFields, reading: Reading | None, held_at: datetime = now
    ) -> TankAlertFields:
        return judge_alert(
            before,
            band,
            reading,
            now=now,
            started_at=started_at,
            max_age_s=max_age_s,
            hold_s=hold_s,
            held_at=held_at,
            readings_needed=readings_needed,
        )

    def newest_deciding(inside: Sequence[Reading]) -> Reading:
        deciding = (
            reading
            for reading in reversed(inside)
            if decides(reading, now=now, started_at=started_at, max_age_s=max_age_s)
        )
        return next(deciding, inside[-1])

    inside: list[Reading] = []
    for reading, held_at in until_the_next(readings, now):
        if (
            reading is not None
            and alert.state is AlertState.INACTIVE
            and side_of(alert.kind, reading.value, band) is None
        ):
            inside.append(reading)
            continue
        if inside:
            alert = judged(alert, newest_deciding(inside))
            inside.clear()
        alert = judged(alert, reading, held_at)
    return judged(alert, newest_deciding(inside)) if inside else alert


def keeps_within(kind: TankProblem, band: Band, readings: Sequence[Reading]) -> bool:
    """Tell whether no reading lies outside of a band, so that none begins a problem.

    Args:
        kind: What was measured.
        band: What the value should keep within.
        readings: In any order, at least one.
    """
    values = [reading.value for reading in readings]
    # What lies between two values inside of a band does so too.
    return all(side_of(kind, value, band) is None for value in {min(values), max(values)})


def taken_back(before: TankAlertFields, wrong: TankAlertFields) -> TankAlertFields:
    """Return an alert without a measurement that was wrong.

    What a person has done since about a problem that was there before stays done.

    Args:
        before: As it was before the measurement.
        wrong: As it is with it.

    Source: own rule.
    """
    if before.state is AlertState.ACTIVE and wrong.state is AlertState.ACTIVE:
        return before.model_copy(update={"task_silenced": wrong.task_silenced})
    return before


def is_news(before: TankAlertFields, after: TankAlertFields) -> bool:
    """Tell whether an alert has to be written down again.

    While there is no problem, the reading that was judged last says nothing that the stored
    readings do not say; only after the clock went back, what lies ahead must be forgotten.

    Args:
        before: The alert as it is written down.
        after: What came of it.
    """
    names = set(TankAlertFields.model_fields)
    last_at = before.last_reading_at
    if before.state is after.state is AlertState.INACTIVE and (
        last_at is None or (after.last_reading_at is not None and after.last_reading_at >= last_at)
    ):
        names -= {"last_reading_at", "last_value"}
    return any(getattr(before, name) != getattr(after, name) for name in names)
