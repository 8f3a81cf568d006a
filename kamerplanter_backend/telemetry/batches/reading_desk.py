"""Readings that scripts send in batches: judged as live ones are, in the order of measurement.

The memory of a channel lives here, as it does in Home Assistant: after a start it is what the store
gives back. It moves on only when what was judged has been stored.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.domain.services.telemetry_service import TelemetryService
from kamerplanter_backend.domain.snapshot.past_memory import PastMemory
from kamerplanter_backend.domain.snapshot.past_views import ChannelMoment
from kamerplanter_backend.domain.snapshot.probe_memory import ProbeMemory
from kamerplanter_backend.telemetry.batches.item import Item, item_of, result_of, sample_of
from kamerplanter_backend.telemetry.batches.per_garden import PerGarden
from kamerplanter_backend.telemetry.batches.refusal_words import (
    no_channel,
    no_probe,
    no_value,
    not_of_now,
)
from kamerplanter_backend.telemetry.batches.sent_readings import (
    IngestResult,
    Outcome,
    RefusalReason,
    SentReading,
)
from kamerplanter_backend.telemetry.calibration.calibrated import Corrections, calibrated
from kamerplanter_backend.telemetry.calibration.calibrating import marked
from kamerplanter_backend.telemetry.probe.as_reading import as_reading
from kamerplanter_backend.telemetry.probe.channel_memory import States, followed
from kamerplanter_backend.telemetry.probe.company import Company, introduce
from kamerplanter_backend.telemetry.probe.place_warmth import teach
from kamerplanter_backend.telemetry.probe.same_source import same_source
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import (
    ChannelRules,
    ChannelState,
    Judged,
    Sample,
    judge_message,
    restored,
)
from kamerplanter_engines.units import reading_unit_fault
from kamerplanter_engines.warmth_engine import uncompensated

__all__ = ["MAX_BATCH", "IngestResult", "Outcome", "ReadingDesk", "SentReading"]

MAX_BATCH = 500
"""Most readings of one batch."""

MAX_PROBES_KEPT = 1_000
"""Memories of probes of one garden that are kept; beyond that all come from the store again."""


@dataclass(frozen=True, slots=True)
class _Message:
    """What a probe measured at one time, as far as it has been sent."""

    at: datetime
    before: dict[ChannelKind, ChannelState]
    """The memory before it."""
    samples: tuple[Sample, ...]
    """As they were sent, without calibration."""
    judged: tuple[Judged, ...]
    corrections: Corrections
    """By which they were put right; what is made or withdrawn since is not for them."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of one probe between two batches."""

    bindings: Mapping[ChannelKind, ChannelBinding]
    states: dict[ChannelKind, ChannelState]
    probe: Probe
    """As it was: another device, or one in another place, is judged anew."""
    message: _Message | None = None
    """The last one; what else was measured at its time belongs to it, whenever it is sent."""

    def kept(self, bindings: Mapping[ChannelKind, ChannelBinding]) -> States:
        """Return the memory of those channels that have the same source by these bindings."""
        return {
            kind: state
            for kind, state in self.states.items()
            if kind in bindings and same_source(self.bindings[kind], bindings[kind])
        }

    def rules(self, known: ProbeMemory) -> dict[ChannelKind, ChannelRules]:
        """Return the numbers in force for each channel."""
        return {kind: known.rules(binding) for kind, binding in self.bindings.items()}


class _Memories(dict[str, _Memory]):
    """What is remembered of the probes of one garden."""


class ReadingDesk:
    """Takes in batches of readings: those of one garden one after the other.

    A time that is older than single readings are kept, or lies ahead, does not count, as a clock
    that was never set must not lose what a probe shows now: the reading gets the time of receipt,
    and its result says `too_old` or `ahead`. Where a batch has several of one channel, as when
    somebody sends history, only the newest can be of now; the others are refused for that reason.

    Args:
        telemetry: Knows what is stored, and stores.
    """

    def __init__(self, telemetry: TelemetryService) -> None:
        self._telemetry = telemetry
        self._gardens = PerGarden(_Memories)

    def take(self, context: Context, sent: Sequence[SentReading]) -> tuple[IngestResult, ...]:
        """Judge readings and store the good and suspect ones; the same batch again adds nothing.

        Args:
            context: Of the call; a command key is not needed and not used.
            sent: What was sent, at most 500.

        Returns:
            What became of each, in the order in which they were sent.

        Raises:
            UnavailableError: The store does not answer; nothing was stored or remembered.
        """
        # What was received now is another content each time, so no key could stand for it.
        context = replace(context, command_key=None)
        oldest = context.now - self._telemetry.retention.raw
        items = [item_of(index, reading, context.now, oldest) for index, reading in enumerate(sent)]
        with self._gardens.held(context.tenant_key) as memories:
            first_at = min((item.at for item in items), default=None)
            keys = {item.sent.probe_key for item in items}
            known = self._telemetry.memories(context, keys, first_at)
            restored = {key: _current(memories.get(key), view) for key, view in known.items()}
            batch = _Batch(context, known, restored)
            batch.refuse_strangers(items)
            batch.skip_known(self._telemetry.stored(context, batch.moments(items)), items)
            batch.learn_warmth(self._telemetry, items, memories)
            batch.judge(self._telemetry, items)
            if batch.revised:
                # First, as what is judged anew after a failure is what the store has not got yet.
                self._telemetry.revise(context, batch.revised)
            if batch.readings:
                self._telemetry.record_judged(context, batch.readings)
            if len(memories) + len(batch.memories) > MAX_PROBES_KEPT:
                memories.clear()
            memories.update(batch.memories)
        return tuple(batch.results[index] for index in range(len(items)))


