"""What follows from air, light and warmth: deficit, dew point, daily light, degree days.

Everything that is summed up over a day says how much of the day was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kamerplanter_engines.checks import within
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.rollup import Bucket, Figures, Point
from kamerplanter_engines.models.site import BASE_HIGH_C, BASE_LOW_C
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import roll_up
from kamerplanter_engines.science.degree_days import degree_days_c_d
from kamerplanter_engines.science.psychrometrics import (
    dew_point_c,
    vapour_kpa,
    vpd_kpa,
)
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.tables.climate import (
    COVERAGE_RATIO_LOW,
    DARK_UMOL,
    HIGH_LIGHT_UMOL,
    LOW_LIGHT_UMOL,
)

_UMOL_PER_MOL = 1e6
_AIR, _LEAF = CHANNELS[ChannelKind.AIR_TEMPERATURE], CHANNELS[ChannelKind.LEAF_TEMPERATURE]
PPFD_HIGH_UMOL = CHANNELS[ChannelKind.PPFD].physical_high
"""More than is measured anywhere. [µmol/(m² s)]"""


class ClimateReason(StrEnum):
    """What has to be known of a climate value; stable keys that screens translate."""

    LEAF_ASSUMED = "leaf_assumed"
    """Nobody measures the leaf: its temperature follows from the light, or from habit."""
    CONDENSING = "condensing"
    """The leaf is below the dew point."""
    COVERAGE_LOW = "coverage_low"
    """Too little of the day was measured for anything to follow from the value."""
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class AirState:
    """What temperature and humidity of the air mean for a plant."""

    air_vpd_kpa: float
    leaf_vpd_kpa: float
    """Below 0 where water condenses on the leaf."""
    leaf_c: float
    dew_point_c: float | None
    """None in perfectly dry air, which has none."""
    reasons: tuple[ClimateReason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A value of one local day."""

    value: float | None
    """DLI [mol/(m² d)] or degree days [°C d]; none without any reading."""
    coverage_ratio: float
    """Share of the day that was measured, 0 to 1."""
    may_decide: bool
    """Whether enough of the day was measured."""
    reasons: tuple[ClimateReason, ...] = ()


def leaf_offset_k(ppfd_umol: float | None) -> float:
    """Return how much warmer than the air a leaf is, by the light on it [K].

    Args:
        ppfd_umol: Photon flux; none = not measured. [µmol/(m² s)], 0 to 4000.

    Raises:
        OutOfRangeError: The photon flux is impossible.

    Source: the project's data on leaf temperature: equal in the dark, 1 K below under 200, 1 K
        above over 800, else 2 K below.
    """
    if ppfd_umol is None:
        return -2.0
    within("ppfd_umol", ppfd_umol, 0, PPFD_HIGH_UMOL)
    if ppfd_umol < DARK_UMOL:
        return 0.0
    if ppfd_umol < LOW_LIGHT_UMOL:
        return -1.0
    return 1.0 if ppfd_umol > HIGH_LIGHT_UMOL else -2.0


def air_state(
    temperature_c: float,
    humidity_pct: float,
    *,
    leaf_c: float | None = None,
    ppfd_umol: float | None = None,
) -> AirState:
    """Return what the air means for a plant.

    Args:
        temperature_c: Of the air. [°C], -50 to 70.
        humidity_pct: Relative humidity. [%], 0 to 100.
        leaf_c: Measured temperature of the leaf; none = assumed from the light. [°C], -50 to 70.
        ppfd_umol: Photon flux on the leaf; none = not measured. [µmol/(m² s)], 0 to 4000.

    Raises:
        OutOfRangeError: A value is impossible or not a number.

    Source: [FAO56].
    """
    within("temperature_c", temperature_c, _AIR.physical_low, _AIR.physical_high)
    within("humidity_pct", humidity_pct, 0, 100)
    reasons: list[ClimateReason] = []
    if leaf_c is None:
        leaf_c = temperature_c + leaf_offset_k(ppfd_umol)
        reasons.append(ClimateReason.LEAF_ASSUMED)
    else:
        within("leaf_c", leaf_c, _LEAF.physical_low, _LEAF.physical_high)
    leaf_vpd = vpd_kpa(temperature_c, humidity_pct, leaf_c)
    if leaf_vpd < 0:
        reasons.append(ClimateReason.CONDENSING)
    return AirState(
        air_vpd_kpa=vpd_kpa(temperature_c, humidity_pct),
        leaf_vpd_kpa=leaf_vpd,
        leaf_c=leaf_c,
        dew_point_c=(
            dew_point_c(temperature_c, humidity_pct)
            if vapour_kpa(temperature_c, humidity_pct) > 0
            else None
        ),
        reasons=tuple(reasons),
    )


