"""What the name of a field says of its numbers, whatever unit a binding has for them."""

from kamerplanter_backend.telemetry.unit_guess import split_words
from kamerplanter_engines.models.telemetry import ChannelBinding

_LUX = frozenset({"lux", "lx", "illuminance", "beleuchtungsstärke", "beleuchtungsstaerke"})
_ENDS = frozenset({"state", "value"})
"""Last levels of a topic that only say that a value follows."""


def words_of(binding: ChannelBinding) -> tuple[str, ...]:
    """Return the words of the name of a value: of its field, else of its topic."""
    if binding.path is not None:
        return split_words(binding.path)
    levels = (binding.topic or "").split("/")
    if len(levels) > 1 and levels[-1] in _ENDS:
        levels.pop()
    return split_words(levels[-1])


def names_lux(binding: ChannelBinding) -> bool:
    """Tell whether a value is called one of a light meter that counts in lux."""
    return not _LUX.isdisjoint(words_of(binding))
