"""Topic and payload to samples in canonical units, by the bindings of a probe; never raises."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite, isnan, nan
from typing import NamedTuple

from kamerplanter_backend.telemetry.messages import field_names
from kamerplanter_backend.telemetry.messages.payload import (
    NOTHING_BESIDE,
    Beside,
    Json,
    Missing,
    decode,
    find,
    is_true,
    last_digit,
    needs_comma,
    parse_json,
    read_number,
    read_time,
    said_beside,
    without_groups,
)
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Hint,
    Reason,
)
from kamerplanter_engines.probe_engine import curve_range
from kamerplanter_engines.raw_scale_engine import is_of_other_scale
from kamerplanter_engines.tables.channels import (
    CHANNELS,
    FAR_BEYOND_CURVE_RATIO,
    NO_LIGHT_LUX,
    VOLTS_HIGH,
)
from kamerplanter_engines.telemetry_engine import Sample
from kamerplanter_engines.units import (
    LUX,
    PPFD_UNIT,
    PPM,
    PPM_SCALES,
    RAW_UNITS,
    conversion,
    fahrenheit_to_celsius,
    is_raw_unit,
    normalise_unit,
    reading_conversion,
    unit_fault,
)

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""A reading needs a moment; a guess has none."""
_DIGITS_KEPT = 9
"""Hides what binary fractions add, so that 337 tenths are 33.7."""
_LAST_DIGIT_KEPT = 10.0**-_DIGITS_KEPT
_AS_IT_IS = (1.0, 0.0)
"""The conversion of a number that is sent in the canonical unit."""


class _Scale(NamedTuple):
    """What a number means that is told in one unit."""

    per_unit: float
    offset: float
    unit: str
    is_exact: bool
    """The number, with its factor, is the value."""
    is_canonical: bool
    """The binding or the message says that it is a unit of the kind."""
    is_raw: bool
    """It is that of a bare electrode."""
    is_ready: bool
    """The message says that it is a unit of the kind."""


