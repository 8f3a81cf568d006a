"""A calibration that is being measured, point by point; nothing of it is stored yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kamerplanter_engines.calibration_age_engine import LOST, can_be_calibrated
from kamerplanter_engines.calibration_engine import fit, needs_temperature
from kamerplanter_engines.calibration_point_engine import POINTS, check_point
from kamerplanter_engines.models.calibration import (
    DRIFTING_KINDS,
    CalibrationFields,
    CalibrationPoint,
    CalibrationStatus,
    Fit,
    RawScale,
)
from kamerplanter_engines.models.steadiness import RawSample, Steadiness
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from kamerplanter_engines.raw_mapping_engine import is_same_mapping, mapping_of
from kamerplanter_engines.steady_engine import steadiness
from kamerplanter_engines.warmth_engine import THERMOMETERS

_STANDARD_MS_CM = 1.413
_EC_METHODS = {"standard": (_STANDARD_MS_CM,), "dry_standard": (0.0, _STANDARD_MS_CM)}
METHODS: Mapping[ChannelKind, Mapping[str, tuple[float, ...]]] = {
    ChannelKind.PH: {
        "ph_7_4": (7.0, 4.01),
        "ph_7_10": (7.0, 10.01),
        "ph_7_4_10": (7.0, 4.01, 10.01),
    },
    ChannelKind.EC: _EC_METHODS,
    ChannelKind.SOIL_EC: _EC_METHODS,
    ChannelKind.SOIL_MOISTURE: {"dry_wet": (0.0, 100.0)},
}
"""Which solutions one after the other, as their bottles say; each can be changed on its page."""


def calibratable(probe: Probe) -> tuple[ChannelBinding, ...]:
    """Return the channels of a probe that can be calibrated; a curve is a calibration already."""
    return tuple(item for item in probe.channels if can_be_calibrated(item))


def grows_due(probe: Probe) -> bool:
    """Tell whether a calibration of a probe becomes too old; one of soil moisture never does."""
    return any(item.kind in DRIFTING_KINDS for item in calibratable(probe))


def most_urgent(
    probe: Probe, statuses: Iterable[CalibrationStatus], drifted: Collection[ChannelKind]
) -> ChannelKind:
    """Return the channel that is to be calibrated first.

    One that lost its calibration comes before one that has drifted, then goes the oldest, and one
    that never had any is last.

    Args:
        probe: The probe; at least one channel can be calibrated.
        statuses: Those of its channels.
        drifted: Kinds that a measurement by hand speaks against.
    """
    kinds = [item.kind for item in calibratable(probe)]
    known = {item.kind: item for item in statuses}

    def rank(kind: ChannelKind) -> tuple[bool, bool, bool, float]:
        status = known.get(kind)
        due_at = None if status is None else status.due_at
        return (
            status is None or status.state not in LOST,
            kind not in drifted,
            due_at is None,
            0.0 if due_at is None else due_at.timestamp(),
        )

    return min(kinds, key=rank)


@dataclass
class Draft:
    """What has been measured so far of one channel."""

    binding: ChannelBinding
    scale: RawScale
    solutions: tuple[float, ...]
    begun_at: datetime
    """When it was begun; all points are of later."""
    points: list[CalibrationPoint] = field(default_factory=list)

    @property
    def kind(self) -> ChannelKind:
        """What the channel measures."""
        return self.binding.kind

    @property
    def thermometer(self) -> ChannelKind | None:
        """Which channel of the probe tells the temperature of the solution; none = it is no use."""
        return THERMOMETERS.get(self.kind)

    @property
    def solution(self) -> float:
        """The solution that comes next."""
        return self.solutions[len(self.points)]

    @property
    def is_complete(self) -> bool:
        """Whether all solutions were measured."""
        return len(self.points) == len(self.solutions)

    @property
    def needs_temperature(self) -> bool:
        """Whether the next point counts only with the temperature of its solution."""
        return needs_temperature(self.kind, self.solution, compensated=self.binding.compensated)

    def fits(self, probe: Probe) -> bool:
        """Tell whether the channel still gives the numbers that were measured.

        The device before an exchange says nothing about the one after it.
        """
        now = probe.binding(self.kind)
        return (
            now is not None
            and all(item.at <= self.begun_at for item in probe.replacements)
            and not now.curve
            and is_same_mapping(mapping_of(self.binding), mapping_of(now))
        )

    def add(self, point: CalibrationPoint) -> None:
        """Take a point in, if it goes with those before it.

        Raises:
            InvalidInputError: The points make no calibration; the new one was not taken in.
            OutOfRangeError: A number, or what follows from the points, is not plausible.
        """
        check_point(self.kind, self.scale, point)
        points = (*self.points, point)
        # Two of three buffers say already whether they were mixed up.
        says_something = self.kind is ChannelKind.PH and len(points) >= POINTS[self.kind][0]
        if says_something or len(points) == len(self.solutions):
            fit(self._fields(points))
        self.points.append(point)

    def steadiness(self, samples: Sequence[RawSample]) -> Steadiness:
        """Return whether what the probe showed in this solution, oldest first, is at rest."""
        return steadiness(samples, self.kind, self.scale)

    def fields(self) -> CalibrationFields:
        """Return what was measured."""
        return self._fields(tuple(self.points))

    def fit(self) -> Fit:
        """Return what follows from it."""
        return fit(self.fields())

    def _fields(self, points: tuple[CalibrationPoint, ...]) -> CalibrationFields:
        return CalibrationFields(
            kind=self.kind,
            points=points,
            scale=self.scale,
            compensated=self.binding.compensated,
        )
