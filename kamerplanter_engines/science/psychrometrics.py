"""Water vapour in air: saturation, deficit, dew point."""

from math import exp, log

from kamerplanter_engines.checks import finite, within
from kamerplanter_engines.errors import OutOfRangeError

COLDEST_C, HOTTEST_C = -150.0, 150.0
"""Beyond the range of the formula, as a dew point lies far below the air; nearer to the pole of the
formula it says nothing. [°C]"""
_A_KPA, _B, _C_C = 0.6108, 17.27, 237.3


def saturation_kpa(temperature_c: float) -> float:
    """Return the pressure of saturated water vapour; 2.338 at 20 °C [kPa].

    Args:
        temperature_c: Of air or leaf. [°C], -50 to 100.

    Raises:
        OutOfRangeError: A value is impossible or not a number.

    Source: [FAO56], equation 11.
    """
    within("temperature_c", temperature_c, COLDEST_C, HOTTEST_C)
    return _A_KPA * exp(_B * temperature_c / (temperature_c + _C_C))


def vapour_kpa(temperature_c: float, humidity_pct: float) -> float:
    """Return the actual pressure of water vapour [kPa].

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        humidity_pct: Relative humidity. [%], 0 to 100.

    Raises:
        OutOfRangeError: A value is impossible or not a number.

    Source: [FAO56], equation 10.
    """
    return saturation_kpa(temperature_c) * within("humidity_pct", humidity_pct, 0, 100) / 100


def vpd_kpa(temperature_c: float, humidity_pct: float, leaf_c: float | None = None) -> float:
    """Return the vapour pressure deficit of the air or of a leaf [kPa].

    That of a leaf colder than the dew point is below 0: water condenses on it.

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        humidity_pct: Relative humidity. [%], 0 to 100.
        leaf_c: Temperature of the leaf; none = that of the air. [°C]

    Raises:
        OutOfRangeError: A value is impossible or not a number.

    Source: [FAO56], with the saturation at the leaf in place of the air.
    """
    if leaf_c is not None:
        within("leaf_c", leaf_c, COLDEST_C, HOTTEST_C)
    surface_c = temperature_c if leaf_c is None else leaf_c
    return saturation_kpa(surface_c) - vapour_kpa(temperature_c, humidity_pct)


def dew_point_c(temperature_c: float, humidity_pct: float) -> float:
    """Return the temperature at which the water in the air begins to condense [°C].

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        humidity_pct: Relative humidity. [%], above 0 to 100.

    Raises:
        OutOfRangeError: A value is impossible or not a number.

    Source: [FAO56], equation 11 solved for the temperature.
    """
    vapour = vapour_kpa(temperature_c, humidity_pct)
    if vapour <= 0:
        raise OutOfRangeError(
            f"humidity_pct {humidity_pct} has no dew point, as the air is perfectly dry; "
            "give more than 0.",
            field="humidity_pct",
            value=humidity_pct,
        )
    share = log(vapour / _A_KPA)
    return _C_C * share / (_B - share)


def humidity_for_vpd_pct(temperature_c: float, wanted_kpa: float) -> float:
    """Return the relative humidity that gives the air a deficit, 0 to 100 [%].

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        wanted_kpa: The deficit. [kPa]; what no humidity gives is limited to 0 or 100.

    Raises:
        OutOfRangeError: A value is impossible or not a number.

    Source: [FAO56], solved for the humidity.
    """
    finite("wanted_kpa", wanted_kpa)
    return min(max(100 * (1 - wanted_kpa / saturation_kpa(temperature_c)), 0.0), 100.0)
