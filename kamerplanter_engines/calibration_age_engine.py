"""Says how old the calibrations of a probe are, and when they have to be done again.

Limits: the project's decisions on calibration, adjustable for each probe.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from kamerplanter_engines.calibration_in_force_engine import in_force
from kamerplanter_engines.calibration_point_engine import POINTS
from kamerplanter_engines.checks import within
from kamerplanter_engines.models.base import MICROSECOND, utc
from kamerplanter_engines.models.calibration import (
    DRIFTING_KINDS,
    Calibration,
    CalibrationState,
    CalibrationStatus,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields
from kamerplanter_engines.raw_mapping_engine import of_present_mapping
from kamerplanter_engines.raw_scale_engine import raw_kinds
from kamerplanter_engines.units import is_raw_unit

_LONGEST_D = 36_500
"""A limit of a hundred years is none. [d]"""
LOST = frozenset({CalibrationState.REPLACED, CalibrationState.REMAPPED, CalibrationState.WITHDRAWN})
"""States of a channel that was calibrated and has no calibration in force any more."""

ASKED_FOR = LOST | {CalibrationState.DUE, CalibrationState.EXPIRED}
"""States in which a person is asked to calibrate."""


def can_be_calibrated(binding: ChannelBinding) -> bool:
    """Tell whether a channel takes a calibration; a curve is one already."""
    return binding.kind in POINTS and not binding.curve


def should_be_calibrated(
    probe: ProbeFields,
    statuses: Iterable[CalibrationStatus],
    drifted: Iterable[ChannelKind] = (),
) -> bool | None:
    """Tell whether a person is asked to calibrate a probe now.

    Args:
        probe: The probe.
        statuses: Those of its channels.
        drifted: Kinds that a measurement by hand speaks against.

    Returns:
        None = nobody knows: a channel that drifts was never calibrated here. Many devices keep a
        calibration of their own, so nobody is asked for it, but it is not said to be fine either.

    Source: own rule.
    """
    kinds = {item.kind for item in probe.channels if can_be_calibrated(item)}
    states = {item.state for item in statuses if item.kind in kinds}
    if states & ASKED_FOR or not kinds.isdisjoint(drifted):
        return True
    return None if CalibrationState.NEVER in states else False


def status(
    kind: ChannelKind, done_at: datetime | None, *, now: datetime, warn_d: float, stop_d: float
) -> CalibrationStatus:
    """Return what the age of a calibration means.

    Args:
        kind: What the channel measures.
        done_at: When it was last calibrated; none = never.
        now: The present moment.
        warn_d: Older than this it is due. [d], 0 to 36,500.
        stop_d: Older than this automatic dosing stops. [d], not below `warn_d`.

    Raises:
        OutOfRangeError: A limit lies outside, or is not a number.
        NaiveTimeError: A time has no zone.

    Source: the project's decisions (14 and 28 days, adjustable per probe).
    """
    within("warn_d", warn_d, 0, _LONGEST_D)
    within("stop_d", stop_d, warn_d, _LONGEST_D)
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
        calibrations: All of this probe on record, in any order.
        now: The present moment, aware.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    known = tuple(calibrations)
    counting = of_present_mapping(known, probe.channels)
    found = []
    for binding in probe.channels:
        last = in_force(counting, binding.kind, now)
        lost = _lost(binding, known, now) if last is None else None
        found.append(
            status(
                binding.kind,
                last.done_at if last else None,
                now=now,
                warn_d=probe.calibration_due_d,
                stop_d=probe.calibration_stop_d,
            )
            if lost is None
            else CalibrationStatus(kind=binding.kind, state=lost, may_dose=False)
        )
    return tuple(found)


def _lost(
    binding: ChannelBinding, known: Iterable[Calibration], now: datetime
) -> CalibrationState | None:
    """Return why a channel that was calibrated has no calibration in force any more.

    Raw soil values mean nothing without one, so they count here though they are never due. So do
    raw numbers whose calibration was withdrawn, unless the channel says what they are.
    """
    if not can_be_calibrated(binding):
        return None
    of_kind = [item for item in known if item.kind is binding.kind and item.withdrawn_at is None]
    if in_force(of_kind, binding.kind, now) is not None:
        return CalibrationState.REMAPPED
    was_replaced = any(item.replaced_at is not None for item in of_kind)
    if was_replaced:
        return CalibrationState.REPLACED
    is_known = any(item.kind is binding.kind for item in known)
    names_value = binding.unit is not None and not is_raw_unit(binding.kind, binding.unit)
    means_nothing = is_known and not names_value and binding.kind in raw_kinds((binding,), known)
    return CalibrationState.WITHDRAWN if means_nothing else None


def changes_at(statuses: Iterable[CalibrationStatus]) -> tuple[datetime, ...]:
    """Return when a status changes by time alone, those that have changed already among them."""
    limits = (at for item in statuses for at in (item.due_at, item.expires_at) if at is not None)
    # At its limit a calibration is not older than that yet.
    return tuple(limit + MICROSECOND for limit in limits)
