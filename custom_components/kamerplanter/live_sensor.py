"""Sensors that show what probes say, as soon as they say it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.views import GardenSnapshot, TankView
from kamerplanter_backend.telemetry.messages.kinds import by_hand_until
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict

from .coordinator import KamerplanterConfigEntry
from .descriptions.rows import ChannelSensor
from .entity import GardenEntity
from .platform_setup import OfDevice
from .subjects import Subject, SubjectKind, name_of
from .telemetry import places
from .write_pace import BURST, PacedWrites

_MANY = frozenset({ChannelKind.DISSOLVED_OXYGEN, ChannelKind.ORP})
"""With both of them a tank would have more entities than a person looks at."""


class LiveSensorEntity(GardenEntity[Any], SensorEntity):
    """Shows what a probe says, at once; the snapshot only tells which probe it is.

    What is shown is computed once for each message, and not anew by each property. A source that
    never stops sending is shown twice a second; what takes something away is told at once.
    """

    burst: ClassVar[int] = BURST
    """So many changes are written without a pause."""

    _unrecorded_attributes = frozenset({"measured_at", "restored"})
    _channel: ChannelKind | None = None
    """None = every channel of the probe."""

    def __init__(
        self,
        entry: KamerplanterConfigEntry,
        subject: Subject,
        row: Any,  # noqa: ANN401 - one of the types of rows of live values
    ) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row
        self._live = entry.runtime_data.live
        self._is_of_device = isinstance(row, OfDevice)
        self._probe_keys: tuple[str, ...] = ()
        self._stops: list[CALLBACK_TYPE] = []
        self._snapshot: GardenSnapshot | None = None
        self._view: Any = None
        self._is_shown = False
        self._value: float | datetime | str | None = None
        self._attributes: Mapping[str, Any] | None = None
        self._told = 0
        self._writes = PacedWrites(
            self.coordinator.hass, self.async_write_ha_state, burst=self.burst
        )

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._follow()
        self._look()

    @override
    async def async_will_remove_from_hass(self) -> None:
        self._probe_keys = ()
        self._stop()
        self._writes.stop()
        await super().async_will_remove_from_hass()

    def _sources(self) -> tuple[str, ...]:
        """Return the probes that measure here now, the oldest first."""
        if not self._is_of_device:
            return self.coordinator.probe_keys(self.subject, self._channel)
        own = self.coordinator.own_probe(self.subject)
        return () if own is None else (own.key,)

    def _follow(self) -> None:
        """Listen to the probes that measure here; they may have been exchanged."""
        keys = self._sources()
        if keys == self._probe_keys:
            return
        self._stop()
        self._probe_keys = keys
        self._stops = [stop for key in keys for stop in self._listen(key)]

    def _listen(self, probe_key: str) -> tuple[CALLBACK_TYPE, ...]:
        return (self._live.listeners.listen(probe_key, self._channel, self._heard),)

    def _stop(self) -> None:
        for stop in self._stops:
            stop()
        self._stops = []

    def _look(self) -> None:
        """Take over what is to be shown now."""
        if self._snapshot is not self.coordinator.data:
            self._snapshot = self.coordinator.data
            self._view = self.view
        # A store that does not answer now takes no value off the screen.
        self._is_shown = self._view is not None and bool(self._probe_keys)

    def _standing(self) -> int:
        """Return how good what is to be shown is: it matters whether it becomes worse."""
        if not self._is_shown:
            return 0
        return 1 if self._value is None else 2

    @callback
    def _heard(self) -> None:
        self._look()
        self._write()

    @callback
    def _write(self) -> None:
        """Write what is to be shown: bad news now, the rest at a pace that one can follow."""
        if self._standing() < self._told:
            self._writes.now()
        else:
            self._writes.soon()

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        self._told = self._standing()
        super()._async_write_ha_state()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Write only what the source has not written already, as snapshots come each second."""
        before = (self._is_shown, self._value)
        self._follow()
        self._look()
        if before != (self._is_shown, self._value):
            self._write()

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
    """A measured value: the last good one until it is too old.

    Of several probes the one shows that speaks for the place. Where none has anything to say, what
    a person measured by hand is shown as long.
    """

    entity_description: ChannelSensor[Any]
    _cancel_expiry: CALLBACK_TYPE | None = None
    _is_behind = False
    """Something was heard that is looked at when it is written."""

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ChannelSensor[Any]
    ) -> None:
        super().__init__(entry, subject, row)
        self._channel = row.channel
        self._kind = row.channel
        self._shown_fn = row.shown_fn

    @override
    async def async_will_remove_from_hass(self) -> None:
        self._forget_expiry()
        await super().async_will_remove_from_hass()

    @override
    def _listen(self, probe_key: str) -> tuple[CALLBACK_TYPE, ...]:
        listeners = self._live.listeners
        return (
            *super()._listen(probe_key),
            listeners.listen_for_trouble(probe_key, self._kind, self._heard_of_trouble),
        )

    @callback
    @override
    def _heard(self) -> None:
        if self._writes.is_waiting:
            self._is_behind = True
        else:
            super()._heard()

    @callback
    def _heard_of_trouble(self) -> None:
        """Look at once at what may be bad news, where only the newest value waits to be shown."""
        if self._writes.is_waiting:
            super()._heard()

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        if self._is_behind:
            self._look()
        super()._async_write_ha_state()

    @override
    def _look(self) -> None:
        super()._look()
        self._is_behind = False
        self._value = self._attributes = None
        self._forget_expiry()
        key = places.speaker(self._live, self._probe_keys, self._kind)
        shown, is_available = (None, False) if key is None else self._live.look(key, self._kind)
        is_silent = shown is None or shown.value is None or not is_available
        if is_silent and self._look_by_hand(alone=key is None):
            return
        self._is_shown = self._is_shown and is_available
        if shown is None or key is None:
            return
        if self._view is not None and shown.value is not None:
            self._value = self._shown_fn(shown.value, self._view)
        if shown.at is not None:
            self._attributes = {"measured_at": shown.at}
            if shown.reasons and places.is_remembered(shown):
                self._attributes["restored"] = True
            if len(self._probe_keys) > 1 and (probe := self._name(key)) is not None:
                self._attributes["probe"] = probe

    def _name(self, key: str) -> str | None:
        view = self.coordinator.view(Subject(SubjectKind.PROBE, key))
        return None if view is None else name_of(view)

    def _look_by_hand(self, *, alone: bool) -> bool:
        """Show what was measured by hand, if it is not too old; tell if it is shown.

        Args:
            alone: No probe measures this here, so its age is all that there is to be said.
        """
        found = _by_hand(self._view, self._kind)
        if found is None:
            return False
        ends_at = by_hand_until(found)
        is_fresh = ends_at > dt_util.utcnow()
        if not (is_fresh or alone):
            return False
        self._is_shown = True
        self._attributes = {"measured_at": found.measured_at, "source": "hand"}
        if is_fresh:
            self._value = self._shown_fn(found.value, self._view)
            self._cancel_expiry = async_track_point_in_utc_time(self.hass, self._expire, ends_at)
        return True

    @callback
    def _expire(self, _now: datetime) -> None:
        self._cancel_expiry = None
        self._heard()

    def _forget_expiry(self) -> None:
        if self._cancel_expiry is not None:
            self._cancel_expiry()
            self._cancel_expiry = None


def _by_hand(view: object, kind: ChannelKind) -> HandMeasurement | None:
    """Return what was last measured by hand in a tank, if it may be believed."""
    if not isinstance(view, TankView):
        return None
    return next(
        (
            item
            for item in view.hand_measurements
            if item.kind is kind and item.verdict is Verdict.GOOD
        ),
        None,
    )


class DerivedSensorEntity(ChannelSensorEntity):
    """A measured value in another form: written at once, and then at most twice a second."""

    burst = 1

    @property
    @override
    def entity_registry_enabled_default(self) -> bool:
        """Whether it is shown: where much is measured, what is said already gives way."""
        return not self.coordinator.bound_kinds(self.subject) >= _MANY
