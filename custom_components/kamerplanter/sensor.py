"""Sensors: measured values, targets, dates and counts."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .climate_sensor import ClimateSensorEntity, DaySensorEntity
from .coordinator import KamerplanterConfigEntry
from .descriptions.hub import HUB_SENSORS, LINK_SENSORS
from .descriptions.location import LOCATION_SENSORS
from .descriptions.plant import PLANT_SENSORS
from .descriptions.probe import PROBE_SENSORS
from .descriptions.rows import (
    ChannelQualitySensor,
    ChannelSensor,
    ClimateSensor,
    DaySensor,
    IntervalSensor,
    LastSeenSensor,
    LinkSensor,
    ProbeSensor,
    QualitySensor,
    RawSensor,
    ViewSensor,
)
from .descriptions.tank import TANK_SENSORS
from .entity import GardenEntity
from .link_entity import LinkSensorEntity
from .live_sensor import ChannelSensorEntity, DerivedSensorEntity
from .platform_setup import Rows
from .probe_sensor import (
    IntervalSensorEntity,
    LastSeenSensorEntity,
    ProbeSensorEntity,
    RawSensorEntity,
)
from .quality_sensor import ChannelQualityEntity, QualitySensorEntity
from .subjects import Subject, SubjectKind

PARALLEL_UPDATES = 0

_SENSORS: Rows = {
    SubjectKind.HUB: HUB_SENSORS,
    SubjectKind.LOCATION: LOCATION_SENSORS,
    SubjectKind.TANK: TANK_SENSORS,
    SubjectKind.PLANT: PLANT_SENSORS,
    SubjectKind.PROBE: PROBE_SENSORS,
}
_ENTITIES: Mapping[type, Callable[..., SensorEntity]] = {
    QualitySensor: QualitySensorEntity,
    ChannelQualitySensor: ChannelQualityEntity,
    LastSeenSensor: LastSeenSensorEntity,
    IntervalSensor: IntervalSensorEntity,
    RawSensor: RawSensorEntity,
    ClimateSensor: ClimateSensorEntity,
    DaySensor: DaySensorEntity,
    ProbeSensor: ProbeSensorEntity,
}


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of all subjects, now and as they come."""
    rows = dict(_SENSORS)
    if entry.runtime_data.garden.server is not None:
        rows[SubjectKind.HUB] = (*HUB_SENSORS, *LINK_SENSORS)

    def make(subject: Subject, row: Any) -> SensorEntity:  # noqa: ANN401 - one of the types of rows
        match row:
            case LinkSensor():
                return LinkSensorEntity(entry, subject, row)
            case ChannelSensor(is_derived=True):
                return DerivedSensorEntity(entry, subject, row)
            case ChannelSensor():
                return ChannelSensorEntity(entry, subject, row)
            case _:
                return _ENTITIES.get(type(row), ViewSensorEntity)(entry, subject, row)

    entry.runtime_data.roster.async_add_platform(Platform.SENSOR, async_add_entities, rows, make)


class ViewSensorEntity[V](GardenEntity[V], SensorEntity):
    """Shows an attribute of the snapshot."""

    entity_description: ViewSensor[V]

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ViewSensor[V]
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row

    @property
    @override
    def native_value(self) -> str | float | date | datetime | None:
        return None if (view := self.view) is None else self.entity_description.value_fn(view)

    @property
    @override
    def options(self) -> list[str] | None:
        view, options_fn = self.view, self.entity_description.options_fn
        return None if options_fn is None or view is None else options_fn(view)
