"""Entities of a tank."""

from collections.abc import Callable

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import PERCENTAGE, UnitOfConductivity, UnitOfVolume

from kamerplanter_backend.client.views import TankView
from kamerplanter_engines.models.tank import Band, TankProblem
from kamerplanter_engines.models.telemetry import TANK_KINDS, ChannelKind

from ..platform_setup import AnyRow, is_bound  # noqa: TID252 - the tables import alike
from .calibration import CALIBRATION_DUE
from .channel import channel_sensor, device_sensors, is_known
from .rows import Attributes, ChannelSensor, ViewBinary, ViewSensor


def _limits(band: Band) -> Attributes:
    return {"low": band.low, "high": band.high, "source": band.source}


TANK_SENSORS: tuple[AnyRow, ...] = (
    *(channel_sensor(kind) for kind in TANK_KINDS),
    ChannelSensor[TankView](
        key="volume",
        channel=ChannelKind.LEVEL,
        device_class=SensorDeviceClass.VOLUME_STORAGE,
        native_unit_of_measurement=UnitOfVolume.LITERS,
        suggested_display_precision=1,
        state_class=SensorStateClass.MEASUREMENT,
        shown_fn=lambda level_pct, view: view.tank.volume_l * level_pct / 100,
        is_derived=True,
        exists_fn=is_known(ChannelKind.LEVEL),
    ),
    ViewSensor[TankView](
        key="ec_target",
        device_class=SensorDeviceClass.CONDUCTIVITY,
        native_unit_of_measurement=UnitOfConductivity.MILLISIEMENS_PER_CM,
        suggested_display_precision=2,
        value_fn=lambda view: view.bands.ec.target,
        attributes_fn=lambda view: _limits(view.bands.ec),
    ),
    ViewSensor[TankView](
        key="ph_target",
        device_class=SensorDeviceClass.PH,
        suggested_display_precision=2,
        value_fn=lambda view: view.bands.ph.target,
        attributes_fn=lambda view: _limits(view.bands.ph),
    ),
    ViewSensor[TankView](
        key="ec_deviation",
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda view: view.problem(TankProblem.EC).deviation_pct,
        exists_fn=is_bound(ChannelKind.EC),
    ),
    *device_sensors(TANK_KINDS),
)


_UNITS = {
    "ec_problem": "_ms_cm",
    "ph_problem": "",
    "temperature_problem": "_c",
    "level_low": "_pct",
}
PROBLEM_NUMBERS = frozenset(
    f"{name}{unit}" for unit in _UNITS.values() for name in ("value", "deviation")
)
"""Attributes of a problem that say what the value does."""


def _problem(
    key: str, kind: TankProblem, band_of: Callable[[TankView], Band]
) -> ViewBinary[TankView]:
    """Return the row of a problem; its numbers are canonical, and a unit ends their names."""
    unit = _UNITS[key]

    def attributes(view: TankView) -> Attributes:
        problem, band = view.problem(kind), band_of(view)
        is_known = problem.is_on is not None
        return {
            "reasons": list(problem.reasons),
            "side": problem.side,
            "since": problem.since,
            f"value{unit}": _rounded(problem.value) if is_known else None,
            f"low{unit}": _rounded(band.low),
            f"high{unit}": _rounded(band.high),
            f"target{unit}": _rounded(band.target),
            f"deviation{unit}": _rounded(problem.deviation) if is_known else None,
        }

    return ViewBinary[TankView](
        key=key,
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda view: view.problem(kind).is_on,
        attributes_fn=attributes,
        exists_fn=is_bound(ChannelKind(kind)),
    )


def _rounded(value: float | None) -> float | None:
    """Return a number without the noise of its arithmetic; no meter shows three decimals."""
    return None if value is None else round(value, 3)


TANK_BINARY_SENSORS = (
    _problem("ec_problem", TankProblem.EC, lambda view: view.bands.ec),
    _problem("ph_problem", TankProblem.PH, lambda view: view.bands.ph),
    _problem(
        "temperature_problem",
        TankProblem.WATER_TEMPERATURE,
        lambda view: view.bands.water_temperature,
    ),
    _problem("level_low", TankProblem.LEVEL, lambda view: view.bands.level),
    CALIBRATION_DUE,
)
