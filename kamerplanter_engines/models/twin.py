"""What a channel beside another one of its kind has shown lately."""

from pydantic import Field, model_validator

from kamerplanter_engines.models.base import Instant, Model


class Span(Model):
    """Between which values the good readings of a short time lay; canonical unit."""

    from_at: Instant
    """When that time began; all of a channel are equally long."""
    low: float
    high: float

    @model_validator(mode="after")
    def _low_comes_first(self) -> Span:
        if self.low > self.high:
            msg = "low must not be above high"
            raise ValueError(msg)
        return self


class KnownTwin(Model):
    """What the store knows of a channel of the same kind in the same place."""

    probe_key: str
    since: Instant
    """Since when its device is what and where it is, so that its readings can be compared."""
    finest_step: float | None = None
    """The finest step among its newest numbers; none = it has shown only one. Canonical unit."""
    span_s: float = Field(gt=0)
    """How long each span is."""
    spans: tuple[Span, ...] = ()
    """Of its good readings, oldest first."""
