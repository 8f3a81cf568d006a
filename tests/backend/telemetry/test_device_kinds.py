"""The battery at the border: percent, a share, or volts that are no percentage."""

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind, Reason
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


@pytest.mark.parametrize("unit", [None, "%"])
def test_an_entity_in_volts_is_no_percentage(unit: str | None) -> None:
    device = Device(bind(BATTERY, entity_id="sensor.pot_battery", unit=unit))

    (judged,) = device.report("sensor.pot_battery", "2.9", unit="V")

    assert judged.reasons == (Reason.UNKNOWN_UNIT,)


def test_the_strength_of_the_signal_is_taken() -> None:
    assert values(Device(bind(SIGNAL, "RSSI")).send('{"RSSI":-91}')) == {"signal": -91}
