"""Says whether a calibration was made on the numbers that a channel gives now."""

from collections.abc import Iterable
from math import isclose

from kamerplanter_engines.errors import UnknownUnitError
from kamerplanter_engines.models.calibration import Calibration, RawMapping, RawScale
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.units import (
    RAW_UNITS,
    conversion,
    is_raw_unit,
    reading_conversion,
    unit_fault,
)

CONDUCTIVITIES = frozenset({ChannelKind.EC, ChannelKind.SOIL_EC})
"""Kinds that a device may tell as at 25 °C or as they are in the liquid."""

_AS_IT_IS = (1.0, 0.0)
_SAME_RATIO = 1e-9
"""Hides what binary fractions add."""


def mapping_of(binding: ChannelBinding) -> RawMapping:
    """Return how a binding makes a raw number of what a device says.

    A unit that does not belong to the kind gives no number, but for a device that says its unit
    itself; so it changes nothing. Without one it is the usual one of the kind, as when reading.

    Source: own rule.
    """
    usual = CHANNELS[binding.kind].default_unit
    unit = usual if binding.unit is None else binding.unit
    try:
        found = reading_conversion(binding.kind, unit)
    except UnknownUnitError:
        unit = usual
        found = conversion(binding.kind, usual)
    return _mapping(binding, unit, found)


def _mapping(binding: ChannelBinding, unit: str | None, found: tuple[float, float]) -> RawMapping:
    per_unit, offset = found
    return RawMapping(
        path=binding.path,
        factor=binding.factor * per_unit,
        offset=offset,
        unit=unit,
        decimal_comma=binding.decimal_comma,
        compensated=binding.compensated or binding.kind not in CONDUCTIVITIES,
    )


def counts_for(calibration: Calibration, binding: ChannelBinding) -> bool:
    """Tell whether a calibration puts right what a binding gives.

    Another unit, factor, field, comma or compensation makes other numbers of what the device says,
    for which it would be wrong; it counts again where that is taken back. Topic and entity may
    change: devices are renamed, and that one is exchanged is said otherwise. A curve is a
    calibration already.

    Args:
        calibration: One of the probe.
        binding: The channel as it is bound now.

    Source: own rule.
    """
    if calibration.kind is not binding.kind or binding.curve:
        return False
    if not _is_same_scale(calibration, binding):
        return False
    now, then = mapping_of(binding), calibration.mapping
    if then is None:  # of a version that did not note it; conductivity always did in part
        is_same = calibration.compensated == now.compensated
        return is_same or binding.kind not in CONDUCTIVITIES
    if is_same_mapping(then, now):
        return then.unit is not None or not _may_be_another(binding)
    # It was noted as in the canonical unit, though it was read in the usual one.
    is_unsaid = then.unit is None and binding.unit is None
    return is_unsaid and is_same_mapping(then, _mapping(binding, None, _AS_IT_IS))


def _is_same_scale(calibration: Calibration, binding: ChannelBinding) -> bool:
    """Tell whether a calibration is in what a channel says that it tells: a voltage or a value.

    A channel that names no unit tells what it was calibrated in. One that named its kind's when it
    was calibrated in millivolts does so still.
    """
    if binding.unit is None or binding.kind not in RAW_UNITS:
        return True
    is_voltage = calibration.scale is RawScale.MILLIVOLT
    if is_raw_unit(binding.kind, binding.unit):
        return is_voltage
    then = calibration.mapping
    return not is_voltage or then is None or then.unit not in ("", *RAW_UNITS[binding.kind])


def _may_be_another(binding: ChannelBinding) -> bool:
    """Tell whether a note without a unit may be of a channel that makes other numbers.

    That of a channel without a unit was noted as if it had named the canonical one. Where another
    one is usual, nobody can tell them apart.
    """
    usual = CHANNELS[binding.kind].default_unit
    if binding.unit is None or conversion(binding.kind, usual) == _AS_IT_IS:
        return False
    return unit_fault(binding.kind, binding.unit) is None and (
        conversion(binding.kind, binding.unit) == _AS_IT_IS
    )


def is_same_mapping(one: RawMapping, other: RawMapping) -> bool:
    """Tell whether two mappings make the same number of what a device says, however written."""
    return (
        (one.path, one.decimal_comma, one.compensated)
        == (other.path, other.decimal_comma, other.compensated)
        and isclose(one.factor, other.factor, rel_tol=_SAME_RATIO)
        and isclose(one.offset, other.offset, rel_tol=_SAME_RATIO, abs_tol=_SAME_RATIO)
    )


def gives_same_numbers(one: ChannelBinding, other: ChannelBinding) -> bool:
    """Tell whether two bindings make the same numbers of what the same source says.

    Args:
        one: A channel as it was bound.
        other: One of the same kind.

    Source: own rule.
    """
    mapping = mapping_of(one)
    return (
        (one.topic, one.entity_id, one.curve) == (other.topic, other.entity_id, other.curve)
        and is_same_mapping(mapping, mapping_of(other))
        and (
            mapping.compensated
            or one.temperature_coefficient_pct == other.temperature_coefficient_pct
        )
    )


def of_present_mapping(
    calibrations: Iterable[Calibration], channels: Iterable[ChannelBinding]
) -> tuple[Calibration, ...]:
    """Return those calibrations that put right what the channels of their probe give now.

    Args:
        calibrations: Those of one probe, in any order, which stays.
        channels: Its channels as they are bound now.

    Source: own rule.
    """
    bound = {item.kind: item for item in channels}
    return tuple(
        item for item in calibrations if item.kind in bound and counts_for(item, bound[item.kind])
    )
