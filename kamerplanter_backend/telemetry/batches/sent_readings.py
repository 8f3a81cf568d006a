"""What scripts send in a batch of readings, and what they are answered."""

from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Instant, Key, Model
from kamerplanter_engines.models.telemetry import ChannelKind, Hint, Verdict


class SentReading(Model):
    """One value as a script sends it."""

    probe_key: Key
    kind: ChannelKind
    value: float
    """In the unit that stands beside it, as the device tells it: the factor of its channel is
    applied to it, as to a message."""
    unit: str | None = Field(default=None, max_length=20)
    """Such as `µS/cm`; none = the unit of the probe's binding. One that is unknown or does not fit
    the kind is refused, ppm without its scale too. On a channel with a curve for volts or counts a
    value with a unit of the kind is ready, and any other one is a bare number for the curve."""
    at: Instant | None = None
    """When it was measured, with a zone; none = now. It counts if single readings are kept for so
    long (90 days unless set otherwise) and if it lies at most two minutes ahead; else the time of
    receipt does, for the newest of its channel in the batch, and `unused_time` says why."""


class Outcome(StrEnum):
    """What became of one reading."""

    STORED = "stored"
    """It is new."""
    KNOWN = "known"
    """There was one of this channel and time, or an equal one within a second."""
    REFUSED = "refused"
    """It is no value of a channel of this garden; see the reasons."""


class RefusalReason(StrEnum):
    """Why a reading cannot be judged at all."""

    UNKNOWN_PROBE = "unknown_probe"
    """No probe of this garden that is not archived has this key."""
    UNBOUND_CHANNEL = "unbound_channel"
    """The probe has no channel of this kind."""
    TOO_OLD = "too_old"
    """Its time does not count (see `unused_time`), and that of receipt is taken by another one of
    the channel: only one value can be of now."""
    AHEAD = "ahead"
    """As `too_old`, of a clock that is ahead; the newest of the channel is taken for now."""


class UnusedTime(StrEnum):
    """Why the time of a reading does not count."""

    TOO_OLD = "too_old"
    """Single readings are not kept for so long, so what they came to would change."""
    AHEAD = "ahead"
    """It lies in the future."""


class IngestResult(Model):
    """What became of one reading, in the order in which they were sent."""

    probe_key: str
    kind: ChannelKind
    outcome: Outcome
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Why it is not good."""
    message: str | None = None
    """What was wrong with a field of it, as it was sent, and what is allowed; none = the reasons
    say all."""
    hint: Hint | None = None
    """What is probably wrong with its unit."""
    value: float | None = None
    """In the canonical unit of its kind; none = no value."""
    at: Instant | None = None
    """The time that counts; none = refused."""
    has_own_time: bool = False
    """Whether that is the time that was sent."""
    unused_time: UnusedTime | None = None
    """Why the time that was sent does not count; none = it does, or there was none."""
