"""What is wrong with a call about a calibration is said in words, and in the time of the house."""

from datetime import timedelta
from typing import Any

import pytest
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util

from tests.home_assistant.calibrating import act
from tests.home_assistant.field_case import bind
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden

POINT = {"reference": 1.413, "raw": 1.4}


async def refusal(garden: Garden, action: str, key: str, **data: Any) -> tuple[str, str]:
    """Call an action that is refused; return the key of the text, and the English text."""
    with pytest.raises(ServiceValidationError) as caught:
        await act(garden, action, key, **data)
    return told(caught.value)


def told(error: ServiceValidationError) -> tuple[str, str]:
    key, filled = str(error.translation_key), error.translation_placeholders
    assert filled is not None
    said = {
        language: texts["exceptions"][key]["message"].format(**filled)
        for language, texts in TEXTS.items()
    }
    return key, said["en"]


async def test_what_nobody_measures_there_is_said_by_its_name(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])
    empty = await mqtt_garden.add_tank("Bucket", channels=[])

    wrong_kind = await refusal(mqtt_garden, "calibrate", tank, kind="ec", points=POINT)
    no_probe = await refusal(mqtt_garden, "replace_probe", empty)

    assert wrong_kind == (
        "no_probe_of_kind",
        "Tank A has no probe that measures this: Nutrient concentration (EC).",
    )
    assert no_probe == ("no_probe", "Bucket has no probe.")


async def test_two_targets_are_one_too_many(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank()
    other = await mqtt_garden.add_tank("Tank B")
    devices = [mqtt_garden.device(key) for key in (tank, other)]

    found = await refusal(
        mqtt_garden,
        "replace_probe",
        tank,
        device_id=[device.id for device in devices if device is not None],
    )

    assert found == ("one_target", "2 targets are chosen. Choose exactly one for each call.")


async def test_a_moment_that_has_not_come_is_told_by_the_clock_of_the_house(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank()
    later = dt_util.now() + timedelta(days=3)

    key, text = await refusal(
        mqtt_garden, "replace_probe", tank, at=later.strftime("%Y-%m-%d %H:%M:%S")
    )

    assert key == "future_time"
    assert text == f"{later:%Y-%m-%d, %H:%M} lies in the future."
