"""Bound sensors of Home Assistant as a source of readings."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from homeassistant.const import ATTR_RESTORED, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.helpers.start import async_at_started

from kamerplanter_engines.models.telemetry import Probe

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike

type OnEntity = Callable[[str, str, str | None, datetime, bool], None]
"""Entity, state, unit, time of the report, and whether it was only restored."""


class EntitySource:
    """Follows bound entities; a report counts even if nothing changed."""

    def __init__(self, hass: HomeAssistant, on_entity: OnEntity) -> None:
        self._hass = hass
        self._on_entity = on_entity
        self._entities: Mapping[str, Sequence[Probe]] = {}
        self._issues: set[str] = set()
        self._stops: list[CALLBACK_TYPE] = []
        self._stop_waiting: CALLBACK_TYPE | None = None

    @callback
    def set_entities(self, entities: Mapping[str, Sequence[Probe]]) -> None:
        """Follow these entities and no others; each is bound by the probes beside it."""
        new = entities.keys() - self._entities.keys()
        is_same = entities.keys() == self._entities.keys()
        self._entities = dict(entities)
        if not is_same:
            self._unsubscribe()
            if entities:
                ids = sorted(entities)
                self._stops = [
                    async_track_state_change_event(self._hass, ids, self._on_change),
                    async_track_state_report_event(self._hass, ids, self._on_report),
                ]
            for entity_id in sorted(new):
                if (state := self._hass.states.get(entity_id)) is not None:
                    self._take(state, state.last_reported)
        if self._stop_waiting is None:
            self._stop_waiting = async_at_started(self._hass, self._on_started)
        elif self._hass.is_running:
            self._name_missing()

    @callback
    def device_of(self, entity_id: str) -> str | None:
        """Return the device that an entity belongs to; none = to none that is known."""
        entry = er.async_get(self._hass).async_get(entity_id)
        return None if entry is None else entry.device_id

    @callback
    def stop(self) -> None:
        """Follow nothing any more."""
        self._unsubscribe()
        if self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None
        self._entities = {}
        for issue_id in self._issues:
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        self._issues.clear()

    def _unsubscribe(self) -> None:
        for stop in self._stops:
            stop()
        self._stops = []

    @callback
    def _on_change(self, event: Event[EventStateChangedData]) -> None:
        if (state := event.data["new_state"]) is not None:
            self._take(state, state.last_reported)
        if event.data["old_state"] is None or state is None:
            self._name_missing()

    @callback
    def _on_report(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["new_state"], event.data["last_reported"])

    def _take(self, state: State, reported_at: datetime) -> None:
        self._on_entity(
            state.entity_id,
            state.state,
            state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
            reported_at,
            bool(state.attributes.get(ATTR_RESTORED, False)),
        )

    @callback
    def _on_started(self, _hass: HomeAssistant) -> None:
        self._name_missing()

    def _name_missing(self) -> None:
        """Tell of bound entities that do not exist; others may come later while it starts."""
        if not self._hass.is_running:
            return
        registry = er.async_get(self._hass)
        missing = {
            f"source_missing_{probe.key}_{entity_id}": (entity_id, probe)
            for entity_id, probes in self._entities.items()
            if self._hass.states.get(entity_id) is None and registry.async_get(entity_id) is None
            for probe in probes
        }
        for issue_id in self._issues - missing.keys():
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        for issue_id, (entity_id, probe) in missing.items():
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue_id,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key="source_missing",
                translation_placeholders={"entity": entity_id, "probe": probe.name},
            )
        self._issues = set(missing)
