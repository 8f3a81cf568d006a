"""What each kind of measurement can be: unit, ranges, speed, age.

Sources: the project's decisions on readings (ranges, full scale, exact zero), the telemetry
table of the domain specification (rates per minute, ages, the time after a fill, ranges of oxygen
and redox potential, the low battery; plausible ranges of air and light) and data sheets (Dallas:
power-on and open-wire values of temperature probes; Atlas EZO-ORP: range of the redox circuit;
Apogee SQ-500: range of quantum sensors).
"""

from dataclasses import dataclass

from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.units import PPFD_UNIT

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """The numbers of one kind; values in its canonical unit."""

    unit: str
    """Canonical unit; empty = none."""
    default_unit: str
    """What devices usually send when nobody says."""
    physical_low: float
    physical_high: float
    """Outside of these a value is no value."""
    plausible_low: float | None = None
    plausible_high: float | None = None
    """Outside of these a value is suspect until it proves itself."""
    rate_per_min: float | None = None
    """Fastest change of the thing itself; more than twice that is suspect."""
    max_age_s: float
    """A value older than this is not shown. [s]"""
    hold_s: float = 300.0
    """How long a value is out of band before it is a problem. [s]"""
    zero_is_suspect: bool = False
    """An exact 0 is what a dead circuit says."""
    zero_is_natural: bool = False
    """An exact 0 is a common true value, and says nothing against what comes with it."""
    zero_reach: float | None = None
    """An exact 0 is true where the last good value was no further from it; none = it never is."""
    full_scale: tuple[float, ...] = ()
    """End stops of the usual circuits."""
    full_scale_is_suspect: bool = True
    """False: the end stop is a common true value, and doubtful only in bad company."""
    repeats_are_natural: bool = False
    """Equal readings in a row prove nothing against the probe."""
    shown_low: float | None = None
    """What lies below is shown as this."""
    shown_high: float | None = None
    """What lies above is shown as this."""
    is_temperature: bool = False
    is_about_device: bool = False
    """What the device says about itself: it speaks neither for nor against what it measures."""
    precision: int
    """Digits behind the point that a screen shows."""


_TEMPERATURE_UNIT = "°C"
_EC_HIGH_MS_CM = 15.0
_EC_RATE_PER_MIN = 0.05
# Colder than any place where plants stand, and as warm as a closed glass house in the sun (ours).
# It ends below the power-on value of a Dallas probe and above most rooms in °F.
_AIR_LOW_C, _AIR_HIGH_C = -50.0, 70.0

