"""What the channels of a probe remembered when something was measured that comes late."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import replace
from datetime import datetime

from kamerplanter_backend.domain.snapshot.past_views import Past
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe, Reading
from kamerplanter_engines.restart_engine import with_stored
from kamerplanter_engines.stay_engine import here_since, is_of_place
from kamerplanter_engines.telemetry_engine import (
    ChannelRules,
    ChannelState,
    restored,
    without_future,
)

type AskPast = Callable[[ChannelBinding, datetime, datetime], Past]
"""Returns what is stored of a channel as of a first moment, and on to a second one."""
type States = Mapping[ChannelKind, ChannelState]
"""The memory of each channel of a probe."""


class PastMemory:
    """The memory of the channels of one probe as of earlier moments, for one batch.

    It is what a start would give back then, and moves on by what is stored and by what the batch
    itself brings. Each channel is read from the store once, when something of it comes late.

    Args:
        ask: Knows what is stored.
        probe: The probe as it is now.
        rules: The numbers in force for each of its channels.
        moments: When what the batch brings of it was measured, in any order.
        now: The present moment.
    """

    def __init__(
        self,
        ask: AskPast,
        probe: Probe,
        rules: Mapping[ChannelKind, ChannelRules],
        moments: Sequence[datetime],
        now: datetime,
    ) -> None:
        self._ask = ask
        self._probe = probe
        self._rules = rules
        self._moments = moments
        self._now = now
        self._channels: dict[ChannelKind, _PastChannel] = {}

    def as_of(
        self, at: datetime, states: States, kinds: Sequence[ChannelKind]
    ) -> dict[ChannelKind, ChannelState]:
        """Return the memory then of all channels that have said something since.

        What another device measured, or the probe elsewhere, has no memory here.

        Args:
            at: When it was measured; not before any moment that was asked for.
            states: The memory of now.
            kinds: What was measured then.

        Returns:
            Nothing where none of these comes late.
        """
        # Most messages are the newest of what they tell, though another channel is ahead of them.
        if not any(kind in states and self._is_late(kind, at, states[kind]) for kind in kinds):
            return {}
        return {
            kind: self._channel(kind, at, state)
            for kind, state in states.items()
            if self._is_late(kind, at, state)
        }

    def note(self, states: States) -> None:
        """Remember what a message that came late has left of each of its channels."""
        for kind, state in states.items():
            self._channels[kind].state = state

    def _is_late(self, kind: ChannelKind, at: datetime, state: ChannelState) -> bool:
        if state.at is None or at >= state.at:
            return False
        if without_future(state, self._now).at is None:
            return False
        replaced_at = self._probe.replaced_at
        return is_of_place(at, here_since(self._probe, kind, self._now)) and (
            replaced_at is None or at >= replaced_at
        )

    def _channel(self, kind: ChannelKind, at: datetime, state: ChannelState) -> ChannelState:
        channel = self._channels.get(kind)
        if channel is None or not channel.reaches(at):
            channel = self._channels[kind] = self._read(kind, at, state)
        return channel.as_of(at)

    def _read(self, kind: ChannelKind, at: datetime, state: ChannelState) -> _PastChannel:
        newest = state.at or at
        until_at = max((moment for moment in self._moments if at <= moment < newest), default=at)
        binding = self._probe.binding(kind)
        assert binding is not None  # noqa: S101 (only bound channels have a memory)
        past = self._ask(binding, at, until_at)
        return _PastChannel(self._probe, self._rules[kind], past, state)


class _PastChannel:
    """One channel on its way from an earlier moment on.

    Args:
        probe: Its probe as it is now.
        rules: The numbers in force for it.
        past: What the store knows of it.
        newest: Its memory of now, which knows how finely the device steps.
    """

    def __init__(self, probe: Probe, rules: ChannelRules, past: Past, newest: ChannelState) -> None:
        state = restored(probe, rules, past.known)
        last = past.known.last
        if last is not None and state.value is not None:
            # The same number within a second is the same reading.
            state = replace(state, verdict=last.verdict, reasons=last.reasons)
        steps = [step for step in (state.finest_step, newest.finest_step) if step is not None]
        self.state = replace(state, finest_step=min(steps, default=None))
        self._rules = rules
        self._ahead: deque[Reading] = deque(past.readings)
        self._known_until = None if past.is_whole else past.readings[-1].at

    def reaches(self, at: datetime) -> bool:
        """Tell whether all that was measured before a moment has been read."""
        return self._known_until is None or at <= self._known_until

    def as_of(self, at: datetime) -> ChannelState:
        """Return the memory before a moment, which is not before the one asked for last."""
        while self._ahead and self._ahead[0].at < at:
            reading = self._ahead.popleft()
            # What the batch itself completed is in the memory already.
            if self.state.at is None or reading.at > self.state.at:
                self.state = with_stored(self.state, reading, self._rules)
        return self.state
