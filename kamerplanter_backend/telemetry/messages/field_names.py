"""What the message itself says of its numbers, whatever unit a binding has for them."""

from kamerplanter_backend.telemetry.messages.name_reader import split_words
from kamerplanter_backend.telemetry.messages.payload import Json
from kamerplanter_engines.models.telemetry import ChannelBinding

_LUX = frozenset({"lux", "lx", "illuminance", "beleuchtungsstärke", "beleuchtungsstaerke"})
_VOLT_WORDS = frozenset(
    {"volt", "volts", "voltage", "millivolt", "millivolts", "mv"}
    | {"spannung", "batteriespannung", "akkuspannung"}
)
_RUN_TOGETHER = frozenset(
    {"vbat", "vbatt", "ubat", "ubatt", "batv", "battv"}
    | {"batvolt", "battvolt", "batvoltage", "battvoltage", "batteryvoltage"}
)
"""Names of a battery's voltage whose words nothing tells apart."""
_VOLTS = _VOLT_WORDS | _RUN_TOGETHER
_BATTERIES = frozenset({"bat", "batt", "battery", "batterie", "akku"})
_VOLTS_OF = frozenset({"v", "u"})
"""What stands before the name of a battery where its voltage is meant, as in `vBat`."""
_PERCENT = frozenset({"percent", "percentage", "pct", "prozent"})
_UNIT_FIELDS = ("unit", "unit_of_measurement", "uom")
_VOLT_UNITS = frozenset({"v", "mv", "volt", "volts"})
_ENDS = frozenset({"state", "value"})
"""Last levels of a topic that only say that a value follows."""
_VALUES = _ENDS | {"val", "reading"}
"""Fields that have no name of their own."""


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
    return _are_volts(words_of(binding))


def says_volts(holder: Json, path: str) -> bool:
    """Tell whether an object of a message says of one of its values that it is a voltage.

    Args:
        holder: The object.
        path: Where the value stands. If it has a name of its own and another value is called a
            voltage, the unit is that one's.
    """
    if not isinstance(holder, dict):
        return False
    units = (holder.get(name) for name in _UNIT_FIELDS)
    if not any(isinstance(unit, str) and is_volts(unit) for unit in units):
        return False
    name = path.rpartition(".")[2]
    return name.casefold() in _VALUES or not any(
        _are_volts(split_words(other)) for other in holder if other != name
    )


def is_volts(unit: str) -> bool:
    """Tell whether a unit is one of voltage."""
    return unit.strip().casefold() in _VOLT_UNITS


def _are_volts(words: tuple[str, ...]) -> bool:
    is_named = (
        not _VOLTS.isdisjoint(words)
        or (len(words) > 1 and words[-1] == "v")
        or (len(words) > 1 and words[0] in _VOLTS_OF and words[1] in _BATTERIES)
    )
    return is_named and _PERCENT.isdisjoint(words)
