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
RETURNS = timedelta(minutes=5)
"""So long after a dialog was closed before anybody said that the probe is back: enough to rinse it
and to hang it up again, and no more than a short break for a tank whose probe was back already."""
KEPT = 16
"""What a device has buffered may come late, but it is not calibrated so often meanwhile."""


class _Hold(NamedTuple):
    since: datetime
    until: datetime
    is_left: bool = False
    """Its dialog was closed, and nobody has said that the probe is back."""


class SolutionTimes:
    """When one probe was or is out of its tank or pot; nothing of it outlives a restart."""

    def __init__(self) -> None:
        self._open: dict[str, _Hold] = {}
        self._over: deque[_Hold] = deque(maxlen=KEPT)

    def sign(self, dialog: str, now: datetime) -> None:
        """Note that a dialog measures the probe in a solution, or still does.

        Args:
            dialog: Which one; two people may calibrate at once.
            now: The present moment, UTC.
        """
        self._hold(dialog, now, LASTS, is_left=False)

    def leave(self, dialog: str, now: datetime) -> None:
        """Note that a dialog was closed while the probe is, as far as it knows, in a solution.

        Args:
            dialog: Which one.
            now: The present moment, UTC.
        """
        self._hold(dialog, now, RETURNS, is_left=True)

    def end(self, dialog: str, now: datetime) -> None:
        """Note that a dialog says that the probe is back; twice is harmless.

        What dialogs left that were closed before is over by that, but not what others measure.

        Args:
            dialog: Which one.
            now: The present moment, UTC.
        """
        for name, hold in list(self._open.items()):
            if name == dialog or hold.is_left:
                self._over.append(hold._replace(until=min(hold.until, now)))
                del self._open[name]

    def _hold(self, dialog: str, now: datetime, lasts: timedelta, *, is_left: bool) -> None:
        self._retire(now)
        known = self._open.get(dialog)
        since = now if known is None else min(known.since, now)
        self._open[dialog] = _Hold(since, now + lasts, is_left)

    def _retire(self, now: datetime) -> None:
        """Put what ended by itself to what is over: a dialog that comes back begins anew."""
        for name, hold in list(self._open.items()):
            if hold.until < now:
                self._over.append(self._open.pop(name))

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
        holds: Iterable[_Hold] = (*self._open.values(), *self._over)
        return any(hold.since <= moment < hold.until for hold in holds)
