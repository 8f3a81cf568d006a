"""Recognising devices in what is heard, and taking over what a person agrees with."""

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import Garden
from tests.home_assistant.listening import TANK, hear

pytestmark = pytest.mark.usefixtures("gardens_are_closed")

DOSER = (
    (
        "tele/doser/SENSOR",
        b'{"EZO-1":{"pH":5.94},"EZO-2":{"EC":1413},"DS18B20":{"Temperature":20}}',
    ),
    ("tele/doser/LWT", b"Online"),
)


async def to_discover(garden: Garden) -> Dialog:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    assert dialog.options[0] == "discover"
    assert "devices" not in dialog.options
    return await dialog.choose("discover")


async def test_a_device_is_recognised_and_taken_over(mqtt_garden: Garden) -> None:
    dialog = await to_discover(mqtt_garden)

    await hear(dialog, *DOSER, ("box/ec", b"1.9"), ("kitchen/light", b"on"))

    assert dialog.step == "devices"
    assert list(dialog.labels("device").values()) == [
        "tele/doser (Tasmota): 1.41 mS/cm, pH 5.94, 20.0 °C",
        "box (number): 1.90 mS/cm",
    ]
    await dialog.fill(device="0")
    assert dialog.placeholders == {
        "device": "tele/doser",
        "profile": "Tasmota",
        "topic": "tele/doser/LWT",
    }
    assert dialog.fields == ["ec", "ph", "water_temperature", "availability"]
    assert dialog.suggested == {"ec": "0", "ph": "0", "water_temperature": "0"}
    assert dialog.labels("ec") == {"0": "1.41 mS/cm ← 1413, tele/doser/SENSOR → EZO-2.EC"}
    # What is left empty is not bound.
    await dialog.fill(ec="0", ph="0", availability=True)
    assert dialog.step == "values"
    assert "EZO-2.EC" in dialog.placeholders["bound"]
    await dialog.choose("finish")

    probe = mqtt_garden.snapshot.probes[0].probe
    assert [(item.kind.value, item.path, item.unit) for item in probe.channels] == [
        ("ec", "EZO-2.EC", "µS/cm"),
        ("ph", "EZO-1.pH", None),
    ]
    assert probe.availability is not None
    assert probe.availability.topic == "tele/doser/LWT"


async def test_a_german_house_reads_german_labels(mqtt_garden: Garden) -> None:
    mqtt_garden.hass.config.language = "de"
    dialog = await to_discover(mqtt_garden)

    await hear(dialog, *DOSER, ("box/ec", b"1.9"))

    assert list(dialog.labels("device").values()) == [
        "tele/doser (Tasmota): 1,41 mS/cm, pH 5,94, 20,0 °C",
        "box (Zahl): 1,90 mS/cm",
    ]
    await dialog.fill(device="0")
    assert dialog.labels("ph") == {"0": "5,94 ← 5.94, tele/doser/SENSOR → EZO-1.pH"}


async def test_each_field_of_a_proposal_can_be_corrected(mqtt_garden: Garden) -> None:
    dialog = await to_discover(mqtt_garden)
    await hear(dialog, *DOSER)
    await dialog.fill(device="0")
    await dialog.fill(ec="0", availability=False)

    await dialog.choose("value_ec", "topic")
    assert dialog.suggested == {
        "topic": "tele/doser/SENSOR",
        "path": "EZO-2.EC",
        "unit": "µS/cm",
        "decimal_comma": False,
    }
    await dialog.fill(topic="tele/other/SENSOR", path="EC", unit="mS/cm", more={"factor": 2})
    # What was heard stays: another device, or the same once more.
    await dialog.choose("devices")
    await dialog.fill(device="0")
    await dialog.fill(ph="0", availability=False)
    await dialog.choose("finish")

    probe = mqtt_garden.snapshot.probes[0].probe
    assert probe.availability is None
    ec = probe.binding(ChannelKind.EC)
    assert ec is not None
    assert (ec.topic, ec.path, ec.unit, ec.factor) == ("tele/other/SENSOR", "EC", "mS/cm", 2)
    assert probe.binding(ChannelKind.PH) is not None


async def test_a_soil_probe_is_recognised(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    dialog = await (await Dialog.add(mqtt_garden, "probe")).fill(name="Bed", place=f"plant:{plant}")
    await dialog.choose("discover")

    await hear(dialog, ("miflora/bed", '{"moisture":38,"conductivity":410,"battery":64}'), *DOSER)

    assert (
        list(dialog.labels("device").values())
        == [
            "tele/doser (Tasmota): 20.0 °C",
            "miflora/bed (Mi Flora daemon): 38 %, 0.410 mS/cm",
        ][::-1]
    )
    await dialog.fill(device="0")
    assert dialog.fields == ["soil_moisture", "soil_ec", "battery"]
    assert dialog.placeholders["topic"] == "–"
    await dialog.fill(**dialog.suggested)
    await dialog.choose("finish")

    probe = mqtt_garden.snapshot.probes[0].probe
    assert {item.kind for item in probe.channels} == {
        ChannelKind.SOIL_MOISTURE,
        ChannelKind.SOIL_EC,
        ChannelKind.BATTERY,
    }


async def test_a_value_that_cannot_be_one_is_marked(mqtt_garden: Garden) -> None:
    dialog = await to_discover(mqtt_garden)

    await hear(dialog, ("box/sensor/water_temp/state", "-127.00"))

    (label,) = dialog.labels("device").values()
    assert label == "box (ESPHome): Water temperature -127.00 (?)"


async def test_where_no_device_is_recognised_values_can_still_be_chosen(
    mqtt_garden: Garden,
) -> None:
    dialog = await to_discover(mqtt_garden)

    await hear(dialog, ("kitchen/light", "1"))

    assert dialog.step == "values"
    assert dialog.placeholders["bound"].startswith("**Something arrived, but no device")
    await dialog.choose("value_ec", "heard")
    assert dialog.labels("heard") == {"0": "kitchen/light = 1"}
