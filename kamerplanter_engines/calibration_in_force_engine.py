"""Says which calibration of a probe counts at a moment, and since when."""

from collections.abc import Iterable
from datetime import datetime

from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import ChannelKind


def in_force(
    calibrations: Iterable[Calibration], kind: ChannelKind, at: datetime
) -> Calibration | None:
    """Return the calibration of a kind that counts for what was measured at a moment.

    A withdrawn one never counts, and one of a device that was exchanged only until then.

    Args:
        calibrations: Those of one probe, in any order.
        kind: What is measured.
        at: The moment of measurement, aware.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    moment = utc(at)
    known = [
        item
        for item in calibrations
        if item.kind is kind
        and item.withdrawn_at is None
        and item.done_at <= moment
        and (item.replaced_at is None or moment < item.replaced_at)
    ]
    return max(known, key=lambda item: (item.done_at, item.created_at, item.key), default=None)


def put_right_at(
    calibrations: Iterable[Calibration], kind: ChannelKind, at: datetime
) -> datetime | None:
    """Return since when what is stored of a kind is as the calibration of a moment makes it.

    Something stored before is as the one before it made it, or one that was withdrawn, and says
    nothing of how good the present one is.

    Args:
        calibrations: Those of one probe, in any order, withdrawn ones among them.
        kind: What is measured.
        at: The moment, aware.

    Returns:
        None if it was never calibrated.

    Raises:
        NaiveTimeError: The time has no zone.

    Source: own rule.
    """
    known = [item for item in calibrations if item.kind is kind]
    last = in_force(known, kind, at)
    found = [] if last is None else [last.done_at, last.created_at]
    found += [
        item.withdrawn_at
        for item in known
        if item.withdrawn_at is not None and (last is None or item.done_at >= last.done_at)
    ]
    return max(found, default=None)
