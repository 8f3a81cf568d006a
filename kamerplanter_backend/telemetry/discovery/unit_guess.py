"""What the size of the numbers that were heard says about their unit."""

from kamerplanter_backend.telemetry.discovery.hearing import Place
from kamerplanter_engines.models.telemetry import ChannelKind, Hint
from kamerplanter_engines.tables.channels import CHANNELS, STARTUP_C

UNITS_OF_HINTS: dict[Hint, str] = {
    Hint.LOOKS_LIKE_US_CM: "µS/cm",
    Hint.LOOKS_LIKE_FAHRENHEIT: "°F",
}
"""The unit that is probably meant, by hint."""

LARGEST_MS_CM = 20.0
"""No solution for plants reaches this in mS/cm, and none is as thin in µS/cm."""
LARGEST_C = 50.0
"""Neither water in a tank nor soil is as warm in °C, nor air but in a closed glass house at noon,
and a warm day is more in °F."""


def guess_unit(kind: ChannelKind, place: Place) -> str | None:
    """Return the unit that the size of the heard numbers speaks for; none = the usual one."""
    if place.low is None or place.high is None:
        return None
    if kind in (ChannelKind.EC, ChannelKind.SOIL_EC):
        if place.high > LARGEST_MS_CM:
            return "µS/cm"
        return "mS/cm" if place.high > 0 and not place.high.is_integer() else None
    if CHANNELS[kind].is_temperature and place.low > LARGEST_C and place.high != STARTUP_C:
        return "°F"
    return None


def usual_unit(kind: ChannelKind) -> str:
    """Return the unit that counts where neither device nor binding names one."""
    return CHANNELS[kind].default_unit
