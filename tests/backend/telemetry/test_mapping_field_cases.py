"""Cases from the field that are decided by reading a payload, each by its number."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.telemetry.mapping import read_payload
from kamerplanter_backend.telemetry.payload import MAX_PAYLOAD_BYTES
from kamerplanter_engines.models.telemetry import CurvePoint, Hint, Reason
from tests.backend.telemetry.device import (
    BAD,
    EC,
    LEVEL,
    MOISTURE,
    PH,
    SOIL,
    SOIL_EC,
    SUSPECT,
    T0,
    WATER,
    Device,
    bind,
    reasons,
    values,
)


def test_f_01_three_chips_of_one_tasmota() -> None:
    device = Device(
        bind(PH, "EZO-1.pH"),
        bind(EC, "EZO-2.EC", unit="µS/cm"),
        bind(WATER, "EZO-3.Temperature"),
    )

    judged = device.send(
        b'{"Time":"2026-05-04T10:15:00","EZO-1":{"pH":5.94},"EZO-2":{"EC":1413.00},'
        b'"EZO-3":{"Temperature":21.4},"TempUnit":"C"}'
    )

    assert values(judged) == {"ph": 5.94, "ec": 1.413, "water_temperature": 21.4}


def test_f_03_cut_wire_in_fahrenheit_is_the_same_signature() -> None:
    assert reasons(Device(bind(WATER)).send("-127.00"))["water_temperature"] == (
        Reason.DISCONNECT_SIGNATURE,
    )
    assert reasons(Device(bind(WATER, unit="°F")).send("-196.6"))["water_temperature"] == (
        Reason.DISCONNECT_SIGNATURE,
    )


def test_f_04_float_bits_read_as_integer_are_no_value() -> None:
    device = Device(
        bind(SOIL, "Flora.Temperature"),
        bind(MOISTURE, "Flora.Moisture"),
        bind(SOIL_EC, "Flora.Fertility"),
    )

    judged = device.send({"Flora": {"Temperature": 22.1, "Moisture": 1078689792, "Fertility": 318}})

    assert values(judged) == {
        "soil_temperature": 22.1,
        "soil_moisture": None,
        "soil_ec": 0.318,
    }
    assert judged[1].verdict is BAD


def test_f_05_no_soil_contact_is_suspect() -> None:
    device = Device(
        bind(SOIL, "Temperature"), bind(MOISTURE, "Moisture"), bind(SOIL_EC, "Fertility")
    )

    judged = device.send(
        b'{"Time":"2026-03-29T19:20:12","alias":"Flora1","mac":"c47c8d000001",'
        b'"Temperature":24.4,"Illuminance":353,"Moisture":0,"Fertility":0,"RSSI":-91}'
    )

    assert values(judged)["soil_temperature"] == 24.4
    assert [item.verdict for item in judged[1:]] == [SUSPECT, SUSPECT]


def test_f_07_epoch_seconds_and_fahrenheit() -> None:
    payload = b'{"Time":1777889632,"SI7021":{"Temperature":70.2,"Humidity":54.2},"TempUnit":"F"}'
    received = datetime(2026, 5, 4, 10, 14, 0, tzinfo=UTC)

    sample = read_payload(payload, bind(WATER, "SI7021.Temperature", unit="°F"), received)
    word = read_payload(payload, bind(WATER, "TempUnit"), received)

    assert sample.raw == pytest.approx(21.2, abs=0.05)
    assert sample.at == datetime(2026, 5, 4, 10, 13, 52, tzinfo=UTC)
    assert word.problem is Reason.NOT_A_NUMBER


def test_f_08_clock_of_1970_gives_way_to_the_time_of_receipt() -> None:
    sample = read_payload(
        b'{"Time":"1970-01-01T00:00:32","EZO":{"EC":1650.00}}',
        bind(EC, "EZO.EC", unit="µS/cm"),
        T0,
    )

    assert (sample.raw, sample.at, sample.has_device_time) == (1.65, T0, False)


def test_f_09_the_repeated_hour_of_autumn_gives_two_readings() -> None:
    device = Device(bind(SOIL, "DS18B20.Temperature"))
    device.send(b'{"Time":"2026-10-25T02:30:00","DS18B20":{"Temperature":18.1}}', 0)
    device.send(b'{"Time":"2026-10-25T02:30:00","DS18B20":{"Temperature":18.0}}', 3600)

    stored = device.intake.take_readings()

    assert [(item.value, item.at) for item in stored] == [
        (18.1, T0),
        (18.0, T0 + timedelta(hours=1)),
    ]


def test_f_10_plain_number() -> None:
    assert values(Device(bind(EC, unit="mS/cm")).send("1.85")) == {"ec": 1.85}


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf", "Infinity", "-Infinity"])
def test_f_11_not_a_number_is_no_value_and_the_next_one_counts(word: str) -> None:
    device = Device(bind(PH))

    assert reasons(device.send(word)) == {"ph": (Reason.NOT_A_NUMBER,)}
    assert device.shown(PH) is None
    assert values(device.send("6.04", 10)) == {"ph": 6.04}


def test_f_12_bare_nan_in_json_does_not_cost_its_neighbours() -> None:
    device = Device(bind(EC, "ec"), bind(PH, "ph"), bind(WATER, "temp"))

    judged = device.send(b'{"ec":NaN,"ph":6.10,"temp":20.9}')

    assert values(judged) == {"ec": None, "ph": 6.1, "water_temperature": 20.9}
    assert reasons(judged)["ec"] == (Reason.NOT_A_NUMBER,)


def test_f_14_unit_field_of_the_display_changes_nothing() -> None:
    device = Device(bind(SOIL, "temperature", unit="°C"), bind(MOISTURE, "soil_moisture"))

    judged = device.send(
        {
            "battery": 8,
            "battery_state": "low",
            "soil_moisture": 10,
            "temperature": 26.8,
            "temperature_unit": "fahrenheit",
        }
    )

    assert values(judged) == {"soil_temperature": 26.8, "soil_moisture": 10}


def test_f_15_sensor_gone_mad_gives_nothing() -> None:
    device = Device(bind(SOIL, "temperature"), bind(MOISTURE, "soil_moisture"))

    judged = device.send(
        {
            "battery": 86,
            "soil_moisture": 100,
            "temperature": 100,
            "temperature_f": 212,
            "max_humidity_alarm": 70,
            "min_temperature_alarm": 10,
        }
    )

    assert [item.verdict for item in judged] == [BAD, SUSPECT]


def test_f_16_water_tester_with_limits_and_twins() -> None:
    device = Device(bind(EC, "ec", unit="µS/cm"), bind(PH, "ph"), bind(WATER, "temperature"))

    judged = device.send(
        {
            "battery": 90,
            "ec": 3486,
            "ec_max": 20000,
            "ec_min": 0,
            "orp": 258,
            "orp_max": -1,
            "ph": 6.5,
            "ph_max": 8.9,
            "ph_min": 0,
            "salinity": 0,
            "tds": 1743,
            "temperature": 28.9,
        }
    )

    assert values(judged) == {"ec": 3.486, "ph": 6.5, "water_temperature": 28.9}


@pytest.mark.parametrize(
    "last_seen", ["2026-05-04T08:00:00.000Z", "2026-05-04T10:00:00+02:00", 1777881600000]
)
def test_f_18_last_seen_in_three_settings_is_one_instant(last_seen: str | int) -> None:
    payload = json.dumps({"last_seen": last_seen, "soil_moisture": 34})

    sample = read_payload(payload, bind(MOISTURE, "soil_moisture"), T0)

    assert sample.at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    assert sample.has_device_time


def test_f_19_humidity_bound_to_soil_moisture_and_nothing_by_itself() -> None:
    payload = {"battery": 100, "humidity": 34, "linkquality": 105, "temperature": 12.40}

    assert values(Device(bind(MOISTURE, "humidity")).send(payload)) == {"soil_moisture": 34}
    assert values(Device(bind(MOISTURE, "soil_moisture")).send(payload)) == {}


def test_f_20_read_error_of_the_device_is_named() -> None:
    device = Device(bind(WATER, "tC"))

    assert values(device.send({"id": 100, "tC": 21.3, "tF": 70.3})) == {"water_temperature": 21.3}
    judged = device.send({"id": 100, "tC": None, "tF": None, "errors": ["read"]}, 60)

    assert reasons(judged) == {"water_temperature": (Reason.DEVICE_ERROR,)}
    assert device.shown(WATER, 60) == 21.3


def test_f_24_one_measurement_a_message_clears_nothing() -> None:
    device = Device(bind(SOIL_EC, "fer"), bind(MOISTURE, "moi"), bind(SOIL, "tempc"))
    own = {"id": "C4:7C:8D:00:00:01"}

    assert device.send(own | {"name": "Flower care", "rssi": -75}) == ()
    assert values(device.send(own | {"fer": 395}, 1)) == {"soil_ec": 0.395}
    assert values(device.send(own | {"moi": 17}, 2)) == {"soil_moisture": 17}
    assert values(device.send(own | {"tempc": 21.4, "tempf": 70.5}, 3)) == {
        "soil_temperature": 21.4
    }
    assert device.shown(SOIL_EC, 3) == 0.395
    assert device.intake.quality(T0 + timedelta(seconds=3)).verdict == "good"
    assert device.intake.take_notices() == []


def test_f_25_telegram_sent_twice_is_one_stored_reading() -> None:
    device = Device(bind(MOISTURE, "moisture"))
    telegram = (
        '{"time":"2026-06-02 19:51:23.%s","model":"Fineoffset-WH51","id":"0d0001",'
        '"battery_ok":0.889,"battery_mV":1500,"moisture":44,"boost":0,"ad_raw":237,"mic":"CRC"}'
    )

    device.send(telegram % "239424", 0)
    device.send(telegram % "275304", 0.036)

    assert [item.value for item in device.intake.take_readings()] == [44]


def test_f_26_strings_and_fahrenheit() -> None:
    device = Device(
        bind(MOISTURE, "soil_ec_hum1"),
        bind(SOIL, "soil_ec_temp1", unit="°F"),
        bind(SOIL_EC, "soil_ec1", unit="µS/cm"),
    )

    judged = device.send(
        {
            "soil_ec_hum1": "12",
            "soil_ec_hum_ad1": "762",
            "soil_ec_temp1": "82.04",
            "soil_ec1": "0",
            "soil_ec_batt1": "1.66",
        }
    )

    assert values(judged)["soil_moisture"] == 12
    assert values(judged)["soil_temperature"] == pytest.approx(27.8)
    assert judged[2].verdict is SUSPECT


@pytest.mark.parametrize("word", ["unknown", "unavailable", "N/A", "--", "None", "null", "on"])
def test_f_27_words_are_no_values_and_one_line_in_the_log(word: str) -> None:
    device = Device(bind(PH))
    for second in range(1000):
        assert reasons(device.send(word, second)) == {"ph": (Reason.NOT_A_NUMBER,)}

    assert device.intake.counts[PH, Reason.NOT_A_NUMBER] == 1000
    assert len(device.intake.take_notices()) == 1
    assert device.intake.available


def test_f_28_text_with_units_behind() -> None:
    root = "uplink_message.decoded_payload"
    device = Device(
        bind(MOISTURE, f"{root}.water_SOIL"),
        bind(SOIL, f"{root}.temp_SOIL"),
        bind(SOIL_EC, f"{root}.conduct_SOIL"),
    )

    judged = device.send(
        {
            "received_at": "2026-05-04T08:00:00.123Z",
            "uplink_message": {
                "f_cnt": 104,
                "decoded_payload": {
                    "Bat": "3.28 V",
                    "TempC_DS18B20": "0.00 °C",
                    "water_SOIL": "8.31 %",
                    "temp_SOIL": "18.12 °C",
                    "conduct_SOIL": "6300 uS/cm",
                },
            },
        }
    )

    assert values(judged) == {"soil_moisture": 8.31, "soil_temperature": 18.12, "soil_ec": 6.3}
    assert judged[0].at == datetime(2026, 5, 4, 8, 0, 0, 123000, tzinfo=UTC)


def test_f_28_volts_are_no_conductivity() -> None:
    judged = Device(bind(SOIL_EC, "Bat")).send({"Bat": "3.28 V"})

    assert reasons(judged) == {"soil_ec": (Reason.UNKNOWN_UNIT,)}


@pytest.mark.parametrize(("number", "unit"), [("1.42", "dS/m"), ("1420", "µS/cm")])
def test_f_29_unit_by_measurement_id_and_time_as_text(number: str, unit: str) -> None:
    payload = json.dumps({"value": number, "timestamp": "1777881600000"})

    sample = read_payload(payload, bind(SOIL_EC, "value", unit=unit), T0)

    assert sample.raw == pytest.approx(1.42)
    assert sample.at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


def test_f_30_missing_board() -> None:
    device = Device(
        bind(MOISTURE, "plant.soil"), bind(SOIL, "plant.soilTemp"), bind(SOIL_EC, "plant.salt")
    )

    judged = device.send(
        b'{"plant":{"sensorname":"Chilli-1","date":"10-04","time":"17:31","lux":-2,"temp":null,'
        b'"humid":null,"soil":65535,"soilTemp":0,"salt":0,"bat":-220}}'
    )

    assert [item.verdict for item in judged] == [BAD, SUSPECT, SUSPECT]


def test_f_31_guard_of_the_decoder() -> None:
    device = Device(bind(MOISTURE, "moisture", guard_path="valid"))
    payload = {"sensorType": "moisture", "valid": False, "moisture": 0, "battery": 2.9}

    assert reasons(device.send(payload)) == {"soil_moisture": (Reason.GUARD_FAILED,)}
    assert values(device.send(payload | {"valid": True, "moisture": 31}, 60)) == {
        "soil_moisture": 31
    }


def test_f_32_tenths_with_a_factor_and_without() -> None:
    payload = {"Uid": "Test01", "Wa": 337, "Te": 280, "Us": 154, "Ph": 74}
    scaled = Device(
        bind(MOISTURE, "Wa", factor=0.1),
        bind(SOIL, "Te", factor=0.1),
        bind(SOIL_EC, "Us", unit="µS/cm"),
        bind(PH, "Ph", factor=0.1),
    )
    plain = Device(
        bind(MOISTURE, "Wa"), bind(SOIL, "Te"), bind(SOIL_EC, "Us", unit="µS/cm"), bind(PH, "Ph")
    )

    assert values(scaled.send(payload)) == {
        "soil_moisture": 33.7,
        "soil_temperature": 28.0,
        "soil_ec": 0.154,
        "ph": 7.4,
    }
    judged = plain.send(payload)
    assert values(judged) == {
        "soil_moisture": None,
        "soil_temperature": None,
        "soil_ec": 0.154,
        "ph": None,
    }
    assert [item.verdict for item in judged if item.value is None] == [BAD, BAD, BAD]


def test_f_33_text_numbers_are_numbers() -> None:
    device = Device(bind(EC, "d.mS", unit="mS/cm"), bind(PH, "d.pH"), bind(WATER, "d.C"))

    judged = device.send({"d": {"mS": "1.85", "pH": "6.02", "C": "21.40"}})

    assert values(judged) == {"ec": 1.85, "ph": 6.02, "water_temperature": 21.4}


@pytest.mark.parametrize("path", [None, "field1"])
def test_f_34_form_body_is_one_diagnostic(path: str | None) -> None:
    device = Device(bind(MOISTURE, path))

    for second in range(3):
        (judged,) = device.send("field1=23.5&field2=45.2&status=ok", second)
        assert judged.verdict is BAD

    assert len(device.intake.take_notices()) == 1


def test_f_35_micro_siemens_taken_for_milli_siemens() -> None:
    (judged,) = Device(bind(EC)).send("1413")

    assert (judged.verdict, judged.hint) == (BAD, Hint.LOOKS_LIKE_US_CM)
    assert values(Device(bind(EC, unit="µS/cm")).send("1413")) == {"ec": 1.413}


def test_f_37_minus_one_and_fahrenheit_without_saying_so() -> None:
    device = Device(bind(WATER))
    assert values(device.send("25.6")) == {"water_temperature": 25.6}
    assert device.send("-1", 60)[0].verdict is BAD

    (judged,) = Device(bind(WATER)).send("78.3")
    assert (judged.verdict, judged.hint) == (BAD, Hint.LOOKS_LIKE_FAHRENHEIT)
    (converted,) = Device(bind(WATER, unit="°F")).send("78.3")
    assert converted.value == pytest.approx(25.7, abs=0.05)


def test_f_38_encoded_frame_is_counted_and_nothing_else() -> None:
    device = Device(bind(SOIL, "temperature"))
    frame = {
        "gw_mac": "C8:00:00:00:00:01",
        "rssi": -44,
        "aoa": [],
        "gwts": "1777881600",
        "ts": "1777881599",
        "data": "0201061BFF99040512FC5394",
    }

    assert [device.send(frame, second) for second in range(3)] == [(), (), ()]

    assert device.intake.counts[SOIL, Reason.MISSING_FIELD] == 3
    assert device.intake.take_notices() == []


@pytest.mark.parametrize("path", [None, "ec"])
def test_f_39_clearing_a_retained_topic_says_nothing(path: str | None) -> None:
    device = Device(bind(EC, path))
    device.send("1.8" if path is None else {"ec": 1.8})

    assert device.send(b"", 60, retained=True) == ()
    assert device.send(b"", 61) == ()

    assert device.shown(EC, 61) == 1.8
    assert not device.intake.counts


@pytest.mark.parametrize(
    "payload",
    [b"\xff\xfe1.", "9" * 300_000, "[1.8, 6.0]", b"[" * 100_000, b'{"ec":' * 20_000],
    ids=["no_utf8", "long", "list", "deep_list", "deep_object"],
)
@pytest.mark.parametrize("path", [None, "ec"])
def test_f_42_broken_bytes_are_counted_and_the_next_message_counts(
    payload: bytes | str, path: str | None
) -> None:
    device = Device(bind(EC, path))

    assert values(device.send(payload)) in ({"ec": None}, {})

    assert sum(device.intake.counts.values()) == 1
    good = "1.8" if path is None else {"ec": 1.8}
    assert values(device.send(good, 1)) == {"ec": 1.8}


def test_f_42_quotes_without_end_are_read_in_linear_time() -> None:
    payload = b'{"a":["' + b'\\"' * ((MAX_PAYLOAD_BYTES - 300) // 2) + b"[" * 100

    assert read_payload(payload, bind(EC, "a"), T0).problem is Reason.UNREADABLE


def test_f_45_raw_soil_value_with_a_curve_and_without() -> None:
    curve = (CurvePoint(raw=3100, value=0), CurvePoint(raw=1400, value=100))
    device = Device(bind(MOISTURE, curve=curve))

    assert Device(bind(MOISTURE)).send("4095.00")[0].verdict is BAD
    assert values(device.send("2250")) == {"soil_moisture": 50.0}
    (beyond,) = device.send("4095.00", 7200)
    assert (beyond.value, beyond.verdict) == (0, SUSPECT)
    assert Reason.OUT_OF_CURVE in beyond.reasons
    assert values(Device(bind(MOISTURE, curve=curve)).send("1350")) == {"soil_moisture": 100}


def test_f_71_one_nan_stops_nothing() -> None:
    device = Device(bind(LEVEL))
    for second, payload in enumerate(["1", "nan", "3"]):
        device.send(payload, 60 * second)

    assert [item.value for item in device.intake.take_readings()] == [1, 3]