def daily_light(points: Sequence[Point], day: Bucket, before: Point | None = None) -> Daily:
    """Return the daily light integral of a place [mol/(m² d)].

    What was not measured counts as nothing, so the value is a lower limit.

    Args:
        points: Photon flux within the day, by rising time. [µmol/(m² s)]
        day: The local day.
        before: The newest good reading before the day; none = there is none.

    Raises:
        OutOfRangeError: A good reading is impossible or not a number.
        NaiveTimeError: The day has no zone.

    Source: definition of the daily light integral; time is weighted as in `roll_up`.
    """
    utc(day.starts_at)
    for _, ppfd_umol, is_good in points if before is None else (before, *points):
        if is_good:
            within("ppfd_umol", ppfd_umol, 0, PPFD_HIGH_UMOL)
    return daily_light_of(roll_up(points, day, () if before is None else (before,)), day)


def daily_light_of(fluxes: Figures, day: Bucket) -> Daily:
    """Return the daily light integral of a place by what was summed up already [mol/(m² d)].

    Args:
        fluxes: The rollup of that day, or of as much of it as is over. [µmol/(m² s)]
        day: The local day.

    Raises:
        OutOfRangeError: A flux is impossible or not a number.
        NaiveTimeError: The day has no zone.
        InvalidInputError: The day ends no later than it begins.

    Source: definition of the daily light integral.
    """
    utc(day.starts_at)
    for field, ppfd_umol in (("low_umol", fluxes.low), ("high_umol", fluxes.high)):
        if ppfd_umol is not None:
            within(field, ppfd_umol, 0, PPFD_HIGH_UMOL)
    value = fluxes.integral / _UMOL_PER_MOL if fluxes.covered_s > 0 else None
    return _daily(value, fluxes, day)


def degree_days(
    temperatures: Figures, day: Bucket, base_c: float, *, upper_c: float | None = None
) -> Daily:
    """Return the degree days of a place on one day [°C d].

    Args:
        temperatures: The rollup of that day. [°C]
        day: The local day.
        base_c: Below this nothing grows. [°C], -20 to 40.
        upper_c: What is warmer counts as this; none = no such limit. [°C], `base_c` to 60.

    Raises:
        OutOfRangeError: A limit or a temperature is impossible or not a number.
        NaiveTimeError: The day has no zone.

    Source: [McMaster1997].
    """
    utc(day.starts_at)
    within("base_c", base_c, BASE_LOW_C, BASE_HIGH_C)
    if upper_c is not None:
        within("upper_c", upper_c, base_c, 60)
    if temperatures.low is None or temperatures.high is None:
        return _daily(None, temperatures, day)
    within("low_c", temperatures.low, _AIR.physical_low, _AIR.physical_high)
    within("high_c", temperatures.high, temperatures.low, _AIR.physical_high)
    value = degree_days_c_d(temperatures.low, temperatures.high, base_c, upper_c=upper_c)
    return _daily(value, temperatures, day)


def _daily(value: float | None, figures: Figures, day: Bucket) -> Daily:
    if value is None:
        return Daily(
            value=None, coverage_ratio=0.0, may_decide=False, reasons=(ClimateReason.NO_DATA,)
        )
    if day.length_s <= 0:
        raise InvalidInputError(
            f"The day ends at {day.ends_at.isoformat()}, no later than it begins; give a day.",
            field="day",
            value=day.ends_at.isoformat(),
        )
    coverage = min(1.0, figures.covered_s / day.length_s)
    is_enough = coverage >= COVERAGE_RATIO_LOW
    return Daily(
        value=value,
        coverage_ratio=coverage,
        may_decide=is_enough,
        reasons=() if is_enough else (ClimateReason.COVERAGE_LOW,),
    )
