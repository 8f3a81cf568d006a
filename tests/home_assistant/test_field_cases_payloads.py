"""Cases from the field whose outcome is a value: the shapes that devices and gateways send."""

from datetime import timedelta

import pytest
from homeassistant.const import EVENT_STATE_CHANGED
from pytest_homeassistant_custom_component.common import async_capture_events

from kamerplanter_engines.models.telemetry import CurvePoint
from tests.home_assistant.field_case import (
    Case,
    add_device,
    bind,
    play,
    quality_of,
    say,
    values,
)
from tests.home_assistant.garden import Garden

LORA = "uplink_message.decoded_payload"
CURVE = (CurvePoint(raw=3100, value=0), CurvePoint(raw=1400, value=100))
CELL = (CurvePoint(raw=2.2, value=0), CurvePoint(raw=3.0, value=100))
TENTHS = '{"Uid":"Test01","Wa":337,"Te":280,"Us":154,"Ph":74}'

CASES = (
    Case(
        number="F-01 three chips of one Tasmota",
        channels=(
            bind("ph", "EZO-1.pH"),
            bind("ec", "EZO-2.EC", unit="µS/cm"),
            bind("water_temperature", "EZO-3.Temperature"),
        ),
        sent=(
            (
                '{"Time":"2026-05-04T10:15:00","EZO-1":{"pH":5.94},"EZO-2":{"EC":1413.00},'
                '"EZO-3":{"Temperature":21.4},"TempUnit":"C"}'
            ),
        ),
        shown={"ph": 5.94, "ec": 1.413, "water_temperature": 21.4},
    ),
    Case(
        number="F-04 float bits read as an integer",
        channels=(
            bind("soil_temperature", "Flora.Temperature"),
            bind("soil_moisture", "Flora.Moisture"),
            bind("soil_ec", "Flora.Fertility"),
        ),
        sent=('{"Flora":{"Temperature":22.1,"Moisture":1078689792,"Fertility":318}}',),
        shown={"soil_temperature": 22.1, "soil_moisture": None, "soil_ec": 318},
        quality={"soil_moisture": "bad"},
        reasons={"soil_moisture": ("outside_physical",)},
        never=(1078689792, 100),
    ),
    Case(
        number="F-05 no soil contact",
        channels=(
            bind("soil_temperature", "Temperature"),
            bind("soil_moisture", "Moisture"),
            bind("soil_ec", "Fertility"),
        ),
        sent=(
            (
                '{"Time":"2026-03-29T19:20:12","alias":"Flora1","mac":"c47c8d000001",'
                '"Temperature":24.4,"Illuminance":353,"Moisture":0,"Fertility":0,"RSSI":-91}'
            ),
        ),
        shown={"soil_temperature": 24.4, "soil_moisture": None, "soil_ec": None},
        quality={"soil_moisture": "suspect", "soil_ec": "suspect"},
        reasons={"soil_moisture": ("bad_company",)},
    ),
    Case(
        number="F-07 Fahrenheit and a word for the unit",
        channels=(bind("water_temperature", "SI7021.Temperature", unit="°F"),),
        sent=('{"Time":1777889632,"SI7021":{"Temperature":70.2,"Humidity":54.2},"TempUnit":"F"}',),
        shown={"water_temperature": 21.22},
    ),
    Case(
        number="F-12 a bare NaN beside good fields",
        channels=(bind("ec", "ec"), bind("ph", "ph"), bind("water_temperature", "temp")),
        sent=('{"ec":NaN,"ph":6.10,"temp":20.9}',),
        shown={"ec": None, "ph": 6.1, "water_temperature": 20.9},
        quality={"ec": "bad"},
        reasons={"ec": ("not_a_number",)},
    ),
    Case(
        number="F-14 unit field is the setting of a display",
        channels=(
            bind("soil_temperature", "temperature", unit="°C"),
            bind("soil_moisture", "soil_moisture"),
            bind("battery", "battery", unit="%"),
        ),
        sent=(
            (
                '{"battery":8,"battery_state":"low","soil_moisture":10,"temperature":26.8,'
                '"temperature_unit":"fahrenheit"}'
            ),
        ),
        shown={"soil_temperature": 26.8, "soil_moisture": 10, "battery": 8},
        is_battery_low=True,
    ),
    Case(
        number="F-15 soil sensor gone mad",
        channels=(
            bind("soil_temperature", "temperature"),
            bind("soil_moisture", "soil_moisture"),
        ),
        sent=(
            (
                '{"battery":86,"soil_moisture":100,"temperature":100,"temperature_f":212,'
                '"max_humidity_alarm":70,"min_temperature_alarm":10}'
            ),
        ),
        shown={"soil_temperature": None, "soil_moisture": None},
        quality={"soil_temperature": "bad", "soil_moisture": "suspect"},
        hints={"soil_temperature": "looks_like_fahrenheit"},
        never=(100, 212, 70, 37.8),
    ),
    Case(
        number="F-16 water tester with limits and twins",
        channels=(
            bind("ec", "ec", unit="µS/cm"),
            bind("ph", "ph"),
            bind("water_temperature", "temperature"),
            bind("orp", "orp"),
            bind("battery", "battery", unit="%"),
        ),
        sent=(
            (
                '{"battery":90,"ec":3486,"ec_max":20000,"ec_min":0,"orp":258,"orp_max":-1,"ph":6.5,'
                '"ph_max":8.9,"ph_min":0,"salinity":0,"tds":1743,"temperature":28.9}'
            ),
        ),
        shown={"ec": 3.486, "ph": 6.5, "water_temperature": 28.9, "orp": 258, "battery": 90},
        never=(3486, 20000, 20, -1, 8.9, 1743, 1.743),
    ),
    Case(
        number="F-19 soil moisture published as humidity, bound",
        channels=(bind("soil_moisture", "humidity"), bind("soil_temperature", "temperature")),
        sent=('{"battery":100,"humidity":34,"linkquality":105,"temperature":12.40}',),
        shown={"soil_moisture": 34, "soil_temperature": 12.4},
    ),
    Case(
        number="F-20 read error of a Shelly",
        channels=(bind("water_temperature", "tC"),),
        sent=(
            '{"id":100,"tC":21.3,"tF":70.3}',
            '{"id":100,"tC":null,"tF":null,"errors":["read"]}',
        ),
        shown={"water_temperature": 21.3},
        quality={"water_temperature": "bad"},
        reasons={"water_temperature": ("device_error",)},
    ),
    Case(
        number="F-26 strings and Fahrenheit of a weather gateway",
        channels=(
            bind("soil_moisture", "soil_ec_hum1"),
            bind("soil_temperature", "soil_ec_temp1", unit="°F"),
            bind("soil_ec", "soil_ec1", unit="µS/cm"),
            bind("battery", "soil_ec_batt1"),
        ),
        sent=(
            (
                '{"soil_ec_hum1":"12","soil_ec_hum_ad1":"762","soil_ec_temp1":"82.04",'
                '"soil_ec1":"0","soil_ec_batt1":"1.66"}'
            ),
        ),
        shown={"soil_moisture": 12, "soil_temperature": 27.8, "soil_ec": None, "battery": None},
        quality={"soil_ec": "suspect", "battery": "bad"},
        reasons={"soil_ec": ("exact_zero",), "battery": ("unknown_unit",)},
    ),
    Case(
        number="F-28 text with units behind",
        channels=(
            bind("soil_moisture", f"{LORA}.water_SOIL"),
            bind("soil_temperature", f"{LORA}.temp_SOIL"),
            bind("soil_ec", f"{LORA}.conduct_SOIL"),
        ),
        sent=(
            (
                '{"uplink_message":{"f_cnt":104,"decoded_payload":{"Bat":"3.28 V",'
                '"TempC_DS18B20":"0.00 °C","water_SOIL":"8.31 %","temp_SOIL":"18.12 °C",'
                '"conduct_SOIL":"6300 uS/cm"}}}'
            ),
        ),
        shown={"soil_moisture": 8.31, "soil_temperature": 18.12, "soil_ec": 6300},
    ),
    Case(
        number="F-29 decisiemens by measurement id",
        channels=(bind("soil_ec", "value", unit="dS/m"),),
        sent=('{"value":"1.42"}',),
        shown={"soil_ec": 1420},
    ),
    Case(
        number="F-29 microsiemens by measurement id",
        channels=(bind("soil_ec", "value", unit="µS/cm"),),
        sent=('{"value":"1420"}',),
        shown={"soil_ec": 1420},
    ),
    Case(
        number="F-30 missing board",
        channels=(
            bind("soil_moisture", "plant.soil"),
            bind("soil_temperature", "plant.soilTemp"),
            bind("soil_ec", "plant.salt"),
        ),
        sent=(
            (
                '{"plant":{"sensorname":"Chilli-1","date":"10-04","time":"17:31","lux":-2,'
                '"temp":null,"humid":null,"soil":65535,"soilTemp":0,"salt":0,"bat":-220}}'
            ),
        ),
        shown={"soil_moisture": None, "soil_temperature": None, "soil_ec": None},
        quality={"soil_moisture": "bad", "soil_temperature": "suspect", "soil_ec": "suspect"},
        never=(65535, -220, -2),
    ),
    Case(
        number="F-31 validity flag of the decoder, and volts of a known cell",
        channels=(
            bind("soil_moisture", "moisture", guard_path="valid"),
            bind("battery", "battery", curve=CELL),
        ),
        sent=('{"sensorType":"moisture","valid":false,"moisture":0,"battery":2.9,"errorcode":-1}',),
        shown={"soil_moisture": None, "battery": 87.5},
        quality={"soil_moisture": "bad"},
        reasons={"soil_moisture": ("guard_failed",)},
    ),
    Case(
        number="F-32 tenths with a factor",
        channels=(
            bind("soil_moisture", "Wa", factor=0.1),
            bind("soil_temperature", "Te", factor=0.1),
            bind("soil_ec", "Us", unit="µS/cm"),
        ),
        sent=(TENTHS,),
        shown={"soil_moisture": 33.7, "soil_temperature": 28, "soil_ec": 154},
    ),
    Case(
        number="F-32 tenths without a factor",
        channels=(
            bind("soil_moisture", "Wa"),
            bind("soil_temperature", "Te"),
            bind("soil_ec", "Us", unit="µS/cm"),
        ),
        sent=(TENTHS,),
        shown={"soil_moisture": None, "soil_temperature": None, "soil_ec": 154},
        quality={"soil_moisture": "bad", "soil_temperature": "bad"},
    ),
    Case(
        number="F-32 pH in tenths with a factor",
        channels=(bind("ph", "Ph", factor=0.1),),
        sent=(TENTHS,),
        shown={"ph": 7.4},
    ),
    Case(
        number="F-32 pH in tenths without a factor",
        channels=(bind("ph", "Ph"),),
        sent=(TENTHS,),
        shown={"ph": None},
        quality={"ph": "bad"},
    ),
    Case(
        number="F-33 numbers as text",
        channels=(bind("ec", "d.mS"), bind("ph", "d.pH"), bind("water_temperature", "d.C")),
        sent=('{"d":{"mS":"1.85","pH":"6.02","C":"21.40"}}',),
        shown={"ec": 1.85, "ph": 6.02, "water_temperature": 21.4},
    ),
    Case(
        number="F-45 raw value without a curve",
        channels=(bind("soil_moisture"),),
        sent=("4095.00",),
        shown={"soil_moisture": None},
        quality={"soil_moisture": "bad"},
    ),
    Case(
        number="F-45 raw value on its curve",
        channels=(bind("soil_moisture", curve=CURVE),),
        sent=("2250",),
        shown={"soil_moisture": 50},
    ),
    Case(
        number="F-45 raw value beyond the wet end of its curve",
        channels=(bind("soil_moisture", curve=CURVE),),
        sent=("1350",),
        shown={"soil_moisture": 100},
    ),
    Case(
        number="F-45 raw value far beyond its curve",
        channels=(bind("soil_moisture", curve=CURVE),),
        sent=("2250", "4095.00"),
        shown={"soil_moisture": 50},
        quality={"soil_moisture": "suspect"},
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
async def test_payload_is_shown(mqtt_garden: Garden, case: Case) -> None:
    await play(mqtt_garden, case)


async def test_f_19_nothing_is_mapped_by_itself(mqtt_garden: Garden) -> None:
    key = await play(
        mqtt_garden,
        Case(
            number="F-19",
            channels=(bind("soil_temperature", "temperature"),),
            sent=('{"battery":100,"humidity":34,"linkquality":105,"temperature":12.40}',),
            shown={"soil_temperature": 12.4},
        ),
    )

    assert mqtt_garden.entity_id("sensor", key, "soil_moisture") is None


async def test_f_19_moisture_of_soil_is_no_humidity_of_air(mqtt_garden: Garden) -> None:
    key = await play(
        mqtt_garden,
        Case(
            number="F-19",
            channels=(bind("soil_moisture", "humidity"),),
            sent=('{"humidity":34}',),
            shown={"soil_moisture": 34},
        ),
    )

    attributes = mqtt_garden.state("sensor", key, "soil_moisture").attributes
    assert attributes["device_class"] == "moisture"


async def test_f_24_one_measurement_a_message(mqtt_garden: Garden) -> None:
    channels = (
        bind("soil_ec", "fer"),
        bind("soil_moisture", "moi"),
        bind("soil_temperature", "tempc"),
    )
    probe = await add_device(mqtt_garden, channels)
    rows = dict.fromkeys(("soil_ec", "soil_moisture", "soil_temperature"))
    written = async_capture_events(mqtt_garden.hass, EVENT_STATE_CHANGED)
    messages: tuple[tuple[str, dict[str, float]], ...] = (
        # Presence only: its entities are there, and have no value.
        ('"name":"Flower care","rssi":-75', {}),
        ('"fer":395', {"soil_ec": 395}),
        ('"moi":17', {"soil_moisture": 17}),
        ('"tempc":21.4,"tempf":70.5', {"soil_temperature": 21.4}),
        ('"name":"Flower care","rssi":-74', {}),
        ('"fer":396', {"soil_ec": 396}),
    )
    expected: dict[str, float | None] = {**rows}

    for fields, news in messages:
        say(mqtt_garden, f'{{"id":"C4:7C:8D:00:00:01",{fields}}}')
        expected |= news
        assert values(mqtt_garden, probe, rows) == expected, fields
        await mqtt_garden.derive()
        assert values(mqtt_garden, probe, rows) == expected, fields
        wanted = {row: "stale" if value is None else "good" for row, value in expected.items()}
        assert {row: quality_of(mqtt_garden, probe, row)[0] for row in rows} == wanted, fields
        await mqtt_garden.pass_time(timedelta(minutes=1))

    # Between the messages nothing was cleared either.
    ids = {mqtt_garden.entity_id("sensor", probe, row) for row in rows}
    shown = [event.data for event in written if event.data["entity_id"] in ids]
    assert [data["new_state"].state for data in shown] == ["395.0", "17.0", "21.4", "396.0"]


async def test_f_28_the_probe_that_is_not_fitted_is_another_channel(mqtt_garden: Garden) -> None:
    key = await play(
        mqtt_garden,
        Case(
            number="F-28",
            channels=(bind("soil_temperature", "temp_SOIL"),),
            sent=('{"TempC_DS18B20":"0.00 °C","temp_SOIL":"18.12 °C"}',),
            shown={"soil_temperature": 18.12},
        ),
    )

    say(mqtt_garden, '{"TempC_DS18B20":"0.00 °C"}')

    assert values(mqtt_garden, key, {"soil_temperature": 0}) == {"soil_temperature": 18.12}


async def test_f_31_the_next_valid_message_counts(mqtt_garden: Garden) -> None:
    await play(
        mqtt_garden,
        Case(
            number="F-31",
            channels=(bind("soil_moisture", "moisture", guard_path="valid"),),
            sent=('{"valid":false,"moisture":0}', '{"valid":true,"moisture":31}'),
            shown={"soil_moisture": 31},
        ),
    )
