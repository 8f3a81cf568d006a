"""A probe is calibrated in the numbers that it sends, by dialog and by action."""

import pytest
from homeassistant.exceptions import ServiceValidationError

from tests.home_assistant.calibrating import act
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden
from tests.home_assistant.test_calibration_dialog import (
    PH_TOPIC,
    SOIL_TOPIC,
    begin,
    stored,
)


@pytest.mark.parametrize(
    ("kind", "topic", "sent", "points", "scale", "key"),
    [
        ("ph", PH_TOPIC, "6.0", ((7.0, 10), (4.01, 180)), "millivolt", "calibration_not_millivolt"),
        ("ph", PH_TOPIC, "177", ((7.0, 7.1), (4.01, 4.2)), "value", "calibration_not_ph"),
        (
            "soil_moisture",
            SOIL_TOPIC,
            "41",
            ((0, 3100), (100, 1400)),
            "value",
            "calibration_other_scale",
        ),
    ],
)
async def test_an_action_takes_no_points_of_another_scale(  # noqa: PLR0917 - one for each column
    mqtt_garden: Garden,
    kind: str,
    topic: str,
    sent: str,
    points: tuple[tuple[float, float], ...],
    scale: str,
    key: str,
) -> None:
    if kind == "ph":
        target = await mqtt_garden.add_tank(channels=[bind(kind, topic=topic)])
    else:
        plant = await mqtt_garden.add_plant()
        target = await mqtt_garden.add_probe(plant, channels=[bind(kind, topic=topic)])
    say(mqtt_garden, sent, topic=topic)
    await mqtt_garden.settle()
    given = [{"reference": reference, "raw": raw} for reference, raw in points]

    with pytest.raises(ServiceValidationError) as caught:
        await act(mqtt_garden, "calibrate", target, kind=kind, points=given, scale=scale)

    assert caught.value.translation_key == key
    assert await stored(mqtt_garden) == ()
    filled = caught.value.translation_placeholders
    assert filled is not None
    for texts in TEXTS.values():
        text = texts["exceptions"][key]["message"].format(**filled)
        assert f" {float(sent):g}" in text


async def test_an_electrode_that_tells_millivolts_is_calibrated_whatever_is_stored(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    # In the buffer of pH 7 it shows 6 mV, which looks like a pH and is stored as one.
    mqtt_garden.freezer.tick(60)
    say(mqtt_garden, "6.0", topic=PH_TOPIC)
    await mqtt_garden.derive()
    mqtt_garden.freezer.tick(60)
    say(mqtt_garden, "176", topic=PH_TOPIC)
    await mqtt_garden.settle()
    points = [{"reference": 7.0, "raw": 6}, {"reference": 4.01, "raw": 176}]

    done = await act(mqtt_garden, "calibrate", tank, kind="ph", points=points, scale="millivolt")

    assert done["raw_unit"] == "mV"
    assert len(await stored(mqtt_garden)) == 1


async def test_the_dialog_takes_no_scale_that_the_probe_does_not_tell(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic=PH_TOPIC)])
    dialog = await begin(mqtt_garden, tank)
    say(mqtt_garden, "6.0", topic=PH_TOPIC)
    await dialog.fill(channel="ph")
    await dialog.fill(method="ph_7_4", scale="millivolt")

    assert (dialog.step, dialog.errors) == ("calibration_method", {"scale": "calibration_refused"})
    assert "The probe shows 6 now: that is a pH" in dialog.placeholders["refused"]
    assert dialog.suggested["scale"] == "millivolt"
    await dialog.fill(method="ph_7_4", scale="value")
    assert dialog.step == "calibration_solution"
