"""The battery at the border: percent, a share, or volts that are no percentage."""

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind, CurvePoint, Reason
from tests.backend.telemetry.device import Device, bind, values

BATTERY, SIGNAL, ORP = ChannelKind.BATTERY, ChannelKind.SIGNAL, ChannelKind.ORP


def test_f_14_a_low_battery_is_shown() -> None:
    device = Device(bind(BATTERY, "battery", unit="%"))

    sent = device.send('{"battery":8,"battery_state":"low","soil_moisture":10}')

    assert values(sent) == {"battery": 8}


def test_f_16_redox_potential_without_its_limits() -> None:
    device = Device(bind(ORP, "orp"), bind(BATTERY, "battery"))

    sent = device.send('{"battery":90,"orp":258,"orp_max":-1,"tds":1743}')

    assert values(sent) == {"orp": 258, "battery": 90}


def test_f_25_a_share_is_a_percentage_only_by_its_unit() -> None:
    payload = '{"battery_ok":0.889,"battery_mV":1500,"moisture":44}'

    told = Device(bind(BATTERY, "battery_ok", unit="fraction"))
    silent = Device(bind(BATTERY, "battery_ok"))

    assert values(told.send(payload)) == {"battery": pytest.approx(88.9)}
    assert values(silent.send(payload)) == {"battery": None}


def test_f_26_volts_are_no_percentage() -> None:
    device = Device(bind(BATTERY, "soil_ec_batt1"))

    (judged,) = device.send('{"soil_ec_batt1":"1.66"}')

    assert judged.value is None
    assert judged.reasons == (Reason.UNKNOWN_UNIT,)


@pytest.mark.parametrize("payload", ['{"bat":3.0}', '{"bat":"3.0"}', '{"bat":"4.10"}'])
def test_volts_stay_volts_where_their_last_digit_is_a_zero(payload: str) -> None:
    device = Device(bind(BATTERY, "bat"))

    (judged,) = device.send(payload)

    assert (judged.value, judged.reasons) == (None, (Reason.UNKNOWN_UNIT,))


@pytest.mark.parametrize("unit", [None, "%"])
@pytest.mark.parametrize(
    ("path", "payload"),
    [
        ("battery_voltage", '{"battery_voltage":3}'),
        ("battery_voltage", '{"battery_voltage":2950}'),
        ("voltage", '{"voltage":12}'),
        ("BatV", '{"BatV":3}'),
        ("battery_mV", '{"battery_mV":95}'),
        ("vbat", '{"vbat":"4"}'),
        ("vBat", '{"vBat":4}'),
        ("U_batt", '{"U_batt":4}'),
        ("batteryvoltage", '{"batteryvoltage":3}'),
        ("BATVOLT", '{"BATVOLT":3}'),
        ("Batteriespannung", '{"Batteriespannung":12.6}'),
        ("battery.V", '{"battery":{"V":6,"percent":93}}'),
        ("battery.mV", '{"battery":{"mV":95}}'),
        ("battery.value", '{"battery":{"value":3,"unit":"V"}}'),
        ("battery.value", '{"battery":{"value":2.97,"unit":"V"}}'),
        ("battery.value", '{"battery":{"value":95,"unit":"mV"}}'),
        ("battery.value", '{"battery":{"value":"12.6","unit_of_measurement":"Volt"}}'),
        ("value", '{"value":3,"unit":"V","voltage_low":false}'),
        ("battery", '{"battery":3,"unit":"V"}'),
    ],
)
def test_what_the_message_calls_volts_is_no_percentage(
    path: str, payload: str, unit: str | None
) -> None:
    device = Device(bind(BATTERY, path, unit=unit))

    (judged,) = device.send(payload)

    assert judged.value is None


@pytest.mark.parametrize("topic", ["pot/battery_voltage", "pot/sensor/battery_voltage/state"])
def test_a_topic_of_volts_is_no_percentage_either(topic: str) -> None:
    device = Device(bind(BATTERY, topic=topic))

    (judged,) = device.send("3", topic=topic)

    assert (judged.value, judged.reasons) == (None, (Reason.UNKNOWN_UNIT,))


@pytest.mark.parametrize(
    ("path", "payload", "expected"),
    [
        ("battery.value", '{"battery":{"value":93,"unit":"%"}}', 93),
        ("battery.v", '{"battery":{"v":93}}', 93),  # v as in value
        ("battery_voltage_percent", '{"battery_voltage_percent":93}', 93),
        ("battery_voltage", '{"battery_voltage":"93 %"}', 93),
        ("battery", '{"battery":3,"voltage":2950}', 3),
        ("battery", '{"soil_voltage":1.2,"unit":"V","battery":95}', 95),
        ("a.battery", '{"a":{"battery":95,"unit":"mV","voltage":2950}}', 95),
    ],
)
def test_what_stands_beside_volts_is_a_percentage(path: str, payload: str, expected: float) -> None:
    assert values(Device(bind(BATTERY, path)).send(payload)) == {"battery": expected}


