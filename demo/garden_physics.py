"""How the simulated garden behaves: a recirculating tank, pots of soil and the air of a tent.

Plausible, not exact: the rates are round numbers of home growing, so that a person who knows
gardens does not wonder.  All times are seconds of the garden's own clock, which may run faster
than the wall's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

DAY_S = 86_400.0
LONGEST_STEP_S = 60.0
"""The equations are stepped in pieces of at most this length. [s]"""

TANK_VOLUME_L = 60.0
DOSE_DEAD_TIME_S = 60.0
"""Until a dose has reached the probe at all. [s]"""
DOSE_MIXING_S = 240.0
"""Time constant of mixing by the circulation pump. [s]"""
PH_PER_ML_AT_60_L = 0.06
"""What 1 mL of a usual acid or base moves a buffered nutrient solution of 60 L."""
EC_PER_ML_AT_60_L = 0.012
"""What 1 mL of a usual concentrate adds to 60 L. [mS/cm]"""
TAP_EC_MS_CM = 0.35
TAP_PH = 7.4
TAP_LEVEL_PH_PULL = 0.5
"""Tap water is weakly buffered: it pulls the pH by half of its share of the volume."""

WATER_USE_L_PER_D = 3.0
"""Evaporation and transpiration of the plants on the tank, mean of a day. [L/d]"""
UPTAKE_RATIO = 0.6
"""Concentration of what plants take up against that of the tank; below 1 the EC rises."""
PH_CEILING = 7.8
"""Where uptake of nitrate would bring the pH in the end."""
PH_DRIFT_PER_D = 0.10
"""Share of the way to the ceiling that the pH goes in a day. [1/d]"""

POT_VOLUME_L = 6.0
SOIL_DRYING_PER_D = 0.16
"""Share of the water above the wilting point that leaves in a day. [1/d]"""
WILTING_PCT = 8.0
SATURATED_PCT = 60.0
INFILTRATION_S = 300.0
"""Time constant with which poured water spreads to the probe. [s]"""

NOON_PPFD_UMOL = 600.0
"""A lamp of a home grower, dimmed like the course of a day. [µmol/(m² s)]"""


def daylight(at_s: float) -> float:
    """Return the course of a day, 0 at midnight to 1 at noon, for a moment of the garden."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * at_s / DAY_S)


@dataclass(slots=True)
class Pending:
    """An amount on its way: it arrives after a dead time, then by a first-order lag."""

    amount: float
    begins_at_s: float
    lag_s: float

    def take(self, at_s: float, step_s: float) -> float:
        """Return what arrives within one step that ends at this moment."""
        if at_s < self.begins_at_s:
            return 0.0
        part = self.amount * (1 - math.exp(-step_s / self.lag_s))
        self.amount -= part
        return part


@dataclass(slots=True)
class Tank:
    """60 L that circulate: water leaves, salts stay, the pH creeps up."""

    volume_l: float = 51.0
    ec_ms_cm: float = 1.8
    ph: float = 5.9
    water_temperature_c: float = 20.5
    _ph_doses: list[Pending] = field(default_factory=list)
    _feed_doses: list[Pending] = field(default_factory=list)

    @property
    def level_pct(self) -> float:
        """How full it is, in percent."""
        return 100 * self.volume_l / TANK_VOLUME_L

    def dose_ph(self, at_s: float, dose_ml: float) -> None:
        """Pour in base (positive) or acid (negative), in mL."""
        self._ph_doses.append(Pending(dose_ml, at_s + DOSE_DEAD_TIME_S, DOSE_MIXING_S))

    def dose_feed(self, at_s: float, dose_ml: float) -> None:
        """Pour in nutrient concentrate, in mL."""
        self._feed_doses.append(Pending(dose_ml, at_s + DOSE_DEAD_TIME_S, DOSE_MIXING_S))

    def top_up(self, volume_l: float) -> None:
        """Add tap water, in L; what does not fit runs off."""
        added = min(volume_l, TANK_VOLUME_L - self.volume_l)
        if added <= 0:
            return
        total = self.volume_l + added
        self.ec_ms_cm = (self.ec_ms_cm * self.volume_l + TAP_EC_MS_CM * added) / total
        self.ph += TAP_LEVEL_PH_PULL * (added / total) * (TAP_PH - self.ph)
        self.volume_l = total

    def step(self, at_s: float, step_s: float) -> None:
        """Let time pass; the step ends at this moment."""
        days = step_s / DAY_S
        # Twice the mean at noon, nothing at midnight; an empty tank gives nothing.
        used_l = min(2 * daylight(at_s) * WATER_USE_L_PER_D * days, self.volume_l - 1)
        if used_l > 0:
            salts = self.ec_ms_cm * (self.volume_l - UPTAKE_RATIO * used_l)
            self.volume_l -= used_l
            self.ec_ms_cm = salts / self.volume_l
        self.ph += (PH_CEILING - self.ph) * PH_DRIFT_PER_D * days
        share = TANK_VOLUME_L / self.volume_l
        for dose in self._ph_doses:
            self.ph += dose.take(at_s, step_s) * PH_PER_ML_AT_60_L * share
        for dose in self._feed_doses:
            self.ec_ms_cm += dose.take(at_s, step_s) * EC_PER_ML_AT_60_L * share
        self._ph_doses = _unfinished(self._ph_doses)
        self._feed_doses = _unfinished(self._feed_doses)
        self.ph = min(max(self.ph, 3.2), 9.5)
        # Follows the room slowly: 6 h of lag smooth a swing of 2.4 K.
        room_c = 19.3 + 2.4 * daylight(at_s)
        self.water_temperature_c += (room_c - self.water_temperature_c) * step_s / (6 * 3600)


