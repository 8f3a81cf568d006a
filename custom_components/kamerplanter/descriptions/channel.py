"""Rows of measured values, on the place, tank or probe that they belong to."""

from collections.abc import Sequence
from typing import Any

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorStateClass,
)
from homeassistant.const import (
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfConductivity,
    UnitOfElectricPotential,
    UnitOfTemperature,
    UnitOfTime,
)

from kamerplanter_backend.client.views import TankView
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict

from ..platform_setup import AnyRow, is_bound  # noqa: TID252 - the tables import alike
from .calibration import CALIBRATION_SENSORS
from .rows import (
    ChannelQualitySensor,
    ChannelSensor,
    DeviceChannelSensor,
    Exists,
    IntervalSensor,
    LastSeenSensor,
    QualitySensor,
    RawSensor,
)

PPFD = "\N{GREEK SMALL LETTER MU}mol/(m²·s)"
"""With the sign that Home Assistant writes in all of its units."""

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
    ChannelKind.AIR_TEMPERATURE: {
        "device_class": SensorDeviceClass.TEMPERATURE,
        "native_unit_of_measurement": UnitOfTemperature.CELSIUS,
        "suggested_display_precision": 1,
    },
    ChannelKind.AIR_HUMIDITY: {
        "device_class": SensorDeviceClass.HUMIDITY,
        "native_unit_of_measurement": PERCENTAGE,
        "suggested_display_precision": 0,
    },
    ChannelKind.LEAF_TEMPERATURE: {
        "device_class": SensorDeviceClass.TEMPERATURE,
        "native_unit_of_measurement": UnitOfTemperature.CELSIUS,
        "suggested_display_precision": 1,
    },
    # Home Assistant has no class of the light that plants use.
    ChannelKind.PPFD: {
        "native_unit_of_measurement": PPFD,
        "suggested_display_precision": 0,
    },
    ChannelKind.BATTERY: {
        "device_class": SensorDeviceClass.BATTERY,
        "native_unit_of_measurement": PERCENTAGE,
        "suggested_display_precision": 0,
    },
    ChannelKind.SIGNAL: {
        "device_class": SensorDeviceClass.SIGNAL_STRENGTH,
        "native_unit_of_measurement": SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        "suggested_display_precision": 0,
    },
}


_NAMES = {ChannelKind.SIGNAL: "rssi"}
"""What a row is called where it differs from its kind."""


def _measured_by_hand(view: object, kind: ChannelKind) -> bool:
    return isinstance(view, TankView) and any(item.kind is kind for item in view.hand_measurements)


def is_known(kind: ChannelKind) -> Exists[object]:
    """Return the rule that a subject has the entity if a kind is bound or measured by hand."""
    bound = is_bound(kind)
    return lambda view, kinds: bound(view, kinds) or _measured_by_hand(view, kind)


def channel_sensor(kind: ChannelKind) -> ChannelSensor[Any]:
    """Return the row of a measured value; a subject has it if the kind is known there."""
    return ChannelSensor(
        key=kind,
        channel=kind,
        state_class=SensorStateClass.MEASUREMENT,
        exists_fn=is_known(kind),
        **_FORMS[kind],
    )


def _device_sensor(kind: ChannelKind, *, enabled: bool) -> DeviceChannelSensor:
    return DeviceChannelSensor(
        key=_NAMES.get(kind, kind),
        channel=kind,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=enabled,
        exists_fn=is_bound(kind),
        **_FORMS[kind],
    )


def _raw_sensor(kind: ChannelKind) -> RawSensor:
    return RawSensor(
        key=f"{kind}_raw",
        channel=kind,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        exists_fn=is_bound(kind),
        **_FORMS[kind],
    )


def _quality_sensor(kind: ChannelKind) -> ChannelQualitySensor:
    return ChannelQualitySensor(
        key=f"{kind}_quality",
        channel=kind,
        device_class=SensorDeviceClass.ENUM,
        options=[verdict.value for verdict in Verdict],
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        exists_fn=is_bound(kind),
    )


QUALITY = QualitySensor(
    key="measurement_quality",
    device_class=SensorDeviceClass.ENUM,
    options=[verdict.value for verdict in Verdict],
    entity_category=EntityCategory.DIAGNOSTIC,
    exists_fn=lambda _view, kinds: bool(kinds),
)


def device_sensors(kinds: Sequence[ChannelKind]) -> tuple[AnyRow, ...]:
    """Return the rows of what a probe says about itself, beside those of its values.

    Args:
        kinds: What the probe may measure where it is.
    """
    return (
        QUALITY,
        *(_quality_sensor(kind) for kind in kinds),
        *(_raw_sensor(kind) for kind in kinds),
        _device_sensor(ChannelKind.BATTERY, enabled=True),
        _device_sensor(ChannelKind.SIGNAL, enabled=False),
        LastSeenSensor(
            key="last_seen",
            device_class=SensorDeviceClass.TIMESTAMP,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
        IntervalSensor(
            key="reporting_interval",
            device_class=SensorDeviceClass.DURATION,
            native_unit_of_measurement=UnitOfTime.SECONDS,
            suggested_display_precision=0,
            state_class=SensorStateClass.MEASUREMENT,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
        ),
        *CALIBRATION_SENSORS,
    )
