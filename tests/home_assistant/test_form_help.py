"""What the fields of dialogs say about themselves: what fits the kind of value, and no more."""

import pytest
from homeassistant.core import HomeAssistant

from custom_components.kamerplanter.flows.binding_forms import defaults_of
from custom_components.kamerplanter.flows.calibration_words import solution_help
from custom_components.kamerplanter.texts import Texts
from kamerplanter_engines.models.telemetry import ChannelKind


@pytest.mark.parametrize(
    ("language", "kind", "told"),
    [
        ("en", ChannelKind.EC, ("mS/cm", "360 min", "5 min", "0.05 mS/cm/min")),
        ("de", ChannelKind.EC, ("mS/cm", "360 min", "5 min", "0,05 mS/cm/min")),
        ("de", ChannelKind.PH, ("pH", "360 min", "5 min", "0,1 pH/min")),
        ("de", ChannelKind.SOIL_MOISTURE, ("%", "480 min", "30 min", "1 %/min")),
        ("en", ChannelKind.LEVEL, ("%", "480 min", "5 min", "any change is believed")),
        ("de", ChannelKind.ORP, ("mV", "360 min", "5 min", "jede Änderung wird geglaubt")),
    ],
)
async def test_a_binding_says_what_holds_where_nothing_is_entered(
    hass: HomeAssistant, language: str, kind: ChannelKind, told: tuple[str, ...]
) -> None:
    hass.config.language = language

    names = ("default_unit", "default_max_age", "default_hold", "default_rate")
    assert defaults_of(kind, await Texts.async_load(hass)) == dict(zip(names, told, strict=True))


async def test_the_value_of_a_solution_is_explained_for_its_kind(hass: HomeAssistant) -> None:
    texts = await Texts.async_load(hass)

    assert "µS/cm" not in solution_help(texts, ChannelKind.PH)
    assert "1413 µS/cm" in solution_help(texts, ChannelKind.SOIL_EC)
    assert "dry" in solution_help(texts, ChannelKind.SOIL_MOISTURE)
    assert "bottle" not in solution_help(texts, ChannelKind.SOIL_MOISTURE)
