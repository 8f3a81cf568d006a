"""Cases from the field whose outcome is no value: words, other formats, impossible numbers."""

import pytest
from homeassistant.const import STATE_UNKNOWN

from kamerplanter_engines.models.telemetry import ChannelBinding
from tests.home_assistant.field_case import (
    Case,
    add_device,
    alarms,
    bind,
    keep_sending,
    play,
    quality_of,
    say,
    values,
)
from tests.home_assistant.garden import Garden
from tests.home_assistant.quality import refused

CASES = (
    Case(
        number="F-35 microsiemens taken for millisiemens",
        channels=(bind("ec"),),
        sent=("1413",),
        shown={"ec": None},
        quality={"ec": "bad"},
        reasons={"ec": ("outside_physical",)},
        hints={"ec": "looks_like_us_cm"},
    ),
    Case(
        number="F-35 with the unit said",
        channels=(bind("ec", unit="µS/cm"),),
        sent=("1413",),
        shown={"ec": 1.413},
    ),
    Case(
        number="F-37 minus one of an unreadable probe",
        channels=(bind("water_temperature"),),
        sent=("25.6", "-1"),
        shown={"water_temperature": 25.6},
        quality={"water_temperature": "bad"},
    ),
    Case(
        number="F-37 Fahrenheit taken for Celsius",
        channels=(bind("water_temperature", unit="°C"),),
        sent=("78.3",),
        shown={"water_temperature": None},
        quality={"water_temperature": "bad"},
        hints={"water_temperature": "looks_like_fahrenheit"},
    ),
    Case(
        number="F-37 with the unit said",
        channels=(bind("water_temperature", unit="°F"),),
        sent=("78.3",),
        shown={"water_temperature": 25.72},
    ),
    Case(
        number="F-41 frost read unsigned",
        channels=(bind("soil_temperature"),),
        sent=("0.2", "655.1", "654.9"),
        shown={"soil_temperature": 0.2},
        quality={"soil_temperature": "bad"},
    ),
    Case(
        number="F-03 cut wire of a sketch in Fahrenheit",
        channels=(bind("water_temperature", unit="°F"),),
        sent=("68.5", "-196.6"),
        shown={"water_temperature": 20.28},
        quality={"water_temperature": "bad"},
        reasons={"water_temperature": ("disconnect_signature",)},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
async def test_number_that_cannot_be_is_not_shown(mqtt_garden: Garden, case: Case) -> None:
    await play(mqtt_garden, case)


@pytest.mark.parametrize(
    ("channels", "payload"),
    [
        pytest.param((bind("water_temperature"),), "85.0", id="F-02 power-on value"),
        pytest.param((bind("soil_temperature"),), "655.1", id="F-41 unsigned"),
        pytest.param((bind("soil_temperature"),), "100", id="F-15 gone mad"),
        pytest.param(
            (bind("soil_moisture", "soil"), bind("soil_temperature", "soilTemp")),
            '{"soil":65535,"soilTemp":0,"bat":-220}',
            id="F-30 missing board",
        ),
        pytest.param(
            (
                bind("soil_temperature", "Temperature"),
                bind("soil_moisture", "Moisture"),
                bind("soil_ec", "Fertility"),
            ),
            '{"Temperature":24.4,"Moisture":0,"Fertility":0}',
            id="F-05 no soil contact",
        ),
        pytest.param(
            (bind("soil_moisture", "Moisture"),),
            '{"Temperature":24.4,"Illuminance":353,"Moisture":0,"Fertility":0,"RSSI":-91}',
            id="F-05 no soil contact, only the moisture bound",
        ),
        pytest.param(
            (bind("soil_temperature", "Temperature"), bind("soil_moisture", "Moisture")),
            '{"Temperature":24.4,"Illuminance":353,"Moisture":0,"Fertility":0,"RSSI":-91}',
            id="F-05 no soil contact, the conductivity not bound",
        ),
        pytest.param(
            (bind("soil_moisture", "soil_moisture"),),
            '{"soil_moisture":0,"temperature":-127}',
            id="F-03 cut wire beside the only one that is bound",
        ),
        pytest.param(
            (bind("level", "level"),),
            '{"level":0,"temp":-127}',
            id="F-03 cut wire beside the level",
        ),
        pytest.param((bind("ph"),), "0", id="F-44 switched off"),
    ],
)
async def test_nothing_follows_from_it_however_long_it_lasts(
    mqtt_garden: Garden, channels: tuple[ChannelBinding, ...], payload: str
) -> None:
    await add_device(mqtt_garden, channels)

    await keep_sending(mqtt_garden, payload, minutes=60)

    assert alarms(mqtt_garden) == []


@pytest.mark.parametrize(
    ("channel", "payload", "expected"),
    [
        (
            bind("water_temperature"),
            "30.0",
            ["Device temperature_problem", "tank_water_temperature"],
        ),
        (bind("soil_moisture"), "12", ["Plant of Device needs attention", "soil_moisture_low"]),
        (
            bind("soil_moisture", "soil_moisture"),
            '{"soil_moisture":0,"fertility":85,"alarm":0,"rain":0,"battery":0,"temperature":24.4}',
            ["Plant of Device needs attention", "soil_moisture_low"],
        ),
    ],
    ids=["tank", "soil", "soil with zeros that are honest"],
)
async def test_values_that_are_believed_do_cry(
    mqtt_garden: Garden, channel: ChannelBinding, payload: str, expected: list[str]
) -> None:
    await add_device(mqtt_garden, (channel,))

    await keep_sending(mqtt_garden, payload, minutes=60)
    await mqtt_garden.derive()

    assert alarms(mqtt_garden) == expected


@pytest.mark.parametrize("word", ["unknown", "unavailable", "N/A", "--"])
async def test_f_27_words_are_no_values(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture, word: str
) -> None:
    tank = await add_device(mqtt_garden, (bind("ph"),))
    say(mqtt_garden, "6.10")

    for _ in range(1000):
        say(mqtt_garden, word)

    assert mqtt_garden.state("sensor", tank, "ph").state == "6.1"
    assert quality_of(mqtt_garden, tank, "ph") == ("bad", ["not_a_number"])
    assert refused(mqtt_garden)["ph"] == {"not_a_number": 1000}
    lines = [record for record in caplog.records if "are not good" in record.message]
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("path", "reason"), [(None, "not_a_number"), ("field1", "unreadable")], ids=["plain", "path"]
)
async def test_f_34_form_body_is_one_diagnostic_and_others_live_on(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture, path: str | None, reason: str
) -> None:
    channels = (bind("soil_moisture", path), bind("soil_temperature", topic="other/topic"))
    probe = await add_device(mqtt_garden, channels)

    for _ in range(3):
        say(mqtt_garden, "field1=23.5&field2=45.2&status=ok")
    say(mqtt_garden, "18.5", topic="other/topic")

    assert values(mqtt_garden, probe, {"soil_moisture": 0, "soil_temperature": 0}) == {
        "soil_moisture": None,
        "soil_temperature": 18.5,
    }
    assert quality_of(mqtt_garden, probe, "soil_moisture") == ("bad", [reason])
    lines = [record for record in caplog.records if "are not good" in record.message]
    assert len(lines) == 1


async def test_f_39_clearing_a_retained_topic_of_json_changes_nothing(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    tank = await add_device(mqtt_garden, (bind("ec", "ec"), bind("ph", "ph")))
    say(mqtt_garden, '{"ec": 1.85, "ph": 6.1}')
    before = mqtt_garden.state("sensor", tank, "ec")

    say(mqtt_garden, "", retain=True)
    say(mqtt_garden, "")

    assert mqtt_garden.state("sensor", tank, "ec").last_changed == before.last_changed
    assert values(mqtt_garden, tank, {"ec": 0, "ph": 0}) == {"ec": 1.85, "ph": 6.1}
    assert quality_of(mqtt_garden, tank, "ec") == ("good", [])
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_f_38_encoded_frame_is_counted_and_makes_no_line(
    mqtt_garden: Garden, caplog: pytest.LogCaptureFixture
) -> None:
    probe = await add_device(mqtt_garden, (bind("soil_temperature", "temperature"),))

    for _ in range(3):
        say(
            mqtt_garden,
            '{"gw_mac":"C8:00:00:00:00:01","rssi":-44,"aoa":[],"gwts":"1777881600",'
            '"ts":"1777881599","data":"0201061BFF99040512FC5394"}',
        )
    # A message without a value does not write a state; the next one of the device does.
    say(mqtt_garden, '{"temperature": 18.5}')

    assert refused(mqtt_garden, probe) == {"soil_temperature": {"missing_field": 3}}
    assert [record for record in caplog.records if "are not good" in record.message] == []
    assert mqtt_garden.state("sensor", probe, "soil_temperature").state == "18.5"


async def test_f_38_alone_it_is_unknown(mqtt_garden: Garden) -> None:
    probe = await add_device(mqtt_garden, (bind("soil_temperature", "temperature"),))

    say(mqtt_garden, '{"rssi":-44,"data":"0201061BFF99040512FC5394"}')

    assert mqtt_garden.state("sensor", probe, "soil_temperature").state == STATE_UNKNOWN
