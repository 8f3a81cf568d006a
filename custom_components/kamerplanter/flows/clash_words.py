"""How a dialog says what somebody else changed while it was open."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.telemetry import ChannelKind

from ..meanwhile import Part, Parts  # noqa: TID252 - the neighbours import alike
from ..texts import Texts  # noqa: TID252

_NOTHING = "–"
_UNITS = ("_ms_cm", "_pct", "_l", "_c")
"""How fields end whose form has the person's unit; longest first."""


def clash_words(
    texts: Texts, now: Parts, garden: GardenSnapshot, shown: Mapping[str, Any] | None = None
) -> str:
    """Return each part that others changed, and what it is now.

    Args:
        texts: In the language of the house.
        now: What the parts are now.
        garden: Where the things are whose keys are among them.
        shown: What is now as the form shows it, in the person's units.
    """
    return "; ".join(
        f"{_name(texts, part)}: {_value(texts, part, value, garden, shown or {})}"
        for part, value in now.items()
    )


def _name(texts: Texts, part: Part) -> str:
    if isinstance(part, ChannelKind):
        return texts.kind(part)
    return texts.word("field_name", part) or part


def _value(
    texts: Texts, part: Part, value: JsonValue, garden: GardenSnapshot, shown: Mapping[str, Any]
) -> str:
    if isinstance(value, dict):
        names = ("entity_id", "topic", "path", "unit")
        return " → ".join(str(value[name]) for name in names if value.get(name)) or _NOTHING
    value = shown.get(_in_form(part), value)
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return texts.choice("edible", "yes" if value else "no")
    if isinstance(value, int | float):
        return texts.number(value)
    return texts.word(part, str(value)) or _named(part, str(value), garden)


def _in_form(part: Part) -> str:
    ending = next((unit for unit in _UNITS if part.endswith(unit)), "")
    return part.removesuffix(ending)


def _named(part: Part, key: str, garden: GardenSnapshot) -> str:
    """Return the name of what a key stands for; what is no key stays as it is."""
    match part:
        case "tank_key":
            names = {view.tank.key: view.tank.name for view in garden.tanks}
        case "plant_key":
            names = {view.plant.key: view.plant.name for view in garden.plants}
        case "location_key":
            names = {view.location.key: view.location.name for view in garden.locations}
        case _:
            names = {}
    return names.get(key, key)