CHANNELS: dict[ChannelKind, ChannelSpec] = {
    ChannelKind.EC: ChannelSpec(
        unit="mS/cm",
        default_unit="mS/cm",
        physical_low=0,
        physical_high=_EC_HIGH_MS_CM,
        plausible_low=0,
        plausible_high=5,
        rate_per_min=_EC_RATE_PER_MIN,
        max_age_s=6 * HOUR_S,
        zero_is_suspect=True,
        full_scale=(_EC_HIGH_MS_CM,),
        precision=2,
    ),
    ChannelKind.PH: ChannelSpec(
        unit="",
        default_unit="",
        physical_low=0,
        physical_high=14,
        plausible_low=3,
        plausible_high=10,
        rate_per_min=0.1,
        max_age_s=6 * HOUR_S,
        zero_is_suspect=True,
        full_scale=(14,),
        precision=2,
    ),
    ChannelKind.WATER_TEMPERATURE: ChannelSpec(
        unit=_TEMPERATURE_UNIT,
        default_unit=_TEMPERATURE_UNIT,
        physical_low=0,
        physical_high=50,
        plausible_low=5,
        plausible_high=35,
        rate_per_min=0.3,
        max_age_s=4 * HOUR_S,
        zero_is_suspect=True,
        is_temperature=True,
        precision=1,
    ),
    ChannelKind.LEVEL: ChannelSpec(
        unit="%",
        default_unit="%",
        physical_low=0,
        physical_high=105,
        # It has no rate, as a bucket fills a tank in seconds and a broken hose empties it.
        max_age_s=8 * HOUR_S,
        full_scale=(100,),
        # A full tank is an everyday value.
        full_scale_is_suspect=False,
        repeats_are_natural=True,
        shown_high=100,
        precision=0,
    ),
    ChannelKind.SOIL_MOISTURE: ChannelSpec(
        unit="%",
        default_unit="%",
        physical_low=0,
        physical_high=100,
        rate_per_min=1,
        max_age_s=8 * HOUR_S,
        hold_s=1800,
        full_scale=(100,),
        repeats_are_natural=True,
        precision=0,
    ),
    ChannelKind.SOIL_TEMPERATURE: ChannelSpec(
        unit=_TEMPERATURE_UNIT,
        default_unit=_TEMPERATURE_UNIT,
        physical_low=-5,
        physical_high=45,
        # The telemetry table has none. Nothing changes soil as fast as the water that is poured on
        # it, so it is that of water (ours); what came by a watering is believed after it was
        # logged, or after three more readings.
        rate_per_min=0.3,
        max_age_s=6 * HOUR_S,
        # Freezing soil stands at 0.0 for days. It comes there slowly, as freezing sets heat free
        # (less than 1 K in an hour, and some report once in two hours); a dead circuit jumps.
        zero_is_suspect=True,
        zero_reach=2,
        is_temperature=True,
        precision=1,
    ),
    ChannelKind.SOIL_EC: ChannelSpec(
        unit="mS/cm",
        default_unit="µS/cm",
        physical_low=0,
        physical_high=15,
        plausible_low=0,
        plausible_high=10,
        rate_per_min=0.05,
        max_age_s=6 * HOUR_S,
        zero_is_suspect=True,
        full_scale=(15,),
        precision=3,
    ),
    ChannelKind.DISSOLVED_OXYGEN: ChannelSpec(
        unit="mg/L",
        default_unit="mg/L",
        physical_low=0,
        physical_high=20,
        max_age_s=4 * HOUR_S,
        full_scale=(20,),
        precision=2,
    ),
    ChannelKind.ORP: ChannelSpec(
        unit="mV",
        default_unit="mV",
        # The range of the circuit; water lies within the narrower one of the telemetry table.
        physical_low=-1019.9,
        physical_high=1019.9,
        plausible_low=-500,
        plausible_high=1000,
        max_age_s=6 * HOUR_S,
        full_scale=(-1019.9, 1019.9),
        precision=0,
    ),
    ChannelKind.AIR_TEMPERATURE: ChannelSpec(
        unit=_TEMPERATURE_UNIT,
        default_unit=_TEMPERATURE_UNIT,
        physical_low=_AIR_LOW_C,
        physical_high=_AIR_HIGH_C,
        plausible_low=-10,
        plausible_high=50,
        rate_per_min=0.5,
        max_age_s=2 * HOUR_S,
        # In a clear night air cools by up to 3 K in an hour, and a value counts for two (ours); a
        # dead circuit jumps from a room's temperature.
        zero_is_suspect=True,
        zero_reach=6,
        is_temperature=True,
        precision=1,
    ),
    ChannelKind.AIR_HUMIDITY: ChannelSpec(
        unit="%",
        default_unit="%",
        physical_low=0,
        # What an offset in a device makes of 100.
        physical_high=105,
        rate_per_min=2,
        max_age_s=2 * HOUR_S,
        # No air that plants stand in is perfectly dry.
        zero_is_suspect=True,
        full_scale=(100,),
        # Each cold night, under a hood, in fog.
        full_scale_is_suspect=False,
        shown_high=100,
        precision=1,
    ),
    ChannelKind.LEAF_TEMPERATURE: ChannelSpec(
        unit=_TEMPERATURE_UNIT,
        default_unit=_TEMPERATURE_UNIT,
        physical_low=_AIR_LOW_C,
        physical_high=_AIR_HIGH_C,
        plausible_low=-5,
        plausible_high=50,
        rate_per_min=0.8,
        max_age_s=2 * HOUR_S,
        zero_is_suspect=True,
        zero_reach=6,
        is_temperature=True,
        precision=1,
    ),
    ChannelKind.PPFD: ChannelSpec(
        unit=PPFD_UNIT,
        default_unit=PPFD_UNIT,
        # In the dark the zero of a quantum sensor is off by some µmol (ours).
        physical_low=-10,
        physical_high=4000,
        plausible_high=2500,
        # A lamp is switched, and a cloud passes: it may jump. It may also stand still, all night at
        # 0 and all day under a lamp.
        max_age_s=4 * HOUR_S,
        zero_is_natural=True,
        repeats_are_natural=True,
        shown_low=0,
        precision=0,
    ),
    ChannelKind.BATTERY: ChannelSpec(
        unit="%",
        default_unit="%",
        physical_low=0,
        physical_high=100,
        # Many devices tell it once a day, and now and then one message is lost (ours).
        max_age_s=48 * HOUR_S,
        repeats_are_natural=True,
        is_about_device=True,
        precision=0,
    ),
    ChannelKind.SIGNAL: ChannelSpec(
        unit="dBm",
        default_unit="dBm",
        # LoRa still hears -148 dBm (SX1276 data sheet); no receiver is told more than 20 dBm.
        physical_low=-150,
        physical_high=20,
        max_age_s=6 * HOUR_S,
        repeats_are_natural=True,
        is_about_device=True,
        precision=0,
    ),
}

