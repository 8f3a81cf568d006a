"""When a probe lay in the solutions of a calibration; what it showed then is not what it is for.

Runs on the event loop; does no I/O and reads no clock.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from kamerplanter_engines.models.base import CLOCK_TOLERANCE
from kamerplanter_engines.models.solution_hold import SolutionHoldFields
from kamerplanter_engines.models.telemetry import DEVICE_KINDS
from kamerplanter_engines.telemetry_engine import Sample

LASTS = timedelta(hours=1)
"""So long after the last sign of a dialog: one whose browser was closed must not hold for ever, and
over a break of the person a buffer must not become the tank. As long as a dialog keeps what was
measured."""
RETURNS = timedelta(minutes=5)
"""So long after a dialog was closed before anybody said that the probe is back: enough to rinse it
and to hang it up again, and no more than a short break for a tank whose probe was back already."""
KEPT = 16
"""What a device has buffered may come late, but it is not calibrated so often meanwhile."""
_OF_HOME = ":"
"""Stands behind the home in the name of a dialog."""


class Span(Protocol):
    """A time at which a probe was or is out of its place."""

    @property
    def since(self) -> datetime:
        """When it was taken out."""

    @property
    def until(self) -> datetime:
        """When it is back, which is no part of it."""


class _Hold(NamedTuple):
    """What is known here of one dialog."""

    name: str
    """As the store knows it: a dialog that begins anew after a pause is another one."""
    since: datetime
    until: datetime
    is_left: bool = False
    """Its dialog was closed, and nobody has said that the probe is back."""

    @property
    def told_until(self) -> datetime:
        """Until when others hold.

        As long as its dialog is open that is a quarter longer, so that not each sign has to be
        told and nobody ends it before we do.
        """
        return self.until if self.is_left else self.until + LASTS / 4


class SolutionTimes:
    """When one probe was or is out of its tank or pot, by dialogs here and by what others say.

    Args:
        probe_key: The probe.
    """

    def __init__(self, probe_key: str) -> None:
        self._probe_key = probe_key
        self._open: dict[str, _Hold] = {}
        self._over: deque[_Hold] = deque(maxlen=KEPT)
        self._stored: tuple[SolutionHoldFields, ...] = ()
        self._told: dict[str, datetime] = {}

    def sign(self, dialog: str, now: datetime) -> None:
        """Note that a dialog measures the probe in a solution, or still does.

        Args:
            dialog: Which one, as `home:name`; two people may calibrate at once.
            now: The present moment, UTC.
        """
        self._hold(dialog, now, LASTS, is_left=False)

    def leave(self, dialog: str, now: datetime) -> None:
        """Note that a dialog was closed while the probe is, as far as it knows, in a solution.

        Args:
            dialog: Which one.
            now: The present moment, UTC.
        """
        self._hold(dialog, now, RETURNS, is_left=True)

    def end(self, dialog: str, now: datetime) -> None:
        """Note that a dialog says that the probe is back; twice is harmless.

        What dialogs left that were closed before is over by that, and what those of the same home
        did that were lost by a restart, but not what others measure.

        Args:
            dialog: Which one.
            now: The present moment, UTC.
        """
        for name, hold in list(self._open.items()):
            if name == dialog or hold.is_left:
                self._finish(self._open.pop(name), now)
        home = dialog.partition(_OF_HOME)[0] + _OF_HOME
        for lost in self._of_others():
            if lost.dialog.startswith(home) and lost.until > now:
                self._told[lost.dialog] = lost.until
                self._finish(_Hold(lost.dialog, lost.since, lost.until), now)

    def follow(self, stored: Sequence[SolutionHoldFields]) -> None:
        """Take over what the store knows; what was heard here of a dialog stands."""
        self._stored = tuple(stored)

    def untold(self) -> tuple[SolutionHoldFields, ...]:
        """Return what the store should know and has not been told."""
        return tuple(
            SolutionHoldFields(
                probe_key=self._probe_key,
                dialog=hold.name,
                since=hold.since,
                until=hold.told_until,
            )
            for hold in self._own()
            if self._is_news(hold)
        )

    def note_told(self, said: SolutionHoldFields) -> None:
        """Note that the store knows it."""
        names = {hold.name for hold in self._own()}
        self._told = {name: until for name, until in self._told.items() if name in names}
        self._told[said.dialog] = said.until

    def marked(self, samples: Sequence[Sample]) -> tuple[Sample, ...]:
        """Return samples with those marked that were measured in a solution, as `marked` does."""
        if not (self._open or self._over or self._stored):
            return tuple(samples)
        return marked(samples, (*self._own(), *self._of_others()))

    def _hold(self, dialog: str, now: datetime, lasts: timedelta, *, is_left: bool) -> None:
        self._retire(now)
        known = self._open.get(dialog)
        name = f"{dialog}-{now:%H%M%S.%f}" if known is None else known.name
        since = now if known is None else min(known.since, now)
        self._open[dialog] = _Hold(name, since, now + lasts, is_left)

    def _retire(self, now: datetime) -> None:
        """Put what ended by itself to what is over: a dialog that comes back begins anew."""
        for name, hold in list(self._open.items()):
            if hold.until < now:
                self._finish(self._open.pop(name), hold.until)

    def _finish(self, hold: _Hold, now: datetime) -> None:
        self._over.append(hold._replace(until=min(hold.until, now), is_left=True))

    def _own(self) -> tuple[_Hold, ...]:
        return (*self._open.values(), *self._over)

    def _of_others(self) -> list[SolutionHoldFields]:
        if not self._stored:
            return []
        own = {hold.name for hold in self._own()}
        return [item for item in self._stored if item.dialog not in own]

    def _is_news(self, hold: _Hold) -> bool:
        told = self._told.get(hold.name)
        if told is None or hold.is_left:
            return told != hold.until
        return told < hold.until


def marked(samples: Sequence[Sample], spans: Sequence[Span]) -> tuple[Sample, ...]:
    """Return samples with those marked that were measured while a probe was out of its place.

    All that a device measures is marked: a combined probe is out of the tank as a whole. What it
    says about itself (battery, signal) is true anywhere.
    """
    if not spans:
        return tuple(samples)
    return tuple(
        sample._replace(calibrating=True) if _is_of_solution(sample, spans) else sample
        for sample in samples
    )


def _is_of_solution(sample: Sample, spans: Sequence[Span]) -> bool:
    if sample.kind in DEVICE_KINDS:
        return False
    if _covers(spans, sample.at):
        return True
    # The clock of a device may be behind by so much.
    is_live = abs(sample.received_at - sample.at) <= CLOCK_TOLERANCE
    return is_live and _covers(spans, sample.received_at)


def _covers(spans: Sequence[Span], moment: datetime) -> bool:
    return any(span.since <= moment < span.until for span in spans)
