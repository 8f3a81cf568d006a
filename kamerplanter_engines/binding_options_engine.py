"""The numbers that a channel is judged by, as its binding sets them, kept within what works.

An older version stored any number here.  One outside the limits made times that no calendar has,
or none at all, and with them no snapshot of the whole garden; so what counts is the nearest one
within.  What is new is refused, see `probe_engine`.
"""

from kamerplanter_engines.models.telemetry import ChannelBinding
from kamerplanter_engines.tables.channels import BINDING_LIMITS, CHANNELS


def max_age_of(binding: ChannelBinding) -> float:
    """Return how old a value may be and still be shown or decide, in seconds."""
    own = _own(binding, "max_age_s")
    return CHANNELS[binding.kind].max_age_s if own is None else own


def hold_of(binding: ChannelBinding) -> float:
    """Return how long a value is out of band before it is a problem, in seconds."""
    own = _own(binding, "hold_s")
    return CHANNELS[binding.kind].hold_s if own is None else own


def stuck_after_of(binding: ChannelBinding, usual_s: float) -> float:
    """Return how long a channel may stand still, in seconds.

    Args:
        binding: The channel with its options.
        usual_s: What counts where it says nothing. [s]
    """
    own = _own(binding, "stuck_after_s")
    return usual_s if own is None else own


def rate_of(binding: ChannelBinding) -> float | None:
    """Return the fastest believable change of its own, in the canonical unit per minute."""
    return _own(binding, "rate_per_min")


def _own(binding: ChannelBinding, option: str) -> float | None:
    value: float | None = getattr(binding, option)
    if value is None:
        return None
    low, high = BINDING_LIMITS[option]
    return min(max(value, low), high)
