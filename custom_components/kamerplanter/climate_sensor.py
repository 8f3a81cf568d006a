"""Sensors that show the climate of a place: what its live values mean together, and its day."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, time
from typing import Any, override
from zoneinfo import ZoneInfo

from homeassistant.components.sensor import SensorEntity, SensorStateClass
from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.views import DailyClimateView, LocationView
from kamerplanter_backend.telemetry.probe.climate import AirState, air_now
from kamerplanter_engines.models.telemetry import ChannelKind

from .coordinator import KamerplanterConfigEntry
from .descriptions.rows import ClimateSensor, DaySensor
from .entity import GardenEntity
from .live_sensor import LiveSensorEntity
from .subjects import Subject
from .telemetry import places
from .telemetry.protocols import Shown

_AIR = (ChannelKind.AIR_TEMPERATURE, ChannelKind.AIR_HUMIDITY)
_LEAF = (ChannelKind.LEAF_TEMPERATURE, ChannelKind.PPFD)
"""What tells of the leaf: that which is known and stands first; without any it is assumed."""


class ClimateSensorEntity(LiveSensorEntity):
    """A value that follows from those that the place shows now; unknown when one of them is."""

    entity_description: ClimateSensor

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ClimateSensor
    ) -> None:
        super().__init__(entry, subject, row)
        self._by_kind: dict[ChannelKind, tuple[str, ...]] = {}

    @override
    def _follow(self) -> None:
        """Listen to all probes that measure one of the values; they may have been exchanged."""
        by_kind = {kind: self.coordinator.probe_keys(self.subject, kind) for kind in self._kinds()}
        if by_kind == self._by_kind:
            return
        self._stop()
        self._by_kind = by_kind
        self._probe_keys = tuple(dict.fromkeys(key for keys in by_kind.values() for key in keys))
        self._stops = [
            self._live.listeners.listen(key, kind, self._heard)
            for kind, keys in by_kind.items()
            for key in keys
        ]

    def _kinds(self) -> Sequence[ChannelKind]:
        if not self.entity_description.has_leaf:
            return _AIR
        bound = self.coordinator.bound_kinds(self.subject)
        return (*_AIR, *(kind for kind in _LEAF if kind in bound))

    @override
    async def async_will_remove_from_hass(self) -> None:
        self._by_kind = {}
        await super().async_will_remove_from_hass()

    @callback
    @override
    def _heard(self) -> None:
        """Write only what is new: a message tells of each of its values one after the other."""
        before = (self._is_shown, self._value, self._attributes)
        self._look()
        if before != (self._is_shown, self._value, self._attributes):
            self._write()

    @override
    def _look(self) -> None:
        super()._look()
        self._value = self._attributes = None
        looks = {kind: self._speaking(kind) for kind in self._by_kind}
        self._is_shown = self._is_shown and all(looks[kind][1] for kind in _AIR if kind in looks)
        shown = {
            kind: item
            for kind, (item, is_there) in looks.items()
            if item is not None and item.value is not None and is_there
        }
        leaf = next((kind for kind in _LEAF if kind in shown), None)
        shown = {kind: item for kind, item in shown.items() if kind in _AIR or kind is leaf}
        if (air := _air({kind: item.value for kind, item in shown.items()})) is None:
            return
        row = self.entity_description
        self._value = row.value_fn(air)
        self._attributes = row.told_fn(air) | _age(shown.values())

    def _speaking(self, kind: ChannelKind) -> tuple[Shown | None, bool]:
        """Return what the place shows of a kind, and whether its device is there."""
        key = places.speaker(self._live, self._by_kind[kind], kind)
        return (None, False) if key is None else self._live.look(key, kind)


def _air(values: Mapping[ChannelKind, float | None]) -> AirState | None:
    """Return what the values mean together; none = the air is not known now."""
    known = {kind: value for kind, value in values.items() if value is not None}
    if not known.keys() >= set(_AIR):
        return None
    return air_now(
        known[ChannelKind.AIR_TEMPERATURE],
        known[ChannelKind.AIR_HUMIDITY],
        leaf_c=known.get(ChannelKind.LEAF_TEMPERATURE),
        ppfd_umol=known.get(ChannelKind.PPFD),
    )


def _age(shown: Collection[Shown]) -> dict[str, Any]:
    """Return how old a value is that follows from others: as old as the oldest of them."""
    moments = (item.at for item in shown if item.at is not None)
    told: dict[str, Any] = {"measured_at": min(moments, default=None)}
    if any(places.is_remembered(item) for item in shown):
        told["restored"] = True
    return told


class DaySensorEntity(GardenEntity[LocationView], SensorEntity):
    """What a local day of a place has come to: the present one, or the last that is over."""

    # It moves with each reading, and tells nothing that the value of the day does not tell later.
    _unrecorded_attributes = frozenset({"coverage_pct"})
    entity_description: DaySensor

    def __init__(self, entry: KamerplanterConfigEntry, subject: Subject, row: DaySensor) -> None:
        super().__init__(entry, subject, row)
        self.entity_description = row

    @property
    def _day(self) -> DailyClimateView | None:
        return None if (view := self.view) is None else self.entity_description.day_fn(view)

    @property
    @override
    def available(self) -> bool:
        return super().available and not self._is_over()

    def _is_over(self) -> bool:
        """Tell whether the day is another one by now, of which its server has not told yet."""
        view = self.view
        if view is None or view.today is None or not self.coordinator.is_stale:
            return False
        return dt_util.now(ZoneInfo(view.time_zone)).date() > view.today.day

    @property
    @override
    def native_value(self) -> float | None:
        return None if (day := self._day) is None else self.entity_description.value_fn(day)

    @property
    @override
    def last_reset(self) -> datetime | None:
        """Return when the day began where the place is; only what is summed up has a beginning."""
        view, day = self.view, self._day
        is_sum = self.entity_description.state_class is SensorStateClass.TOTAL
        if view is None or day is None or not is_sum:
            return None
        return datetime.combine(day.day, time(), tzinfo=ZoneInfo(view.time_zone))

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        return None if (day := self._day) is None else self.entity_description.told_fn(day)
