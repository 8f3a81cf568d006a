"""The probes of one place, as far as they speak of each other: of what stands still, and how warm.

Lives on the event loop, beside the intakes; does no I/O and reads no clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from kamerplanter_backend.domain.snapshot.views import ProbeView
from kamerplanter_backend.telemetry.probe.place_warmth import PlaceWarmth
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Verdict
from kamerplanter_engines.models.twin import KnownTwin
from kamerplanter_engines.telemetry_engine import (
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Judged,
    Sample,
)
from kamerplanter_engines.twin_engine import (
    Track,
    Twin,
    by_place,
    has_twins,
    merged,
    neighbours_of,
    span_of,
    twin_of,
    with_value,
)

type Twins = Mapping[ChannelKind, Sequence[Twin]]
"""The channels of other devices in the same place, by kind."""

NO_TWINS: Twins = MappingProxyType({})


class Company:
    """What one probe knows of the others of its place, and what it shows to them.

    Args:
        probe: The probe.
        states: Returns the memory of its channels.
        is_there: Tells whether its device is there, as far as it says so itself.
        are_all_met: All probes of the garden are here; what the store says of others is over.
    """

    def __init__(
        self,
        probe: Probe,
        states: Callable[[], Mapping[ChannelKind, ChannelState]],
        is_there: Callable[[], bool] = lambda: True,
        *,
        are_all_met: bool = True,
    ) -> None:
        self.probe = probe
        self.is_there = is_there
        self.rules: Mapping[ChannelKind, ChannelRules] = {}
        self.since = probe.updated_at
        """Since when it is what and where it is."""
        self.warmth = PlaceWarmth(probe, states, is_there)
        """What their thermometers tell."""
        self._states = states
        self._are_all_met = are_all_met
        self._tracks: dict[ChannelKind, Track] = {}
        self._others: dict[ChannelKind, list[Company]] = {}
        self._known: Mapping[ChannelKind, Mapping[str, KnownTwin]] = {}

    def follow(self, probe: Probe, rules: Mapping[ChannelKind, ChannelRules]) -> None:
        """Use changed bindings; what the probe showed before is of something else."""
        if probe != self.probe:
            self._tracks.clear()
            self.since = max(self.since, probe.updated_at)
        self.probe, self.rules = probe, rules
        self.warmth.follow(probe, rules)

    def learn(self, view: ProbeView) -> None:
        """Take in what the store knows: of before the start, and of what others have heard."""
        self.since = max(self.probe.updated_at, view.comparable_since or self.probe.updated_at)
        self._known = {
            item.kind: {twin.probe_key: twin for twin in item.twins}
            for item in view.channels
            if item.twins
        }

    def meet(self, others: Iterable[Company]) -> None:
        """Know these from now on, which are the other probes of its place."""
        present = tuple(others)
        self.warmth.meet([other.warmth for other in present])
        met: dict[ChannelKind, list[Company]] = {}
        for other in present:
            for kind in self.rules.keys() & other.rules.keys():
                if has_twins(kind):
                    met.setdefault(kind, []).append(other)
        self._others = met
        self._tracks = {kind: track for kind, track in self._tracks.items() if kind in met}

    def note(self, judged: Sequence[Judged]) -> None:
        """Remember what the others may have to know."""
        self.warmth.note(judged)
        if not self._others:
            return
        for item in judged:
            if (
                item.kind in self._others
                and item.verdict is Verdict.GOOD
                and item.value is not None
            ):
                self._tracks[item.kind] = with_value(
                    self._tracks.get(item.kind, ()),
                    item.at,
                    item.value,
                    span_of(timedelta(seconds=self.rules[item.kind].twin_stuck_s)),
                    now=item.received_at,
                )

    def twins(self, samples: Iterable[Sample]) -> Twins:
        """Return what the others show, for those of some values that have stood still for long."""
        if not self._others and not self._known:
            return NO_TWINS
        found: dict[ChannelKind, list[Twin]] = {}
        states = self._states()
        for sample in samples:
            kind = sample.kind
            state = states.get(kind, UNKNOWN_CHANNEL)
            if state.unchanged_since is None or sample.sent != state.sent:
                continue
            flat_s = (sample.at - state.unchanged_since).total_seconds()
            if flat_s >= self.rules[kind].twin_stuck_s:
                met = self._others.get(kind, ())
                found[kind] = [self._twin(kind, other) for other in met if other.is_there()]
                found[kind] += self._strangers(kind, met)
        return found

    def _strangers(self, kind: ChannelKind, met: Iterable[Company]) -> list[Twin]:
        if self._are_all_met:
            return []
        keys = {other.probe.key for other in met}
        return [
            twin_of(twin, self.since)
            for twin in self._known.get(kind, {}).values()
            if twin.probe_key not in keys
        ]

    def _twin(self, kind: ChannelKind, other: Company) -> Twin:
        spans = other._tracks.get(kind, ())
        since = max(self.since, other.since)
        known = self._known.get(kind, {}).get(other.probe.key)
        span = span_of(timedelta(seconds=other.rules[kind].twin_stuck_s))
        if known is not None:
            since = max(since, known.since)
            if known.span_s == span.total_seconds():
                spans = merged(known.spans, spans)
        finest_step = other._states().get(kind, UNKNOWN_CHANNEL).finest_step
        return Twin(spans, span, finest_step, since)


def introduce(companies: Iterable[Company]) -> None:
    """Let all probes of a garden know which others are in their place."""
    present = tuple(companies)
    placed = by_place(present, _probe_of)
    for company in present:
        company.meet(neighbours_of(company.probe, lambda place: placed[place], _probe_of))


def _probe_of(company: Company) -> Probe:
    return company.probe
