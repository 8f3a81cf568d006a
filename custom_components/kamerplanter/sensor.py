"""Sensors: measured values, targets, dates and counts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.telemetry import ChannelKind, Reason

from .coordinator import KamerplanterConfigEntry
from .descriptions.hub import HUB_SENSORS, LINK_SENSORS
from .descriptions.plant import PLANT_SENSORS
from .descriptions.probe import PROBE_SENSORS
from .descriptions.rows import (
    ChannelSensor,
    LastSeenSensor,
    LinkSensor,
    QualitySensor,
    ViewSensor,
)
from .descriptions.tank import TANK_SENSORS
from .entity import GardenEntity
from .link_entity import LinkSensorEntity
from .platform_setup import Rows
from .subjects import Subject, SubjectKind

PARALLEL_UPDATES = 0
DERIVED_EACH_S = 1.0

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
    rows = dict(_SENSORS)
    if entry.runtime_data.garden.server is not None:
        rows[SubjectKind.HUB] = (*HUB_SENSORS, *LINK_SENSORS)

    def make(subject: Subject, row: Any) -> SensorEntity:  # noqa: ANN401 - one of five types
        match row:
            case LinkSensor():
                return LinkSensorEntity(entry, subject, row)
            case ChannelSensor(is_derived=True):
                return DerivedSensorEntity(entry, subject, row)
            case ChannelSensor():
                return ChannelSensorEntity(entry, subject, row)
            case QualitySensor():
                return QualitySensorEntity(entry, subject, row)
            case LastSeenSensor():
                return LastSeenSensorEntity(entry, subject, row)
            case _:
                return ViewSensorEntity(entry, subject, row)

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


class LiveSensorEntity(GardenEntity[Any], SensorEntity):
    """Shows what a probe says, at once; the snapshot only tells which probe it is.

    What is shown is computed once for each message, and not anew by each property.
    """

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
        self._snapshot: GardenSnapshot | None = None
        self._view: Any = None
        self._is_shown = False
        self._value: float | datetime | str | None = None
        self._attributes: Mapping[str, Any] | None = None

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._follow()
        self._look()

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

    def _look(self) -> None:
        """Take over what is to be shown now."""
        if self._snapshot is not self.coordinator.data:
            self._snapshot = self.coordinator.data
            self._view = self.view
        # A store that does not answer now takes no value off the screen.
        self._is_shown = self._view is not None and self._probe_key is not None

    @callback
    def _heard(self) -> None:
        self._look()
        self.async_write_ha_state()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write only what the source has not written already, as snapshots come each second."""
        before = (self._is_shown, self._value)
        self._follow()
        self._look()
        if before != (self._is_shown, self._value):
            self.async_write_ha_state()

    @property
    @override
    def available(self) -> bool:
        return self._is_shown

    @property
    @override
    def native_value(self) -> float | datetime | str | None:
        return self._value

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        return self._attributes


class ChannelSensorEntity(LiveSensorEntity):
    """A measured value: the last good one until it is too old."""

    entity_description: ChannelSensor[Any]

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ChannelSensor[Any]
    ) -> None:
        super().__init__(entry, subject, row)
        self._channel = row.channel
        self._shown_fn = row.shown_fn

    @override
    def _look(self) -> None:
        super()._look()
        self._value = self._attributes = None
        if self._probe_key is None or self._channel is None:
            return
        shown, is_available = self._live.look(self._probe_key, self._channel)
        self._is_shown = self._is_shown and is_available
        if shown is None:
            return
        if self._view is not None and shown.value is not None:
            self._value = self._shown_fn(shown.value, self._view)
        if shown.at is not None:
            self._attributes = {"measured_at": shown.at}
            if shown.reasons and not _NOT_FRESH.isdisjoint(shown.reasons):
                self._attributes["restored"] = True


class DerivedSensorEntity(ChannelSensorEntity):
    """A measured value in another form: written at once, and then at most once a second."""

    _cancel_write: CALLBACK_TYPE | None = None
    _may_write_at = 0.0

    @override
    async def async_will_remove_from_hass(self) -> None:
        if self._cancel_write is not None:
            self._cancel_write()
        await super().async_will_remove_from_hass()

    @callback
    @override
    def _heard(self) -> None:
        had = (self._is_shown, self._value is None)
        self._look()
        wait_s = self._may_write_at - self.hass.loop.time()
        if wait_s <= 0 or had != (self._is_shown, self._value is None):
            self._write()
        elif self._cancel_write is None:
            self._cancel_write = async_call_later(self.hass, wait_s, self._write)

    @callback
    def _write(self, _now: datetime | None = None) -> None:
        if self._cancel_write is not None:
            self._cancel_write()
            self._cancel_write = None
        self._may_write_at = self.hass.loop.time() + DERIVED_EACH_S
        self.async_write_ha_state()


class QualitySensorEntity(LiveSensorEntity):
    """How far the worst channel is to be trusted, and why."""

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: QualitySensor
    ) -> None:
        super().__init__(entry, subject, row)
        self._summary: object = None

    @callback
    @override
    def _heard(self) -> None:
        """Write only what is new: it is asked at each message of each channel."""
        key = self._probe_key
        summary = None if key is None else self._live.quality_summary(key)
        if summary != self._summary:
            self._summary = summary
            super()._heard()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._follow()
        self._heard()

    @override
    def _look(self) -> None:
        super()._look()
        self._value = self._attributes = None
        if (key := self._probe_key) is None:
            return
        if (quality := self._live.quality(key)) is not None:
            self._value = quality.verdict
        channels = {kind: self._live.quality(key, kind) for kind in self._live.kinds(key)}
        hints = {kind: self._live.hint(key, kind) for kind in channels}
        self._attributes = {
            "channels": {kind: view.verdict for kind, view in channels.items() if view},
            "reasons": {
                kind: list(view.reasons) for kind, view in channels.items() if view and view.reasons
            },
            "hints": {kind: hint for kind, hint in hints.items() if hint is not None},
            "counts": self._live.counts(key),
        }


class LastSeenSensorEntity(LiveSensorEntity):
    """When the newest good value was measured."""

    @override
    def _look(self) -> None:
        super()._look()
        key = self._probe_key
        self._value = None if key is None else self._live.last_seen_at(key)
