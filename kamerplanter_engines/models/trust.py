"""How far several meters of one place agree, and how one of them wanders.

All values are in the canonical unit of their kind.
"""

from typing import NamedTuple

from pydantic import Field

from kamerplanter_engines.models.base import Instant, Model
from kamerplanter_engines.models.tank import Side
from kamerplanter_engines.models.telemetry import ChannelKind, Reason, Verdict


class Showing(NamedTuple):
    """What one channel shows now."""

    key: str
    """Whose channel it is."""
    value: float | None
    """None = nothing is shown."""
    verdict: Verdict
    quality_ratio: float
    """How much it weighs beside others, above 0, at most 1."""


class Agreement(Model):
    """What several channels of one kind and place say together."""

    value: float | None
    """The mean by quality of those that count; none = none counts."""
    agrees: bool
    spread: float
    """Between the highest and the lowest that counts."""
    limit: float
    """A larger spread is a disagreement; while there is one, the limit is a quarter smaller."""
    member_keys: tuple[str, ...]
    """Those that count, in alphabetical order."""
    reasons: tuple[Reason, ...] = ()

    @property
    def may_decide_dose(self) -> bool:
        """Whether something may be dosed by it, as far as the agreement goes."""
        return self.agrees and bool(self.member_keys)


class Drift(Model):
    """How far a probe is from what is measured by hand since it was last put right."""

    kind: ChannelKind
    difference: float
    """By hand minus by the probe: the median of the newest three comparisons."""
    limit: float
    """It has drifted where two of these three lie beyond it on the same side."""
    measured_at: Instant
    """When it was last compared."""
    drifted: bool
    measure_again: bool = False
    """Only the newest comparison lies beyond the limit: it may be a slip of the hand."""
    count: int = Field(default=1, ge=1)
    """How many comparisons there were."""
    change_per_d: float | None = None
    """How fast the difference grows, by all comparisons; none = there are fewer than three."""


class Trend(Model):
    """Where a value is heading, by its good readings since it was last changed on purpose."""

    kind: ChannelKind
    count: int = Field(ge=0)
    """How many readings speak."""
    span_h: float = Field(ge=0)
    """From the first to the last of them."""
    since: Instant
    """Nothing before this moment was looked at."""
    change_per_h: float | None = None
    """The slope; none = too few readings, or too short a time."""
    change_low_per_h: float | None = None
    """With 95 % it is no lower."""
    change_high_per_h: float | None = None
    """With 95 % it is no higher."""
    side: Side | None = None
    """Which limit it is heading for; none = it may stand still, or there is no limit there."""
    limit: float | None = None
    """The limit that it is heading for."""
    limit_at: Instant | None = None
    """When it gets there if it goes on like this; now if it is beyond already."""
