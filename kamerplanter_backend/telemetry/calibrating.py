"""When a probe lay in the solutions of a calibration; what it showed then is not what it is for.

Runs on the event loop; does no I/O and reads no clock.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from kamerplanter_engines.models.base import CLOCK_TOLERANCE
from kamerplanter_engines.models.telemetry import DEVICE_KINDS
from kamerplanter_engines.telemetry_engine import Sample

LASTS = timedelta(minutes=15)
"""So long after the last sign of a dialog: one whose browser was closed must not hold for ever.
As long as a jump is expected after a calibration that was stored."""
KEPT = 16
"""What a device has buffered may come late, but it is not calibrated so often meanwhile."""


class _Span(NamedTuple):
    since: datetime
    until: datetime


class SolutionTimes:
    """When one probe was or is out of its tank or pot; nothing of it outlives a restart."""

    def __init__(self) -> None:
        self._open: dict[str, _Span] = {}
        self._over: deque[_Span] = deque(maxlen=KEPT)

    def sign(self, dialog: str, now: datetime) -> None:
        """Note that a dialog measures the probe in a solution, or still does.

        Args:
            dialog: Which one; two people may calibrate at once.
            now: The present moment, UTC.
        """
        span = self._open.get(dialog)
        if span is not None and span.until < now:
            self._over.append(self._open.pop(dialog))
            span = None
        since = now if span is None else min(span.since, now)
        self._open[dialog] = _Span(since, now + LASTS)

    def end(self, dialog: str, now: datetime) -> None:
        """Note that a dialog is over; twice is harmless."""
        if (span := self._open.pop(dialog, None)) is not None:
            self._over.append(_Span(span.since, min(span.until, now)))

    def marked(self, samples: Sequence[Sample]) -> tuple[Sample, ...]:
        """Return samples with those marked that were measured in a solution.

        All that a device measures is marked: a combined probe is out of the tank as a whole. What
        it says about itself (battery, signal) is true anywhere.
        """
        if not (self._open or self._over):
            return tuple(samples)
        return tuple(
            sample._replace(calibrating=True) if self._is_of_solution(sample) else sample
            for sample in samples
        )

    def _is_of_solution(self, sample: Sample) -> bool:
        if sample.kind in DEVICE_KINDS:
            return False
        if self._covers(sample.at):
            return True
        # The clock of a device may be behind by so much.
        is_live = abs(sample.received_at - sample.at) <= CLOCK_TOLERANCE
        return is_live and self._covers(sample.received_at)

    def _covers(self, moment: datetime) -> bool:
        spans: Iterable[_Span] = (*self._open.values(), *self._over)
        return any(span.since <= moment < span.until for span in spans)
