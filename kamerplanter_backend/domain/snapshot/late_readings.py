"""Readings that come late: measured before what is stored of their channel.

A device that was away sends what it has kept behind its newest value. On the event loop, where it
was heard and judged, nobody may ask the store, so there it was judged by itself alone, without rate
and standing still. Here it gets the verdict of its turn.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.past_memory import PastMemory, States
from kamerplanter_backend.domain.snapshot.past_views import Past, past_of, stored_at
from kamerplanter_backend.domain.snapshot.probe_memory import ProbeMemory, memories_of
from kamerplanter_engines.doubt_engine import TAKEN_BACK
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.restart_engine import as_sample, with_stored
from kamerplanter_engines.telemetry_engine import ChannelRules, judge_message, restored
from kamerplanter_engines.twin_engine import Twin, twin_of

_OF_ITS_TURN: Final = TAKEN_BACK | {Reason.STUCK}
"""Reasons that hang on what was measured before; all others were known when it was heard."""


def split_late(uow: UnitOfWork, readings: Iterable[Reading]) -> tuple[list[Reading], list[Reading]]:
    """Return those that are the newest of their channel in their turn, and those that come late.

    A channel is looked up only where its device dates what it says: all else was measured when it
    was heard.

    Args:
        uow: The unit of work.
        readings: In the order in which they were heard.
    """
    heard = list(readings)
    dated = {(item.probe_key, item.kind) for item in heard if item.at != item.received_at}
    if not dated:
        return heard, []
    newest_at = {channel: _newest_at(uow, *channel) for channel in dated}
    in_turn, late = [], []
    for reading in heard:
        channel = reading.probe_key, reading.kind
        if channel in dated:
            newest = newest_at[channel]
            if newest is not None and reading.at < newest:
                late.append(reading)
                continue
            newest_at[channel] = reading.at
        in_turn.append(reading)
    return in_turn, late


def _newest_at(uow: UnitOfWork, probe_key: str, kind: ChannelKind) -> datetime | None:
    # What lies ahead of now, because a clock went back, is passed over, so it makes nothing late.
    newest = uow.readings.latest(probe_key, kind)
    return None if newest is None else newest.at


def judged_in_turn(
    uow: UnitOfWork, late: Sequence[Reading], latest_arrival: timedelta
) -> list[Reading]:
    """Return late readings with the verdicts that they would have got in their turn.

    They are judged in the order of measurement, each with what was known then; what is stored
    already is left out, as it keeps its verdict. Nothing else is judged anew.

    Args:
        uow: The unit of work, in which all is stored that came in its turn.
        late: Good and suspect readings of probes of this garden, in any order.
        latest_arrival: A reading may come in so long after it was measured.
    """
    stored = stored_at(uow, {(item.probe_key, item.kind, item.at) for item in late})
    of_probes: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in late:
        if (reading.probe_key, reading.kind, reading.at) not in stored:
            of_probes[reading.probe_key].append(reading)
    first_at = min((item.at for items in of_probes.values() for item in items), default=None)
    known = memories_of(uow, of_probes, first_at, latest_arrival)
    judged: list[Reading] = []
    for key, readings in of_probes.items():
        readings.sort(key=attrgetter("at"))
        judged += _LateProbe(uow, known[key], readings).judged() if key in known else readings
    return judged


class _LateProbe:
    """What one probe measured and tells late.

    Args:
        uow: The unit of work.
        known: The probe as it is now.
        readings: Sorted by time.
    """

    def __init__(self, uow: UnitOfWork, known: ProbeMemory, readings: Sequence[Reading]) -> None:
        self._uow = uow
        self._view = known.view
        self._readings = readings
        probe = known.view.probe
        self._rules: dict[ChannelKind, ChannelRules] = {
            binding.kind: known.rules(binding) for binding in probe.channels
        }
        self._states: States = {
            channel.kind: restored(probe, self._rules[channel.kind], channel.known)
            for channel in known.view.channels
        }
        self._past = PastMemory(
            self._ask, probe, self._rules, [item.at for item in readings], uow.context.now
        )

    def _ask(self, binding: ChannelBinding, from_at: datetime, until_at: datetime) -> Past:
        return past_of(self._uow, self._view.probe, binding, from_at, until_at)

    def judged(self) -> list[Reading]:
        """Return the readings with their verdicts."""
        found: list[Reading] = []
        for at, message in groupby(self._readings, key=attrgetter("at")):
            found += self._judged(at, list(message))
        return found

    def _judged(self, at: datetime, message: Sequence[Reading]) -> list[Reading]:
        """Judge what was measured at one time."""
        bound = [reading for reading in message if reading.kind in self._rules]
        then = self._past.as_of(at, self._states, [reading.kind for reading in bound])
        if not then:
            # Of what another device measured, or the probe elsewhere, nobody knows the memory.
            return list(message)
        states = {**self._states, **then}
        judged, _ = judge_message(
            [as_sample(reading) for reading in bound],
            states,
            self._rules,
            jumps_at=self._view.jumps_at,
            dosed_at=self._view.doses_at,
            twins=self._twins(),
        )
        in_turn = [
            _with_reasons(reading, verdict.reasons)
            for reading, verdict in zip(bound, judged, strict=True)
        ]
        self._past.note(
            {
                reading.kind: with_stored(then[reading.kind], reading, self._rules[reading.kind])
                for reading in in_turn
                if reading.kind in then
            }
        )
        return [*in_turn, *(reading for reading in message if reading.kind not in self._rules)]

    def _twins(self) -> dict[ChannelKind, list[Twin]]:
        since = self._view.comparable_since or self._view.probe.updated_at
        return {
            channel.kind: [twin_of(twin, since) for twin in channel.twins]
            for channel in self._view.channels
            if channel.twins
        }


def _with_reasons(reading: Reading, of_turn: Iterable[Reason]) -> Reading:
    """Return a reading doubted for what was known when it was heard, and for what shows now."""
    reasons = tuple(
        dict.fromkeys(
            (
                *(reason for reason in reading.reasons if reason not in _OF_ITS_TURN),
                *(reason for reason in of_turn if reason in _OF_ITS_TURN),
            )
        )
    )
    verdict = Verdict.SUSPECT if reasons else Verdict.GOOD
    return reading.model_copy(update={"reasons": reasons, "verdict": verdict})
