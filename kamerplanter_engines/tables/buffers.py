"""What solutions for calibration are worth at a temperature.

Sources: [JISZ8802] for 4.01, 6.86, 9.18 and 10.01; [WaringPH] for the technical buffer 7.00;
[MettlerEC] for the conductivity of potassium chloride, one misprint put right. The value on the
bottle is that at 25 °C.
"""

from collections.abc import Mapping, Sequence

from kamerplanter_engines.science.electrochemistry import REFERENCE_C
from kamerplanter_engines.science.piecewise import along

type Table = Sequence[tuple[float, float]]
"""Temperature [°C] and value, by rising temperature."""

_DEGREES = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0)


def _table(*values: float) -> Table:
    return tuple(zip(_DEGREES, values, strict=False))


PH_BUFFERS: Mapping[float, Table] = {
    4.01: _table(4.01, 4.01, 4.00, 4.00, 4.00, 4.01, 4.01, 4.02, 4.03, 4.04, 4.06),
    6.86: _table(6.98, 6.95, 6.92, 6.90, 6.88, 6.86, 6.85, 6.84, 6.84, 6.83, 6.83),
    7.00: _table(7.12, 7.09, 7.06, 7.04, 7.02, 7.00, 6.99, 6.99, 6.98, 6.98, 6.97),
    9.18: _table(9.46, 9.39, 9.33, 9.27, 9.22, 9.18, 9.14, 9.10, 9.07, 9.04, 9.01),
    10.01: _table(10.32, 10.25, 10.18, 10.12, 10.06, 10.01, 9.97, 9.93),
}
"""pH by temperature, by the name of the buffer."""

_EC_DEGREES = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0)


def _ec_table(*values: float) -> Table:
    return tuple(zip(_EC_DEGREES, values, strict=True))


EC_STANDARDS: Mapping[float, Table] = {
    0.500: _ec_table(0.3153, 0.3596, 0.4029, 0.4515, 0.5000, 0.5485, 0.6025),
    # At 35 °C the source prints 1.667, which is 1.180 of the value at 25 °C. The same salt has
    # 1.195 in the row below and 1.196 by its ions [McCleskey2012], so that row's ratio counts.
    1.413: _ec_table(0.896, 1.020, 1.147, 1.278, 1.413, 1.552, 1.688),
    12.88: _ec_table(8.22, 9.33, 10.48, 11.67, 12.88, 14.12, 15.39),
}
"""Conductivity [mS/cm] by temperature, by the name of the standard."""

SAME_BUFFER = 0.02
"""4.00 and 4.01 are one recipe, and so are 10.00 and 10.01."""
SAME_STANDARD_RATIO = 0.02
"""1.408 and 1.413 mS/cm are one recipe in two units of amount."""


def buffer_ph(nominal: float, temperature_c: float) -> float | None:
    """Return the pH of a buffer at a temperature; none = the table does not tell.

    Args:
        nominal: The value on the bottle, at 25 °C.
        temperature_c: Of the buffer. [°C]; the tables hold 0 to 50, or less.
    """
    for name, table in PH_BUFFERS.items():
        if abs(name - nominal) <= SAME_BUFFER and _holds(table, temperature_c):
            return nominal + along(table, temperature_c) - along(table, REFERENCE_C)
    return None


def standard_ec_ms_cm(nominal: float, temperature_c: float) -> float | None:
    """Return the conductivity of a standard at a temperature; none = the table does not tell.

    Args:
        nominal: The value on the bottle, at 25 °C. [mS/cm], above 0.
        temperature_c: Of the solution. [°C]; the tables hold 5 to 35.
    """
    for name, table in EC_STANDARDS.items():
        is_same = abs(name - nominal) <= SAME_STANDARD_RATIO * name
        if is_same and _holds(table, temperature_c):
            return nominal * along(table, temperature_c) / along(table, REFERENCE_C)
    return None


def _holds(table: Table, temperature_c: float) -> bool:
    return table[0][0] <= temperature_c <= table[-1][0]
