"""What gateways, bridges and sketches send: cases from the field by their numbers."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.telemetry.messages.mapping import FieldReader, read_payload
from kamerplanter_backend.telemetry.messages.payload import MAX_PAYLOAD_BYTES
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


@pytest.mark.parametrize(
    ("number", "unit", "value"),
    [
        pytest.param("41", "%", 41, id="ready"),
        pytest.param("41", "percent", 41, id="the same in words"),
        pytest.param("2250", "%", 50, id="counts that an entity calls percent"),
        pytest.param("2250", "mV", 50, id="a unit of something else"),
        pytest.param("2250", None, 50, id="no unit"),
    ],
)
def test_a_value_that_names_a_unit_of_its_kind_goes_through_no_curve_for_counts(
    number: str, unit: str | None, value: float
) -> None:
    curve = (CurvePoint(raw=3100, value=0), CurvePoint(raw=1400, value=100))
    reader = FieldReader(bind(MOISTURE, curve=curve, factor=1.0))

    by_entity = reader.read_entity(number, unit, T0, T0)
    by_message = reader.read_text(f"{number} {unit or ''}", T0)

    assert (by_entity.raw, by_entity.out_of_curve) == (pytest.approx(value), False)
    assert by_message.raw == by_entity.raw


def test_a_ready_value_is_not_multiplied_as_the_raw_number_would_be() -> None:
    curve = (CurvePoint(raw=2.8, value=0), CurvePoint(raw=1.2, value=100))
    reader = FieldReader(bind(MOISTURE, curve=curve, factor=0.001))

    assert reader.read_text("2000", T0).raw == pytest.approx(50)
    ready = reader.read_text("41.5 %", T0)
    assert (ready.raw, ready.step, ready.is_canonical) == (41.5, 0.1, True)


def test_percent_that_a_curve_puts_right_still_go_through_it() -> None:
    curve = (CurvePoint(raw=10, value=0), CurvePoint(raw=80, value=100))
    reader = FieldReader(bind(MOISTURE, curve=curve))

    assert reader.read_entity("45", "%", T0, T0).raw == pytest.approx(50)


def test_f_71_one_nan_stops_nothing() -> None:
    device = Device(bind(LEVEL))
    for second, payload in enumerate(["1", "nan", "3"]):
        device.send(payload, 60 * second)

    assert [item.value for item in device.intake.take_readings()] == [1, 3]


@pytest.mark.parametrize(
    ("path", "form"), [(None, "{}"), ("t", '{{"t":{}}}')], ids=["text", "JSON"]
)
def test_f_36_zeros_at_the_end_are_digits_so_a_cut_probe_never_heals(
    path: str | None, form: str
) -> None:
    device = Device(bind(WATER, path))
    for minute, text in enumerate(("21.50", "21.60", "21.50")):
        sent = form.format(text)
        assert values(device.send(sent, 60 * minute)) == {"water_temperature": float(text)}

    sent = form.format("25.00")
    judged = [device.send(sent, 180 + 10 * step)[0] for step in range(360)]

    assert {item.verdict for item in judged} == {SUSPECT}