STOCK_EC_HIGH_MS_CM = 250.0
"""Stock concentrates conduct far more than what plants get."""
STOCK_EC_RATE_PER_MIN = _EC_RATE_PER_MIN * STOCK_EC_HIGH_MS_CM / _EC_HIGH_MS_CM
"""The rate of a tank by the share of its range (ours): a meter errs and trembles by a share of what
it measures, 1 % of 80 mS/cm is 0.8, and whoever fills or thins a concentrate moves it by shares."""
FAR_BEYOND_CURVE_RATIO = 0.25
"""A raw soil value this far beyond dry or wet, as a share of the span, is doubtful (ours)."""
STARTUP_C = 85.0
"""What a DS18B20 holds until its first conversion (data sheet, power-on value)."""
DISCONNECTED_C = -127.0
"""What the usual drivers say for a probe that does not answer."""
NO_LIGHT_LUX = -1.0
"""What drivers of light meters say for a chip that does not answer, or less (-2) (ours): these
count light, so none has a zero that is off, as that of a quantum sensor may be. [lx]"""
START_GRACE_S = 600.0
"""So long after a start nothing is said about values that are missing."""
DEVICE_TIME_S = 7 * 24 * HOUR_S
"""A time that a device tells itself counts so long afterwards, in a live message. [s]"""
JUMP_EXPECTED_S = 900.0
"""So long after water or feed was logged, a fast change is no reason to doubt."""
TWIN_STUCK_S = 6 * HOUR_S
"""Flat for so long while its twin moves: stuck."""
BATTERY_LOW_PCT = 20.0
"""A battery below this should be changed or charged. [%]"""
VOLTS_HIGH = 5.0
"""A battery number up to this with a fraction, of which nobody says that it is percent, may as
well be volts or a share of one (ours)."""
DEVICE_STUCK_S = 24 * HOUR_S
"""All channels of a device flat for so long: stuck."""

_DAY_S = 24 * HOUR_S
BINDING_LIMITS: dict[str, tuple[float, float]] = {
    # From what reports each second to what is read by hand once in a season.
    "max_age_s": (6, 90 * _DAY_S),
    # From what hardly moves to what may be anywhere with each reading.
    "rate_per_min": (0.001, 1_000_000),
    # Movement is seen in spans of a 24th of it; the least is for demos that speed up time.
    "stuck_after_s": (6, 30 * _DAY_S),
    "hold_s": (0, 7 * _DAY_S),
}
"""What a binding may set instead of the default of its kind, least and most (ours)."""
RAW_HIGH = 1e9
"""More than any converter counts to."""
