"""Sensors about a probe itself, on its own device or on that of its tank."""

from datetime import datetime
from typing import cast, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.const import UnitOfElectricPotential
from homeassistant.core import callback

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_engines.models.telemetry import ChannelKind

from .coordinator import KamerplanterConfigEntry
from .descriptions.rows import ProbeBinary, ProbeSensor, RawSensor
from .entity import GardenEntity
from .live_sensor import LiveSensorEntity
from .subjects import Subject

_OWN_UNITS = {ChannelKind.PH: UnitOfElectricPotential.MILLIVOLT}
"""The unit of what is sent without a calibration; soil probes send volts or counts."""


class LastSeenSensorEntity(LiveSensorEntity):
    """When the newest good value was measured."""

    @override
    def _look(self) -> None:
        super()._look()
        moments = (self._live.last_seen_at(key) for key in self._probe_keys)
        self._value = max((moment for moment in moments if moment is not None), default=None)


class RawSensorEntity(LiveSensorEntity):
    """What a channel sent last, before calibration and judgement.

    Volts, counts and millivolts that only a calibration makes a measurement of carry no unit of
    that measurement.
    """

    def __init__(self, entry: KamerplanterConfigEntry, subject: Subject, row: RawSensor) -> None:
        super().__init__(entry, subject, row)
        self._channel = self._kind = row.channel
        self._has_other_scale = False

    def _rescale(self) -> None:
        """Take the unit of what the device sends now."""
        views = (self.coordinator.data.probe(key) for key in self._probe_keys)
        has_other_scale = any(self._kind in view.raw_kinds for view in views if view is not None)
        if has_other_scale is self._has_other_scale:
            return
        self._has_other_scale = has_other_scale
        row = self.entity_description
        own_unit = _OWN_UNITS.get(self._kind)
        self._attr_native_unit_of_measurement = (
            own_unit if has_other_scale else row.native_unit_of_measurement
        )
        self._attr_device_class = None if has_other_scale else row.device_class

    @override
    def _look(self) -> None:
        super()._look()
        self._rescale()
        values = (self._live.raw(key, self._kind) for key in self._probe_keys)
        self._value = next(values, None)
        self._is_shown = self._is_shown and all(
            self._live.is_available(key, self._kind) for key in self._probe_keys
        )


class IntervalSensorEntity(LiveSensorEntity):
    """How often a probe reports."""

    @override
    def _look(self) -> None:
        super()._look()
        reports = (self._live.reports(key) for key in self._probe_keys)
        self._value = next((item.interval_s() for item in reports if item is not None), None)

    @callback
    @override
    def _heard(self) -> None:
        """Write only what is new: a probe that keeps its beat has nothing to tell."""
        before = (self._is_shown, self._value)
        self._look()
        if before != (self._is_shown, self._value):
            self._write()


class OwnProbeEntity[R: (ProbeSensor, ProbeBinary)](GardenEntity[ProbeView]):
    """Shows what the snapshot says about the probe whose device it is."""

    def __init__(self, entry: KamerplanterConfigEntry, subject: Subject, row: R) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row

    @property
    def _probe(self) -> Subject | None:
        return self.coordinator.own_probe(self.subject)

    @property
    @override
    def view(self) -> ProbeView | None:
        probe = self._probe
        return None if probe is None else cast("ProbeView | None", self.coordinator.view(probe))

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        available = self.available
        if self._probe in self.coordinator.changed or available != self._was_available:
            self._was_available = available
            self.async_write_ha_state()


class ProbeSensorEntity(OwnProbeEntity[ProbeSensor], SensorEntity):
    """A number or moment of the probe's upkeep."""

    entity_description: ProbeSensor

    @property
    @override
    def native_value(self) -> float | datetime | None:
        return None if (view := self.view) is None else self.entity_description.value_fn(view)
