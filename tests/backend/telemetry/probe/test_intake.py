"""Presence, retained messages, entities and what is shown, from message to screen."""

from datetime import timedelta

import pytest

from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelKind,
    Reading,
    Reason,
)
from kamerplanter_engines.telemetry_engine import Known
from tests.backend.telemetry.device import (
    EC,
    GOOD,
    HOUR,
    MOISTURE,
    PH,
    SOIL,
    STALE,
    SUSPECT,
    T0,
    WATER,
    Device,
    bind,
    probe,
    values,
)


def stored(kind: ChannelKind, at_s: float, value: float) -> Reading:
    at = T0 + timedelta(seconds=at_s)
    return Reading(probe_key="p", kind=kind, at=at, received_at=at, value=value, verdict=GOOD)


class TestPresence:
    @pytest.mark.parametrize("words", [("Offline", "Online"), ("offline", "ONLINE")])
    def test_f_06_last_will_of_tasmota(self, words: tuple[str, str]) -> None:
        device = Device(bind(PH), availability=Availability(topic="tele/hydro1/LWT"))
        device.send("6.0")

        device.send(words[0], 1, topic="tele/hydro1/LWT", retained=True)
        assert not device.intake.available
        assert not device.is_available(PH, 1)
        assert device.quality(PH, 1) == (STALE, (Reason.OFFLINE,))

        device.send(words[1], 2, topic="tele/hydro1/LWT")
        assert device.is_available(PH, 2)
        assert device.shown(PH, 2) == 6.0
        assert device.shown(PH, 6 * HOUR) is None

    @pytest.mark.parametrize(
        ("offline", "online"),
        [('{"state":"offline"}', '{"state":"online"}'), ("offline", "online")],
    )
    def test_f_17_both_forms_of_zigbee2mqtt(self, offline: str, online: str) -> None:
        topic = "zigbee2mqtt/bed1/availability"
        device = Device(bind(MOISTURE), availability=Availability(topic=topic))
        neighbour = Device(bind(MOISTURE), availability=Availability(topic="other"))

        for each in (device, neighbour):
            each.send(offline, topic=topic)
        assert not device.intake.available
        assert neighbour.intake.available
        device.send(online, 1, topic=topic)
        assert device.intake.available

    @pytest.mark.parametrize(
        ("path", "offline", "online"),
        [
            (None, "false", "true"),
            (None, '"false"', '"true"'),
            (None, "0", "1"),
            ("online", '{"online":false}', '{"online":true}'),
            ("wifi.up", '{"wifi":{"up":"No"}}', '{"wifi":{"up":"Yes"}}'),
        ],
    )
    def test_f_22_booleans_and_words_are_equal(
        self, path: str | None, offline: str, online: str
    ) -> None:
        topic = "shellyplus1-a1/online"
        device = Device(bind(WATER), availability=Availability(topic=topic, path=path))

        device.send(offline, topic=topic, retained=True)
        assert not device.intake.available
        device.send(online, 1, topic=topic)
        assert device.intake.available

    @pytest.mark.parametrize("payload", ["", "?", "{}", "[]", '{"state":7}', b"\xff", "nan"])
    def test_availability_that_says_neither_changes_nothing(self, payload: bytes | str) -> None:
        device = Device(bind(WATER), availability=Availability(topic="a"))
        device.send("offline", topic="a")

        device.send(payload, topic="a")

        assert not device.intake.available

    def test_f_40_last_will_on_the_topic_of_the_value(self) -> None:
        device = Device(bind(PH))
        device.send("6.01")

        assert device.send("offline", 60) == ()
        assert not device.intake.available
        assert not device.intake.counts
        assert values(device.send("6.02", 120)) == {"ph": 6.02}
        assert device.intake.available

    def test_a_live_value_proves_that_the_device_is_there(self) -> None:
        device = Device(bind(PH), availability=Availability(topic="a"))
        device.send("offline", topic="a")

        device.send("6.0", 1)

        assert device.intake.available

    @pytest.mark.parametrize("words", ["unavailable", "unknown", "nan", "", "{", b"\xff\xfe"])
    def test_f_27_a_device_that_said_it_is_gone_is_not_back_by_words(
        self, words: str | bytes
    ) -> None:
        device = Device(bind(PH), availability=Availability(topic="a"))
        device.send("6.0", 0)
        device.send("offline", 1, topic="a")

        device.send(words, 2)

        assert not device.intake.available
        device.send("6.1", 3)
        assert device.intake.available

    def test_f_27_an_entity_without_a_value_proves_no_device(self) -> None:
        device = Device(bind(PH, entity_id="sensor.ph"), availability=Availability(topic="a"))
        device.send("offline", topic="a")

        device.report("sensor.ph", "unavailable", 1)

        assert not device.intake.available

    def test_a_failed_sensor_proves_its_device(self) -> None:
        device = Device(bind(WATER), availability=Availability(topic="a"))
        device.send("offline", topic="a")

        device.send("-127", 1)

        assert device.intake.available

    def test_a_message_that_says_it_is_gone_counts_beside_its_values(self) -> None:
        device = Device(bind(PH, "ph"), availability=Availability(topic="t", path="state"))
        for second in (0, 0.5):
            device.send({"state": "offline", "ph": 6.0}, second)
            assert not device.intake.available

        device.send({"state": "online", "ph": 6.0}, 60)

        assert device.intake.available

    def test_without_a_broker_a_value_stays_until_it_is_too_old(self) -> None:
        device = Device(bind(PH), bind(SOIL, entity_id="sensor.soil"))
        device.send("6.0")

        device.intake.on_connection(connected=False)

        assert device.is_available(PH, 6 * HOUR - 1)
        assert not device.is_available(PH, 6 * HOUR)
        assert device.is_available(SOIL, 6 * HOUR)
        device.intake.on_connection(connected=True)
        assert device.is_available(PH, 6 * HOUR)


