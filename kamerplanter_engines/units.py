"""Units that devices and people use, converted once, where a value enters.

Inside, conductivity is mS/cm at 25 °C, temperature °C, volume L, oxygen mg/L, redox potential mV,
signal strength dBm, photon flux µmol/(m² s); shares are percent and pH has no unit.  Kinds are
the values of `ChannelKind`; they are plain text here, because models stand above units.
"""

import re
from functools import lru_cache
from unicodedata import normalize

from kamerplanter_engines.errors import UnknownUnitError

L_PER_US_GALLON = 3.785411784
"""Exact by definition (231 cubic inches)."""
ML_PER_US_FLUID_OUNCE = 29.5735295625
"""Exact by definition (1/128 US gallon)."""

_CONDUCTIVITY = {
    "mS/cm": 1.0,
    "µS/cm": 1e-3,
    "dS/m": 1.0,
    "S/m": 10.0,
    "S/cm": 1000.0,
    "mS/m": 0.01,
    # Conductivity factor, as meters for hydroponics show it.
    "CF": 0.1,
    # A TDS meter shows mg/L of an assumed salt; its scale says how many per mS/cm.
    "ppm500": 1 / 500,
    "ppm640": 1 / 640,
    "ppm700": 1 / 700,
}
_KELVIN_AT_0_C = 273.15
PPFD_UNIT = "µmol/m²/s"
LUX = "lx"
SUN_UMOL_PER_LUX = 0.0185
"""Of daylight; each lamp has a factor of its own. [µmol/(m² s) per lx], [Apogee]"""
# unit -> (factor, offset): canonical = value * factor + offset
_BY_QUANTITY: dict[str, dict[str, tuple[float, float]]] = {
    "conductivity": {unit: (factor, 0.0) for unit, factor in _CONDUCTIVITY.items()},
    "temperature": {
        "°C": (1.0, 0.0),
        "°F": (1 / 1.8, -32 / 1.8),
        "K": (1.0, -_KELVIN_AT_0_C),
    },
    "share": {"%": (1.0, 0.0)},
    # Volts are no share: what is left depends on the cell and on the cold.
    "charge": {"%": (1.0, 0.0), "fraction": (100.0, 0.0)},
    # In water a millionth of the mass is a milligram per litre.
    "oxygen": {"mg/L": (1.0, 0.0), "ppm": (1.0, 0.0)},
    "voltage": {"mV": (1.0, 0.0), "V": (1000.0, 0.0)},
    "radio": {"dBm": (1.0, 0.0)},
    "light": {PPFD_UNIT: (1.0, 0.0)},
    "ph": {"": (1.0, 0.0), "pH": (1.0, 0.0)},
}
_QUANTITIES = {
    "ec": "conductivity",
    "soil_ec": "conductivity",
    "ph": "ph",
    "water_temperature": "temperature",
    "soil_temperature": "temperature",
    "level": "share",
    "soil_moisture": "share",
    "dissolved_oxygen": "oxygen",
    "orp": "voltage",
    "battery": "charge",
    "signal": "radio",
    "air_temperature": "temperature",
    "leaf_temperature": "temperature",
    "air_humidity": "share",
    "ppfd": "light",
}

KNOWN_UNITS: dict[str, tuple[str, ...]] = {
    kind: tuple(_BY_QUANTITY[quantity]) for kind, quantity in _QUANTITIES.items()
}
"""What a device may send, by kind; the canonical unit comes first."""

_RAW_QUANTITIES = {"ph": "voltage"}
RAW_UNITS: dict[str, tuple[str, ...]] = {
    kind: tuple(_BY_QUANTITY[quantity]) for kind, quantity in _RAW_QUANTITIES.items()
}
"""What a bare electrode tells, by kind: no value of it until a calibration makes one of it."""
READING_UNITS: dict[str, tuple[str, ...]] = {
    kind: units + RAW_UNITS.get(kind, ()) for kind, units in KNOWN_UNITS.items()
}
"""What a channel may be bound in, by kind; raw ones come last."""

PPM = "ppm"
PPM_SCALES = frozenset(unit for unit in _CONDUCTIVITY if unit.startswith(PPM))
"""Units of conductivity that a device may call just ppm; which one it is, it does not say."""

_ALIASES = {
    "c": "°C",
    "degc": "°C",
    "celsius": "°C",
    "f": "°F",
    "degf": "°F",
    "fahrenheit": "°F",
    "kelvin": "K",
    "percent": "%",
    "pct": "%",
    "%vwc": "%",
    "%rh": "%",
    "rh": "%",
    "us/cm": "µS/cm",
    "lux": LUX,
    "lx": LUX,
}
_BY_FOLDED_NAME = {
    normalize("NFKC", unit).casefold(): unit for units in _BY_QUANTITY.values() for unit in units
} | _ALIASES
_NOISE = re.compile(r"[\s()@_]+")
_BETWEEN_FACTORS = re.compile(r"[·⋅.*^]+")
_MINUS = str.maketrans("\u2212\u2010\u2013", "---")
_PHOTON_FLUXES = frozenset(
    f"{mol}{area_and_time}"
    for mol in ("μmol", "umol")
    for area_and_time in ("/m2/s", "/m2s", "m-2s-1", "/s/m2", "/sm2", "s-1m-2")
)


