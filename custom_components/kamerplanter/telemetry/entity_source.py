"""Bound sensors of Home Assistant as a source of readings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from homeassistant.const import ATTR_RESTORED, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import (
    CALLBACK_TYPE,
    CoreState,
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

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.telemetry.probe.same_source import same_source
from kamerplanter_engines.models.telemetry import Probe

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike
from ..subjects import name_in_place  # noqa: TID252

type Absence = Literal["source_missing", "source_disabled"]
"""Why an entity says nothing: the key of the text about it."""


class OnEntity(Protocol):
    """Takes in the state of an entity."""

    def __call__(
        self,
        entity_id: str,
        state_text: str,
        unit: str | None,
        *,
        reported_at: datetime,
        restored: bool,
        probe_keys: frozenset[str] | None,
    ) -> None:
        """Take it in.

        Args:
            entity_id: Whose state it is.
            state_text: The state.
            unit: Its unit of measurement.
            reported_at: When it was last reported.
            restored: It was only restored.
            probe_keys: These were bound to it later, and are told of it again; none = all.
        """


class EntitySource:
    """Follows bound entities; a report counts even if nothing changed."""

    def __init__(self, hass: HomeAssistant, on_entity: OnEntity) -> None:
        self._hass = hass
        self._on_entity = on_entity
        self._entities: Mapping[str, Sequence[Probe]] = {}
        self._names: Mapping[str, str] = {}
        """What people call each probe, by its key."""
        self._issues: set[str] = set()
        self._stops: list[CALLBACK_TYPE] = []
        self._stop_waiting: CALLBACK_TYPE | None = None

    @callback
    def set_entities(
        self, entities: Mapping[str, Sequence[Probe]], snapshot: GardenSnapshot
    ) -> None:
        """Follow these entities and no others; each is bound by the probes beside it.

        A probe that reads an entity anew, or in another way, is told its present state at once,
        with the time of its last report: a sensor may be silent for hours.
        """
        before, self._entities = self._entities, dict(entities)
        self._names = {
            probe.key: name_in_place(probe, snapshot)
            for probes in entities.values()
            for probe in probes
        }
        if entities.keys() != before.keys():
            self._unsubscribe()
            if entities:
                ids = sorted(entities)
                self._stops = [
                    async_track_state_change_event(self._hass, ids, self._on_change),
                    async_track_state_report_event(self._hass, ids, self._on_report),
                    self._hass.bus.async_listen(
                        er.EVENT_ENTITY_REGISTRY_UPDATED,
                        self._on_registry_change,
                        event_filter=self._concerns,
                    ),
                ]
        for entity_id in sorted(entities):
            known = {probe.key: probe for probe in before.get(entity_id, ())}
            anew = frozenset(
                probe.key
                for probe in entities[entity_id]
                if not _is_read_alike(known.get(probe.key), probe, entity_id)
            )
            if anew and (state := self._hass.states.get(entity_id)) is not None:
                self._take(state, state.last_reported, anew)
        if self._stop_waiting is None:
            self._stop_waiting = async_at_started(self._hass, self._on_started)
        else:
            self._name_absent()

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
        if event.data["old_state"] is None or state is None or _is_restored(state):
            self._name_absent()

    @callback
    def _concerns(self, data: er.EventEntityRegistryUpdatedData) -> bool:
        return bool({data["entity_id"], data.get("old_entity_id")} & self._entities.keys())

    @callback
    def _on_registry_change(self, _event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Look again when an entity was renamed, removed or disabled: it may have had no state."""
        self._name_absent()

    @callback
    def _on_report(self, event: Event[EventStateReportedData]) -> None:
        self._take(event.data["new_state"], event.data["last_reported"])

    def _take(
        self, state: State, reported_at: datetime, probe_keys: frozenset[str] | None = None
    ) -> None:
        self._on_entity(
            state.entity_id,
            state.state,
            state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
            reported_at=reported_at,
            restored=_is_restored(state),
            probe_keys=probe_keys,
        )

    @callback
    def _on_started(self, _hass: HomeAssistant) -> None:
        self._name_absent()

    def _name_absent(self) -> None:
        """Tell of bound entities that are not there; others may come later while it starts."""
        if self._hass.state is not CoreState.running:
            return
        absent = {
            f"{absence}_{probe.key}_{entity_id}": (absence, entity_id, probe)
            for entity_id, probes in self._entities.items()
            if (absence := absence_of(self._hass, entity_id)) is not None
            for probe in probes
        }
        for issue_id in self._issues - absent.keys():
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
        for issue_id, (absence, entity_id, probe) in absent.items():
            ir.async_create_issue(
                self._hass,
                DOMAIN,
                issue_id,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=absence,
                translation_placeholders={"entity": entity_id, "probe": self._names[probe.key]},
            )
        self._issues = set(absent)


@callback
def absence_of(hass: HomeAssistant, entity_id: str) -> Absence | None:
    """Return why an entity is not there; none = it is, or is about to come."""
    state, entry = hass.states.get(entity_id), er.async_get(hass).async_get(entity_id)
    if entry is None:
        return "source_missing" if state is None else None
    # A disabled integration may leave the states that its entities were restored to.
    is_left = state is None or _is_restored(state)
    return "source_disabled" if entry.disabled and is_left else None


def _is_restored(state: State) -> bool:
    return bool(state.attributes.get(ATTR_RESTORED, False))


def _is_read_alike(before: Probe | None, probe: Probe, entity_id: str) -> bool:
    """Tell whether all that a probe reads of an entity was read in the same way before."""
    if before is None:
        return False
    old = {item.kind: item for item in before.channels if item.entity_id == entity_id}
    return all(
        item.kind in old and same_source(old[item.kind], item)
        for item in probe.channels
        if item.entity_id == entity_id
    )
