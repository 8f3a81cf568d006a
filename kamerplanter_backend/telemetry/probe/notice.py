"""What is worth telling the log of a garden."""

from dataclasses import dataclass

from kamerplanter_engines.models.telemetry import ChannelKind, Hint, Reason

LONGEST_SAID = 80
"""So much of what was said is told. [characters]"""

type Heard = tuple[str, str | bytes]
"""Topic or entity, and what it said."""


def beginning_of(payload: str | bytes) -> str:
    """Return the beginning of what was said, with all written out that could forge a line."""
    said = payload[:LONGEST_SAID]
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return repr(text) if text else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that is worth one line in the log; each channel and reason only once."""

    kind: ChannelKind
    reason: Reason
    hint: Hint | None
    source: str
    """Topic or entity."""
    said: str = ""
    """The beginning of what it said, see `beginning_of`; empty = nobody said anything."""

    @property
    def sentence(self) -> str:
        """What the log says of it, without its beginning."""
        if self.reason is Reason.CLOCK_STANDS_STILL:
            return f"the clock of {self.source} stands still, so the time of receipt counts"
        hint = "" if self.hint is None else f", {self.hint}"
        said = f", such as {self.said}" if self.said else ""
        return (
            f"readings from {self.source} are not good ({self.reason}{hint}){said}; "
            "further ones are only counted"
        )
