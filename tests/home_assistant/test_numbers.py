"""Numbers that are none or out of their limits: one sentence that says field, value and limits."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import InvalidData, section
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.translation import async_get_translations

from custom_components.kamerplanter.actions import ACTIONS, OTHER_ACTIONS
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.numbers import ActionNumber, FormNumber
from custom_components.kamerplanter.schema import vol
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden

NO_NUMBERS = (
    ("abc", "abc"),
    ("5,9", "5,9"),
    ("1_5", "1_5"),
    ("1e400", "1e400"),
    ("-inf", "-inf"),
    (math.nan, "nan"),
    (math.inf, "inf"),
    (10**400, "1" + 99 * "0"),
    (True, "True"),
    ([1], "[1]"),
)
"""What is told, and how it is said to be none."""
SAID = {
    "en": (
        "{field}: {value} is no number. Possible: a number with a decimal point and without a unit,"
        " such as 1.5."
    ),
    "de": (
        "{field}: {value} ist keine Zahl. Möglich: eine Zahl mit Dezimalpunkt und ohne Einheit, "
        "zum Beispiel 1.5."
    ),
}
PLANT_NUMBERS = {
    "log_treatment": {"product": "Neem oil", "interval_d": ...},
    "log_harvest": {"weight_g": ...},
    "log_watering": {"volume_l": ...},
}
TANK_NUMBERS = {
    "complete_task": {"volume_l": ...},
    "log_measurement": {"kind": "ph", "value": ...},
    "calibrate": {"kind": "ph", "points": [{"raw": 7.1, "reference": ...}]},
}
MORE_OF_TANK = (
    ("log_measurement", {"kind": "ph", "value": 6, "temperature_c": ...}, "temperature_c"),
    ("calibrate", {"kind": "ph", "points": {"raw": ..., "reference": 7}}, "raw"),
    (
        "calibrate",
        {"kind": "ph", "points": {"raw": 7, "reference": 7, "temperature_c": ...}},
        "temperature_c",
    ),
)


def filled(template: Any, value: object) -> Any:
    """Return data of an action with the number in its place."""
    if template is ...:
        return value
    if isinstance(template, dict):
        return {name: filled(part, value) for name, part in template.items()}
    return [filled(part, value) for part in template] if isinstance(template, list) else template


def hole(template: Any) -> str:
    """Return the name of the field whose number is left open."""
    (found,) = holes(template)
    return found


def holes(template: Any, name: str = "") -> Iterator[str]:
    if template is ...:
        yield name
    elif isinstance(template, dict):
        for key, part in template.items():
            yield from holes(part, key)
    elif isinstance(template, list):
        for part in template:
            yield from holes(part, name)


async def speak(hass: HomeAssistant, language: str) -> None:
    hass.config.language = language
    for category in ("exceptions", "selector"):
        await async_get_translations(hass, language, category, {DOMAIN})


async def refusal(hass: HomeAssistant, action: str, data: dict[str, Any]) -> str:
    """Return what is said about a call that is refused, as a person reads it."""
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(DOMAIN, action, data, blocking=True)
    text = TEXTS[hass.config.language]["exceptions"][caught.value.translation_key]["message"]
    return str(text.format(**caught.value.translation_placeholders or {}))


@pytest.mark.parametrize("language", SAID)
async def test_what_is_no_number_is_said_by_each_action(garden: Garden, language: str) -> None:
    plant, tank = await garden.add_plant(), await garden.add_tank()
    await speak(garden.hass, language)
    names = TEXTS[language]["selector"]["field_name"]["options"]
    cases = [(plant, action, data, hole(data)) for action, data in PLANT_NUMBERS.items()]
    cases += [(tank, action, data, hole(data)) for action, data in TANK_NUMBERS.items()]
    cases += [(tank, action, data, field) for action, data, field in MORE_OF_TANK]

    for key, action, data, field in cases:
        device = garden.device(key)
        assert device is not None
        for told, shown in NO_NUMBERS:
            said = await refusal(garden.hass, action, {"device_id": device.id} | filled(data, told))
            assert said == SAID[language].format(field=names[field], value=shown), (action, told)


@pytest.mark.parametrize(
    ("action", "data", "value", "allowed"),
    [
        ("log_treatment", PLANT_NUMBERS["log_treatment"], -1, "0, 1, …, 3650"),
        # Half a day of waiting is none: it was cut off, to the wrong side.
        ("log_treatment", PLANT_NUMBERS["log_treatment"], "3.7", "0, 1, …, 3650"),
        ("log_treatment", PLANT_NUMBERS["log_treatment"], 3651, "0, 1, …, 3650"),
        ("log_harvest", PLANT_NUMBERS["log_harvest"], 0, "> 0"),
        ("log_watering", PLANT_NUMBERS["log_watering"], "-0.0", "> 0"),
        ("log_measurement", TANK_NUMBERS["log_measurement"], 14.5, "0 – 14"),
        ("log_measurement", TANK_NUMBERS["log_measurement"], -0.5, "0 – 14"),
    ],
)
async def test_a_number_out_of_its_limits_is_said_with_them(
    garden: Garden, action: str, data: dict[str, Any], value: object, allowed: str
) -> None:
    place = await (garden.add_plant() if action in PLANT_NUMBERS else garden.add_tank())
    await speak(garden.hass, "de")
    device = garden.device(place)
    assert device is not None

    said = await refusal(garden.hass, action, {"device_id": device.id} | filled(data, value))

    name = TEXTS["de"]["selector"]["field_name"]["options"][hole(data)]
    assert said == f"{name}: {value} ist nicht möglich. Möglich: {allowed}."


async def test_numbers_of_templates_are_numbers_and_zero_has_no_sign(garden: Garden) -> None:
    tank = await garden.add_tank()
    device = garden.device(tank)
    assert device is not None

    for told in ("0", "-0.0", -0.0):
        answer: Any = await garden.hass.services.async_call(
            DOMAIN,
            "log_measurement",
            {"device_id": device.id, "kind": "water_temperature", "value": told},
            blocking=True,
            return_response=True,
        )
        assert math.copysign(1, answer["value"]) == 1


def numbers(schema: Any) -> Iterator[object]:
    """Yield each validator of a schema."""
    match schema:
        case vol.Schema():
            yield from numbers(schema.schema)
        case dict():
            for part in schema.values():
                yield from numbers(part)
        case list():
            for part in schema:
                yield from numbers(part)
        case vol.All() | vol.Any():
            for part in schema.validators:
                yield from numbers(part)
        case section():
            yield from numbers(schema.schema)
        case _:
            yield schema


def test_no_action_reads_a_number_in_another_way() -> None:
    found = [
        (action.name, part)
        for action in (*ACTIONS, *OTHER_ACTIONS)
        for part in numbers(action.schema)
    ]
    assert len([part for _, part in found if isinstance(part, ActionNumber)]) >= 10
    for action, part in found:
        kind = getattr(part, "type", None)
        assert kind not in (int, float), action
        assert not isinstance(part, vol.Range), action


@pytest.mark.parametrize("language", SAID)
async def test_what_is_no_number_is_said_by_a_dialog(garden: Garden, language: str) -> None:
    await speak(garden.hass, language)
    names = TEXTS[language]["selector"]["field_name"]["options"]
    dialog = await Dialog.add(garden, "tank")
    fields = {str(key): part for key, part in dialog.result["data_schema"].schema.items()}
    assert isinstance(fields["volume"], FormNumber)
    assert isinstance(fields["limits"].schema.schema["ph_low"], FormNumber)

    for told, shown in NO_NUMBERS:
        with pytest.raises(InvalidData) as caught:
            await dialog.fill(name="Tank", tank_type="nutrient", volume=told)
        said = SAID[language].format(field=names["volume_l"], value=shown)
        assert caught.value.schema_errors == {"volume": said}
        with pytest.raises(InvalidData) as caught:
            await dialog.fill(name="Tank", tank_type="nutrient", volume=5, limits={"ph_low": told})
        said = SAID[language].format(field=names["ph_low"], value=shown)
        assert caught.value.schema_errors == {"base": [said]}


async def test_a_dialog_says_what_a_number_may_be(garden: Garden) -> None:
    await speak(garden.hass, "de")
    dialog = await Dialog.add(garden, "tank")

    with pytest.raises(InvalidData) as caught:
        await dialog.fill(name="Tank", tank_type="nutrient", volume=5, limits={"ph_low": 14.5})

    said = "Niedrigster pH: 14.5 ist nicht möglich. Möglich: ≥ 0, ≤ 14."
    assert caught.value.schema_errors == {"base": [said]}


async def test_the_port_of_a_broker_is_refused_in_words_before_there_is_any_garden(
    hass: HomeAssistant, enable_custom_integrations: None
) -> None:
    hass.config.language = "de"
    flows = hass.config_entries.flow
    result: Any = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    for told in ({"next_step_id": "garden"}, {"name": "Garten", "readings": "broker"}):
        result = await flows.async_configure(result["flow_id"], told)
    assert result["step_id"] == "broker"

    for port, said in (
        (70000, "Port: 70000 ist nicht möglich. Möglich: 1, 2, …, 65535."),
        ("18.83", "Port: 18.83 ist nicht möglich. Möglich: 1, 2, …, 65535."),
        ("mqtt", SAID["de"].format(field="Port", value="mqtt")),
    ):
        with pytest.raises(InvalidData) as caught:
            await flows.async_configure(result["flow_id"], {"host": "broker.local", "port": port})
        assert caught.value.schema_errors == {"port": said}
