"""What a tank should keep within, and when a value outside of that is a problem."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from kamerplanter_engines.evidence_engine import decides, is_recent
from kamerplanter_engines.models.base import Model, is_ahead, utc
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Side,
    TankAlertFields,
    TankBands,
    TankFields,
    TankProblem,
    TankType,
)
from kamerplanter_engines.models.telemetry import Reading
from kamerplanter_engines.science.thresholds import is_above, is_below, release_margin
from kamerplanter_engines.tables.tank_bands import (
    EC_TOLERANCE_RATIO,
    PLAIN_EC_HIGH_MS_CM,
    READINGS_NEEDED,
    RELEASE_BAND_RATIO,
    TANK_COMPARE,
    TANK_LIMITS,
)

_DIGITS = 3
NO_DATA = "no_data"


class ProblemState(NamedTuple):
    """Whether a value is a problem now, and why."""

    is_on: bool | None
    """None = no reading that may decide."""
    reasons: tuple[str, ...]
    """`low`, `high`, `no_data`."""


class Deviation(Model):
    """How far a value is from its target."""

    absolute: float | None = None
    """Value minus target, in their unit; none without a target."""
    relative_pct: float | None = None
    """The same as a share of the target; none without a target above 0. [%]"""


def target_bands(tank: TankFields, phases: Sequence[PhaseEntry]) -> TankBands:
    """Return what a tank should keep: what a person says, else its plants, else its type.

    Args:
        tank: The tank.
        phases: The present phases of the plants that it feeds, in any order.

    Returns:
        Bands in canonical units. A person's limit wins on its side; a computed limit that
        contradicts it falls away.

    Source: [Kamerplanter] tank engine; own rule for several phases: what suits all of them.
    """
    limits = TANK_LIMITS[tank.tank_type]
    ec = _phase_ec(tank, phases) or Band(high=limits.ec_high_ms_cm)
    ph = _with_possible_target(
        Band(
            low=limits.ph_low,
            high=limits.ph_high,
            target=_middle(entry.ph_target for entry in phases if entry.ph_target is not None),
        )
    )
    temperature = Band(low=limits.cold_c, high=limits.warm_c)
    level = Band(low=limits.level_low_pct)
    return TankBands(
        ec=_with_middle(_overridden(ec, tank.ec_low_ms_cm, tank.ec_high_ms_cm)),
        ph=_with_middle(_overridden(ph, tank.ph_low, tank.ph_high)),
        water_temperature=_overridden(
            temperature, tank.water_temperature_low_c, tank.water_temperature_high_c
        ),
        level=_overridden(level, tank.level_low_pct, None),
    )


def deviation(value: float, band: Band) -> Deviation:
    """Return how far a value is from the target of its band; without one, beyond its limits.

    Args:
        value: In the unit of the band.
        band: What the value should keep within.
    """
    if band.target is None:
        if band.low is None and band.high is None:
            return Deviation()
        near = value if band.low is None else max(value, band.low)
        return Deviation(absolute=value - (near if band.high is None else min(near, band.high)))
    absolute = value - band.target
    return Deviation(
        absolute=absolute,
        relative_pct=100 * absolute / band.target if band.target > 0 else None,
    )


def side_of(kind: TankProblem, value: float, band: Band) -> Side | None:
    """Return on which side of its band a value lies; none = inside.

    Args:
        kind: What was measured.
        value: In the canonical unit of the kind.
        band: What the value should keep within.

    Source: own rule; value and limit are compared in steps of a usual meter.
    """
    rule = TANK_COMPARE[kind]
    if band.high is not None and is_above(
        value, band.high, resolution=rule.resolution, limit_is_outside=rule.limit_is_outside
    ):
        return Side.HIGH
    if band.low is not None and is_below(
        value, band.low, resolution=rule.resolution, limit_is_outside=rule.limit_is_outside
    ):
        return Side.LOW
    return None


def is_released(kind: TankProblem, side: Side, value: float, band: Band) -> bool:
    """Tell whether a value is far enough inside of a limit for a raised problem to end.

    Args:
        kind: What was measured.
        side: The side on which the problem was raised.
        value: In the canonical unit of the kind.
        band: What the value should keep within; without a limit on that side nothing holds it.

    Source: own rule.
    """
    rule = TANK_COMPARE[kind]
    limit = band.high if side is Side.HIGH else band.low
    if limit is None:
        return True
    low = rule.lowest if band.low is None else band.low
    high = rule.highest if band.high is None else band.high
    margin = release_margin(
        wanted=rule.release + rule.release_ratio * limit,
        width=high - low,
        most_ratio=RELEASE_BAND_RATIO,
    )
    if side is Side.HIGH:
        return not is_above(value, limit - margin, resolution=rule.resolution)
    return not is_below(value, limit + margin, resolution=rule.resolution)


def judge_alert(
    alert: TankAlertFields,
    band: Band,
    reading: Reading | None,
    *,
    now: datetime,
    started_at: datetime | None,
    max_age_s: float,
    hold_s: float,
    held_at: datetime | None = None,
    readings_needed: int = READINGS_NEEDED,
) -> TankAlertFields:
    """Return the alert after a look at a reading, or at the clock alone.

    Out of band long enough and twice raises; one good reading clearly inside ends. A reading that
    may not decide (not good, too old, heard before the start) changes nothing; without any the
    alert that waits is dropped and the raised one stays. A memory that lies ahead of now (the clock
    went back) holds nothing up.

    Args:
        alert: The alert so far.
        band: What the value should keep within now.
        reading: The newest good reading; none = look at the clock only.
        now: The present moment.
        started_at: When this process began to listen; none = no such rule.
        max_age_s: An older reading decides nothing. [s], above 0.
        hold_s: How long the value must be out of band before it is a problem. [s], 0 or more.
        held_at: Until when it has lasted, as far as this reading tells; none = until now.
        readings_needed: So many in a row must be out of band.

    Returns:
        The same alert if nothing changed.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: own rule.
    """
    moment = utc(now)
    alert = _without_lost_wait(alert, moment, started_at, max_age_s)
    alert = _without_future(alert, moment)
    until = moment if held_at is None else utc(held_at)
    if (
        reading is not None
        and decides(reading, now=moment, started_at=started_at, max_age_s=max_age_s)
        and (alert.last_reading_at is None or reading.at >= alert.last_reading_at)
    ):
        alert = _seen(alert, band, reading)
    return _raised_if_held(alert, until, hold_s, readings_needed)


def without_wait(alert: TankAlertFields) -> TankAlertFields:
    """Return an alert that waits for nothing: one that is raised stays so, a wait begins anew.

    For when the probe leaves by whose readings it may have waited.

    Source: own rule.
    """
    return _inactive(alert) if alert.state is AlertState.PENDING else alert


def problem_state(
    alert: TankAlertFields,
    band: Band,
    reading: Reading | None,
    *,
    now: datetime,
    max_age_s: float,
    started_at: datetime | None = None,
) -> ProblemState:
    """Tell what a screen says of a problem: on, off or not known.

    A raised problem stays on without data and says so. Without a reading that may decide nobody
    knows whether all is well, unless there is no limit at all.

    Args:
        alert: The alert after its last judgement.
        band: What the value should keep within.
        reading: The newest good reading; none = there is none.
        now: The present moment.
        max_age_s: An older reading decides nothing. [s], above 0.
        started_at: When this process began to listen; none = no such rule.

    Raises:
        NaiveTimeError: A time has no zone.
    """
    known = reading is not None and decides(
        reading, now=now, started_at=started_at, max_age_s=max_age_s
    )
    no_data = () if known else (NO_DATA,)
    if alert.state is AlertState.ACTIVE:
        side = () if alert.side is None else (alert.side.value,)
        return ProblemState(is_on=True, reasons=side + no_data)
    if band.low is None and band.high is None:
        return ProblemState(is_on=False, reasons=())
    return ProblemState(is_on=False if known else None, reasons=no_data)


def _phase_ec(tank: TankFields, phases: Sequence[PhaseEntry]) -> Band | None:
    """Return the EC that suits all phases; none if there is no such, or the tank holds no feed."""
    if tank.tank_type is TankType.STOCK_SOLUTION or tank.plain_water:
        return None
    targets = {entry.ec_target_ms_cm for entry in phases if entry.ec_target_ms_cm is not None}
    if not targets:
        return None
    low = max(round(target * (1 - EC_TOLERANCE_RATIO), _DIGITS) for target in targets)
    high = min(
        round(target * (1 + EC_TOLERANCE_RATIO), _DIGITS) if target else PLAIN_EC_HIGH_MS_CM
        for target in targets
    )
    if low >= high:
        return None
    middle = _middle(targets)
    inside = middle is not None and low <= middle <= high
    return Band(
        low=low or None,
        high=high,
        target=middle if inside else round((low + high) / 2, _DIGITS),
        source="phase",
    )


def _middle(values: Iterable[float]) -> float | None:
    """Return the middle between the lowest and the highest."""
    found = sorted(set(values))
    return round((found[0] + found[-1]) / 2, _DIGITS) if found else None


def _overridden(band: Band, low: float | None, high: float | None) -> Band:
    """Put a person's limits in place of the computed ones."""
    if low is None and high is None:
        return band
    new_low = band.low if low is None else low
    new_high = band.high if high is None else high
    if new_low is not None and new_high is not None and new_low >= new_high:
        # Only the side that nobody set may give way.
        new_low, new_high = low, high
    return _with_possible_target(
        Band(low=new_low, high=new_high, target=band.target, source="override")
    )