class TestRetained:
    def test_f_23_replayed_value_without_a_time_is_no_reading(self) -> None:
        device = Device(bind(MOISTURE, "moisture"))

        judged = device.send(
            {"temperature": 21.0, "moisture": 38, "conductivity": 410, "battery": 64},
            retained=True,
        )

        assert judged == ()
        assert device.shown(MOISTURE) is None
        assert device.quality(MOISTURE) == (STALE, (Reason.RETAINED,))
        assert device.intake.take_readings() == []

    def test_f_23_own_value_keeps_its_old_age(self) -> None:
        last = stored(MOISTURE, -2 * HOUR, 40)
        device = Device(bind(MOISTURE, "moisture"), restored={MOISTURE: Known(last, last)})

        device.send({"moisture": 38}, retained=True)

        shown = device.intake.shown(MOISTURE, T0)
        assert (shown.value, shown.age_s, shown.verdict) == (40, 2 * HOUR, STALE)

    def test_f_49_value_from_before_the_restart_is_shown_at_once(self) -> None:
        last = stored(MOISTURE, -1200, 34)
        device = Device(bind(MOISTURE), restored={MOISTURE: Known(last, last)})

        assert device.shown(MOISTURE) == 34
        assert device.quality(MOISTURE) == (STALE, (Reason.RESTORED,))
        assert device.shown(MOISTURE, 8 * HOUR - 1201) == 34
        assert device.shown(MOISTURE, 8 * HOUR - 1200) is None
        device.send("34", 1800)
        assert device.quality(MOISTURE, 1800) == (GOOD, ())

    def test_f_51_replay_after_a_restart_does_not_make_it_younger(self) -> None:
        last = stored(EC, -5 * HOUR, 1.8)
        known = Device(bind(EC), restored={EC: Known(last, last)})
        unknown = Device(bind(EC))

        for device in (known, unknown):
            device.send("1.8", retained=True)

        assert known.shown(EC, HOUR - 1) == 1.8
        assert known.shown(EC, HOUR) is None
        assert unknown.shown(EC) is None

    def test_replay_with_its_own_time_is_shown_with_its_age(self) -> None:
        device = Device(bind(EC, "ec"))

        device.send({"ec": 1.8, "time": "2026-05-04T08:05:00Z"}, retained=True)

        shown = device.intake.shown(EC, T0)
        assert (shown.value, shown.age_s, shown.verdict) == (1.8, 600, STALE)

    def test_replay_beside_a_live_value_changes_nothing(self) -> None:
        device = Device(bind(EC))
        device.send("1.8")

        device.send("1.2", 60, retained=True)

        assert device.shown(EC, 60) == 1.8
        assert device.quality(EC, 60) == (GOOD, ())


