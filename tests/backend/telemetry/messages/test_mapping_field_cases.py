"""What ESPHome, Tasmota, Zigbee2MQTT and Shelly send: cases from the field by their numbers."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.telemetry.messages.mapping import read_payload
from kamerplanter_engines.models.telemetry import Reason
from tests.backend.telemetry.device import (
    BAD,
    EC,
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
