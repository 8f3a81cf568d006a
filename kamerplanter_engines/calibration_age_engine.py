"""Says how old the calibrations of a probe are, and when they have to be done again.

Limits: the project's decisions on calibration, adjustable for each probe.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from kamerplanter_engines.calibration_engine import in_force
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.calibration import (
    DRIFTING_KINDS,
    Calibration,
    CalibrationState,
    CalibrationStatus,
)
from kamerplanter_engines.models.telemetry import ChannelKind, ProbeFields

_MOMENT = timedelta(microseconds=1)
"""At its limit a calibration is not older than that yet."""


def status(
    kind: ChannelKind, done_at: datetime | None, *, now: datetime, warn_d: float, stop_d: float
) -> CalibrationStatus:
    """Return what the age of a calibration means.

    Args:
        kind: What the channel measures.
        done_at: When it was last calibrated; none = never.
        now: The present moment.
        warn_d: Older than this it is due. [d]
        stop_d: Older than this automatic dosing stops. [d], not below `warn_d`.

    Raises:
        NaiveTimeError: A time has no zone.

    Source: the project's decisions (14 and 28 days, adjustable per probe).
    """
    if kind not in DRIFTING_KINDS:
        return CalibrationStatus(kind=kind, state=CalibrationState.NOT_NEEDED, may_dose=True)
    if done_at is None:
        return CalibrationStatus(kind=kind, state=CalibrationState.NEVER, may_dose=False)
    done, present = utc(done_at), utc(now)
    due_at, expires_at = done + timedelta(days=warn_d), done + timedelta(days=stop_d)
    state = CalibrationState.VALID
    if present > expires_at:
        state = CalibrationState.EXPIRED
    elif present > due_at:
        state = CalibrationState.DUE
    return CalibrationStatus(
        kind=kind,
        state=state,
        may_dose=state is not CalibrationState.EXPIRED,
        done_at=done,
        due_at=due_at,
        expires_at=expires_at,
    )


def statuses_of(
    probe: ProbeFields, calibrations: Iterable[Calibration], now: datetime
) -> tuple[CalibrationStatus, ...]:
    """Return what the age of its calibration means for each bound channel of a probe.

    Args:
        probe: The probe with its limits.
        calibrations: All of this probe, in any order.
        now: The present moment, aware.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    known = tuple(calibrations)
    found = []
    for binding in probe.channels:
        last = in_force(known, binding.kind, now)
        found.append(
            status(
                binding.kind,
                last.done_at if last else None,
                now=now,
                warn_d=probe.calibration_due_d,
                stop_d=probe.calibration_stop_d,
            )
        )
    return tuple(found)


def changes_at(statuses: Iterable[CalibrationStatus]) -> tuple[datetime, ...]:
    """Return when a status changes by time alone, those that have changed already among them."""
    limits = (at for item in statuses for at in (item.due_at, item.expires_at) if at is not None)
    return tuple(limit + _MOMENT for limit in limits)
