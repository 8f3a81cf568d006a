"""One reading of a batch: which time counts, what is judged of it, what is answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import inf

from kamerplanter_backend.domain.snapshot.past_views import ChannelMoment
from kamerplanter_backend.telemetry.batches.sent_readings import (
    IngestResult,
    Outcome,
    SentReading,
    UnusedTime,
)
from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_engines.models.base import is_ahead
from kamerplanter_engines.models.telemetry import ChannelBinding, Hint, Reason, Verdict
from kamerplanter_engines.telemetry_engine import Sample


@dataclass(frozen=True, slots=True)
class Item:
    """One reading of a batch with the time that counts."""

    index: int
    sent: SentReading
    at: datetime
    has_own_time: bool
    unused_time: UnusedTime | None = None

    @property
    def rank(self) -> tuple[datetime, str, float, int]:
        """By the time that counts and probe; of those that are of now the newest come first.

        A clock that is wrong still tells which of its readings came last; what has no such time
        is of now itself.
        """
        sent_at = None if self.unused_time is None else self.sent.at
        age_s = -inf if sent_at is None else (self.at - sent_at).total_seconds()
        return self.at, self.sent.probe_key, age_s, self.index

    @property
    def moment(self) -> ChannelMoment:
        """What it is told apart by."""
        return self.sent.probe_key, self.sent.kind, self.at


def item_of(index: int, sent: SentReading, now: datetime, oldest: datetime) -> Item:
    """Return a reading with the time that counts.

    Args:
        index: Its place in the batch.
        sent: What was sent.
        now: The present moment, UTC.
        oldest: From when on single readings are kept.
    """
    at = sent.at
    if at is None:
        return Item(index, sent, now, has_own_time=False)
    # A clock that was never set must not make history, or hide it.
    unused = UnusedTime.TOO_OLD if at < oldest else UnusedTime.AHEAD if is_ahead(at, now) else None
    return Item(index, sent, now if unused else at, has_own_time=not unused, unused_time=unused)


def sample_of(item: Item, binding: ChannelBinding, now: datetime) -> Sample:
    """Return what is to be judged of a reading."""
    reader = FieldReader(binding)
    at = item.at if item.has_own_time else None
    return reader.read_entity(repr(item.sent.value), item.sent.unit, at, now)


def result_of(
    item: Item,
    outcome: Outcome,
    verdict: Verdict,
    reasons: Iterable[Reason],
    *,
    value: float | None,
    hint: Hint | None = None,
    message: str | None = None,
) -> IngestResult:
    """Return the answer to a reading."""
    is_refused = outcome is Outcome.REFUSED
    return IngestResult(
        probe_key=item.sent.probe_key,
        kind=item.sent.kind,
        outcome=outcome,
        verdict=verdict,
        reasons=tuple(reason.value for reason in reasons),
        message=message,
        hint=hint,
        value=value,
        at=None if is_refused else item.at,
        has_own_time=item.has_own_time and not is_refused,
        unused_time=item.unused_time,
    )
