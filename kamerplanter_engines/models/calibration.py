"""How a probe was put right: what it showed in known solutions, and what follows from that."""

from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Key, Model
from kamerplanter_engines.models.telemetry import ChannelKind, CurvePoint

DRIFTING_KINDS = frozenset({ChannelKind.PH, ChannelKind.EC, ChannelKind.SOIL_EC})
"""Kinds that have to be calibrated again and again."""


class RawScale(StrEnum):
    """What the raw numbers of a probe are."""

    VALUE = "value"
    """The quantity itself, as the device computes it, or a plain number of a soil probe."""
    MILLIVOLT = "millivolt"
    """The voltage of a pH electrode."""


class CalibrationWarning(StrEnum):
    """What is worth a second look though it was accepted; stable keys that screens translate."""

    SLOPE_WEAK = "slope_weak"
    """The electrode gives less than 90 % of what an ideal one gives: clean it, replace it soon."""
    TEMPERATURE_UNKNOWN = "temperature_unknown"
    """Nobody measured the solution, so the value on the bottle counts, which is that at 25 °C."""
    SOLUTION_UNKNOWN = "solution_unknown"
    """No table knows the solution at this temperature, so the value on the bottle counts."""


class CalibrationProblem(StrEnum):
    """Why points make no calibration; placeholder `problem` of the error, to be translated.

    Where numbers say it, they are in the placeholders `shown` and `limit`.
    """

    SAME_POINTS = "same_points"
    WRONG_ORDER = "wrong_order"
    """Most likely the solutions were mixed up."""
    TOO_CLOSE = "too_close"
    """Two buffers are nearly alike. `limit` in pH"""
    SLOPE = "slope"
    """The electrode gives too little or too much. `shown`, `limit` in percent of an ideal one"""
    OFFSET = "offset"
    """It shows pH 7 too far off. `shown`, `limit` in pH"""
    FACTOR = "factor"
    """Conductivity would have to be multiplied by too much or too little. `shown`, `limit`"""
    ZERO_ALONE = "zero_alone"
    """One point says nothing if it is 0."""
    NO_CONTRAST = "no_contrast"
    """A soil probe shows dry and wet nearly alike."""
    TEMPERATURE_NEEDED = "temperature_needed"
    """What a device does not compensate is compared at the temperature of the solution."""
    NOT_MILLIVOLT = "not_millivolt"
    """The device tells a pH, not millivolts. `shown` is its newest number"""
    NOT_PH = "not_ph"
    """The device tells no pH, most likely millivolts. `shown` is its newest number"""
    OTHER_SCALE = "other_scale"
    """A soil probe tells numbers of another scale than the points. `shown` is the newest"""
    HAS_CURVE = "has_curve"
    """The binding has a curve, which is a calibration already."""


class CalibrationPoint(Model):
    """What a probe showed in one known solution."""

    raw: float
    """What the probe showed, without any calibration; canonical unit or millivolts."""
    value: float
    """What stands on the bottle for 25 °C (pH, mS/cm); for soil the moisture. [%]"""
    temperature_c: float | None = Field(default=None, ge=-5, le=60)
    """Of the solution; none = not measured."""


class CalibrationFields(Model):
    """What a person measured to put one channel of a probe right."""

    kind: ChannelKind
    points: tuple[CalibrationPoint, ...] = Field(min_length=1, max_length=3)
    """pH: two or three; conductivity: one or two; soil moisture: dry and wet."""
    scale: RawScale = RawScale.VALUE
    compensated: bool = True
    """The device tells conductivity as at 25 °C already; false = as it is in the solution."""
    at: Instant | None = None
    """When; none = now. It counts for what is measured from then on."""


class Fit(Model):
    """What follows from a calibration."""

    curve: tuple[CurvePoint, ...] = Field(min_length=2, max_length=3)
    """Straight pieces from raw to value, by rising raw."""
    factor: float
    """Value = factor x raw + offset, from the first to the last point."""
    offset: float
    zero_shift: float | None = None
    """pH: how much too high the probe shows pH 7, in pH."""
    efficiency_ratio: float | None = None
    """pH: the weakest piece against an ideal electrode; conductivity: shown / true."""
    slope_mv_ph: float | None = None
    """pH from millivolts: the weakest piece. [mV per pH], negative."""
    temperature_c: float | None = None
    """pH from millivolts: of the solutions, to which the slope belongs; none = taken as 25."""
    warnings: tuple[CalibrationWarning, ...] = ()


class RawMapping(Model):
    """How the raw number of a channel comes from what its device says.

    Raw number = said number x factor + offset, in the canonical unit of the kind.
    """

    path: str | None = None
    """The field of the message."""
    factor: float
    """By which the number is multiplied, the unit included."""
    offset: float
    unit: str | None = None
    """The one that factor and offset include; none = of a version that took it for the canonical
    one where the channel named none."""
    decimal_comma: bool = False
    """The device writes 5,1 for five point one."""
    compensated: bool = True
    """As for a channel; true for whatever is no conductivity."""


class Calibration(Entity, CalibrationFields):
    """A calibration that was made; a later one takes its place, a wrong one is withdrawn."""

    probe_key: Key
    done_at: Instant
    fit: Fit
    mapping: RawMapping | None = None
    """Of the channel when it was made; under another one it does not count. None = not noted."""
    withdrawn_at: Instant | None = None
    """Since then it counts for nothing, though it stays on record."""
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None
    replaced_at: Instant | None = None
    """From then on another device measures, for which it does not count."""


class CalibrationState(StrEnum):
    """How old the last calibration of a channel is."""

    NOT_NEEDED = "not_needed"
    """This kind of value does not drift so that it has to be calibrated again and again."""
    NEVER = "never"
    REPLACED = "replaced"
    """Another device measures since the last one."""
    REMAPPED = "remapped"
    """Unit, factor, field or compensation of the channel are others since the last one."""
    WITHDRAWN = "withdrawn"
    """The last one was withdrawn, and without one its volts or counts mean nothing."""
    VALID = "valid"
    DUE = "due"
    """Old enough to warn."""
    EXPIRED = "expired"
    """Too old for automatic dosing."""


class CalibrationStatus(Model):
    """What the age of its calibration means for a channel."""

    kind: ChannelKind
    state: CalibrationState
    may_dose: bool
    """Whether automatic dosing may rely on it, as far as the calibration goes."""
    done_at: Instant | None = None
    """When it was last calibrated; none = never, or with another device or mapping, or what was
    done was withdrawn."""
    due_at: Instant | None = None
    expires_at: Instant | None = None


class Calibrations(Model):
    """The calibrations of a probe."""

    statuses: tuple[CalibrationStatus, ...]
    """One for each bound channel."""
    calibrations: tuple[Calibration, ...]
    """Newest first."""