class TestEntities:
    def test_f_70_steady_value_is_fresh_while_its_device_reports(self) -> None:
        device = Device(
            bind(MOISTURE, entity_id="sensor.moisture"), bind(SOIL, entity_id="sensor.soil")
        )
        device.report("sensor.moisture", "41", 0, "%")
        for minutes in range(0, 9 * 60, 55):
            device.report("sensor.soil", str(20 + minutes / 1000), 60 * minutes, "°C")

        assert device.shown(MOISTURE, 9 * HOUR) == 41
        assert device.quality(MOISTURE, 9 * HOUR) == (GOOD, ())
        assert device.shown(MOISTURE, 9 * HOUR + 8 * HOUR) is None

    def test_another_device_does_not_keep_a_silent_one_alive(self) -> None:
        device = Device(
            bind(MOISTURE, entity_id="sensor.moisture"),
            bind(SOIL, entity_id="sensor.soil"),
            device_of=lambda entity_id: entity_id,
        )
        device.report("sensor.moisture", "41", 0, "%")
        for minutes in range(0, 9 * 60, 55):
            device.report("sensor.soil", str(20 + minutes / 1000), 60 * minutes, "°C")

        assert device.shown(MOISTURE, 9 * HOUR) is None

    def test_f_70_reports_without_a_change_count(self) -> None:
        device = Device(bind(MOISTURE, entity_id="sensor.moisture"))
        for hour in range(10):
            device.report("sensor.moisture", "41", hour * HOUR, "%")

        assert device.shown(MOISTURE, 17 * HOUR - 1) == 41

    def test_a_channel_that_fails_itself_is_not_kept_alive_by_its_twin(self) -> None:
        device = Device(
            bind(MOISTURE, entity_id="sensor.moisture"), bind(SOIL, entity_id="sensor.soil")
        )
        device.report("sensor.moisture", "41", 0, "%")
        device.report("sensor.moisture", "unavailable", 60)
        for hour in range(9):
            device.report("sensor.soil", str(20 + hour / 10), hour * HOUR, "°C")

        assert device.shown(MOISTURE, 8 * HOUR) is None

    def test_a_fine_channel_that_has_died_is_not_kept_alive_by_its_device(self) -> None:
        device = Device(bind(PH, entity_id="sensor.ph"), bind(WATER, entity_id="sensor.water"))
        device.report("sensor.ph", "6.12", 0)
        device.report("sensor.ph", "6.15", 60)
        for hour in range(1, 72):
            device.report("sensor.water", str(20 + hour % 10 / 10), hour * HOUR, "°C")

        assert device.shown(PH, 72 * HOUR) is None
        assert device.quality(PH, 72 * HOUR) == (STALE, (Reason.TOO_OLD,))
        stored_ph = [item for item in device.intake.take_readings() if item.kind is PH]
        assert [item.value for item in stored_ph] == [6.12, 6.15]

    def test_a_channel_of_coarse_steps_is_fresh_while_its_device_reports(self) -> None:
        device = Device(bind(PH, entity_id="sensor.ph"), bind(WATER, entity_id="sensor.water"))
        device.report("sensor.ph", "6.1", 0)
        device.report("sensor.ph", "6.2", 60)
        for hour in range(1, 10):
            device.report("sensor.water", str(20 + hour / 10), hour * HOUR, "°C")

        assert device.shown(PH, 9 * HOUR) == 6.2

    @pytest.mark.parametrize(
        ("bound_unit", "unit", "expected"),
        [(None, "μS/cm", 0.64), ("mS/cm", "µS/cm", 0.64), (None, None, 0.64)],
    )
    def test_unit_of_the_entity_counts_first(
        self, bound_unit: str | None, unit: str | None, expected: float
    ) -> None:
        device = Device(bind(ChannelKind.SOIL_EC, entity_id="sensor.ec", unit=bound_unit))

        assert values(device.report("sensor.ec", "640", unit=unit)) == {"soil_ec": expected}

    def test_ppm_needs_the_scale_of_the_binding(self) -> None:
        with_scale = Device(bind(EC, entity_id="sensor.tds", unit="ppm500"))
        without = Device(bind(EC, entity_id="sensor.tds"))

        assert values(with_scale.report("sensor.tds", "750", unit="ppm")) == {"ec": 1.5}
        assert values(without.report("sensor.tds", "750", unit="ppm")) == {"ec": None}

    @pytest.mark.parametrize(
        ("kind", "bound_unit", "text", "unit"),
        [
            (EC, "µS/cm", "900", "ppm"),
            (EC, "µS/cm", "900", "mg/L"),
            (EC, "ppm500", "900", "mg/L"),
            (EC, "mS/cm", "1.2", "L"),
            (WATER, "°C", "21", "%"),
            (ChannelKind.DISSOLVED_OXYGEN, "ppm", "8", "%"),
        ],
    )
    def test_a_unit_that_does_not_fit_is_never_read_as_that_of_the_binding(
        self, kind: ChannelKind, bound_unit: str, text: str, unit: str
    ) -> None:
        device = Device(bind(kind, entity_id="sensor.odd", unit=bound_unit))

        (judged,) = device.report("sensor.odd", text, unit=unit)

        assert (judged.value, judged.reasons) == (None, (Reason.UNKNOWN_UNIT,))

    @pytest.mark.parametrize(
        ("bound_unit", "unit"), [("PPM 700", " ppm "), ("ppm700", "PPM"), ("ppm700", "")]
    )
    def test_the_scale_counts_however_it_is_spelled(self, bound_unit: str, unit: str) -> None:
        device = Device(bind(EC, entity_id="sensor.tds", unit=bound_unit))

        assert values(device.report("sensor.tds", "1050", unit=unit)) == {"ec": 1.5}

    def test_state_from_before_the_start_is_shown_with_its_age(self) -> None:
        device = Device(bind(PH, entity_id="sensor.ph"))

        assert device.report("sensor.ph", "6.1", 0, reported_s=-600) == ()

        shown = device.intake.shown(PH, T0)
        assert (shown.value, shown.age_s, shown.verdict) == (6.1, 600, STALE)

    def test_restored_state_is_no_report(self) -> None:
        device = Device(bind(PH, entity_id="sensor.ph"))

        assert device.report("sensor.ph", "6.1", 1, restored=True) == ()

        assert device.shown(PH, 1) is None

    def test_foreign_entity_is_ignored(self) -> None:
        assert Device(bind(PH, entity_id="sensor.ph")).report("sensor.other", "6.1") == ()


