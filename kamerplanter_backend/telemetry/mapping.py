"""Topic and payload to samples in canonical units, by the bindings of a probe; never raises."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite, isnan, nan

from kamerplanter_backend.telemetry.payload import (
    MISSING,
    OFFLINE_WORDS,
    ONLINE_WORDS,
    Json,
    Missing,
    decode,
    device_problem,
    find,
    find_time,
    is_true,
    last_digit,
    needs_comma,
    parse_json,
    read_number,
    read_presence,
    read_time,
    without_groups,
)
from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Hint,
    Reason,
)
from kamerplanter_engines.probe_engine import curve_range
from kamerplanter_engines.raw_scale_engine import is_of_other_scale
from kamerplanter_engines.tables.channels import CHANNELS, FAR_BEYOND_CURVE_RATIO, VOLTS_HIGH
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
_LONGEST_WILL = max(map(len, OFFLINE_WORDS | ONLINE_WORDS)) + 2
"""The longest last will or birth word in quotation marks. [bytes]"""


class FieldReader:
    """Reads one channel out of messages; made once per binding because messages are many."""

    __slots__ = (
        "_conversion",
        "_has_raw_curve",
        "_is_exact",
        "_may_be_raw",
        "_may_be_volts",
        "_names_unit",
        "_spec",
        "_unit",
        "binding",
        "kind",
    )

    def __init__(self, binding: ChannelBinding) -> None:
        self.binding = binding
        self.kind: ChannelKind = binding.kind
        self._spec = CHANNELS[binding.kind]
        self._unit = self._spec.default_unit if binding.unit is None else binding.unit
        self._conversion: tuple[float, float] | None = None
        try:
            self._conversion = reading_conversion(binding.kind, self._unit)
        except UnknownUnitError:
            self._conversion = None
        self._is_exact = binding.factor == 1
        self._names_unit = bool(binding.unit)
        self._has_raw_curve = bool(binding.curve) and is_of_other_scale(binding.kind, binding.curve)
        self._may_be_raw = binding.kind in RAW_UNITS
        self._may_be_volts = binding.kind is ChannelKind.BATTERY and binding.unit is None

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
        return self._sample(text, None, None, received_at)

    def read_value(self, field: Json, received_at: datetime) -> Sample:
        """Return what one field says by itself."""
        return self._sample(field, None, None, received_at)

    def read_field(
        self, document: Json, received_at: datetime, times: dict[int, datetime | None] | None = None
    ) -> Sample:
        """Return what a JSON document says about this channel.

        Args:
            document: The message.
            received_at: When it came, UTC.
            times: The times that readers before this one have found, by the object they stood in.
        """
        binding = self.binding
        field, holder = find(document, binding.path or "")
        if isinstance(field, Missing):
            return self.missing(received_at, Reason.MISSING_FIELD)
        moment = self._time(document, holder, received_at, {} if times is None else times)
        if binding.guard_path is not None and not is_true(find(document, binding.guard_path)[0]):
            return self.missing(received_at, Reason.GUARD_FAILED)
        return self._sample(field, holder, moment, received_at)

    def read_entity(
        self, text: str, unit: str | None, at: datetime | None, received_at: datetime
    ) -> Sample:
        """Return what the state of an entity says; its own unit counts before the binding's.

        One that does not fit is no value: what it counts is something else. But which ppm it is,
        and how much light a lux is, the binding may know.
        """
        return self._sample(text, None, at, received_at, unit=unit or None)

    def _time(
        self,
        document: Json,
        holder: Json,
        received_at: datetime,
        times: dict[int, datetime | None],
    ) -> datetime | None:
        path = self.binding.time_path
        if path is None:
            place = id(holder)
            if place not in times:
                times[place] = find_time(document, holder, received_at)
            return times[place]
        field = find(document, path)[0]
        return None if isinstance(field, Missing) else read_time(field, received_at)

    def _sample(
        self,
        field: Json,
        holder: Json,
        moment: datetime | None,
        received_at: datetime,
        *,
        unit: str | None = None,
    ) -> Sample:
        number, unit_behind = read_number(field, decimal_comma=self.binding.decimal_comma)
        problem = device_problem(holder, number)
        if problem is not None or number is None:
            hint = Hint.LOOKS_LIKE_DECIMAL_COMMA if self.looks_like_comma(field) else None
            return self.missing(received_at, problem or Reason.NOT_A_NUMBER, hint)
        at = received_at if moment is None else moment
        has_time = moment is not None
        if self.binding.curve:
            known = Sample(self.kind, at, received_at, has_device_time=has_time)
            return self._on_curve(known, number, unit_behind or unit)
        factor = self.binding.factor
        step = last_digit(number, field) * factor
        number *= factor
        found, name = self._found(unit_behind, unit)
        if self._may_be_volts and unit_behind is None and unit is None:
            # Without a unit 1.66 may be volts and 0.89 a share of one: no percentage, surely.
            found = None if 0 < number < VOLTS_HIGH and not number.is_integer() else found
        if found is None:
            return self.missing(received_at, Reason.UNKNOWN_UNIT)
        value = number * found[0] + found[1]
        if not (self._is_exact and found == _AS_IT_IS) or step < _LAST_DIGIT_KEPT:
            value = round(value, _DIGITS_KEPT)
        is_possible = self._spec.physical_low <= value <= self._spec.physical_high
        is_raw = self._may_be_raw and is_raw_unit(self.kind, name)
        names_unit = bool(unit_behind or unit)
        # By position: to tell the fields by name would take twice as long.
        return Sample(
            self.kind,
            at,
            received_at,
            value,
            None,
            None if is_possible else _hint(self.kind, value, name),
            has_time,
            False,
            step * found[0],
            is_canonical=(self._names_unit or names_unit) and not is_raw,
            uncalibrated=is_raw,
            is_ready=is_possible and names_unit and not is_raw,
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
        raw = number * self.binding.factor
        value, is_far = read_curve(self.binding.curve, raw, self.kind)
        if isnan(value):
            return known._replace(problem=Reason.NOT_A_NUMBER)
        return known._replace(raw=value, out_of_curve=is_far)

    def _found(
        self, unit_behind: str | None, unit: str | None
    ) -> tuple[tuple[float, float] | None, str]:
        """Return the conversion and the unit: what stands in the message counts first."""
        if unit_behind is not None:
            try:
                return reading_conversion(self.kind, unit_behind), unit_behind
            except UnknownUnitError:
                if not self._knows_lamp(normalise_unit(unit_behind)):
                    return None, unit_behind
                return self._conversion, self._unit or ""
        if unit is not None:
            try:
                return reading_conversion(self.kind, unit), unit
            except UnknownUnitError:
                if not self._knows_better(normalise_unit(unit)):
                    return None, unit
        return self._conversion, self._unit or ""

    def _knows_better(self, unit: str) -> bool:
        """Tell whether the binding says what a unit leaves open: which ppm, or how many photons."""
        knows_scale = unit == PPM and normalise_unit(self._unit) in PPM_SCALES
        return knows_scale or self._knows_lamp(unit)

    def _knows_lamp(self, unit: str) -> bool:
        """Tell whether the factor of the binding says how many photons a lux of its light is."""
        is_flux = self._names_unit and normalise_unit(self._unit) == PPFD_UNIT
        return unit == LUX and is_flux and not self._is_exact


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
    document: Json | Missing = MISSING
    if [reader for reader in readers if reader.binding.path is not None]:
        document = parse_json(text)
    samples = []
    times: dict[int, datetime | None] = {}
    for reader in readers:
        if reader.binding.path is None:
            samples.append(reader.read_text(text, received_at))
        elif isinstance(document, Missing):
            samples.append(reader.missing(received_at, Reason.UNREADABLE))
        else:
            samples.append(reader.read_field(document, received_at, times))
    return tuple(samples)


def read_last_will(payload: bytes | str) -> bool | None:
    """Return whether a data topic carries a last will (false) or birth word (true)."""
    if len(payload) > _LONGEST_WILL:
        return None
    word = (decode(payload) or "").strip('"').casefold()
    if word in OFFLINE_WORDS:
        return False
    return True if word in ONLINE_WORDS else None


def read_availability(payload: bytes | str, availability: Availability) -> bool | None:
    """Return whether a device says that it is there; none = the message does not tell."""
    text = decode(payload)
    if text is None:
        return None
    document = parse_json(text)
    if isinstance(document, Missing):
        return read_presence(text)
    if availability.path is None:
        return read_presence(document)
    field = find(document, availability.path)[0]
    return None if isinstance(field, Missing) else read_presence(field)