@dataclass(slots=True)
class Soil:
    """A pot that dries and is watered."""

    moisture_pct: float = 42.0
    temperature_c: float = 20.0
    salts: float = 26.0
    """Conductivity times moisture: drying concentrates what is dissolved. [mS/cm %]"""
    drying_factor: float = 1.0
    """How much faster than usual it dries: 30 is a heat wave with wind."""
    _waterings: list[Pending] = field(default_factory=list)

    @property
    def ec_ms_cm(self) -> float:
        """Conductivity as a probe without temperature error reads it, in mS/cm."""
        return self.salts / max(self.moisture_pct, 5.0)

    def water(self, at_s: float, volume_ml: float) -> None:
        """Pour water on the pot, in mL."""
        gain_pct = volume_ml / (10 * POT_VOLUME_L)
        self.drying_factor = 1.0
        self._waterings.append(Pending(gain_pct, at_s, INFILTRATION_S))

    def step(self, at_s: float, step_s: float) -> None:
        """Let time pass; the step ends at this moment."""
        rate_per_d = SOIL_DRYING_PER_D * self.drying_factor * (0.4 + 1.2 * daylight(at_s))
        self.moisture_pct -= (self.moisture_pct - WILTING_PCT) * (
            1 - math.exp(-rate_per_d * step_s / DAY_S)
        )
        for watering in self._waterings:
            self.moisture_pct += watering.take(at_s, step_s)
        self._waterings = _unfinished(self._waterings)
        self.moisture_pct = min(self.moisture_pct, SATURATED_PCT)
        room_c = 19.0 + 3.5 * daylight(at_s)
        self.temperature_c += (room_c - self.temperature_c) * step_s / (2 * 3600)


@dataclass(slots=True)
class Tent:
    """The air and the light of a tent: warm and dry under the lamp, cool and damp at night."""

    temperature_c: float = 24.5
    humidity_pct: float = 59.0
    ppfd_umol: float = 0.0

    def step(self, at_s: float, step_s: float) -> None:
        """Let time pass; the step ends at this moment."""
        light = daylight(at_s)
        self.ppfd_umol = NOON_PPFD_UMOL * max(0.0, 2 * light - 1)
        lag = step_s / 3600
        self.temperature_c += (20.0 + 6.0 * light - self.temperature_c) * lag
        self.humidity_pct += (70.0 - 14.0 * light - self.humidity_pct) * lag


def _unfinished(amounts: list[Pending]) -> list[Pending]:
    return [amount for amount in amounts if abs(amount.amount) > 1e-3]  # noqa: PLR2004 - nothing


@dataclass(slots=True)
class Garden:
    """A tank, pots and a tent on one clock."""

    tank: Tank = field(default_factory=Tank)
    tent: Tent = field(default_factory=Tent)
    pots: dict[str, Soil] = field(default_factory=dict)
    at_s: float = 0.45 * DAY_S
    """Moment of the garden; it begins in the late morning. [s]"""

    def advance(self, seconds: float) -> None:
        """Let time pass, in seconds; long spans are cut into short steps."""
        left_s = seconds
        while left_s > 0:
            step_s = min(left_s, LONGEST_STEP_S)
            self.at_s += step_s
            left_s -= step_s
            for part in self._parts():
                part(self.at_s, step_s)

    def _parts(self) -> tuple[Callable[[float, float], None], ...]:
        return (self.tank.step, self.tent.step, *(pot.step for pot in self.pots.values()))
