"""What was judged of one probe and is to be handed over: readings to store, notices to log."""

from collections import Counter, deque
from collections.abc import Iterable

from kamerplanter_backend.telemetry.probe.notice import Heard, Notice, beginning_of
from kamerplanter_engines.models.telemetry import ChannelKind, Hint, Reason
from kamerplanter_engines.telemetry_engine import Judged, Sample

MAX_PENDING = 2000
"""Readings that wait to be taken; whoever listens takes them before there are so many."""


class Outbox:
    """Holds readings and notices until somebody takes them."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[ChannelKind, Reason]] = Counter()
        """How many samples had this reason; bounded by kinds times reasons."""
        self.pending: deque[Judged] = deque(maxlen=MAX_PENDING)
        self._notices: list[Notice] = []

    def add(self, samples: Iterable[Sample], judged: Iterable[Judged], heard: Heard) -> None:
        """Take in one message and the judgement on it."""
        for sample in samples:
            if sample.problem is Reason.MISSING_FIELD:
                self.counts[sample.kind, Reason.MISSING_FIELD] += 1
            if sample.clock_stands_still:
                self._tell(sample.kind, Reason.CLOCK_STANDS_STILL, sample.hint, heard)
        for item in judged:
            if item.reasons:
                self._count(item, heard)
            if item.value is not None and not item.is_repeat:
                self.pending.append(item)

    def _count(self, item: Judged, heard: Heard) -> None:
        if Reason.CALIBRATING in item.reasons:
            # A person does that, and knows; a jump into a buffer is no fault of the probe.
            self.counts[item.kind, Reason.CALIBRATING] += 1
            return
        for reason in item.reasons:
            self._tell(item.kind, reason, item.hint, heard)

    def _tell(self, kind: ChannelKind, reason: Reason, hint: Hint | None, heard: Heard) -> None:
        if (kind, reason) not in self.counts:
            source, payload = heard
            said = beginning_of(payload)
            notice = Notice(kind=kind, reason=reason, hint=hint, source=source, said=said)
            self._notices.append(notice)
        self.counts[kind, reason] += 1

    def take_judged(self) -> list[Judged]:
        """Hand over what was judged since."""
        taken = list(self.pending)
        self.pending.clear()
        return taken

    def take_notices(self) -> list[Notice]:
        """Hand over what is to be logged."""
        taken, self._notices = self._notices, []
        return taken
