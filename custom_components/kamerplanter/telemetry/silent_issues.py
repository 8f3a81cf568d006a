"""Repair issues about topics that a probe is bound to and on which nothing arrives."""

from datetime import datetime, timedelta

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_backend.telemetry.kinds import max_age_s
from kamerplanter_engines.models.telemetry import Probe

from ..const import CONF_STORE_ID, DOMAIN  # noqa: TID252 - the neighbours import alike
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..texts import Texts  # noqa: TID252

LOOK_EVERY = timedelta(minutes=5)

type _Source = tuple[str, str]
"""The key of a probe and a topic that it is bound to."""


class SilentIssues:
    """Tells of topics without a message, from loading to unloading, and takes it back by itself.

    A topic may be silent for as long as the value that lives longest of those that it brings; then
    whatever is bound to it shows nothing any more, or never did. While the broker is away nobody
    can know, so the time begins anew when it is back.

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
                self._hass, self._look, LOOK_EVERY, name="kamerplanter silent topics"
            )
        )
        self._follow()

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
            (key, item.topic)
            for key, view in self._views().items()
            for item in view.probe.channels
            if item.topic is not None
        }
        for source in self._told.keys() - bound:
            self._take_back(source)
        self._since = {source: self._since.get(source, now) for source in bound}

    @callback
    def _look(self, now: datetime) -> None:
        """Tell of what has been silent for too long."""
        live = self._entry.runtime_data.live
        if not live.is_connected:
            self._since = dict.fromkeys(self._since, now)
            return
        views = self._views()
        for source, since in self._since.items():
            key, topic = source
            if source in self._told or key not in views or (reports := live.reports(key)) is None:
                continue
            limit_s = _limit_s(views[key].probe, topic)
            moments = (since, reports.heard_at(topic), _received_at(views[key], topic))
            heard_at = max(moment for moment in moments if moment is not None)
            if (now - heard_at).total_seconds() >= limit_s:
                self._tell(source, views[key].probe, limit_s, now)

    def _tell(self, source: _Source, probe: Probe, limit_s: float, now: datetime) -> None:
        key, topic = source
        self._told[source] = now
        kinds = [item.kind for item in probe.channels if item.topic == topic]
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(source),
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="source_silent",
            translation_placeholders={
                "probe": probe.name,
                "measurement": ", ".join(self._texts.kind(kind) for kind in kinds),
                "source": topic,
                "hours": self._texts.number(limit_s / 3600),
            },
        )
        if key not in self._stops:
            self._stops[key] = self._entry.runtime_data.live.listen(
                key, None, lambda: self._heard(key)
            )

    @callback
    def _heard(self, probe_key: str) -> None:
        """Take back what is told of topics on which something has come meanwhile."""
        reports = self._entry.runtime_data.live.reports(probe_key)
        for source in [item for item in self._told if item[0] == probe_key]:
            heard_at = None if reports is None else reports.heard_at(source[1])
            if heard_at is not None and heard_at > self._told[source]:
                self._take_back(source)

    def _take_back(self, source: _Source) -> None:
        self._told.pop(source, None)
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(source))
        key = source[0]
        if not any(item[0] == key for item in self._told) and (stop := self._stops.pop(key, None)):
            stop()

    def _issue_id(self, source: _Source) -> str:
        key, topic = source
        return f"source_silent_{self._entry.data[CONF_STORE_ID]}_{key}_{topic}"


def _limit_s(probe: Probe, topic: str) -> float:
    """Return how long a topic may be silent."""
    return max(max_age_s(item) for item in probe.channels if item.topic == topic)


def _received_at(view: ProbeView, topic: str) -> datetime | None:
    """Return when the store last got a value that this topic brings; it may know another road."""
    kinds = {item.kind for item in view.probe.channels if item.topic == topic}
    last = (item.last for item in view.channels if item.kind in kinds)
    return max((item.received_at for item in last if item is not None), default=None)