class _Batch:
    """One batch on its way through the judgement."""

    def __init__(
        self,
        context: Context,
        known: Mapping[str, ProbeMemory],
        memories: dict[str, _Memory],
    ) -> None:
        self._context = context
        self._known = known
        self.memories = memories
        self.results: dict[int, IngestResult] = {}
        self.readings: list[Reading] = []
        self.revised: list[Reading] = []
        """Of batches before, of which this one tells what was measured beside them."""
        self._companies = {key: self._company(key) for key in memories}
        introduce(self._companies.values())

    def _company(self, key: str) -> Company:
        memory, known = self.memories[key], self._known[key]
        company = Company(known.view.probe, lambda: memory.states, are_all_met=False)
        company.follow(known.view.probe, memory.rules(known))
        company.learn(known.view)
        return company

    def refuse_strangers(self, items: Iterable[Item]) -> None:
        """Answer what is for no channel of this garden."""
        for item in items:
            memory = self.memories.get(item.sent.probe_key)
            if memory is None:
                self._refuse(item, RefusalReason.UNKNOWN_PROBE, no_probe(item.sent))
            elif (binding := memory.bindings.get(item.sent.kind)) is None:
                said = no_channel(item.sent, memory.probe)
                self._refuse(item, RefusalReason.UNBOUND_CHANNEL, said)
            # A curve goes by bare numbers, whatever they count.
            elif not binding.curve and (wrong := reading_unit_fault(binding.kind, item.sent.unit)):
                self._refuse(item, Reason.UNKNOWN_UNIT, wrong)

    def moments(self, items: Iterable[Item]) -> set[ChannelMoment]:
        """Return the channels and times that are still to be answered."""
        return {item.moment for item in items if item.index not in self.results}

    def skip_known(self, stored: Mapping[ChannelMoment, Reading], items: Iterable[Item]) -> None:
        """Answer what is stored already, with what was stored."""
        for item in items:
            reading = stored.get(item.moment)
            if reading is not None and item.index not in self.results:
                self.results[item.index] = result_of(
                    item, Outcome.KNOWN, reading.verdict, reading.reasons, value=reading.value
                )

    def learn_warmth(
        self, telemetry: TelemetryService, items: Iterable[Item], memories: Mapping[str, _Memory]
    ) -> None:
        """Ask what thermometers told before the conductivities that are to be judged."""
        moments = {
            moment
            for moment in self.moments(items) | self._judged_anew(items)
            if moment[1] in uncompensated(self.memories[moment[0]].bindings.values())
        }
        told = telemetry.warmth_told(self._context, moments) if moments else {}
        warmths = {key: company.warmth for key, company in self._companies.items()}
        teach(warmths, told, {key: memory.states for key, memory in memories.items()})

    def _judged_anew(self, items: Iterable[Item]) -> set[ChannelMoment]:
        """Return what batches before brought of the messages that go on here."""
        found = set[ChannelMoment]()
        for key, at in {(key, at) for key, _, at in self.moments(items)}:
            message = self.memories[key].message
            if message is not None and message.at == at:
                found |= {(key, sample.kind, at) for sample in message.samples}
        return found

    def judge(self, telemetry: TelemetryService, items: Iterable[Item]) -> None:
        """Judge the others, oldest first, as they would have been heard.

        What a probe measured at one time is one message, whether it is sent at once or value by
        value: with each value that comes, what was judged last is judged anew as a whole.
        """
        waiting = [item for item in items if item.index not in self.results]
        waiting.sort(key=lambda item: item.rank)
        moments: defaultdict[str, list[datetime]] = defaultdict(list)
        for item in waiting:
            moments[item.sent.probe_key].append(item.at)
        pasts = {key: self._past(telemetry, key, measured) for key, measured in moments.items()}
        for _, group in groupby(waiting, key=lambda item: item.rank[:2]):
            message = list(group)
            self._judge_message(message, pasts[message[0].sent.probe_key])

    def _past(
        self, telemetry: TelemetryService, key: str, measured: Sequence[datetime]
    ) -> PastMemory:
        probe, rules = self.memories[key].probe, self._companies[key].rules
        ask = partial(telemetry.past, self._context, probe)
        return PastMemory(ask, probe, rules, measured, self._context.now)

    def _judge_message(self, group: Sequence[Item], past: PastMemory) -> None:
        first: dict[ChannelKind, Item] = {}
        twice = [item for item in group if first.setdefault(item.sent.kind, item) is not item]
        items = list(first.values())
        probe_key = items[0].sent.probe_key
        memory, source = self.memories[probe_key], self._known[probe_key]
        rules = self._companies[probe_key].rules
        earlier: list[tuple[Sample, Judged]] = []
        corrections = Corrections().of_channels(memory.bindings.values())
        corrections = corrections.by(source.view.calibrations, source.view.raw_kinds)
        message, at = memory.message, items[0].at
        if message is not None and message.at == at:
            memory.states = message.before
            known = zip(message.samples, message.judged, strict=True)
            earlier = [(sample, was) for sample, was in known if sample.kind not in first]
            kinds = {sample.kind for sample, _ in earlier}
            corrections = corrections.as_before(message.corrections, kinds)
        before, now = memory.states, self._context.now
        samples = [sample for sample, _ in earlier]
        samples += [sample_of(item, memory.bindings[item.sent.kind], now) for item in items]
        jumps_at, company = source.view.jumps_at, self._companies[probe_key]
        # What comes late is judged by what was known then, and leaves what is known now as it is.
        then = past.as_of(at, before, [sample.kind for sample in samples])
        memory.states = {**before, **then}
        right = calibrated(
            samples, corrections, memory.states, rules, jumps_at, warmth=company.warmth.held_at
        )
        corrected = marked(right, source.view.solution_holds)
        judged, memory.states = judge_message(
            corrected,
            memory.states,
            rules,
            jumps_at=jumps_at,
            dosed_at=source.view.doses_at,
            twins=company.twins(corrected),
        )
        past.note({kind: memory.states[kind] for kind in then})
        memory.states |= {kind: before[kind] for kind in then}
        memory.message = _Message(at, before, tuple(samples), judged, corrections)
        heard = judged[len(earlier) :]
        company.note(heard)
        company.warmth.note(judged[: len(earlier)])
        for (_, was), verdict in zip(earlier, judged, strict=False):
            self._revise(probe_key, was, verdict)
        for item, verdict in zip(items, heard, strict=True):
            self._book(item, verdict)
        for item in twice:
            if item.unused_time is not None:
                said = not_of_now(item.sent, item.unused_time)
                self._refuse(item, RefusalReason(item.unused_time.value), said)
                continue
            answer = self.results[first[item.sent.kind].index]
            outcome = answer.outcome if answer.outcome is Outcome.REFUSED else Outcome.KNOWN
            self.results[item.index] = answer.model_copy(update={"outcome": outcome})

    def _revise(self, probe_key: str, was: Judged, judged: Judged) -> None:
        reading = as_reading(probe_key, judged)
        if reading is None or judged.is_repeat:
            return
        if was.value is None or was.is_repeat:
            self.readings.append(reading)
        elif reading != as_reading(probe_key, was):
            self.revised.append(reading)

    def _book(self, item: Item, judged: Judged) -> None:
        outcome, message = Outcome.STORED, None
        key, kind = item.sent.probe_key, item.sent.kind
        reading = as_reading(key, judged)
        if reading is None:
            outcome = Outcome.REFUSED
            if Reason.OUTSIDE_PHYSICAL in judged.reasons:
                rules = self._companies[key].rules[kind]
                message = no_value(item.sent, self.memories[key].bindings[kind], rules)
        elif judged.is_repeat:
            outcome = Outcome.KNOWN
        else:
            self.readings.append(reading)
        self.results[item.index] = result_of(
            item,
            outcome,
            judged.verdict,
            judged.reasons,
            value=judged.value,
            hint=judged.hint,
            message=message,
        )

    def _refuse(
        self, item: Item, reason: RefusalReason | Reason, message: str | None = None
    ) -> None:
        self.results[item.index] = IngestResult(
            probe_key=item.sent.probe_key,
            kind=item.sent.kind,
            outcome=Outcome.REFUSED,
            verdict=Verdict.BAD,
            reasons=(reason.value,),
            message=message,
            unused_time=item.unused_time,
        )


def _current(memory: _Memory | None, known: ProbeMemory) -> _Memory:
    """Return the memory of a probe: what is remembered, where the store knows nothing newer."""
    probe = known.view.probe
    bindings = {binding.kind: binding for binding in probe.channels}
    kept = {} if memory is None else memory.kept(bindings)
    heard = memory.states.keys() & bindings.keys() if memory else ()
    remembered = followed(kept, memory.probe, probe, heard) if memory else {}
    is_same_device = memory is not None and memory.probe.replacements == probe.replacements
    states: dict[ChannelKind, ChannelState] = {}
    for channel in known.view.channels:
        kind, last, state = channel.kind, channel.last, remembered.get(channel.kind)
        is_newer = last is not None and (state is None or state.at is None or last.at > state.at)
        if state is None or (is_newer and is_same_device and kind in kept):
            state = restored(probe, known.rules(bindings[kind]), channel.known)
        states[kind] = state
    # What somebody else has changed meanwhile is not undone to complete a message.
    message = memory.message if memory is not None and states == memory.states else None
    return _Memory(bindings, states, probe, message)
