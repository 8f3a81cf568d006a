"""Repair issues about topics and entities that a probe is bound to and that say nothing."""

from datetime import datetime, timedelta
from typing import NamedTuple

from homeassistant.core import CALLBACK_TYPE, CoreState, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_backend.telemetry.messages.kinds import silent_after_s
from kamerplanter_engines.models.telemetry import DEVICE_KINDS, ChannelBinding, Probe

from ..const import CONF_STORE_ID, DOMAIN  # noqa: TID252 - the neighbours import alike
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .entity_source import absence_of

LOOK_EVERY = timedelta(minutes=5)


class _Source(NamedTuple):
    """What a probe is bound to."""

    probe_key: str
    name: str
    """The topic or the entity."""
    is_entity: bool

    def brings(self, item: ChannelBinding) -> bool:
        """Tell whether a channel of the probe comes from here."""
        return self.name == (item.entity_id if self.is_entity else item.topic)


class SilentIssues:
    """Tells of sources that say nothing, from loading to unloading, and takes it back by itself.

    A topic may be without a message, and an entity without a value, for as long as the value that
    lives longest of those that it measures; then whatever is bound to it shows nothing any more, or
    never did. It is at least ten minutes, as a start is quiet for so long. While the broker is away
    or Home Assistant starts nobody can know, so the time begins anew afterwards; so it does with an
    entity that is not there, which is told of elsewhere.

    Args:
        hass: Where it runs.
        entry: Whose probes it looks at; loaded.
        texts: What the kinds of values are called.
    """

    def __init__(self, hass: HomeAssistant, entry: KamerplanterConfigEntry, texts: Texts) -> None:
        self._hass = hass
        self._entry = entry
        self._texts = texts
        self._since: dict[_Source, datetime] = {}
        """Since when somebody listens there."""
        self._told: dict[_Source, datetime] = {}
        """What is told of, and since when."""
        self._stops: dict[str, CALLBACK_TYPE] = {}

    @callback
    def start(self) -> None:
        """Look now and then until the entry is unloaded."""
        entry = self._entry
        entry.async_on_unload(self._stop)
        entry.async_on_unload(entry.runtime_data.coordinator.async_add_listener(self._follow))
        entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._look, LOOK_EVERY, name="kamerplanter silent sources"
            )
        )
        self._follow()
        entry.async_on_unload(async_at_started(self._hass, self._on_started))

    @callback
    def _on_started(self, _hass: HomeAssistant) -> None:
        """Give entities their time from now on: others of Home Assistant may have come late."""
        now = dt_util.utcnow()
        self._since |= {source: now for source in self._since if source.is_entity}

    @callback
    def _stop(self) -> None:
        for source in list(self._told):
            self._take_back(source)

    def _views(self) -> dict[str, ProbeView]:
        snapshot = self._entry.runtime_data.coordinator.data
        return {view.probe.key: view for view in snapshot.probes}

    @callback
    def _follow(self) -> None:
        """Take in the sources that are bound now."""
        now = dt_util.utcnow()
        bound = {
            _Source(key, name, is_entity)
            for key, view in self._views().items()
            for item in view.probe.channels
            for name, is_entity in ((item.topic, False), (item.entity_id, True))
            if name is not None
        }
        for source in self._told.keys() - bound:
            self._take_back(source)
        self._since = {source: self._since.get(source, now) for source in bound}

    @callback
    def _look(self, now: datetime) -> None:
        """Tell of what has been silent for too long."""
        views = self._views()
        for source, since in list(self._since.items()):
            if not self._can_know(source):
                self._since[source] = now
                if source.is_entity:
                    self._take_back(source)
            elif source not in self._told and (view := views.get(source.probe_key)) is not None:
                limit_s = _limit_s(view.probe, source)
                # What came before a move is none of what the garden says of the probe now.
                moments = (self._heard_at(source), _received_at(view, source), view.probe.placed_at)
                heard_at = max(since, *(moment or since for moment in moments))
                if (now - heard_at).total_seconds() >= limit_s:
                    self._tell(source, view.probe, limit_s, now)

    def _can_know(self, source: _Source) -> bool:
        """Tell whether silence means something now."""
        live = self._entry.runtime_data.live
        if live.reports(source.probe_key) is None:
            return False
        if not source.is_entity:
            return live.is_connected
        is_running = self._hass.state is CoreState.running
        return is_running and absence_of(self._hass, source.name) is None

    def _heard_at(self, source: _Source) -> datetime | None:
        """Return when something last came from there; none = nothing has come."""
        live = self._entry.runtime_data.live
        if (reports := live.reports(source.probe_key)) is None:
            return None
        if not source.is_entity:
            return reports.heard_at(source.name)
        # A steady entity is confirmed by its neighbours, so that its value is younger than itself.
        moments = [reports.number_at(source.name)]
        for kind in live.kinds(source.probe_key):
            item, shown = live.binding(source.probe_key, kind), live.shown(source.probe_key, kind)
            if item is not None and source.brings(item) and shown is not None:
                moments.append(shown.at)
        return max((moment for moment in moments if moment is not None), default=None)

    def _tell(self, source: _Source, probe: Probe, limit_s: float, now: datetime) -> None:
        key = source.probe_key
        self._told[source] = now
        kinds = [item.kind for item in probe.channels if source.brings(item)]
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(source),
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="entity_silent" if source.is_entity else "source_silent",
            translation_placeholders={
                "probe": probe.name,
                "measurement": ", ".join(self._texts.kind(kind) for kind in kinds),
                "source": source.name,
                "duration": _spelled(self._texts, limit_s),
            },
        )
        if key not in self._stops:
            self._stops[key] = self._entry.runtime_data.live.listeners.listen(
                key, None, lambda: self._heard(key)
            )

    @callback
    def _heard(self, probe_key: str) -> None:
        """Take back what is told of sources from which something has come meanwhile."""
        for source in [item for item in self._told if item.probe_key == probe_key]:
            heard_at = self._heard_at(source)
            if heard_at is not None and heard_at > self._told[source]:
                self._take_back(source)

    def _take_back(self, source: _Source) -> None:
        self._told.pop(source, None)
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(source))
        key = source.probe_key
        if not any(item.probe_key == key for item in self._told) and (
            stop := self._stops.pop(key, None)
        ):
            stop()

    def _issue_id(self, source: _Source) -> str:
        kind = "entity" if source.is_entity else "source"
        return f"{kind}_silent_{self._entry.data[CONF_STORE_ID]}_{source.probe_key}_{source.name}"


def _limit_s(probe: Probe, source: _Source) -> float:
    """Return how long a source may be silent.

    What a device says about itself lives far longer than what it measures beside that.
    """
    brought = [item for item in probe.channels if source.brings(item)]
    measured = [item for item in brought if item.kind not in DEVICE_KINDS]
    return max(silent_after_s(item) for item in measured or brought)


def _spelled(texts: Texts, seconds: float) -> str:
    """Return how long something lasts, in the unit that gives few digits."""
    if seconds < 2 * 60:
        return f"{texts.number(seconds)} s"
    if seconds < 2 * 3600:
        return f"{texts.number(seconds / 60, '.3g')} min"
    return f"{texts.number(seconds / 3600, '.3g')} h"


def _received_at(view: ProbeView, source: _Source) -> datetime | None:
    """Return when the store last got a value that comes from here; it may know another road."""
    kinds = {item.kind for item in view.probe.channels if source.brings(item)}
    last = (item.last for item in view.channels if item.kind in kinds)
    return max((item.received_at for item in last if item is not None), default=None)
