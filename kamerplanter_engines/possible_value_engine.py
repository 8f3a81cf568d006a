"""Which values a judged reading can have at all."""

from math import isfinite

from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from kamerplanter_engines.probe_engine import curve_range
from kamerplanter_engines.tables.channels import STOCK_EC_HIGH_MS_CM


def possible_range(kind: ChannelKind) -> tuple[float, float]:
    """Return the lowest and highest value that is ever shown of a kind, in its canonical unit.

    Source: the project's decisions on limits; a concentrate conducts more than a tank.
    """
    low, high = curve_range(kind)
    return low, STOCK_EC_HIGH_MS_CM if kind is ChannelKind.EC else high


def is_possible(reading: Reading) -> bool:
    """Tell whether the judgement can have let a value through, whatever verdict it carries."""
    low, high = possible_range(reading.kind)
    return isfinite(reading.value) and low <= reading.value <= high
