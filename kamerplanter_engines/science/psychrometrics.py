"""Water vapour in air: saturation, deficit, dew point."""

from math import exp, log

_A_KPA, _B, _C_C = 0.6108, 17.27, 237.3


def saturation_kpa(temperature_c: float) -> float:
    """Return the pressure of saturated water vapour; 2.338 at 20 °C [kPa].

    Args:
        temperature_c: Of air or leaf. [°C], -50 to 100.

    Source: [FAO56], equation 11.
    """
    return _A_KPA * exp(_B * temperature_c / (temperature_c + _C_C))


def vapour_kpa(temperature_c: float, humidity_pct: float) -> float:
    """Return the actual pressure of water vapour [kPa].

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        humidity_pct: Relative humidity. [%], 0 to 100.

    Source: [FAO56], equation 10.
    """
    return saturation_kpa(temperature_c) * humidity_pct / 100


def vpd_kpa(temperature_c: float, humidity_pct: float, leaf_c: float | None = None) -> float:
    """Return the vapour pressure deficit of the air or of a leaf [kPa].

    That of a leaf colder than the dew point is below 0: water condenses on it.

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        humidity_pct: Relative humidity. [%], 0 to 100.
        leaf_c: Temperature of the leaf; none = that of the air. [°C]

    Source: [FAO56], with the saturation at the leaf in place of the air.
    """
    surface_c = temperature_c if leaf_c is None else leaf_c
    return saturation_kpa(surface_c) - vapour_kpa(temperature_c, humidity_pct)


def dew_point_c(temperature_c: float, humidity_pct: float) -> float:
    """Return the temperature at which the water in the air begins to condense [°C].

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        humidity_pct: Relative humidity. [%], above 0 to 100.

    Source: [FAO56], equation 11 solved for the temperature.
    """
    share = log(vapour_kpa(temperature_c, humidity_pct) / _A_KPA)
    return _C_C * share / (_B - share)


def humidity_for_vpd_pct(temperature_c: float, wanted_kpa: float) -> float:
    """Return the relative humidity that gives the air a deficit, 0 to 100 [%].

    Args:
        temperature_c: Of the air. [°C], -50 to 100.
        wanted_kpa: The deficit. [kPa]; what no humidity gives is limited to 0 or 100.

    Source: [FAO56], solved for the humidity.
    """
    return min(max(100 * (1 - wanted_kpa / saturation_kpa(temperature_c)), 0.0), 100.0)