class TestBindings:
    def test_topics_and_entities_to_follow(self) -> None:
        device = Device(
            bind(PH, topic="b"),
            bind(EC, "x", topic="a"),
            bind(WATER, "y", topic="a"),
            bind(SOIL, entity_id="sensor.soil"),
            availability=Availability(topic="c"),
        )

        assert device.intake.topics == ("a", "b", "c")
        assert device.intake.entity_ids == ("sensor.soil",)

    def test_changed_options_keep_what_is_known(self) -> None:
        device = Device(bind(PH), bind(EC, topic="e"))
        device.send("6.0")
        device.send("1.8", topic="e")

        device.intake.update(probe(bind(PH, max_age_s=60), bind(EC, topic="f")))

        assert device.shown(PH, 59) == 6.0
        assert device.shown(PH, 60) is None
        assert device.shown(EC) is None
        assert device.intake.topics == ("f", "t")

    def test_decimal_comma_only_where_the_mapping_says_so(self) -> None:
        assert values(Device(bind(EC, decimal_comma=True)).send("1,85")) == {"ec": 1.85}
        assert values(Device(bind(EC)).send("1,85")) == {"ec": None}

    def test_a_broken_unit_is_said_and_not_raised(self) -> None:
        device = Device(bind(EC, unit="furlong"))

        (judged,) = device.send("1.8")

        assert judged.reasons == (Reason.UNKNOWN_UNIT,)


