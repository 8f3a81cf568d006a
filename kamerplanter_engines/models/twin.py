"""What a channel beside another one of its kind has shown lately."""

from pydantic import model_validator

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
