"""Rows of measured values, on the tank or the probe that they belong to."""

from typing import Any

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfConductivity,
    UnitOfElectricPotential,
    UnitOfTemperature,
)

from kamerplanter_engines.models.telemetry import ChannelKind

from ..platform_setup import is_bound  # noqa: TID252 - the tables import alike
from .rows import ChannelSensor

_FORMS: dict[ChannelKind, dict[str, Any]] = {
    ChannelKind.EC: {
        "device_class": SensorDeviceClass.CONDUCTIVITY,
        "native_unit_of_measurement": UnitOfConductivity.MILLISIEMENS_PER_CM,
        "suggested_display_precision": 2,
    },
    ChannelKind.PH: {
        "device_class": SensorDeviceClass.PH,
        "suggested_display_precision": 2,
    },
    ChannelKind.WATER_TEMPERATURE: {
        "device_class": SensorDeviceClass.TEMPERATURE,
        "native_unit_of_measurement": UnitOfTemperature.CELSIUS,
        "suggested_display_precision": 1,
    },
    ChannelKind.LEVEL: {
        "native_unit_of_measurement": PERCENTAGE,
        "suggested_display_precision": 0,
    },
    ChannelKind.SOIL_MOISTURE: {
        "device_class": SensorDeviceClass.MOISTURE,
        "native_unit_of_measurement": PERCENTAGE,
        "suggested_display_precision": 0,
    },
    ChannelKind.SOIL_TEMPERATURE: {
        "device_class": SensorDeviceClass.TEMPERATURE,
        "native_unit_of_measurement": UnitOfTemperature.CELSIUS,
        "suggested_display_precision": 1,
    },
    # People compare soil with the numbers of their feed chart, which are whole µS/cm.
    ChannelKind.SOIL_EC: {
        "device_class": SensorDeviceClass.CONDUCTIVITY,
        "native_unit_of_measurement": UnitOfConductivity.MILLISIEMENS_PER_CM,
        "suggested_unit_of_measurement": UnitOfConductivity.MICROSIEMENS_PER_CM,
        "suggested_display_precision": 0,
    },
    # Home Assistant has no class of oxygen in water.
    ChannelKind.DISSOLVED_OXYGEN: {
        "native_unit_of_measurement": "mg/L",
        "suggested_display_precision": 2,
    },
    ChannelKind.ORP: {
        "device_class": SensorDeviceClass.VOLTAGE,
        "native_unit_of_measurement": UnitOfElectricPotential.MILLIVOLT,
        "suggested_display_precision": 0,
    },
    ChannelKind.BATTERY: {
        "key": "battery",
        "device_class": SensorDeviceClass.BATTERY,
        "native_unit_of_measurement": PERCENTAGE,
        "suggested_display_precision": 0,
        "entity_category": EntityCategory.DIAGNOSTIC,
    },
    ChannelKind.SIGNAL: {
        "key": "rssi",
        "device_class": SensorDeviceClass.SIGNAL_STRENGTH,
        "native_unit_of_measurement": SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        "suggested_display_precision": 0,
        "entity_category": EntityCategory.DIAGNOSTIC,
        "entity_registry_enabled_default": False,
    },
}


def channel_sensor(kind: ChannelKind) -> ChannelSensor[Any]:
    """Return the row of a measured value; a subject has it if the kind is bound there."""
    return ChannelSensor(
        channel=kind,
        state_class=SensorStateClass.MEASUREMENT,
        exists_fn=is_bound(kind),
        **{"key": kind.value} | _FORMS[kind],
    )
