"""Sensors: measured values, targets, dates and counts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from kamerplanter_engines.models.telemetry import ChannelKind, Reason

from .coordinator import KamerplanterConfigEntry
from .descriptions.hub import HUB_SENSORS
from .descriptions.plant import PLANT_SENSORS
from .descriptions.probe import PROBE_SENSORS
from .descriptions.rows import ChannelSensor, LastSeenSensor, QualitySensor, ViewSensor
from .descriptions.tank import TANK_SENSORS
from .entity import GardenEntity
from .platform_setup import Rows
from .subjects import Subject, SubjectKind

PARALLEL_UPDATES = 0

_SENSORS: Rows = {
    SubjectKind.HUB: HUB_SENSORS,
    SubjectKind.TANK: TANK_SENSORS,
    SubjectKind.PLANT: PLANT_SENSORS,
    SubjectKind.PROBE: PROBE_SENSORS,
}
_NOT_FRESH = frozenset({Reason.RESTORED, Reason.RETAINED})


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of all subjects, now and as they come."""

    def make(subject: Subject, row: Any) -> SensorEntity:  # noqa: ANN401 - one of four types
        match row:
            case ChannelSensor():
                return ChannelSensorEntity(entry, subject, row)
            case QualitySensor():
                return QualitySensorEntity(entry, subject, row)
            case LastSeenSensor():
                return LastSeenSensorEntity(entry, subject, row)
            case _:
                return ViewSensorEntity(entry, subject, row)

    entry.runtime_data.roster.async_add_platform(
        Platform.SENSOR, async_add_entities, _SENSORS, make
    )


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


class LiveSensorEntity(GardenEntity[Any], SensorEntity):
    """Shows what a probe says, at once; the snapshot only tells which probe it is."""

    _unrecorded_attributes = frozenset({"measured_at", "restored", "counts"})
    _channel: ChannelKind | None = None
    """None = every channel of the probe."""

    def __init__(
        self,
        entry: KamerplanterConfigEntry,
        subject: Subject,
        row: ChannelSensor[Any] | QualitySensor | LastSeenSensor,
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row
        self._live = entry.runtime_data.live
        self._probe_key: str | None = None
        self._stop_listening: CALLBACK_TYPE | None = None
        self._shown_last: object = None

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._follow()

    @override
    async def async_will_remove_from_hass(self) -> None:
        self._probe_key = None
        self._stop()
        await super().async_will_remove_from_hass()

    def _follow(self) -> None:
        """Listen to the probe that measures here; it may have been exchanged."""
        probe_key = self.coordinator.probe_key(self.subject, self._channel)
        if probe_key == self._probe_key:
            return
        self._stop()
        self._probe_key = probe_key
        if probe_key is not None:
            self._stop_listening = self._live.listen(probe_key, self._channel, self._heard)

    def _stop(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    @callback
    def _heard(self) -> None:
        self.async_write_ha_state()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write only what the source has not written already, as snapshots come each second."""
        self._follow()
        shown = (self.available, self.native_value)
        if shown != self._shown_last:
            self._shown_last = shown
            self.async_write_ha_state()

    @property
    @override
    def available(self) -> bool:
        # A store that does not answer now takes no value off the screen.
        return self.view is not None and self._probe_key is not None


class ChannelSensorEntity(LiveSensorEntity):
    """A measured value: the last good one until it is too old."""

    entity_description: ChannelSensor[Any]

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ChannelSensor[Any]
    ) -> None:
        super().__init__(entry, subject, row)
        self._channel = row.channel

    @property
    @override
    def available(self) -> bool:
        key = self._probe_key
        return (
            super().available
            and key is not None
            and self._live.is_available(key, self.entity_description.channel)
        )

    @property
    @override
    def native_value(self) -> float | None:
        row, view, key = self.entity_description, self.view, self._probe_key
        shown = None if key is None else self._live.shown(key, row.channel)
        if view is None or shown is None or shown.value is None:
            return None
        return row.shown_fn(shown.value, view)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        key = self._probe_key
        shown = None if key is None else self._live.shown(key, self.entity_description.channel)
        if shown is None or shown.at is None:
            return None
        attributes: dict[str, Any] = {"measured_at": shown.at}
        if not _NOT_FRESH.isdisjoint(shown.reasons):
            attributes["restored"] = True
        return attributes


class QualitySensorEntity(LiveSensorEntity):
    """How far the worst channel is to be trusted, and why."""

    @callback
    @override
    def _heard(self) -> None:
        """Write only what is new: it is asked at each message of each channel."""
        key = self._probe_key
        summary = None if key is None else self._live.quality_summary(key)
        if summary != self._shown_last:
            self._shown_last = summary
            self.async_write_ha_state()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._follow()
        self._heard()

    @property
    @override
    def native_value(self) -> str | None:
        key = self._probe_key
        quality = None if key is None else self._live.quality(key)
        return None if quality is None else quality.verdict

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        if (key := self._probe_key) is None:
            return None
        channels = {kind: self._live.quality(key, kind) for kind in self._live.kinds(key)}
        hints = {kind: self._live.hint(key, kind) for kind in channels}
        return {
            "channels": {kind: view.verdict for kind, view in channels.items() if view},
            "reasons": {
                kind: list(view.reasons) for kind, view in channels.items() if view and view.reasons
            },
            "hints": {kind: hint for kind, hint in hints.items() if hint is not None},
            "counts": self._live.counts(key),
        }


class LastSeenSensorEntity(LiveSensorEntity):
    """When the newest good value was measured."""

    @property
    @override
    def native_value(self) -> datetime | None:
        return None if self._probe_key is None else self._live.last_seen_at(self._probe_key)
