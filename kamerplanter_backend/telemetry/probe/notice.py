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

    @property
    def sentence(self) -> str:
        """What the log says of it, without its beginning."""
        if self.reason is Reason.CLOCK_STANDS_STILL:
            return f"the clock of {self.source} stands still, so the time of receipt counts"
        hint = "" if self.hint is None else f", {self.hint}"
        return (
            f"readings from {self.source} are not good ({self.reason}{hint}); further ones are "
            "only counted"
        )