def _with_possible_target(band: Band) -> Band:
    """Drop a target that lies outside of its band."""
    target = band.target
    if target is None:
        return band
    too_low = band.low is not None and target < band.low
    too_high = band.high is not None and target > band.high
    return band.model_copy(update={"target": None}) if too_low or too_high else band


def _with_middle(band: Band) -> Band:
    """Aim for the middle of a band where no phase says more."""
    if band.low is None or band.high is None or band.target is not None:
        return band
    return band.model_copy(update={"target": _middle((band.low, band.high))})


def _without_lost_wait(
    alert: TankAlertFields, now: datetime, started_at: datetime | None, max_age_s: float
) -> TankAlertFields:
    """Drop an alert that waits on data that is too old or from before the start."""
    if alert.state is not AlertState.PENDING:
        return alert
    last = alert.last_reading_at
    is_lost = (
        last is None
        or not is_recent(last, now=now, max_age_s=max_age_s)
        or (started_at is not None and last < utc(started_at))
    )
    return _inactive(alert) if is_lost else alert


def _without_future(alert: TankAlertFields, now: datetime) -> TankAlertFields:
    """Forget the last reading if it lies ahead; a problem that began ahead began now."""
    if alert.last_reading_at is not None and is_ahead(alert.last_reading_at, now):
        alert = alert.model_copy(update={"last_reading_at": None, "last_value": None})
    begun = {"since": alert.since, "raised_at": alert.raised_at}
    ahead = {name: now for name, at in begun.items() if at is not None and is_ahead(at, now)}
    return alert.model_copy(update=ahead) if ahead else alert


