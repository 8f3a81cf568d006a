"""Judges many readings of one value of a tank at once, as one after the other would be."""

from collections.abc import Sequence
from datetime import datetime

from kamerplanter_engines.evidence_engine import decides, until_the_next
from kamerplanter_engines.models.tank import AlertState, Band, TankAlertFields
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
