"""Repair issues about values that are read wrongly: another unit, no unit, a decimal comma."""

from collections import Counter
from typing import NamedTuple

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from kamerplanter_backend.telemetry.discovery.unit_guess import UNITS_OF_HINTS, usual_unit
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Hint,
    Probe,
    Reason,
)
from kamerplanter_engines.units import (
    PPM,
    PPM_SCALES,
    READING_UNITS,
    normalise_unit,
    reading_unit_fault,
)

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_ENTRY_ID,
    CONF_KIND,
    CONF_PROBE_KEY,
    CONF_STORE_ID,
    CONF_UNIT,
    DOMAIN,
)
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..texts import Texts  # noqa: TID252

TELL_AFTER = 3
"""So many looks in a row; a single value may be a fault of the device."""
_FIXABLE = "unit_mismatch"
_COMMA = "decimal_comma"
"""What looks like a number with a decimal comma; the binding does not say that it is one."""

type _Channel = tuple[str, ChannelKind]


class _Fault(NamedTuple):
    """What is wrong with the unit of a channel."""

    text: str
    """The key of what is told."""
    unit: str
    """The one that the numbers look like, or that the sensor names and that does not fit."""


class UnitIssues:
    """Tells of units that do not fit, from loading to unloading, and takes it back by itself.

    Args:
        hass: Where it runs.
        entry: Whose probes it looks at; loaded.
        texts: What the kinds of values are called.
    """

    def __init__(self, hass: HomeAssistant, entry: KamerplanterConfigEntry, texts: Texts) -> None:
        self._hass = hass
        self._entry = entry
        self._texts = texts
        self._stops: dict[str, list[CALLBACK_TYPE]] = {}
        self._counts: Counter[_Channel] = Counter()
        self._told: dict[_Channel, _Fault] = {}

    @callback
    def start(self) -> None:
        """Look at each new value until the entry is unloaded."""
        self._entry.async_on_unload(self._stop)
        self._entry.async_on_unload(
            self._hass.bus.async_listen(
                ir.EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, self._on_issue, self._is_ours_gone
            )
        )
        self._entry.async_on_unload(
            self._entry.runtime_data.coordinator.async_add_listener(self._follow)
        )
        self._follow()

    @callback
    def _stop(self) -> None:
        for key in list(self._stops):
            self._forget(key)

    @callback
    def _is_ours_gone(self, data: ir.EventIssueRegistryUpdatedData) -> bool:
        return (
            data["domain"] == DOMAIN
            and data["action"] == "remove"
            and data["issue_id"] in {self._issue_id(channel) for channel in self._told}
        )

    @callback
    def _on_issue(self, event: Event[ir.EventIssueRegistryUpdatedData]) -> None:
        """Begin to count anew when a dialog has ended an issue; it may not have helped."""
        for channel in [it for it in self._told if self._issue_id(it) == event.data["issue_id"]]:
            del self._told[channel]
            self._counts.pop(channel, None)

    @callback
    def _follow(self) -> None:
        """Listen to all probes that exist now."""
        live = self._entry.runtime_data.live
        probes = {view.probe.key for view in self._entry.runtime_data.coordinator.data.probes}
        for key in self._stops.keys() - probes:
            self._forget(key)
        for key in probes - self._stops.keys():
            self._stops[key] = [
                live.listeners.listen_for_trouble(key, kind, self._looker(key, kind))
                for kind in ChannelKind
            ]

    def _looker(self, probe_key: str, kind: ChannelKind) -> CALLBACK_TYPE:
        @callback
        def look() -> None:
            self._look((probe_key, kind))

        return look

    def _forget(self, probe_key: str) -> None:
        for stop in self._stops.pop(probe_key):
            stop()
        for channel in [item for item in self._told if item[0] == probe_key]:
            self._take_back(channel)
        for channel in [item for item in self._counts if item[0] == probe_key]:
            del self._counts[channel]

    def _look(self, channel: _Channel) -> None:
        is_comma = self._entry.runtime_data.live.hint(*channel) == Hint.LOOKS_LIKE_DECIMAL_COMMA
        fault = _Fault(_COMMA, "") if is_comma else self._fault(channel)
        if fault is None:
            self._counts.pop(channel, None)
            if channel in self._told:
                self._take_back(channel)
            return
        self._counts[channel] += 1
        if self._counts[channel] >= TELL_AFTER and self._told.get(channel) != fault:
            self._tell(channel, fault)

    def _fault(self, channel: _Channel) -> _Fault | None:
        """Return what is wrong with the unit of the newest value; none = nothing that is known."""
        key, kind = channel
        live = self._entry.runtime_data.live
        hint, shown = live.hint(key, kind), live.shown(key, kind)
        if hint is None and (shown is None or not shown.reasons):
            return None
        unit = None if hint is None else UNITS_OF_HINTS.get(Hint(hint))
        is_refused = shown is not None and Reason.UNKNOWN_UNIT in shown.reasons
        if unit is None and not is_refused:
            return None
        view = self._entry.runtime_data.coordinator.data.probe(key)
        binding = None if view is None else view.probe.binding(kind)
        if binding is None:
            return None
        own_unit = self._unit_of_entity(binding)
        if unit is not None:
            # What a sensor says about itself wins, so only the sensor can be put right.
            return _Fault(_FIXABLE if own_unit is None else "unit_mismatch_entity", unit)
        if own_unit is None or reading_unit_fault(kind, own_unit) is None:
            return None
        needs_scale = normalise_unit(own_unit) == PPM and PPM_SCALES & set(READING_UNITS[kind])
        return _Fault("unit_without_scale" if needs_scale else "unit_unknown", own_unit)

    def _tell(self, channel: _Channel, fault: _Fault) -> None:
        key, kind = channel
        view = self._entry.runtime_data.coordinator.data.probe(key)
        binding = None if view is None else view.probe.binding(kind)
        if view is None or binding is None:
            return
        self._told[channel] = fault
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(channel),
            data={
                CONF_ENTRY_ID: self._entry.entry_id,
                CONF_PROBE_KEY: key,
                CONF_KIND: kind.value,
                CONF_UNIT: fault.unit,
            },
            is_fixable=fault.text in {_FIXABLE, _COMMA},
            severity=ir.IssueSeverity.WARNING,
            translation_key=fault.text,
            translation_placeholders={
                "probe": view.probe.name,
                "measurement": self._texts.kind(kind),
                "source": _source(view.probe, kind),
                "unit": fault.unit,
                "bound_unit": self._unit_of_entity(binding) or binding.unit or usual_unit(kind),
                "allowed": ", ".join(unit for unit in READING_UNITS[kind] if unit),
            },
        )

    def _unit_of_entity(self, binding: ChannelBinding) -> str | None:
        state = None if binding.entity_id is None else self._hass.states.get(binding.entity_id)
        unit = None if state is None else state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
        return str(unit) if unit else None

    def _take_back(self, channel: _Channel) -> None:
        self._told.pop(channel, None)
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(channel))

    def _issue_id(self, channel: _Channel) -> str:
        key, kind = channel
        return f"unit_mismatch_{self._entry.data[CONF_STORE_ID]}_{key}_{kind}"


def _source(probe: Probe, kind: ChannelKind) -> str:
    binding = probe.binding(kind)
    source = None if binding is None else binding.entity_id or binding.topic
    return source or "–"
