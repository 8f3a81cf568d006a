"""The live side of one probe: messages and states in, judged readings out.

Runs on the event loop; does no I/O, keeps no history and reads no clock.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from kamerplanter_backend.telemetry.calibration.calibrated import Corrections, calibrated
from kamerplanter_backend.telemetry.calibration.calibrating import SolutionTimes
from kamerplanter_backend.telemetry.messages.mapping import read_message
from kamerplanter_backend.telemetry.probe import channel_memory
from kamerplanter_backend.telemetry.probe.as_reading import as_reading
from kamerplanter_backend.telemetry.probe.company import Company
from kamerplanter_backend.telemetry.probe.device_clocks import DeviceClocks
from kamerplanter_backend.telemetry.probe.echo import echoes, neighbours
from kamerplanter_backend.telemetry.probe.notice import Heard, Notice
from kamerplanter_backend.telemetry.probe.outbox import Outbox
from kamerplanter_backend.telemetry.probe.presence import Presence
from kamerplanter_backend.telemetry.probe.probe_sources import ProbeSources
from kamerplanter_backend.telemetry.probe.quality import Doubts, overall
from kamerplanter_backend.telemetry.probe.repetition import NewestMessages
from kamerplanter_backend.telemetry.probe.reports import Reports
from kamerplanter_backend.telemetry.probe.same_source import same_source
from kamerplanter_engines.evidence_engine import listening_since
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import (
    ChannelKind,
    Hint,
    Probe,
    QualityView,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.stay_engine import here_since
from kamerplanter_engines.telemetry_engine import (
    SAME_READING_S,
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Judged,
    Known,
    Sample,
    Shown,
    expires_at,
    freshness_so_far,
    judge_message,
    restored,
    without_future,
)

type Restored = Mapping[ChannelKind, Known]
"""What the store knows of each kind."""


class ProbeIntake:
    """Takes in what one probe sends and knows what may be shown of it.

    Args:
        probe: The device and its bindings.
        started_at: When listening began, UTC; what is older is restored and never fresh.
        restored: What the store knows of its channels.
        plain_water: The tank holds water where an EC of 0 is a real value.
        stock_solution: The tank holds a concentrate.
        device_of: Names the device of an entity; none = not known, so no entity speaks for another.
        solutions: When it is out of its place, to be calibrated; none = only the store knows.
    """

    def __init__(
        self,
        probe: Probe,
        *,
        started_at: datetime,
        restored: Restored | None = None,
        plain_water: bool = False,
        stock_solution: bool = False,
        device_of: Callable[[str], str | None] | None = None,
        solutions: SolutionTimes | None = None,
    ) -> None:
        self.started_at = started_at
        self.message_count = 0
        self._presence = Presence()
        self._outbox = Outbox()
        self._clocks = DeviceClocks()
        self._device_of = device_of or (lambda _entity_id: None)
        self.solutions = solutions or SolutionTimes(probe.key)
        self._jumps_at: tuple[datetime, ...] = ()
        self._dosed_at: tuple[datetime, ...] = ()
        self._corrections = Corrections()
        self._doubts: Doubts = {}
        self._states: dict[ChannelKind, ChannelState] = {}
        self._shown: dict[ChannelKind, tuple[datetime, ChannelState, Shown]] = {}
        self._newest = NewestMessages(SAME_READING_S)
        self.reports = Reports()
        """What came lately, before it was judged."""
        self.company = Company(probe, lambda: self._states, lambda: self.available)
        """The other probes of its place, if it is introduced to them."""
        self.probe = probe
        self._bind(probe, plain_water=plain_water, stock_solution=stock_solution)
        for kind in self.rules:
            self._restore(kind, (restored or {}).get(kind))

    def _restore(self, kind: ChannelKind, known: Known | None) -> None:
        self._states[kind] = restored(self.probe, self.rules[kind], known)

    def _bind(self, probe: Probe, *, plain_water: bool, stock_solution: bool) -> None:
        self.probe = probe
        self._shown.clear()
        self._newest.forget()
        self._sources = ProbeSources(probe, plain_water=plain_water, stock_solution=stock_solution)
        self.rules: Mapping[ChannelKind, ChannelRules] = self._sources.rules
        self.company.follow(probe, self.rules)
        self._corrections = self._corrections.of_channels(probe.channels)
        self.reports.forget(self.rules, (*self._sources.by_topic, *self._sources.by_entity))

    def update(
        self, probe: Probe, *, plain_water: bool = False, stock_solution: bool = False
    ) -> None:
        """Use changed bindings; a channel whose source is the same keeps its memory."""
        before = {binding.kind: binding for binding in self.probe.channels}
        for binding in probe.channels:
            old = before.get(binding.kind)
            if old is not None and not same_source(old, binding):
                self._states.pop(binding.kind, None)
                self.reports.drop(binding.kind)
        if probe.availability != self.probe.availability:
            self._presence.is_online = True
        was = self.probe
        self._bind(probe, plain_water=plain_water, stock_solution=stock_solution)
        self._states = channel_memory.followed(self._states, was, probe, self.rules)

    def recall(self, known: Restored, since: datetime) -> list[ChannelKind]:
        """Take over what somebody else has measured meanwhile; return the kinds with news.

        Args:
            known: What the store knows of its channels.
            since: Only what came in later counts; before, it had other sources.
        """
        news = []
        for kind, item in known.items():
            if kind not in self.rules:
                continue
            good_at = self._states.get(kind, UNKNOWN_CHANNEL).good_at
            is_newer = channel_memory.is_newer(item.last_good, good_at, since)
            if is_newer or channel_memory.was_doubted(item.last, good_at):
                self._restore(kind, item)
                news.append(kind)
        return news

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to subscribe to, sorted, the one of the availability among them."""
        return self._sources.topics

    @property
    def entity_ids(self) -> tuple[str, ...]:
        """The entities to follow, sorted."""
        return self._sources.entity_ids

    @property
    def available(self) -> bool:
        """Whether the device is there, as far as it says so itself."""
        return self._presence.is_online

    def channel_available(self, kind: ChannelKind, now: datetime) -> bool:
        """Tell whether an entity of this channel is available.

        Without a broker a value stays until it is too old.
        """
        if not self._presence.is_online:
            return False
        if self._presence.is_connected or kind not in self._sources.mqtt_kinds:
            return True
        return self.shown(kind, now).value is not None

    def on_connection(self, *, connected: bool) -> None:
        """Remember whether the broker can be reached."""
        self._presence.is_connected = connected

    def on_availability(self, *, online: bool) -> None:
        """Take in that the device is there or gone."""
        self._presence.is_online = online

    def on_supply(self, jumps_at: Sequence[datetime], dosed_at: Sequence[datetime] = ()) -> None:
        """Expect jumps for a while after moments, and that doses moved what they have to move.

        Args:
            jumps_at: When it was filled, dosed, calibrated or exchanged, also long ago: what is
                dated may come late.
            dosed_at: When water or feed was given.
        """
        self._jumps_at, self._dosed_at = tuple(jumps_at), tuple(dosed_at)

    def on_doubts(self, doubts: Doubts) -> bool:
        """Take in what speaks against channels beside their readings; tell whether it is news."""
        is_news = doubts != self._doubts
        self._doubts = doubts
        return is_news

    def calibrate(self, made: Sequence[Calibration], raw: Sequence[ChannelKind] = ()) -> None:
        """Use these calibrations for what comes in from now on; raw kinds need one."""
        self._corrections = self._corrections.by(made, raw)

    def _put_right(self, samples: Sequence[Sample]) -> tuple[Sample, ...]:
        right = calibrated(
            samples,
            self._corrections,
            self._states,
            self.rules,
            self._jumps_at,
            warmth=self.company.warmth.held_at,
        )
        return self.solutions.marked(right)

    def on_message(
        self, topic: str, payload: bytes | str, *, retained: bool, received_at: datetime
    ) -> tuple[Judged, ...]:
        """Take in one message of the broker; never raises.

        Returns:
            What was judged; a retained message judges nothing but may show a value, and one that
            says again what has just been judged as good says nothing.
        """
        is_gone = self._presence.on_availability(topic, payload, self.probe.availability)
        readers = self._sources.by_topic.get(topic)
        if readers is None:
            return ()
        self.started_at = listening_since(self.started_at, received_at)
        self.message_count += 1
        if not retained and self._newest.is_repeated(topic, payload, received_at, self._states):
            self._presence.is_online = not is_gone
            return ()
        if self._presence.on_last_will(payload):
            return ()
        read = read_message(payload, readers, received_at)
        samples = self._put_right(read if retained else self._clocks.timed(read))
        beside = self._sources.beside[topic].doubtful(payload, samples)
        if retained:
            self._keep(samples, beside)
            return ()
        self.reports.note(topic, received_at, samples)
        if not is_gone:
            self._presence.on_values(samples)
        judged = self._judge(samples, (topic, payload), beside)
        self._newest.note(topic, payload, samples, judged, self._states)
        return judged

    def on_entity(
        self,
        entity_id: str,
        state_text: str,
        unit: str | None,
        *,
        reported_at: datetime,
        received_at: datetime,
        restored: bool = False,
    ) -> tuple[Judged, ...]:
        """Take in the state of an entity; never raises.

        Args:
            entity_id: Whose state it is.
            state_text: The state; words such as `unavailable` are no value.
            unit: Its unit of measurement.
            reported_at: When it was last reported, even without a change.
            received_at: Now.
            restored: The state was only restored by Home Assistant, so it is no report.
        """
        readers = self._sources.by_entity.get(entity_id)
        if readers is None:
            return ()
        self.started_at = listening_since(self.started_at, received_at)
        self.message_count += 1
        # A restored state carries the time of the restart, which says nothing.
        at = None if restored else reported_at
        samples = self._put_right(
            [reader.read_entity(state_text, unit, at, received_at) for reader in readers]
        )
        if restored or reported_at < self.started_at:
            self._keep(samples)
            return ()
        self.reports.note(entity_id, received_at, samples)
        self._presence.on_values(samples)
        judged = self._judge(samples, (entity_id, f"{state_text} {unit or ''}".strip()))
        if any(item.verdict is Verdict.GOOD for item in judged):
            judged += self._echo(entity_id, reported_at, received_at)
        return judged

    def _echo(self, entity_id: str, at: datetime, received_at: datetime) -> tuple[Judged, ...]:
        """Confirm the steady entities of a device that reports.

        Many integrations write a state only when it changes: a moisture that stands still is
        alive as long as its device is.
        """
        kinds = neighbours(entity_id, self._sources.by_entity, self._device_of)
        samples = echoes(
            kinds, self._states, self.rules, self.reports, at=at, received_at=received_at
        )
        return self._judge(self._put_right(samples), (entity_id, ""))

    def _keep(self, samples: Sequence[Sample], doubtful_beside: int = 0) -> None:
        self._states = channel_memory.kept(
            self.probe, samples, self._states, self.rules, doubtful_beside
        )

    def _judge(
        self, samples: Sequence[Sample], heard: Heard, doubtful_beside: int = 0
    ) -> tuple[Judged, ...]:
        if not samples:
            return ()
        judged, self._states = judge_message(
            samples,
            self._states,
            self.rules,
            jumps_at=self._jumps_at,
            dosed_at=self._dosed_at,
            twins=self.company.twins(samples),
            doubtful_beside=doubtful_beside,
        )
        self.company.note(judged)
        self._outbox.add(samples, judged, heard)
        return judged

    @property
    def counts(self) -> Counter[tuple[ChannelKind, Reason]]:
        """How many samples had each reason."""
        return self._outbox.counts

    @property
    def pending_count(self) -> int:
        """How many readings wait to be taken."""
        return len(self._outbox.pending)

    def take_readings(self) -> list[Reading]:
        """Hand over the good and suspect readings that are to be stored."""
        taken = [as_reading(self.probe.key, item) for item in self.take_judged()]
        return [reading for reading in taken if reading is not None]

    def take_judged(self) -> list[Judged]:
        """Hand over the same as it was judged: what is stored can be made of it elsewhere."""
        return self._outbox.take_judged()

    def take_notices(self) -> list[Notice]:
        """Hand over what is to be logged."""
        return self._outbox.take_notices()

    def shown(self, kind: ChannelKind, now: datetime) -> Shown:
        """Return what is shown of a bound channel now."""
        memo = self._shown.get(kind)
        # All that look at one message ask for the same moment.
        if memo is not None and memo[0] is now and memo[1] is self._states.get(kind):
            return memo[2]
        state = self._state(kind, now)
        since = here_since(self.probe, kind, now)
        seen = freshness_so_far(state, self.rules[kind], now, self.started_at, since)
        self._shown[kind] = (now, state, seen)
        return seen

    def _state(self, kind: ChannelKind, now: datetime) -> ChannelState:
        """Return the memory; what lies ahead goes for good, lest it comes back as new."""
        before = self._states.get(kind, UNKNOWN_CHANNEL)
        after = without_future(before, now)
        if after is not before:
            self._states[kind] = after
        return after

    def hint(self, kind: ChannelKind) -> Hint | None:
        """Return what is probably wrong with the mapping, by the newest message."""
        return self._states.get(kind, UNKNOWN_CHANNEL).hint

    def next_change_at(self, now: datetime) -> datetime | None:
        """Return when a shown value becomes too old by time alone; none = none is shown."""
        ends = [
            expires_at(self._states[kind], rules, now)
            for kind, rules in self.rules.items()
            if self.shown(kind, now).value is not None
        ]
        return min((end for end in ends if end is not None), default=None)

    def quality(self, now: datetime, kind: ChannelKind | None = None) -> QualityView:
        """Return how far a channel, or the worst one of the probe, is to be trusted now."""
        if not self._presence.is_online:
            return QualityView(verdict=Verdict.STALE, reasons=(Reason.OFFLINE,))
        kinds = tuple(self.rules) if kind is None else (kind,)
        return overall({item: self.shown(item, now) for item in kinds}, self._doubts)

    def quality_summary(self, now: datetime) -> object:
        """Return what differs when quality, hint or silence of a channel differs.

        It is asked at each message, and cheaper than the quality itself.
        """
        channels = []
        for kind in self.rules:
            shown = self.shown(kind, now)
            channels.append((shown.value is None, shown.verdict, shown.reasons, self.hint(kind)))
        return (self._presence.is_online, self._doubts, channels)
