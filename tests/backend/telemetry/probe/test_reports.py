"""What a device sent lately: raw numbers, and how often it reports."""

from datetime import timedelta

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.telemetry.device import EC, HOUR, PH, T0, WATER, Device, bind, probe


def raw(device: Device, kind: ChannelKind, at_s: float = 0, max_age_s: float = HOUR) -> object:
    return device.intake.reports.raw(kind, T0 + timedelta(seconds=at_s), max_age_s)


def test_the_raw_value_is_what_came_in_the_canonical_unit_though_it_is_doubted() -> None:
    device = Device(bind(EC, "ec", unit="µS/cm"), bind(WATER, "t"))

    device.send({"ec": 1413, "t": 655.1})

    assert raw(device, EC) == pytest.approx(1.413)
    assert raw(device, WATER) == 655.1
    assert device.shown(WATER) is None


def test_a_missing_field_leaves_the_raw_value_and_a_word_takes_it_away() -> None:
    device = Device(bind(EC, "ec"), bind(PH, "ph"))
    device.send({"ec": 1.4, "ph": 6.1})

    device.send({"ec": 1.5}, 60)
    assert (raw(device, EC, 60), raw(device, PH, 60)) == (1.5, 6.1)

    device.send({"ec": 1.5, "ph": "unknown"}, 120)
    assert raw(device, PH, 120) is None


def test_f_27_words_are_nothing_that_was_heard() -> None:
    device = Device(bind(EC))

    device.send("1.4")
    for at_s in (60, 120, 180):
        device.send("unavailable", at_s)

    assert device.intake.reports.heard_at("t") == T0
    assert device.intake.reports.number_at("t") == T0
    assert device.intake.reports.interval_s() is None
    assert raw(device, EC, 180) is None
    device.intake.update(probe(bind(EC, topic="other")))
    assert device.intake.reports.number_at("t") is None


def test_a_message_about_something_else_is_heard() -> None:
    device = Device(bind(EC, "ec"))

    device.send({"rssi": -70})

    assert device.intake.reports.heard_at("t") == T0
    assert device.intake.reports.number_at("t") is None


def test_a_number_in_an_unknown_unit_is_one_that_came() -> None:
    device = Device(bind(EC, unit="furlong"))

    device.send("1.4")

    assert device.intake.reports.number_at("t") == T0


def test_a_raw_value_ages() -> None:
    device = Device(bind(EC))
    device.send("1.4")

    assert raw(device, EC, 3599) == 1.4
    assert raw(device, EC, 3600) is None


def test_a_retained_value_was_not_sent_now() -> None:
    device = Device(bind(EC))

    device.send("1.4", retained=True)

    assert raw(device, EC) is None
    assert device.intake.reports.heard_at("t") is None


def test_another_source_begins_without_a_raw_value() -> None:
    device = Device(bind(EC))
    device.send("1.4")

    device.intake.update(probe(bind(EC, topic="other")))

    assert raw(device, EC) is None
    assert device.intake.reports.heard_at("t") is None


def test_the_interval_is_the_median_distance() -> None:
    device = Device(bind(EC))
    # 60, 60, 300 (one message was lost), 60
    for at_s, value in ((0, "1.40"), (60, "1.41"), (120, "1.42"), (420, "1.43"), (480, "1.44")):
        device.send(value, at_s)

    assert device.intake.reports.interval_s() == 60


def test_one_distance_is_no_interval() -> None:
    device = Device(bind(EC))
    device.send("1.40")
    device.send("1.41", 60)

    assert device.intake.reports.interval_s() is None


def test_values_on_topics_of_their_own_come_at_once_and_some_are_rare() -> None:
    device = Device(
        bind(EC, topic="ec"), bind(PH, topic="ph"), bind(ChannelKind.BATTERY, topic="b")
    )
    for minute in range(4):
        device.send(f"1.4{minute}", minute * 60, topic="ec")
        device.send(f"6.0{minute}", minute * 60 + 0.2, topic="ph")
    for day in range(3):
        device.send("90", day * 24 * HOUR, topic="b")

    assert device.intake.reports.interval_s() == 60


def test_a_telegram_sent_twice_is_one_report() -> None:
    device = Device(bind(EC))
    for at_s, value in ((0, "1.4"), (0.036, "1.41"), (70, "1.42"), (70.036, "1.43"), (140, "1.44")):
        device.send(value, at_s)

    assert device.intake.reports.interval_s() == 70


def test_only_the_last_ten_distances_count() -> None:
    device = Device(bind(EC))
    for step in range(30):
        device.send(f"1.{step:02d}", step * 10)
    for step in range(11):
        device.send(f"2.{step:02d}", 1000 + step * 60)

    assert device.intake.reports.interval_s() == 60


def test_a_clock_set_back_begins_anew() -> None:
    device = Device(bind(EC))
    for at_s in (3600, 3660, 3720):
        device.send("1.4", at_s)

    device.send("1.4", 0)

    assert device.intake.reports.interval_s() is None


def test_a_sensor_of_the_house_reports_too() -> None:
    device = Device(bind(EC, entity_id="sensor.ec"))
    for at_s in (0, 30, 60):
        device.report("sensor.ec", "1.4", at_s)

    assert device.intake.reports.interval_s() == 30
    assert raw(device, EC, 60) == 1.4