class FieldReader:
    """Reads one channel out of messages; made once per binding because messages are many."""

    __slots__ = (
        "_comma",
        "_curve",
        "_factor",
        "_guard_path",
        "_has_raw_curve",
        "_high",
        "_is_charge",
        "_low",
        "_may_be_volts",
        "_names_lux",
        "_names_unit",
        "_scale",
        "_spec",
        "_time_path",
        "_unit",
        "binding",
        "kind",
        "path",
    )

    def __init__(self, binding: ChannelBinding) -> None:
        self.binding = binding
        self.kind: ChannelKind = binding.kind
        self._spec = CHANNELS[binding.kind]
        self._unit = self._spec.default_unit if binding.unit is None else binding.unit
        self._low, self._high = self._spec.physical_low, self._spec.physical_high
        # Kept here, as to ask the model for a field takes several times as long.
        self.path = binding.path
        self._time_path, self._guard_path = binding.time_path, binding.guard_path
        self._curve = binding.curve
        self._factor = binding.factor
        self._comma = binding.decimal_comma
        self._names_unit = bool(binding.unit)
        self._has_raw_curve = bool(binding.curve) and is_of_other_scale(binding.kind, binding.curve)
        is_battery = binding.kind is ChannelKind.BATTERY
        self._may_be_volts = is_battery and binding.unit is None
        # A curve or a factor says how much of the battery is left by its volts.
        self._is_charge = is_battery and not binding.curve and binding.factor == 1
        self._names_lux = binding.kind is ChannelKind.PPFD and field_names.names_lux(binding)
        is_named_volts = self._is_charge and field_names.names_volts(binding)
        self._scale = None if is_named_volts else self._own_scale(is_said=False)

    def missing(self, received_at: datetime, problem: Reason, hint: Hint | None = None) -> Sample:
        """Return that a message holds no value of this channel."""
        return Sample(self.kind, received_at, received_at, problem=problem, hint=hint)

    def looks_like_comma(self, field: Json) -> bool:
        """Tell whether a field is a plausible value of the kind, if its comma is a decimal one.

        A comma that may group digits, as in 1,234, is taken for one only where the number of
        thousands would be no value of this kind.
        """
        if self.binding.decimal_comma or not isinstance(field, str) or not needs_comma(field):
            return False
        if not self._is_plausible(_with_comma(self.binding), field):
            return False
        whole = without_groups(field)
        return whole is None or not self._is_plausible(self, whole)

    def _is_plausible(self, reader: FieldReader, text: str) -> bool:
        value = reader.read_text(text, _ANY_TIME).raw
        low, high = self._spec.plausible_low, self._spec.plausible_high
        low = self._spec.physical_low if low is None else low
        high = self._spec.physical_high if high is None else high
        return value is not None and low <= value <= high

    def read_text(self, text: str, received_at: datetime) -> Sample:
        """Return what a payload says that is nothing but the value."""
        return self._sample(text, NOTHING_BESIDE, None, received_at)

    def read_value(self, field: Json, received_at: datetime) -> Sample:
        """Return what one field says by itself."""
        return self._sample(field, NOTHING_BESIDE, None, received_at)

    def read_field(
        self, document: Json, received_at: datetime, beside: dict[int, Beside]
    ) -> Sample:
        """Return what a JSON document says about this channel.

        Args:
            document: The message.
            received_at: When it came, UTC.
            beside: What readers before this one have found, by the object it stands in.
        """
        field, holder = find(document, self.path or "")
        if isinstance(field, Missing):
            return self.missing(received_at, Reason.MISSING_FIELD)
        said = beside.get(id(holder))
        if said is None:
            said = beside[id(holder)] = said_beside(document, holder, received_at)
        moment = said.moment
        if self._time_path is not None:
            own = find(document, self._time_path)[0]
            moment = None if isinstance(own, Missing) else read_time(own, received_at)
        if self._guard_path is not None and not is_true(find(document, self._guard_path)[0]):
            return self.missing(received_at, Reason.GUARD_FAILED)
        if self._is_charge and field_names.says_volts(holder, self.path or ""):
            return self.missing(received_at, Reason.UNKNOWN_UNIT)
        return self._sample(field, said, moment, received_at)

    def read_entity(
        self, text: str, unit: str | None, at: datetime | None, received_at: datetime
    ) -> Sample:
        """Return what the state of an entity says; its own unit counts before the binding's.

        One that does not fit is no value: what it counts is something else. But which ppm it is,
        and how much light a lux is, the binding may know.
        """
        return self._sample(text, NOTHING_BESIDE, at, received_at, unit or None)

    def _sample(
        self,
        field: Json,
        beside: Beside,
        moment: datetime | None,
        received_at: datetime,
        unit: str | None = None,
    ) -> Sample:
        number, unit_behind = read_number(field, decimal_comma=self._comma)
        problem = beside.word_problem if number is None else beside.number_problem
        if problem is not None or number is None:
            hint = Hint.LOOKS_LIKE_DECIMAL_COMMA if self.looks_like_comma(field) else None
            return self.missing(received_at, problem or Reason.NOT_A_NUMBER, hint)
        if number <= NO_LIGHT_LUX and self._is_lux(unit_behind or unit):
            return self.missing(received_at, Reason.OUTSIDE_PHYSICAL)
        has_time = moment is not None
        at = received_at if moment is None else moment
        if self._curve:
            known = Sample(self.kind, at, received_at, has_device_time=has_time)
            return self._on_curve(known, number, unit_behind or unit)
        step = last_digit(number, field) * self._factor
        number *= self._factor
        scale = self._scale
        if unit_behind is not None or unit is not None:
            scale = self._scale_of(unit_behind, unit)
        elif self._may_be_volts and 0 < number < VOLTS_HIGH and step < 1:
            # Without a unit 1.66 and 3.0 may be volts, 0.89 a share of one: no percentage, surely.
            scale = None
        if scale is None:
            return self.missing(received_at, Reason.UNKNOWN_UNIT)
        value = number * scale.per_unit + scale.offset
        if not scale.is_exact or step < _LAST_DIGIT_KEPT:
            value = round(value, _DIGITS_KEPT)
        is_possible = self._low <= value <= self._high
        # By position: to tell the fields by name would take twice as long.
        return Sample(
            self.kind,
            at,
            received_at,
            value,
            None,
            None if is_possible else _hint(self.kind, value, scale.unit),
            has_time,
            False,  # not out of a curve
            step * scale.per_unit,
            None,  # not calibrated
            True,
            False,
            scale.is_canonical,
            scale.is_raw,
            False,  # not calibrating
            is_possible and scale.is_ready,
        )

    def _on_curve(self, known: Sample, number: float, unit: str | None) -> Sample:
        """Return what a number means on a channel with a curve.

        A curve for volts or counts is for bare numbers. One that comes with a unit of the kind is
        ready, as far as it can be true in it.
        """
        if unit and self._has_raw_curve and unit_fault(self.kind, unit) is None:
            per_unit, offset = conversion(self.kind, unit)
            ready = round(number * per_unit + offset, _DIGITS_KEPT)
            if self._spec.physical_low <= ready <= self._spec.physical_high:
                return known._replace(
                    raw=ready,
                    step=last_digit(number) * per_unit,
                    is_canonical=True,
                    is_ready=True,
                )
        raw = number * self._factor
        value, is_far = read_curve(self._curve, raw, self.kind)
        if isnan(value):
            return known._replace(problem=Reason.NOT_A_NUMBER)
        return known._replace(raw=value, out_of_curve=is_far)

    def _scale_of(self, unit_behind: str | None, unit: str | None) -> _Scale | None:
        """Return what a unit in a message means; one that stands behind the number counts first."""
        said, knows = unit, self._knows_better
        if unit_behind is not None:
            said, knows = unit_behind, self._knows_by_factor
        try:
            return self._scale_in(said, is_said=True)
        except UnknownUnitError:
            return self._own_scale(is_said=True) if knows(normalise_unit(said or "")) else None

    def _own_scale(self, *, is_said: bool) -> _Scale | None:
        """Return what a number means in the unit of the binding."""
        try:
            return self._scale_in(self._unit, is_said=is_said)
        except UnknownUnitError:
            return None

    def _scale_in(self, unit: str | None, *, is_said: bool) -> _Scale:
        kind = self.kind
        per_unit, offset = reading_conversion(kind, unit)
        is_raw = kind in RAW_UNITS and is_raw_unit(kind, unit or "")
        names_unit = is_said or self._names_unit
        return _Scale(
            per_unit,
            offset,
            unit or "",
            self._factor == 1 and (per_unit, offset) == _AS_IT_IS,
            names_unit and not is_raw,
            is_raw,
            is_said and not is_raw,
        )

    def _is_lux(self, unit: str | None) -> bool:
        """Tell whether a number is one of lux, by its unit or else by the name of its field."""
        if unit is None:
            return self._names_lux
        return self.kind is ChannelKind.PPFD and normalise_unit(unit) == LUX

    def _knows_better(self, unit: str) -> bool:
        """Tell whether the binding says what a unit leaves open: which ppm, or how many photons."""
        knows_scale = unit == PPM and normalise_unit(self._unit) in PPM_SCALES
        return knows_scale or self._knows_by_factor(unit)

    def _knows_by_factor(self, unit: str) -> bool:
        """Tell whether the factor says what a lux of the light, or a volt of the battery, is."""
        if self.kind is ChannelKind.BATTERY:
            return self._factor != 1 and field_names.is_volts(unit)
        is_flux = self._names_unit and normalise_unit(self._unit) == PPFD_UNIT
        return unit == LUX and is_flux and self._factor != 1


