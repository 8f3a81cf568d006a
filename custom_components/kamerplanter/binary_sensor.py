"""Binary sensors: problems, waiting periods and permissions."""

from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import KamerplanterConfigEntry
from .descriptions.hub import HUB_BINARY_SENSORS, LINK_BINARY_SENSORS
from .descriptions.plant import PLANT_BINARY_SENSORS
from .descriptions.probe import PROBE_BINARY_SENSORS
from .descriptions.rows import LinkBinary, ProbeBinary, ViewBinary
from .descriptions.tank import PROBLEM_NUMBERS, TANK_BINARY_SENSORS
from .entity import GardenEntity
from .link_entity import LinkBinaryEntity
from .platform_setup import Rows
from .probe_sensor import OwnProbeEntity
from .subjects import Subject, SubjectKind

PARALLEL_UPDATES = 0

_BINARY_SENSORS: Rows = {
    SubjectKind.HUB: HUB_BINARY_SENSORS,
    SubjectKind.TANK: TANK_BINARY_SENSORS,
    SubjectKind.PLANT: PLANT_BINARY_SENSORS,
    SubjectKind.PROBE: PROBE_BINARY_SENSORS,
}


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of all subjects, now and as they come."""
    rows = dict(_BINARY_SENSORS)
    if entry.runtime_data.garden.server is not None:
        rows[SubjectKind.HUB] = (*HUB_BINARY_SENSORS, *LINK_BINARY_SENSORS)

    def make(subject: Subject, row: Any) -> BinarySensorEntity:  # noqa: ANN401 - one of three types
        if isinstance(row, LinkBinary):
            return LinkBinaryEntity(entry, subject, row)
        if isinstance(row, ProbeBinary):
            return ProbeBinaryEntity(entry, subject, row)
        return ViewBinaryEntity(entry, subject, row)

    entry.runtime_data.roster.async_add_platform(
        Platform.BINARY_SENSOR, async_add_entities, rows, make
    )


class ViewBinaryEntity[V](GardenEntity[V], BinarySensorEntity):
    """Shows an attribute of the snapshot; not known is neither on nor off."""

    # They move with each reading, and the sensor of the value has its history already.
    _unrecorded_attributes = PROBLEM_NUMBERS
    entity_description: ViewBinary[V]

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ViewBinary[V]
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row

    @property
    @override
    def is_on(self) -> bool | None:
        return None if (view := self.view) is None else self.entity_description.is_on_fn(view)


class ProbeBinaryEntity(OwnProbeEntity[ProbeBinary], BinarySensorEntity):
    """Shows something of a probe's upkeep; not known is neither on nor off."""

    entity_description: ProbeBinary

    @property
    @override
    def is_on(self) -> bool | None:
        return None if (view := self.view) is None else self.entity_description.is_on_fn(view)
