"""What an ideal pH electrode and a conductivity cell do at a temperature."""

from math import log

from kamerplanter_engines.checks import finite, within

GAS_CONSTANT = 8.314462618
"""[J/(mol K)], CODATA 2018."""
FARADAY_CONSTANT = 96485.33212
"""[C/mol], CODATA 2018."""
KELVIN_AT_0_C = 273.15
COLDEST_C, HOTTEST_C = -100.0, 200.0
"""Far beyond any liquid that an electrode is held in; nearer to 0 K a slope says nothing. [°C]"""
REFERENCE_C = 25.0
"""Conductivity is told as it would be at this temperature. [°C]"""
SMALLEST_SHARE = 0.4
"""What is left of the conductivity at 25 °C in the coldest liquid that is still one, at 2 %/K and
-5 °C; with less the line says nothing any more (ours)."""
NEUTRAL_PH = 7.0
"""Where usual electrodes give no voltage, whatever the temperature."""


def nernst_slope_mv(temperature_c: float) -> float:
    """Return how many millivolts an ideal electrode gives for one pH; 59.16 at 25 °C.

    Args:
        temperature_c: Of the liquid. [°C], -100 to 200.

    Raises:
        OutOfRangeError: The temperature lies outside, or is not a number.

    Source: [IUPAC2002], Nernst's equation.
    """
    kelvin = _kelvin("temperature_c", temperature_c)
    return 1000 * log(10) * GAS_CONSTANT * kelvin / FARADAY_CONSTANT


def ph_at_temperature(ph: float, calibrated_c: float, temperature_c: float) -> float:
    """Return a pH that was read with the slope of one temperature as it is at another one.

    Args:
        ph: As read by the slope of the calibration.
        calibrated_c: Temperature of the calibration. [°C], -100 to 200.
        temperature_c: Temperature of the liquid. [°C], -100 to 200.

    Raises:
        OutOfRangeError: A temperature lies outside, or a value is not a number.

    Source: [IUPAC2002]; the slope goes with the temperature in kelvin, around pH 7.
    """
    ratio = _kelvin("calibrated_c", calibrated_c) / _kelvin("temperature_c", temperature_c)
    return NEUTRAL_PH + (finite("ph", ph) - NEUTRAL_PH) * ratio


def _kelvin(field: str, celsius: float) -> float:
    return within(field, celsius, COLDEST_C, HOTTEST_C) + KELVIN_AT_0_C


def ec_at_25_ms_cm(
    ec_ms_cm: float, temperature_c: float, coefficient_pct_per_k: float = 2.0
) -> float | None:
    """Return the conductivity that a solution would have at 25 °C; none = it cannot be told.

    At 25 °C it would be at most two and a half times as much: beyond that, far from 25 °C with a
    large coefficient, the straight line goes to zero, and no solution does.

    Args:
        ec_ms_cm: As it is at its temperature. [mS/cm], 0 or more.
        temperature_c: Of the solution. [°C], 0 to 50.
        coefficient_pct_per_k: Change per kelvin, as a share of the value at 25 °C. [%/K]

    Raises:
        OutOfRangeError: A value is infinite or not a number.

    Source: [ISO7888], linear compensation.
    """
    finite("ec_ms_cm", ec_ms_cm)
    share = _share(temperature_c, coefficient_pct_per_k)
    return None if share < SMALLEST_SHARE else ec_ms_cm / share


def ec_at_temperature_ms_cm(
    ec_25_ms_cm: float, temperature_c: float, coefficient_pct_per_k: float = 2.0
) -> float | None:
    """Return the conductivity that a solution has at its temperature; none = it cannot be told.

    The other way round than `ec_at_25_ms_cm`, with its ranges, errors and source.
    """
    finite("ec_25_ms_cm", ec_25_ms_cm)
    share = _share(temperature_c, coefficient_pct_per_k)
    return None if share < SMALLEST_SHARE else ec_25_ms_cm * share


def _share(temperature_c: float, coefficient_pct_per_k: float) -> float:
    finite("temperature_c", temperature_c)
    finite("coefficient_pct_per_k", coefficient_pct_per_k)
    return 1 + coefficient_pct_per_k / 100 * (temperature_c - REFERENCE_C)
