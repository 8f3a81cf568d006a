"""Numbers that can be calculated with: what is none is refused by name, never answered.

Used where a function takes a number from outside; what comes from a model has been checked there.
"""

from math import isfinite

from kamerplanter_engines.errors import OutOfRangeError


def finite(field: str, value: float) -> float:
    """Return a number, if it is one.

    Args:
        field: What it is called where it came from.
        value: The number, of any unit.

    Raises:
        OutOfRangeError: It is infinite or not a number.
    """
    if not isfinite(value):
        raise OutOfRangeError(
            f"{field} {value} is no number to calculate with; give a finite one.",
            field=field,
            value=value,
        )
    return value


def within(field: str, value: float, low: float, high: float) -> float:
    """Return a number, if it lies within a range.

    Args:
        field: What it is called where it came from.
        value: The number.
        low: The lowest that is possible, in the same unit.
        high: The highest that is possible.

    Raises:
        OutOfRangeError: It lies outside, or is infinite or not a number.
    """
    if not low <= value <= high:
        raise OutOfRangeError(
            f"{field} {value} is not possible; give {low:g} to {high:g}.", field=field, value=value
        )
    return value
