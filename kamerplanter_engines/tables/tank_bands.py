"""Limits of tanks by type, and how a value is compared with a limit.

Source: own rule, built on the sources that each table names.
"""

from pydantic import Field

from kamerplanter_engines.models.base import Model
from kamerplanter_engines.models.tank import TankProblem, TankType


class TankLimits(Model):
    """What a type of tank should keep when neither a person nor a phase says more."""

    ph_low: float = Field(ge=0, le=14)
    ph_high: float = Field(ge=0, le=14)
    ec_high_ms_cm: float | None = Field(ge=0, le=250)
    """None = nobody can say without knowing the water."""
    warm_c: float
    """From here on roots and dissolved oxygen suffer."""
    cold_c: float
    """From here on down uptake slows."""
    level_low_pct: float = Field(default=20, ge=0, le=100)


TANK_LIMITS: dict[TankType, TankLimits] = {
    TankType.NUTRIENT: TankLimits(ph_low=5.5, ph_high=6.5, ec_high_ms_cm=3.0, warm_c=22, cold_c=15),
    TankType.RECIRCULATION: TankLimits(
        ph_low=5.5, ph_high=6.3, ec_high_ms_cm=3.0, warm_c=22, cold_c=16
    ),
    TankType.IRRIGATION: TankLimits(
        ph_low=5.8, ph_high=6.8, ec_high_ms_cm=1.5, warm_c=28, cold_c=10
    ),
    TankType.RESERVOIR: TankLimits(
        ph_low=5.0, ph_high=8.0, ec_high_ms_cm=None, warm_c=30, cold_c=5
    ),
    TankType.STOCK_SOLUTION: TankLimits(
        ph_low=1.0, ph_high=14.0, ec_high_ms_cm=250, warm_c=30, cold_c=5
    ),
}
"""Source: [Kamerplanter] tank engine; iron locks out above pH 6.5, calcium below 5.5."""

EC_TOLERANCE_RATIO = 0.20
"""How far the EC may be from the target of the phase.

Source: [Kamerplanter] tank engine, where more than 20 % is a warning.
"""

PLAIN_EC_HIGH_MS_CM = 0.4
"""Upper limit of EC where the phase wants no feed at all. [mS/cm]

Source: own rule. Water for flushing and germination may hold up to about 0.3 mS/cm, as water
without any salt stresses roots; a tenth on top keeps rests of the last feed from being a problem.
"""


class CompareRule(Model):
    """How a value of one kind is compared with its limits, all in the canonical unit."""

    resolution: float = Field(gt=0)
    """Finest step that meters show; value and limit are compared in such steps."""
    release: float = Field(default=0, ge=0)
    """A raised problem ends only this far inside the limit."""
    release_ratio: float = Field(default=0, ge=0, lt=1)
    """The same as a share of the limit."""
    lowest: float
    """Physical end, the far side of a band that is open below."""
    highest: float
    """Physical end, the far side of a band that is open above."""
    limit_is_outside: bool = False
    """The limit itself is already too much (warning thresholds of temperature)."""


RELEASE_BAND_RATIO = 0.25
"""A release margin is never more than this share of the band, so that a band can be met.

Source: own rule; with a quarter on each side half of the band always ends a problem.
"""

TANK_COMPARE: dict[TankProblem, CompareRule] = {
    TankProblem.EC: CompareRule(resolution=0.01, release_ratio=0.05, lowest=0, highest=250),
    TankProblem.PH: CompareRule(resolution=0.01, release=0.1, lowest=0, highest=14),
    TankProblem.WATER_TEMPERATURE: CompareRule(
        resolution=0.1, release=0.5, lowest=0, highest=50, limit_is_outside=True
    ),
    TankProblem.LEVEL: CompareRule(resolution=1, release=2, lowest=0, highest=100),
}
"""Source: own rule; margins are wider than what a meter wavers between two readings."""

MOISTURE_COMPARE = CompareRule(resolution=0.1, release=2, lowest=0, highest=100)
"""Source: own rule; soil probes send tenths of a percent and waver with the temperature."""

ALERT_HOLD_S = 300.0
"""How long a tank value is out of its band before it is a problem. [s]

Source: own rule; longer than stirring, refilling and one bad reading, shorter than harm.
"""

MOISTURE_HOLD_S = 1800.0
"""How long soil is dry before it is a problem. [s]

Source: own rule; soil dries over hours, and water takes its time to reach the probe.
"""

READINGS_NEEDED = 2
"""Readings out of band before a problem is raised. Source: own rule; one can be a slip."""
