"""What is worth telling the log of a garden."""

from dataclasses import dataclass

from kamerplanter_engines.models.telemetry import ChannelKind, Hint, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that is worth one line in the log; each channel and reason only once."""

    kind: ChannelKind
    reason: Reason
    hint: Hint | None
    source: str
    """Topic or entity."""
