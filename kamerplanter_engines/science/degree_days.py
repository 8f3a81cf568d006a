"""Warmth that plants have had, in degree days."""

from kamerplanter_engines.checks import finite


def degree_days_c_d(
    low_c: float, high_c: float, base_c: float, *, upper_c: float | None = None
) -> float:
    """Return the degree days of one day from its lowest and highest temperature [°C d].

    Args:
        low_c: Lowest temperature of the day. [°C], not above `high_c`.
        high_c: Highest temperature of the day. [°C]
        base_c: Below this nothing grows. [°C]
        upper_c: What is warmer counts as this; none = no such limit. [°C], not below `base_c`.

    Raises:
        OutOfRangeError: A temperature is infinite or not a number.

    Source: [McMaster1997], method 1: the mean is compared with the base. With an upper limit, both
        temperatures are limited to it before.
    """
    finite("low_c", low_c)
    finite("high_c", high_c)
    finite("base_c", base_c)
    if upper_c is not None:
        finite("upper_c", upper_c)
        low_c, high_c = min(low_c, upper_c), min(high_c, upper_c)
    return max(0.0, (low_c + high_c) / 2 - base_c)
