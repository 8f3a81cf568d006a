"""Live readings: from a source through the intake of a probe to its entities, at once."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.protocol import KamerplanterClient
from kamerplanter_backend.client.views import GardenSnapshot, ProbeView
from kamerplanter_backend.telemetry.calibration.raw_taps import RawTaps
from kamerplanter_backend.telemetry.messages import field_meanings
from kamerplanter_backend.telemetry.probe.company import introduce
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_backend.telemetry.probe.notice import Notice
from kamerplanter_backend.telemetry.probe.reports import Reports
from kamerplanter_engines.models.tank import TankType
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    QualityView,
    Reading,
    Verdict,
)

from .calibrating import solution_times
from .channel_listeners import ChannelListeners
from .entity_source import EntitySource
from .presence import PresenceTeller
from .protocols import Heard, MakeSource, Shown
from .pump import OnTrouble, ReadingPump

_LOGGER = logging.getLogger(__name__)

COLLECT_AT = 500
"""So many readings of one probe do not wait for the others."""


class LiveReadings:
    """The intakes of all probes of a garden, their sources, and who looks at them.

    Runs on the event loop. A message reaches the entities of the touched channels before the
    call returns; the same readings go to the store in a batch.

    Args:
        client: Takes the batches.
        started_at: When listening began; what is older is shown with its age and never fresh.
        make_source: Makes the source of messages, or none.
        on_store_trouble: Told when the store stops taking readings, and when it takes them again.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        client: KamerplanterClient,
        *,
        started_at: datetime,
        make_source: MakeSource,
        on_store_trouble: OnTrouble,
    ) -> None:
        self._hass = hass
        self._started_at = started_at
        self._intakes: dict[str, ProbeIntake] = {}
        self._waters: dict[str, tuple[bool, bool]] = {}
        self._taken_in_at: dict[str, datetime] = {}
        self._by_topic: dict[str, tuple[ProbeIntake, ...]] = {}
        self._timers: dict[str, tuple[datetime, CALLBACK_TYPE]] = {}
        self._is_connected = True
        self._message_at: datetime | None = None
        """The moment of the message that is being shown: one for all that look."""
        self._is_stopped = False
        self.listeners = ChannelListeners(self._is_well)
        self.taps = RawTaps()
        self.pump = ReadingPump(hass, client, on_store_trouble, self._collect)
        self._presence = PresenceTeller(hass, client, self.pump.flush)
        self._messages = make_source(self.on_message, self.on_connection)
        self._entities = EntitySource(hass, self.on_entity)

    async def async_start(self, snapshot: GardenSnapshot) -> None:
        """Take the probes in and begin to listen."""
        await self._hass.async_add_executor_job(field_meanings.prepare)
        if self._messages is not None:
            self._messages.start()
        await self.async_sync(snapshot)

    async def async_stop(self) -> None:
        """Listen to nothing any more and store what has been read."""
        self.taps.end()
        self._entities.stop()
        if self._messages is not None:
            await self._messages.stop()
        for _, cancel in self._timers.values():
            cancel()
        self._timers.clear()
        self._is_stopped = True
        await self._presence.stop()
        await self.pump.stop()

    async def async_sync(self, snapshot: GardenSnapshot) -> None:
        """Follow the probes of the garden: new, changed and archived ones."""
        views = {view.probe.key: view for view in snapshot.probes}
        gone = self._intakes.keys() - views.keys()
        changed = [view for view in views.values() if self._differs(view.probe, snapshot)]
        for key in gone:
            self.pump.add(self._intakes.pop(key).take_readings())
            self._cancel_timer(key)
            self._presence.forget(key)
        for view in changed:
            self._take_in(view, snapshot)
        for key, intake in self._intakes.items():
            if self._presence.follow(intake, views[key].gone_since):
                self.listeners.tell_all(key)
            intake.on_supply(views[key].jumps_at, views[key].doses_at)
            intake.solutions.follow(views[key].solution_holds)
            intake.company.learn(views[key])
            intake.calibrate(views[key].calibrations, views[key].raw_kinds)
            if intake.on_doubts({item.kind: item.reasons for item in views[key].doubts}):
                self.listeners.tell_all(key)
            known = {item.kind: item.known for item in views[key].channels}
            if kinds := intake.recall(known, self._taken_in_at[key]):
                self.listeners.tell_of(key, kinds)
                self._watch_age(intake, dt_util.utcnow())
        if not gone and not changed:
            return
        introduce(intake.company for intake in self._intakes.values())
        await self._bind(snapshot)
        for view in changed:
            self.listeners.tell_all(view.probe.key)
            self._watch_age(self._intakes[view.probe.key], dt_util.utcnow())

    def _differs(self, probe: Probe, snapshot: GardenSnapshot) -> bool:
        intake = self._intakes.get(probe.key)
        return (
            intake is None
            or intake.probe != probe
            or self._waters[probe.key] != _water(probe, snapshot)
        )

    def _take_in(self, view: ProbeView, snapshot: GardenSnapshot) -> None:
        probe = view.probe
        self._taken_in_at[probe.key] = dt_util.utcnow()
        plain_water, stock_solution = _water(probe, snapshot)
        self._waters[probe.key] = (plain_water, stock_solution)
        if (intake := self._intakes.get(probe.key)) is not None:
            intake.update(probe, plain_water=plain_water, stock_solution=stock_solution)
            return
        intake = ProbeIntake(
            probe,
            started_at=self._started_at,
            restored={item.kind: item.known for item in view.channels},
            plain_water=plain_water,
            stock_solution=stock_solution,
            device_of=self._entities.device_of,
            solutions=solution_times(self._hass, probe.key),
        )
        intake.on_connection(connected=self._is_connected)
        self._intakes[probe.key] = intake

    async def _bind(self, snapshot: GardenSnapshot) -> None:
        by_topic: dict[str, list[ProbeIntake]] = {}
        entities: dict[str, list[Probe]] = {}
        for intake in self._intakes.values():
            for topic in intake.topics:
                by_topic.setdefault(topic, []).append(intake)
            for entity_id in intake.entity_ids:
                entities.setdefault(entity_id, []).append(intake.probe)
        self._by_topic = {topic: tuple(intakes) for topic, intakes in by_topic.items()}
        if self._messages is not None:
            await self._messages.set_topics(frozenset(self._by_topic))
        self._entities.set_entities(entities, snapshot)

    @callback
    def on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take in one message; garbage is counted by the intakes and never raises."""
        now = dt_util.utcnow()
        self.taps.on_message(topic, payload, retained=retained, now=now)
        for intake in self._by_topic.get(topic, ()):
            was_available = intake.available
            judged = intake.on_message(topic, payload, retained=retained, received_at=now)
            if retained or intake.available != was_available:
                self._after(intake, None, now)
            elif news := [item for item in judged if item.reasons or not item.is_repeat]:
                self._after(intake, news, now)

    @callback
    def on_entity(
        self,
        entity_id: str,
        state_text: str,
        unit: str | None,
        *,
        reported_at: datetime,
        restored: bool,
        probe_keys: frozenset[str] | None = None,
    ) -> None:
        """Take in a state of an entity of Home Assistant, for some probes or for all."""
        now = dt_util.utcnow()
        self.taps.on_entity(entity_id, state_text, unit, now=now, restored=restored)
        for key, intake in self._intakes.items():
            if entity_id not in intake.entity_ids or not (probe_keys is None or key in probe_keys):
                continue
            judged = intake.on_entity(
                entity_id,
                state_text,
                unit,
                reported_at=reported_at,
                received_at=now,
                restored=restored,
            )
            self._after(intake, judged or None, now)

    @callback
    def on_connection(self, connected: bool) -> None:
        """Take in that the broker was lost or is back; values stay until they are too old."""
        self._is_connected = connected
        for key, intake in self._intakes.items():
            intake.on_connection(connected=connected)
            self.listeners.tell_all(key)

    def _after(self, intake: ProbeIntake, news: Iterable[Heard] | None, now: datetime) -> None:
        self._message_at = now
        self._presence.note(intake, now)
        try:
            if news is None:
                self.listeners.tell_all(intake.probe.key)
            else:
                self.listeners.tell(intake.probe.key, news)
        finally:
            self._message_at = None
        if intake.pending_count >= COLLECT_AT:
            self.pump.add(intake.take_readings())
        elif intake.pending_count:
            self.pump.expect()
        if intake.probe.key not in self._timers:
            self._watch_age(intake, now)
        for notice in intake.take_notices():
            _log(intake.probe, notice)

    def _collect(self) -> list[Reading]:
        """Hand over what has been read since the last batch."""
        readings: list[Reading] = []
        now = dt_util.utcnow()
        for intake in self._intakes.values():
            if not intake.pending_count:
                continue
            readings += intake.take_readings()
            if not self._is_stopped:
                # A value with a shorter life may have joined those that are watched.
                self._watch_age(intake, now)
        return readings

    def _now(self) -> datetime:
        return self._message_at or dt_util.utcnow()

    def _watch_age(self, intake: ProbeIntake, now: datetime) -> None:
        """Look again when a value becomes too old to be shown.

        A timer that is early does no harm, so that not every message has to move it.
        """
        key, due_at = intake.probe.key, intake.next_change_at(now)
        if due_at is None or (key in self._timers and self._timers[key][0] <= due_at):
            return
        self._cancel_timer(key)

        @callback
        def look(_now: datetime) -> None:
            self._timers.pop(key, None)
            if key in self._intakes:
                self.listeners.tell_all(key)
                self._watch_age(self._intakes[key], dt_util.utcnow())

        self._timers[key] = (due_at, async_track_point_in_utc_time(self._hass, look, due_at))

    def _cancel_timer(self, probe_key: str) -> None:
        if timer := self._timers.pop(probe_key, None):
            timer[1]()

    def shown(self, probe_key: str, kind: ChannelKind) -> Shown | None:
        """Return what a channel shows now; none = it is not bound (any more)."""
        intake = self._intakes.get(probe_key)
        if intake is None or kind not in intake.rules:
            return None
        return intake.shown(kind, self._now())

    def look(self, probe_key: str, kind: ChannelKind) -> tuple[Shown | None, bool]:
        """Return what `shown` and `is_available` say, in one look."""
        intake = self._intakes.get(probe_key)
        if intake is None or kind not in intake.rules:
            return None, False
        now = self._now()
        return intake.shown(kind, now), intake.channel_available(kind, now)

    def is_available(self, probe_key: str, kind: ChannelKind) -> bool:
        """Tell whether the device of a channel is there, as far as anybody says."""
        intake = self._intakes.get(probe_key)
        return (
            intake is not None
            and kind in intake.rules
            and intake.channel_available(kind, self._now())
        )

    def quality(self, probe_key: str, kind: ChannelKind | None = None) -> QualityView | None:
        """Return how far the worst channel, or one, is to be trusted; none = no such probe."""
        intake = self._intakes.get(probe_key)
        return None if intake is None else intake.quality(self._now(), kind)

    def quality_summary(self, probe_key: str) -> object:
        """Return what differs when what is said of the quality of a probe differs."""
        intake = self._intakes.get(probe_key)
        return None if intake is None else intake.quality_summary(self._now())

    def kinds(self, probe_key: str) -> tuple[ChannelKind, ...]:
        """Return the bound kinds of a probe."""
        intake = self._intakes.get(probe_key)
        return () if intake is None else tuple(intake.rules)

    def counts(self, probe_key: str) -> Mapping[str, dict[str, int]]:
        """Return how many samples of each channel were refused or doubted, by reason."""
        intake = self._intakes.get(probe_key)
        found: dict[str, dict[str, int]] = {}
        for (kind, reason), count in () if intake is None else sorted(intake.counts.items()):
            found.setdefault(kind, {})[reason] = count
        return found

    def hint(self, probe_key: str, kind: ChannelKind) -> str | None:
        """Return what is probably wrong with the mapping of a channel."""
        intake = self._intakes.get(probe_key)
        return None if intake is None else intake.hint(kind)

    def _is_well(self, probe_key: str, kind: ChannelKind) -> bool:
        shown = self.shown(probe_key, kind)
        return (
            shown is not None
            and shown.verdict is Verdict.GOOD
            and self.hint(probe_key, kind) is None
        )

    @property
    def is_connected(self) -> bool:
        """Whether messages can come in, as far as their source knows; without one they cannot."""
        return self._messages is not None and self._is_connected

    def reports(self, probe_key: str) -> Reports | None:
        """Return what came lately from a probe, before it was judged; none = no such probe."""
        intake = self._intakes.get(probe_key)
        return None if intake is None else intake.reports

    def raw(self, probe_key: str, kind: ChannelKind) -> float | None:
        """Return the number that a channel sent last, as long as it is not too old."""
        intake = self._intakes.get(probe_key)
        if intake is None or kind not in intake.rules:
            return None
        return intake.reports.raw(kind, self._now(), intake.rules[kind].max_age_s)

    def binding(self, probe_key: str, kind: ChannelKind) -> ChannelBinding | None:
        """Return where a channel comes from; none = it is not bound (any more)."""
        intake = self._intakes.get(probe_key)
        return None if intake is None else intake.probe.binding(kind)

    def last_seen_at(self, probe_key: str) -> datetime | None:
        """Return when the newest good value of a probe was measured."""
        moments = (
            shown.at
            for kind in self.kinds(probe_key)
            if (shown := self.shown(probe_key, kind)) is not None and shown.at is not None
        )
        return max(moments, default=None)


def _water(probe: Probe, snapshot: GardenSnapshot) -> tuple[bool, bool]:
    """Return whether the probe's tank holds plain water, and whether a concentrate."""
    view = None if probe.tank_key is None else snapshot.tank(probe.tank_key)
    if view is None:
        return (False, False)
    return (view.tank.plain_water, view.tank.tank_type is TankType.STOCK_SOLUTION)


def _log(probe: Probe, notice: Notice) -> None:
    _LOGGER.warning("%s, %s: %s", probe.name, notice.kind, notice.sentence)
