"""Whether the soil of a plant is dry or too wet, as its readings tell one after the other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from kamerplanter_engines.evidence_engine import until_the_next
from kamerplanter_engines.models.base import is_ahead, utc
from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from kamerplanter_engines.science.thresholds import is_below
from kamerplanter_engines.tables.channels import CHANNELS, START_GRACE_S
from kamerplanter_engines.tables.tank_bands import MOISTURE_COMPARE
from kamerplanter_engines.watering_schedule_engine import MoistureVerdict, judge_moisture


def judge_soil_run(
    alert: PlantAlertFields,
    low: float | None,
    high: float | None,
    readings: Sequence[Reading | None],
    *,
    now: datetime,
    started_at: datetime | None,
    max_age_s: float,
    hold_s: float | None,
) -> PlantAlertFields:
    """Return what is known of the soil of a plant after a look at each reading in turn.

    A device may send later what it measured while it had no connection: what is older than the
    newest reading that was judged changes nothing, and how long the soil has been dry counts from
    reading to reading. Nobody who has just watered is told to water again.

    Args:
        alert: What was known so far.
        low: Lowest moisture that is right for the plant; none = no limit. [%], 0 to 100.
        high: Highest moisture that is right for the plant; none = no limit. [%], 0 to 100.
        readings: Oldest first; a none = look at the clock only.
        now: The present moment.
        started_at: When this process began to listen; none = no such rule.
        max_age_s: An older reading decides nothing. [s], above 0.
        hold_s: How long it must be dry or wet, with two readings at least; none = one is enough to
            call it dry, and what is too wet waits for the usual time: whoever has just watered
            measures that, too. [s], 0 or more.

    Returns:
        The same if nothing changed.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: own rule.
    """
    moment = utc(now)
    wet_hold_s = CHANNELS[ChannelKind.SOIL_MOISTURE].hold_s if hold_s is None else hold_s
    if alert.last_reading_at is not None and is_ahead(alert.last_reading_at, moment):
        # The clock went back: without this nothing would count until it has caught up.
        alert = alert.model_copy(update={"last_reading_at": None})
    for seen, held_at in until_the_next(readings, moment):
        reading = None if _is_late(seen, alert.last_reading_at) else seen
        look = partial(
            judge_moisture,
            now=moment,
            started_at=started_at,
            max_age_s=max_age_s,
            held_at=held_at,
        )
        verdict = look(
            low,
            high,
            reading,
            hold_s=hold_s,
            pending_since=alert.pending_since,
            was_dry=alert.is_dry,
        )
        wetness = None
        if high is not None:
            # What is too wet is too dry of air, so the same rules hold for it.
            wetness = look(
                100 - high,
                None if low is None else 100 - low,
                None if reading is None else _turned(reading),
                hold_s=wet_hold_s,
                pending_since=alert.wet_pending_since,
                was_dry=alert.is_wet,
            )
        alert = _after_wet(_after(alert, verdict, held_at), wetness)
        if reading is not None and not {"no_data", "no_limit"} & set(verdict.reasons):
            alert = alert.model_copy(update={"last_reading_at": reading.at})
    return alert


def falls_silent_at(
    reading: Reading | None, *, started_at: datetime | None, max_age_s: float
) -> datetime | None:
    """Return from when on nobody knows how the soil is, though a probe stands in it.

    A value that stays on a screen as if all were well is how plants dry out. A probe that never
    measured anything is none to miss, and after a start it gets time to speak.

    Args:
        reading: The newest good reading of the soil; none = none yet.
        started_at: When this process began to listen; none = no such rule.
        max_age_s: An older reading decides nothing. [s], above 0.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: the project's decisions (ten minutes after a start).
    """
    if reading is None:
        return None
    silent_at = utc(reading.at) + timedelta(seconds=max_age_s)
    if started_at is None:
        return silent_at
    return max(silent_at, utc(started_at) + timedelta(seconds=START_GRACE_S))


def without_wait(alert: PlantAlertFields) -> PlantAlertFields:
    """Return what is known of the soil without what waits: that begins anew, what is dry stays so.

    For when the probe leaves by whose readings it may have waited.

    Source: own rule.
    """
    return alert.model_copy(
        update={
            "pending_since": alert.pending_since if alert.is_dry else None,
            "wet_pending_since": alert.wet_pending_since if alert.is_wet else None,
        }
    )


def is_settled(alert: PlantAlertFields) -> bool:
    """Tell whether nothing is wrong with the soil, and nothing waits to be."""
    return not (alert.is_dry or alert.pending_since or alert.is_wet or alert.wet_pending_since)


def keeps_moist(low: float | None, high: float | None, readings: Sequence[Reading]) -> bool:
    """Tell whether no reading is beyond a limit, so that none begins a wait.

    Args:
        low: Lowest moisture that is right for the plant; none = no limit. [%], 0 to 100.
        high: Highest moisture that is right for the plant; none = no limit. [%], 0 to 100.
        readings: In any order, at least one.

    Returns:
        False without any limit: then all that was known is forgotten.
    """
    if low is None and high is None:
        return False
    values, step = [reading.value for reading in readings], MOISTURE_COMPARE.resolution
    return not (
        (low is not None and is_below(min(values), low, resolution=step))
        or (high is not None and is_below(100 - max(values), 100 - high, resolution=step))
    )


def taken_back(before: PlantAlertFields, wrong: PlantAlertFields) -> PlantAlertFields:
    """Return what is known of the soil without a measurement that was wrong.

    What a person has done since about soil that was dry before stays done.

    Args:
        before: What was known before the measurement.
        wrong: What is known with it.

    Source: own rule.
    """
    if before.is_dry and wrong.is_dry:
        return before.model_copy(update={"task_silenced": wrong.task_silenced})
    return before


def is_news(before: PlantAlertFields, after: PlantAlertFields) -> bool:
    """Tell whether what is known of the soil has to be written down again.

    While it is moist, the reading that was judged last says nothing that the stored readings do
    not say; only after the clock went back, what lies ahead must be forgotten.

    Args:
        before: As it is written down.
        after: What came of it.
    """
    names = set(PlantAlertFields.model_fields)
    last_at = before.last_reading_at
    if (
        is_settled(before)
        and is_settled(after)
        and (
            last_at is None
            or (after.last_reading_at is not None and after.last_reading_at >= last_at)
        )
    ):
        names -= {"last_reading_at"}
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _is_late(reading: Reading | None, last_reading_at: datetime | None) -> bool:
    return reading is not None and last_reading_at is not None and reading.at < last_reading_at


def _turned(reading: Reading) -> Reading:
    return reading.model_copy(update={"value": 100 - reading.value})


def _after_wet(alert: PlantAlertFields, verdict: MoistureVerdict | None) -> PlantAlertFields:
    """Return what is known after a look at the other end; without a verdict nothing is too wet."""
    if verdict is None:
        return alert.model_copy(update={"is_wet": False, "wet_pending_since": None})
    is_wet = alert.is_wet if verdict.is_dry is None else verdict.is_dry
    return alert.model_copy(update={"is_wet": is_wet, "wet_pending_since": verdict.pending_since})


def _after(alert: PlantAlertFields, verdict: MoistureVerdict, at: datetime) -> PlantAlertFields:
    if verdict.reasons == ("no_limit",):
        return PlantAlertFields(plant_key=alert.plant_key)
    is_dry = alert.is_dry if verdict.is_dry is None else verdict.is_dry
    return alert.model_copy(
        update={
            "is_dry": is_dry,
            "pending_since": verdict.pending_since,
            "since": (alert.since or at) if is_dry else None,
            "task_silenced": alert.task_silenced and is_dry,
        }
    )