@lru_cache(maxsize=256)
def _with_comma(binding: ChannelBinding) -> FieldReader:
    return FieldReader(binding.model_copy(update={"decimal_comma": True}))


def _hint(kind: ChannelKind, value: float, unit: str) -> Hint | None:
    """Return what an impossible value would be in the unit that is often meant instead."""
    spec = CHANNELS[kind]
    if kind in (ChannelKind.EC, ChannelKind.SOIL_EC):
        is_milli = normalise_unit(unit) in ("mS/cm", "dS/m")
        fits = spec.physical_low < value / 1000 <= spec.physical_high
        return Hint.LOOKS_LIKE_US_CM if is_milli and fits else None
    if spec.is_temperature and normalise_unit(unit) == "°C":
        fits = spec.physical_low <= fahrenheit_to_celsius(value) <= spec.physical_high
        # 85 is rather the power-on value of a Dallas probe, which reads 29 as °F.
        is_signature = value == 85  # noqa: PLR2004
        return Hint.LOOKS_LIKE_FAHRENHEIT if fits and not is_signature else None
    return None


def read_curve(
    curve: Sequence[CurvePoint], raw: float, kind: ChannelKind = ChannelKind.SOIL_MOISTURE
) -> tuple[float, bool]:
    """Return the value of a raw number, straight between the points, and if it lies far outside.

    Beyond the ends the line goes on until it meets the end of the scale. A curve that an older
    version took in, so wide that nobody can say where on it a number lies, gives none.
    """
    points = sorted(curve, key=lambda point: point.raw)
    first, last = points[0], points[-1]
    span = last.raw - first.raw
    if not isfinite(span):
        return nan, True
    outside = max(first.raw - raw, raw - last.raw, 0.0)
    upper = next((i for i, point in enumerate(points) if raw <= point.raw), len(points) - 1)
    left, right = points[max(upper, 1) - 1], points[max(upper, 1)]
    share = (raw - left.raw) / (right.raw - left.raw)
    value = left.value + share * (right.value - left.value)
    low, high = curve_range(kind)
    limited = min(max(value, low), high)
    return round(limited, _DIGITS_KEPT), outside > FAR_BEYOND_CURVE_RATIO * span


def read_payload(payload: bytes | str, binding: ChannelBinding, received_at: datetime) -> Sample:
    """Return what one payload says about one binding."""
    return read_message(payload, (FieldReader(binding),), received_at)[0]


def read_message(
    payload: bytes | str, readers: Sequence[FieldReader], received_at: datetime
) -> tuple[Sample, ...]:
    """Return one sample per reader; what cannot be read says why.

    Args:
        payload: As it came from the broker.
        readers: Those of the bindings on this topic.
        received_at: When it came, UTC.
    """
    text = decode(payload)
    if text is None:
        return tuple(reader.missing(received_at, Reason.UNREADABLE) for reader in readers)
    if not text:  # how a retained message is cleared
        return ()
    document: Json | Missing = None
    samples = []
    beside: dict[int, Beside] = {}
    for reader in readers:
        if reader.path is None:
            samples.append(reader.read_text(text, received_at))
            continue
        if document is None:
            document = parse_json(text)
        if isinstance(document, Missing):
            samples.append(reader.missing(received_at, Reason.UNREADABLE))
        else:
            samples.append(reader.read_field(document, received_at, beside))
    return tuple(samples)
