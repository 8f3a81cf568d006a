"""Whether two bindings read the same thing."""

from kamerplanter_engines.models.telemetry import ChannelBinding

_OPTIONS = {"max_age_s": None, "rate_per_min": None, "stuck_after_s": None, "hold_s": None}


def same_source(old: ChannelBinding, new: ChannelBinding) -> bool:
    """Tell whether two bindings read the same value in the same way; options may differ."""
    return old.model_copy(update=_OPTIONS) == new.model_copy(update=_OPTIONS)
