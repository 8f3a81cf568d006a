"""The times that a device tells: whether its clock moves, and one moment for each number.

What is stored is told apart by channel and time.  So a number that comes with the time of another
one would be lost, though a screen shows it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.telemetry_engine import SAME_READING_S, Sample

MINUTE_S = 60.0


class _Told(NamedTuple):
    """What came last of a channel with a time of its device."""

    told_at: datetime
    """By the device."""
    first_received_at: datetime
    """When this time was told first."""
    raw: float
    given_at: datetime
    """The moment that the number got."""
    stands_still: bool = False


class DeviceClocks:
    """Looks at the times of one probe's live messages; by channel, as each may have a device."""

    def __init__(self) -> None:
        self._told: dict[ChannelKind, _Told] = {}

    def timed(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        """Return the samples of a message, each with a moment of its own.

        The same number with the same time is the same reading, as bridges and brokers repeat
        themselves. Another number with the same time is another reading: within the second or the
        minute to which the device tells the time, that much later as it came later. After that the
        clock of the device stands still, and the time of receipt counts until it tells a later one.

        Args:
            samples: Of one live message, without calibration.
        """
        for sample in samples:
            if sample.has_device_time:
                return tuple(map(self._with_moment, samples))
        return samples

    def _with_moment(self, sample: Sample) -> Sample:
        if not sample.has_device_time or sample.raw is None:
            return sample
        before, told_at, now = self._told.get(sample.kind), sample.at, sample.received_at
        after = _Told(told_at, now, sample.raw, told_at)
        if before is not None and told_at == before.told_at:
            if sample.raw == before.raw and not before.stands_still:
                return sample._replace(at=before.given_at)
            elapsed = now - before.first_received_at
            is_within = 0 <= elapsed.total_seconds() < _resolution_s(told_at)
            if is_within and not before.stands_still:
                later = max(told_at + elapsed, before.given_at + MICROSECOND)
                after = before._replace(raw=sample.raw, given_at=later)
            else:
                after = before._replace(raw=sample.raw, given_at=now, stands_still=True)
        elif before is not None and before.stands_still and told_at <= before.given_at:
            # It runs again, and is behind.
            after = after._replace(given_at=now, stands_still=True)
        self._told[sample.kind] = after
        if after.stands_still:
            return sample._replace(at=now, has_device_time=False, clock_stands_still=True)
        return sample._replace(at=after.given_at)


def _resolution_s(told_at: datetime) -> float:
    """Return how finely a device tells the time: many leave out the seconds."""
    return SAME_READING_S if told_at.second or told_at.microsecond else MINUTE_S
