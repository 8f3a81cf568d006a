"""Comparing a measured value with a limit, as far as a meter can tell the two apart."""


def steps(value: float, resolution: float) -> int:
    """Return a value in whole steps of a meter.

    Args:
        value: Any value.
        resolution: Finest step of the meter in the same unit, above 0.

    Source: own rule.
    """
    return round(value / resolution)


def is_above(
    value: float, limit: float, *, resolution: float, limit_is_outside: bool = False
) -> bool:
    """Tell whether a value is above its limit at the resolution of the meter.

    Args:
        value: The measured value.
        limit: The upper limit in the same unit.
        resolution: Finest step of the meter in the same unit, above 0.
        limit_is_outside: The limit itself is already too high.
    """
    difference = steps(value, resolution) - steps(limit, resolution)
    return difference >= 0 if limit_is_outside else difference > 0


def is_below(
    value: float, limit: float, *, resolution: float, limit_is_outside: bool = False
) -> bool:
    """Tell whether a value is below its limit at the resolution of the meter.

    Args:
        value: The measured value.
        limit: The lower limit in the same unit.
        resolution: Finest step of the meter in the same unit, above 0.
        limit_is_outside: The limit itself is already too low.
    """
    difference = steps(value, resolution) - steps(limit, resolution)
    return difference <= 0 if limit_is_outside else difference < 0


def release_margin(*, wanted: float, width: float, most_ratio: float) -> float:
    """Return how far inside its limit a value has to be until it counts as back.

    Args:
        wanted: The usual margin, 0 or more.
        width: Width of the band; a band that is turned round has none.
        most_ratio: Largest share of the band that a margin may take, 0 to 0.5.
    """
    return max(0.0, min(wanted, width * most_ratio))