class TestShown:
    def test_next_change_is_the_first_expiry(self) -> None:
        device = Device(bind(PH), bind(WATER, topic="w"))
        assert device.intake.next_change_at(T0) is None
        device.send("6.0", 0)
        device.send("20.0", 600, topic="w")

        first = device.intake.next_change_at(T0 + timedelta(seconds=600))
        assert first == T0 + timedelta(seconds=600 + 4 * HOUR)
        assert device.shown(WATER, 600 + 4 * HOUR) is None
        assert device.intake.next_change_at(first) == T0 + timedelta(hours=6)
        assert device.intake.next_change_at(T0 + timedelta(hours=6)) is None

    def test_quality_of_the_probe_is_that_of_its_worst_channel(self) -> None:
        device = Device(bind(PH), bind(WATER, topic="w"))
        device.send("6.0", 0)
        device.send("20.0", 0, topic="w")
        device.send("9.0", 60)

        view = device.intake.quality(T0 + timedelta(seconds=60))

        assert (view.verdict, view.reasons) == (SUSPECT, (Reason.RATE,))

    def test_a_field_that_never_comes_is_named(self) -> None:
        device = Device(bind(PH, "Ph"))
        device.send({"pH": 6.0})

        assert device.quality(PH) == (STALE, (Reason.MISSING_FIELD,))

    def test_good_and_suspect_readings_are_handed_over_once(self) -> None:
        device = Device(bind(PH))
        for second, payload in enumerate(["6.0", "9.0", "nan", "99"]):
            device.send(payload, 60 * second)

        assert [(r.value, r.verdict) for r in device.intake.take_readings()] == [
            (6.0, GOOD),
            (9.0, SUSPECT),
        ]
        assert device.intake.take_readings() == []

    def test_rates_pause_after_a_fill(self) -> None:
        device = Device(bind(EC))
        device.send("2.4", 0)
        device.intake.on_supply([T0])

        assert values(device.send("0.8", 60)) == {"ec": 0.8}
        assert values(device.send("2.2", 14 * 60)) == {"ec": 2.2}
        assert values(device.send("0.8", 15 * 60 + 1)) == {"ec": None}

    def test_a_jump_that_came_before_its_fill_was_logged_is_believed_then(self) -> None:
        device = Device(bind(EC))
        device.send("2.4", 0)
        assert values(device.send("0.8", 60)) == {"ec": None}

        device.intake.on_supply([T0 + timedelta(seconds=30)])

        assert values(device.send("0.81", 120)) == {"ec": 0.81}

    def test_a_fill_that_was_taken_back_excuses_nothing(self) -> None:
        device = Device(bind(EC))
        device.send("2.4", 0)
        device.intake.on_supply([T0])
        device.intake.on_supply([])

        assert values(device.send("0.8", 60)) == {"ec": None}

    def test_a_fill_that_a_wrong_clock_put_ahead_excuses_nothing(self) -> None:
        device = Device(bind(EC))
        device.send("2.4", 0)
        device.intake.on_supply([T0 + timedelta(hours=3)])

        assert values(device.send("0.8", 60)) == {"ec": None}

    def test_an_age_of_its_own_holds_for_the_binding(self) -> None:
        device = Device(bind(PH, max_age_s=36))
        device.send("6.0")

        assert device.shown(PH, 35.9) == 6.0
        assert device.shown(PH, 36) is None


class TestWhatOthersMeasure:
    """The store may know a channel better, where another client feeds it."""

    def test_a_newer_value_is_taken_over_and_shown_as_fresh(self) -> None:
        device = Device(bind(EC))
        device.send("1.80", 1)
        last = stored(EC, 60, 1.9)

        assert device.intake.recall({EC: Known(last, last)}, T0) == [EC]

        assert device.shown(EC, 61) == 1.9
        assert device.quality(EC, 61) == (GOOD, ())

    def test_what_was_taken_over_goes_when_the_rest_of_its_message_speaks_against_it(self) -> None:
        device = Device(bind(EC))
        device.send("1.80", 1)
        before, taken = stored(EC, 30, 1.85), stored(EC, 60, 1.9)
        device.intake.recall({EC: Known(taken, taken)}, T0)
        doubted = taken.model_copy(update={"verdict": SUSPECT, "reasons": (Reason.BAD_COMPANY,)})

        assert device.intake.recall({EC: Known(before, doubted)}, T0) == [EC]
        assert device.shown(EC, 61) == 1.85
        assert device.intake.recall({EC: Known(before, doubted)}, T0) == []

    def test_what_is_known_here_is_not_overwritten(self) -> None:
        device = Device(bind(EC))
        device.send("1.80", 60)
        same, older = stored(EC, 60, 1.9), stored(EC, 5, 1.7)

        for last in (same, older):
            assert device.intake.recall({EC: Known(last, last)}, T0) == []

        assert device.shown(EC, 61) == 1.8

    def test_an_earlier_source_and_another_kind_say_nothing(self) -> None:
        device = Device(bind(EC))
        last = stored(EC, 60, 1.9)

        news = device.intake.recall({EC: Known(last, last)}, T0 + timedelta(seconds=61))
        news += device.intake.recall({PH: Known(stored(PH, 70, 6.0)), EC: Known()}, T0)

        assert news == []
        assert device.shown(EC, 71) is None
