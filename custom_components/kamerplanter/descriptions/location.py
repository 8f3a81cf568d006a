"""Entities of a place: its air, its light, and what they mean for plants."""

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import UnitOfPressure, UnitOfTemperature

from kamerplanter_engines.models.telemetry import AIR_KINDS, ChannelKind

from ..platform_setup import AnyRow, is_bound  # noqa: TID252 - the tables import alike
from .channel import channel_sensor, device_sensors
from .rows import Attributes, ClimateSensor, DaySensor

DLI = "mol/m²"
DEGREE_DAYS = "°C·d"


def _knows_the_air(_view: object, kinds: frozenset[ChannelKind]) -> bool:
    return {ChannelKind.AIR_TEMPERATURE, ChannelKind.AIR_HUMIDITY} <= kinds


def _of_day(coverage_ratio: float, *, may_decide: bool) -> Attributes:
    """Return how much of a day is behind its value."""
    return {"coverage_pct": round(100 * coverage_ratio), "may_decide": may_decide}


def _rounded(value: float | None, digits: int) -> float | None:
    """Return a number without the digits that no sensor measures: each would be a new state."""
    return None if value is None else round(value, digits)


LOCATION_SENSORS: tuple[AnyRow, ...] = (
    *(channel_sensor(kind) for kind in AIR_KINDS),
    ClimateSensor(
        key="vpd",
        device_class=SensorDeviceClass.PRESSURE,
        native_unit_of_measurement=UnitOfPressure.KPA,
        # All tables of growers are in kPa, those in the USA too, where it would become psi.
        suggested_unit_of_measurement=UnitOfPressure.KPA,
        suggested_display_precision=2,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda air: _rounded(air.air_vpd_kpa, 3),
        exists_fn=_knows_the_air,
    ),
    ClimateSensor(
        key="leaf_vpd",
        device_class=SensorDeviceClass.PRESSURE,
        native_unit_of_measurement=UnitOfPressure.KPA,
        suggested_unit_of_measurement=UnitOfPressure.KPA,
        suggested_display_precision=2,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda air: _rounded(air.leaf_vpd_kpa, 3),
        told_fn=lambda air: {"reasons": list(air.reasons)},
        has_leaf=True,
        exists_fn=_knows_the_air,
    ),
    ClimateSensor(
        key="dew_point",
        device_class=SensorDeviceClass.TEMPERATURE,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda air: _rounded(air.dew_point_c, 2),
        exists_fn=_knows_the_air,
    ),
    # Not total_increasing: what comes late can lower the value of a day, and after a night without
    # a connection the next day may begin above the last value.
    DaySensor(
        key="dli_today",
        native_unit_of_measurement=DLI,
        suggested_display_precision=1,
        state_class=SensorStateClass.TOTAL,
        value_fn=lambda day: _rounded(day.dli_mol_m2, 2),
        told_fn=lambda day: _of_day(day.dli_coverage_ratio, may_decide=day.dli_may_decide),
        exists_fn=is_bound(ChannelKind.PPFD),
    ),
    # The mean of the lowest and the highest temperature is known when the day is over: at midnight
    # it would be that of a minute, and fall through the night.
    DaySensor(
        key="degree_days_yesterday",
        day_fn=lambda view: view.yesterday,
        native_unit_of_measurement=DEGREE_DAYS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda day: _rounded(day.degree_days_c_d, 2),
        told_fn=lambda day: {
            "day": day.day.isoformat(),
            **_of_day(day.degree_days_coverage_ratio, may_decide=day.degree_days_may_decide),
        },
        exists_fn=is_bound(ChannelKind.AIR_TEMPERATURE),
    ),
    *device_sensors(AIR_KINDS),
)
