"""How much each source of a value weighs, how far two meters may differ, and what shows a drift.

Sources: the telemetry table of the domain specification (quality by source, age; a trend of at
least 12 readings over 6 h) and the sensor gate (pH 0.3, EC 10 %); the other limits are ours, by
what common probes are good for.
"""

from dataclasses import dataclass
from datetime import timedelta

from kamerplanter_engines.models.telemetry import ChannelKind

ENTITY_QUALITY_RATIO = 1.0
"""Of a value that Home Assistant hands over."""
MESSAGE_QUALITY_RATIO = 0.95
"""Of a value that comes over MQTT or HTTP."""
HAND_QUALITY_RATIO = 0.85
"""Of a value that a person measured."""

FRESH_S = 3600.0
"""Up to this age a value weighs in full. [s]"""
WORN_S = 7200.0
"""From this age on it weighs the least; between the two it fades evenly. [s]"""
WORN_RATIO = 0.5
"""What is left of its weight then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two meters of one place may differ; the larger of the two counts."""

    absolute: float
    """In the canonical unit."""
    relative: float = 0.0
    """As a share of their mean."""


TOLERANCES: dict[ChannelKind, Tolerance] = {
    ChannelKind.PH: Tolerance(absolute=0.3),
    # Near 0 ten percent would be less than the last digit of a meter.
    ChannelKind.EC: Tolerance(absolute=0.02, relative=0.10),
    ChannelKind.SOIL_EC: Tolerance(absolute=0.02, relative=0.20),
    # Twice the 0.5 K to which the usual thermometers are made.
    ChannelKind.WATER_TEMPERATURE: Tolerance(absolute=1.0),
    # In a pot it is warmer on the side of the sun.
    ChannelKind.SOIL_TEMPERATURE: Tolerance(absolute=2.0),
    # As a litre and a percentage that a person gives for one tank may differ.
    ChannelKind.LEVEL: Tolerance(absolute=5.0),
    # Capacitive probes are good for 5 points, and a pot is not evenly wet.
    ChannelKind.SOIL_MOISTURE: Tolerance(absolute=10.0),
    ChannelKind.DISSOLVED_OXYGEN: Tolerance(absolute=0.5),
    ChannelKind.ORP: Tolerance(absolute=30.0),
    # Two corners of a tent or house; a thermometer in the sun shows more than that.
    ChannelKind.AIR_TEMPERATURE: Tolerance(absolute=2.0),
    # Common sensors are good for 3 to 5 points, and 2 K of warmth make another 6.
    ChannelKind.AIR_HUMIDITY: Tolerance(absolute=10.0),
    # No leaf is like another: one is shaded, one turned to the lamp.
    ChannelKind.LEAF_TEMPERATURE: Tolerance(absolute=3.0),
}
"""What devices say of themselves (battery, signal) is not compared, and neither is light: of two
meters in one place one may be in the shade, and both are right."""

MOVED_STEPS = 3
"""A meter has moved by so many of its finest steps: one may be rounding, two its tremble (ours)."""
MOVED_RATIO = 0.25
"""A meter has moved by this share of what two of a place may differ by: the usual thermometers step
by 0.0625 K and send two decimals (ours)."""

RELEASE_RATIO = 0.25
"""Probes that disagreed agree again this share below their limit, as a margin of an alert is at
most a quarter of its band; at the limit itself they would take turns."""
AT_ODDS_FOR_S = 3600.0
"""Probes that come no nearer than that, and go no farther apart than their limit either, agree
after so long. [s]"""

TREND_WINDOW = timedelta(hours=24)
TREND_COUNT = 12
"""Fewer readings say nothing of where a value is heading."""
TREND_SPAN_H = 6.0
"""Nor does a shorter time. [h]"""
TREND_CERTAIN_COUNT = 5
"""Of four points without any slope all pairs go one way in 2 of 24 orders, which is not 95 %."""
TREND_BUCKET_S = 600
"""Of the readings of so long a time the middle one speaks, so that the work stays small. [s]"""

HAND_COMPARISONS = 3
"""So many comparisons by hand decide: one slip of the hand among them does not."""
HAND_COMPARISONS_AGREEING = 2
"""So many of them have to lie beyond the limit on the same side: one alone may be a slip."""