def normalise_unit(text: str) -> str:
    """Return the spelling of a unit that this module uses; unknown text comes back stripped.

    Both micro signs, `uS/cm`, `degC`, `℃`, `µmol m⁻² s⁻¹` and any letter case are understood.
    """
    folded = _NOISE.sub("", normalize("NFKC", text)).casefold()
    found = _BY_FOLDED_NAME.get(folded)
    if found is None:
        flux = _BETWEEN_FACTORS.sub("", folded.translate(_MINUS))
        found = PPFD_UNIT if flux in _PHOTON_FLUXES else text.strip()
    return found


@lru_cache(maxsize=256)
def conversion(kind: str, unit: str | None) -> tuple[float, float]:
    """Return factor and offset with which a number in `unit` becomes canonical.

    `None` is the canonical unit of the kind.

    Raises:
        UnknownUnitError: The unit does not belong to the kind; ppm without a scale is one, and
            lux, which says nothing of photons without the factor of the lamp.
    """
    units = _BY_QUANTITY[_QUANTITIES[kind]]
    if unit is None:
        return 1.0, 0.0
    found = units.get(normalise_unit(unit))
    if found is None:
        allowed = ", ".join(name for name in units if name)
        fix = f"use one of: {allowed}."
        if PPFD_UNIT in units and normalise_unit(unit) == LUX:
            fix = (
                f"give {PPFD_UNIT} and, as factor, how many of it one lx of this light is "
                f"(sun {SUN_UMOL_PER_LUX:g}; each lamp has its own)."
            )
        raise UnknownUnitError(
            f"Unit {unit!r} does not belong to {kind}; {fix}",
            field="unit",
            value=unit,
            allowed=allowed,
        )
    return found


def is_raw_unit(kind: str, unit: str | None) -> bool:
    """Tell whether a unit is that of a bare electrode, which has to be calibrated in it."""
    return unit is not None and normalise_unit(unit) in RAW_UNITS.get(kind, ())


@lru_cache(maxsize=256)
def reading_conversion(kind: str, unit: str | None) -> tuple[float, float]:
    """Return factor and offset for what a device tells: as `conversion`, or raw in millivolts.

    Raises:
        UnknownUnitError: The unit does not belong to the kind.
    """
    if unit is not None and is_raw_unit(kind, unit):
        return _BY_QUANTITY[_RAW_QUANTITIES[kind]][normalise_unit(unit)]
    try:
        return conversion(kind, unit)
    except UnknownUnitError as error:
        if kind not in RAW_UNITS:
            raise
        allowed = ", ".join(name for name in READING_UNITS[kind] if name)
        raise UnknownUnitError(
            f"Unit {unit!r} does not belong to {kind}; use one of: {allowed}.",
            field="unit",
            value=unit,
            allowed=allowed,
        ) from error


def reading_unit_fault(kind: str, unit: str | None) -> str | None:
    """Return what is wrong with a unit that a device tells in; none = nothing."""
    try:
        reading_conversion(kind, unit)
    except UnknownUnitError as error:
        return error.message
    return None


def unit_fault(kind: str, unit: str | None) -> str | None:
    """Return what is wrong with a unit, and what a value of the kind may have; none = nothing."""
    try:
        conversion(kind, unit)
    except UnknownUnitError as error:
        return error.message
    return None


def to_canonical(kind: str, value: float, unit: str | None) -> float:
    """Return a value in the canonical unit of its kind (a `ChannelKind`).

    Raises:
        UnknownUnitError: The unit does not belong to the kind.
    """
    factor, offset = conversion(kind, unit)
    return value * factor + offset


def from_canonical(kind: str, value: float, unit: str | None) -> float:
    """Return a canonical value in another unit of its kind; the way back of `to_canonical`.

    Raises:
        UnknownUnitError: The unit does not belong to the kind.
    """
    factor, offset = conversion(kind, unit)
    return (value - offset) / factor


def fahrenheit_to_celsius(value_f: float) -> float:
    """Return a temperature [°F] in °C."""
    return (value_f - 32) / 1.8


def celsius_to_fahrenheit(value_c: float) -> float:
    """Return a temperature [°C] in °F."""
    return value_c * 1.8 + 32


def us_gallons_to_litres(volume_gal: float) -> float:
    """Return a volume [US gal] in L."""
    return volume_gal * L_PER_US_GALLON


def litres_to_us_gallons(volume_l: float) -> float:
    """Return a volume [L] in US gallons."""
    return volume_l / L_PER_US_GALLON


def us_fluid_ounces_to_millilitres(volume_fl_oz: float) -> float:
    """Return a volume [US fl oz] in mL."""
    return volume_fl_oz * ML_PER_US_FLUID_OUNCE


def millilitres_to_us_fluid_ounces(volume_ml: float) -> float:
    """Return a volume [mL] in US fluid ounces."""
    return volume_ml / ML_PER_US_FLUID_OUNCE