def _seen(alert: TankAlertFields, band: Band, reading: Reading) -> TankAlertFields:
    """Return the alert after a deciding reading, before the hold time is looked at."""
    noted = alert.model_copy(update={"last_reading_at": reading.at, "last_value": reading.value})
    side = side_of(alert.kind, reading.value, band)
    if alert.state is AlertState.ACTIVE and alert.side is not None:
        if side is alert.side or not is_released(alert.kind, alert.side, reading.value, band):
            return noted
        noted = _inactive(noted)
    if side is None:
        return noted if noted.state is AlertState.INACTIVE else _inactive(noted)
    if noted.state is AlertState.PENDING and noted.side is side:
        is_new = alert.last_reading_at is None or reading.at > alert.last_reading_at
        count = noted.out_of_band_count + (1 if is_new else 0)
        return noted.model_copy(update={"out_of_band_count": count})
    return noted.model_copy(
        update={
            "state": AlertState.PENDING,
            "side": side,
            "since": reading.at,
            "out_of_band_count": 1,
        }
    )


def _raised_if_held(
    alert: TankAlertFields, until: datetime, hold_s: float, readings_needed: int
) -> TankAlertFields:
    """Raise an alert that waited long enough until then and was seen often enough."""
    if (
        alert.state is not AlertState.PENDING
        or alert.since is None
        or alert.out_of_band_count < readings_needed
        or (until - alert.since).total_seconds() < hold_s
    ):
        return alert
    return alert.model_copy(update={"state": AlertState.ACTIVE, "raised_at": until})


def _inactive(alert: TankAlertFields) -> TankAlertFields:
    """End an alert and forget what belonged to it."""
    return alert.model_copy(
        update={
            "state": AlertState.INACTIVE,
            "side": None,
            "since": None,
            "raised_at": None,
            "out_of_band_count": 0,
            "task_silenced": False,
        }
    )
