"""Entities of a probe that is a device of its own."""

from typing import Any

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import EntityCategory

from kamerplanter_engines.models.telemetry import ChannelKind, Verdict

from .channel import channel_sensor
from .rows import ChannelSensor, LastSeenSensor, QualitySensor

PROBE_SENSORS: tuple[ChannelSensor[Any] | QualitySensor | LastSeenSensor, ...] = (
    *(channel_sensor(kind) for kind in ChannelKind),
    QualitySensor(
        key="measurement_quality",
        device_class=SensorDeviceClass.ENUM,
        options=[verdict.value for verdict in Verdict],
        entity_category=EntityCategory.DIAGNOSTIC,
        exists_fn=lambda _view, kinds: bool(kinds),
    ),
    LastSeenSensor(
        key="last_seen",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    ),
)
