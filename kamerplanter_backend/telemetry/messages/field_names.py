"""What the message itself says of its numbers, whatever unit a binding has for them."""

from kamerplanter_backend.telemetry.messages.name_reader import split_words
from kamerplanter_backend.telemetry.messages.payload import Json
from kamerplanter_engines.models.telemetry import ChannelBinding

_LUX = frozenset({"lux", "lx", "illuminance", "beleuchtungsstärke", "beleuchtungsstaerke"})
_VOLTS = frozenset(
    {"volt", "volts", "voltage", "millivolt", "millivolts", "mv", "spannung", "batteriespannung"}
) | {"akkuspannung", "vbat", "vbatt", "batv", "battv"}
_PERCENT = frozenset({"percent", "percentage", "pct", "prozent"})
_UNIT_FIELDS = ("unit", "unit_of_measurement", "uom")
_VOLT_UNITS = frozenset({"v", "mv", "volt", "volts"})
_ENDS = frozenset({"state", "value"})
"""Last levels of a topic that only say that a value follows."""


def words_of(binding: ChannelBinding) -> tuple[str, ...]:
    """Return the words of the name of a value: of its field, else of its topic or entity."""
    if binding.path is not None:
        return split_words(binding.path)
    levels = (binding.topic or binding.entity_id or "").split("/")
    if len(levels) > 1 and levels[-1] in _ENDS:
        levels.pop()
    return split_words(levels[-1])


def names_lux(binding: ChannelBinding) -> bool:
    """Tell whether a value is called one of a light meter that counts in lux."""
    return not _LUX.isdisjoint(words_of(binding))


def names_volts(binding: ChannelBinding) -> bool:
    """Tell whether a value is called a voltage, such as `battery_mV`, `BatV` or `battery.V`."""
    if (binding.path or "").endswith((".V", ".mV")):
        return True
    words = words_of(binding)
    is_named = not _VOLTS.isdisjoint(words) or (len(words) > 1 and words[-1] == "v")
    return is_named and _PERCENT.isdisjoint(words)


def says_volts(holder: Json) -> bool:
    """Tell whether an object of a message says of its value that it is a voltage."""
    if not isinstance(holder, dict):
        return False
    units = (holder.get(name) for name in _UNIT_FIELDS)
    return any(isinstance(unit, str) and unit.strip().casefold() in _VOLT_UNITS for unit in units)
