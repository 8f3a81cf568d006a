"""How warm the liquid of a probe is, as the thermometers of its place tell.

Lives on the event loop, beside the intakes; does no I/O and reads no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reason, Verdict
from kamerplanter_engines.telemetry_engine import (
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Judged,
)
from kamerplanter_engines.warmth_engine import (
    THERMOMETERS,
    Told,
    Warmth,
    held_at,
    hides_doubt,
    last_before,
    remember,
    remembered_before,
    uncompensated,
    witnesses,
)

type ToldBefore = Mapping[tuple[ChannelKind, datetime], Sequence[Told]]
"""What the thermometers of a place said last before moments, in the order of who speaks."""

NOTHING_TOLD: ToldBefore = MappingProxyType({})


class PlaceWarmth:
    """What one probe knows of the thermometers of its place, and what it tells by its own.

    Args:
        probe: The probe.
        states: Returns the memory of its channels.
        is_there: Tells whether its device is there, as far as it says so itself.
    """

    def __init__(
        self,
        probe: Probe,
        states: Callable[[], Mapping[ChannelKind, ChannelState]],
        is_there: Callable[[], bool],
    ) -> None:
        self.probe = probe
        self._states = states
        self.is_there = is_there
        self._rules: Mapping[ChannelKind, ChannelRules] = {}
        self._witnesses: dict[ChannelKind, list[PlaceWarmth]] = {}
        self._courses: dict[ChannelKind, list[Warmth]] = {}
        """Of its own thermometers that somebody goes by."""
        self._stored: ToldBefore = NOTHING_TOLD

    def follow(self, probe: Probe, rules: Mapping[ChannelKind, ChannelRules]) -> None:
        """Use changed bindings; what it told before may be of another place."""
        if probe != self.probe:
            self._courses = {kind: [] for kind in self._courses}
        self.probe, self._rules = probe, rules

    def learn(self, stored: ToldBefore) -> None:
        """Take in what the store knows; from then on its list says who speaks."""
        self._stored = stored

    def meet(self, others: Iterable[PlaceWarmth]) -> None:
        """Know these from now on, which are the other probes of its place."""
        met = (self, *others)
        self._witnesses = {
            kind: witnesses(self.probe, kind, met, _probe_of)
            for kind in uncompensated(self.probe.channels)
        }
        asked = {
            THERMOMETERS[kind]
            for other in met
            for kind in uncompensated(other.probe.channels)
            if witnesses(other.probe, kind, (self,), _probe_of)
        }
        self._courses = {kind: self._courses.get(kind, []) for kind in asked}

    def note(self, judged: Iterable[Judged]) -> None:
        """Remember what the others may have to know."""
        if not self._courses:
            return
        for item in judged:
            course = self._courses.get(item.kind)
            if course is None:
                continue
            # A word is no measurement.
            if Reason.NOT_A_NUMBER not in item.reasons:
                value_c = item.value if item.verdict is Verdict.GOOD else None
                remember(course, item.at, value_c, item.received_at)

    def held_at(
        self, kind: ChannelKind, at: datetime, *, is_own_doubted: bool = False
    ) -> float | None:
        """Return the temperature that held when conductivity was measured. [°C]; none = unknown.

        Args:
            kind: Which conductivity.
            at: When it was measured.
            is_own_doubted: What its own thermometer says in the same message is not good.
        """
        met = self._witnesses.get(kind)
        if met is None:
            return None
        thermometer = THERMOMETERS[kind]
        stored = self._stored.get((kind, at))
        if stored is None:
            told = [item.told(thermometer, at) for item in met if item.is_there()]
        else:
            by_key = {item.probe.key: item for item in met}
            told = [_newer(item, by_key.get(item.probe_key), thermometer, at) for item in stored]
        if is_own_doubted:
            told = [item for item in told if item.probe_key != self.probe.key]
        return held_at(at, told, self.probe.updated_at)

    def told(self, thermometer: ChannelKind, at: datetime) -> Told:
        """Return what its thermometer said last before a moment."""
        rules = self._rules.get(thermometer)
        last = self.last(thermometer, at)
        state = self._states().get(thermometer, UNKNOWN_CHANNEL)
        # What it went by is not among those that were heard here, so neither are those after it.
        if not self._has_heard(thermometer, state.good_at) and hides_doubt(state, at):
            last = None
        max_age_s = 0 if rules is None else rules.max_age_s
        return Told(self.probe.key, self.probe.updated_at, max_age_s, last)

    def last(self, thermometer: ChannelKind, at: datetime) -> Warmth | None:
        """Return its newest reading of a thermometer before a moment, as far as is known."""
        found = last_before(self._courses.get(thermometer, []), at)
        state = self._states().get(thermometer, UNKNOWN_CHANNEL)
        known = ([] if found is None else [found]) + remembered_before(state, at)
        return max(known, key=_measured_at, default=None)

    def _has_heard(self, thermometer: ChannelKind, at: datetime | None) -> bool:
        return any(item.at == at for item in self._courses.get(thermometer, ()))


def teach(
    warmths: Mapping[str, PlaceWarmth],
    told: Mapping[tuple[str, ChannelKind, datetime], Sequence[Told]],
    memories: Mapping[str, Mapping[ChannelKind, ChannelState]],
) -> None:
    """Let probes take in what the store knows of the thermometers of their places.

    Args:
        warmths: By the key of their probe.
        told: What thermometers told, by the probe that measured conductivity, kind and time.
        memories: Of the channels of all probes that were heard, by the key of the probe: what a
            thermometer said that cannot be true is not stored.
    """
    lessons: dict[str, dict[tuple[ChannelKind, datetime], list[Told]]] = {}
    for (probe_key, kind, at), found in told.items():
        lessons.setdefault(probe_key, {})[kind, at] = [
            _unless_refused(item, memories.get(item.probe_key, {}).get(THERMOMETERS[kind]), at)
            for item in found
        ]
    for probe_key, lesson in lessons.items():
        warmths[probe_key].learn(lesson)


def _unless_refused(told: Told, state: ChannelState | None, at: datetime) -> Told:
    refused_at = None if state is None else state.refused_at
    if refused_at is None or refused_at >= at:
        return told
    if told.last is not None and told.last.at >= refused_at:
        return told
    return told._replace(last=Warmth(refused_at, None))


def _newer(told: Told, met: PlaceWarmth | None, thermometer: ChannelKind, at: datetime) -> Told:
    """Return what is stored, or what has been judged since and is not stored yet."""
    heard = None if met is None else met.last(thermometer, at)
    if heard is None or (told.last is not None and told.last.at > heard.at):
        return told
    return told._replace(last=heard)


def _measured_at(warmth: Warmth) -> datetime:
    return warmth.at


def _probe_of(item: PlaceWarmth) -> Probe:
    return item.probe