CELL = (CurvePoint(raw=2.2, value=0), CurvePoint(raw=3.0, value=100))
"""A lithium cell that is used up at 2.2 V, as its owner says."""


@pytest.mark.parametrize(
    ("path", "payload", "expected"),
    [
        (
            "battery",
            '{"sensorType":"moisture","valid":false,"moisture":0,"battery":2.9,"errorcode":-1}',
            87.5,
        ),
        ("battery", '{"battery":"2.60 V"}', 50),
        ("battery_voltage", '{"battery_voltage":3}', 100),
        ("battery.value", '{"battery":{"value":2.4,"unit":"V"}}', 25),
        ("battery", '{"battery":3.1}', 100),
        ("battery", '{"battery":"64 %"}', 64),
    ],
)
def test_f_31_volts_are_a_percentage_by_a_curve(path: str, payload: str, expected: float) -> None:
    """What is left depends on the cell, so a person says what full and empty are."""
    (judged,) = Device(bind(BATTERY, path, curve=CELL)).send(payload)

    assert (judged.value, judged.reasons) == (expected, ())


@pytest.mark.parametrize("payload", ['{"battery":-220}', '{"battery":2950}'])
def test_volts_far_beyond_the_curve_of_a_battery_are_doubted(payload: str) -> None:
    (judged,) = Device(bind(BATTERY, "battery", curve=CELL)).send(payload)

    assert Reason.OUT_OF_CURVE in judged.reasons


def test_a_factor_says_what_full_is() -> None:
    device = Device(bind(BATTERY, "battery_mV", factor=0.03))

    assert values(device.send('{"battery_mV":2950}')) == {"battery": 88.5}


def test_a_factor_says_what_full_is_also_where_volts_stand_behind_the_number() -> None:
    device = Device(bind(BATTERY, "battery", factor=30))

    assert values(device.send('{"battery":"3.0 V"}')) == {"battery": 90}
    assert values(device.send('{"battery":"3.0 A"}')) == {"battery": None}


def test_a_factor_says_what_full_is_of_an_entity_in_volts() -> None:
    entity_id = "sensor.pot_battery_voltage"
    known = Device(bind(BATTERY, entity_id=entity_id, factor=30))
    unknown = Device(bind(BATTERY, entity_id=entity_id))

    assert values(known.report(entity_id, "2.5", unit="V")) == {"battery": 75}
    assert values(unknown.report(entity_id, "2.5", unit="V")) == {"battery": None}


def test_f_30_a_missing_board_has_no_battery_either() -> None:
    device = Device(bind(BATTERY, "plant.bat"))

    (judged,) = device.send('{"plant":{"temp":null,"soil":65535,"bat":-220}}')

    assert (judged.value, judged.reasons) == (None, (Reason.OUTSIDE_PHYSICAL,))


@pytest.mark.parametrize("text", ["3.28 V", "3280 mV", "1.5V"])
def test_a_unit_behind_the_number_counts(text: str) -> None:
    device = Device(bind(BATTERY, unit="%"))

    (judged,) = device.send(text)

    assert judged.reasons == (Reason.UNKNOWN_UNIT,)


@pytest.mark.parametrize(("text", "expected"), [("3", 3), ("4.5 %", 4.5), ("12.5", 12.5)])
def test_a_nearly_empty_battery_is_a_percentage(text: str, expected: float) -> None:
    assert values(Device(bind(BATTERY)).send(text)) == {"battery": expected}


def test_an_entity_that_is_called_a_voltage_and_has_no_unit_is_no_percentage() -> None:
    device = Device(bind(BATTERY, entity_id="sensor.pot_battery_voltage"))

    (judged,) = device.report("sensor.pot_battery_voltage", "3")

    assert judged.reasons == (Reason.UNKNOWN_UNIT,)


@pytest.mark.parametrize("unit", [None, "%"])
def test_an_entity_in_volts_is_no_percentage(unit: str | None) -> None:
    device = Device(bind(BATTERY, entity_id="sensor.pot_battery", unit=unit))

    (judged,) = device.report("sensor.pot_battery", "2.9", unit="V")

    assert judged.reasons == (Reason.UNKNOWN_UNIT,)


def test_the_strength_of_the_signal_is_taken() -> None:
    assert values(Device(bind(SIGNAL, "RSSI")).send('{"RSSI":-91}')) == {"signal": -91}
