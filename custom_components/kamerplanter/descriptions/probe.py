"""Entities of a probe that is a device of its own."""

from kamerplanter_engines.models.telemetry import AIR_KINDS, SOIL_KINDS, TANK_KINDS

from ..platform_setup import AnyRow  # noqa: TID252 - the tables import alike
from .calibration import CALIBRATION_DUE
from .channel import channel_sensor, device_sensors

_KINDS = TANK_KINDS + SOIL_KINDS + AIR_KINDS

PROBE_SENSORS: tuple[AnyRow, ...] = (
    *(channel_sensor(kind) for kind in _KINDS),
    *device_sensors(_KINDS),
)
PROBE_BINARY_SENSORS = (CALIBRATION_DUE,)
