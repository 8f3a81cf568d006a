"""Cases from the field that are decided by judging values, each by its number."""

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from kamerplanter_engines.telemetry_engine import Sample, keep_retained
from tests.engines.channel_bench import (
    BAD,
    EC,
    GOOD,
    HOUR,
    MOISTURE,
    PH,
    SOIL,
    SOIL_EC,
    STALE,
    SUSPECT,
    T0,
    WATER,
    Bench,
    reading,
)


class TestFieldCases:
    def test_f_02_power_on_value_of_a_ds18b20_is_no_value(self) -> None:
        bench = Bench(WATER)

        assert bench.one(0, 20.3).verdict is GOOD
        judged = bench.one(120, 85.0)
        assert (judged.verdict, judged.reasons) == (BAD, (Reason.STARTUP_SIGNATURE,))
        assert bench.shown(120).value == 20.3
        assert bench.one(240, 20.4).verdict is GOOD

    @pytest.mark.parametrize("value", [-127.0, (-196.6 - 32) / 1.8], ids=["celsius", "fahrenheit"])
    def test_f_03_cut_wire_is_no_value_and_the_state_ages(self, value: float) -> None:
        bench = Bench(WATER)
        bench.one(0, 20.3)

        assert bench.one(60, value).reasons == (Reason.DISCONNECT_SIGNATURE,)
        assert bench.shown(4 * HOUR - 1).value == 20.3
        shown = bench.shown(4 * HOUR)
        assert (shown.value, shown.verdict) == (None, STALE)
        assert shown.age_s == 4 * HOUR

    def test_f_05_zeros_side_by_side_are_suspect(self) -> None:
        judged = Bench(SOIL, MOISTURE, SOIL_EC).message(
            0, soil_temperature=24.4, soil_moisture=0.0, soil_ec=0.0
        )

        assert judged["soil_temperature"].verdict is GOOD
        assert judged["soil_moisture"].reasons == (Reason.BAD_COMPANY,)
        assert judged["soil_ec"].verdict is SUSPECT

    def test_f_13_flat_probe_beside_a_moving_twin_is_stuck_within_six_hours(self) -> None:
        bench = Bench(WATER, SOIL)
        for minute in range(6 * 60):
            judged = bench.message(
                60 * minute,
                water_temperature=21.375,
                soil_temperature=20.9 + abs(minute % 14 - 7) / 10,
            )
            assert judged["water_temperature"].verdict is GOOD

        judged = bench.message(6 * HOUR, water_temperature=21.375, soil_temperature=21.2)

        assert judged["water_temperature"].reasons == (Reason.STUCK,)
        assert judged["soil_temperature"].verdict is GOOD

    def test_f_15_full_scale_beside_an_impossible_value_is_suspect(self) -> None:
        judged = Bench(SOIL, MOISTURE).message(0, soil_temperature=100.0, soil_moisture=100.0)

        assert judged["soil_temperature"].verdict is BAD
        assert judged["soil_moisture"].verdict is SUSPECT
        assert Reason.BAD_COMPANY in judged["soil_moisture"].reasons

    @pytest.mark.parametrize("kind", [WATER, SOIL])
    def test_f_21_lone_zero_after_an_unplugged_probe_is_suspect(self, kind: ChannelKind) -> None:
        bench = Bench(kind)

        assert bench.one(0, 19.94).verdict is GOOD
        assert bench.one(15, 999.0).reasons == (Reason.OUTSIDE_PHYSICAL,)
        assert bench.one(30, 85.0).reasons == (Reason.STARTUP_SIGNATURE,)
        for i in range(60):
            zero = bench.one(45 + 15 * i, 0.0)
            assert zero.verdict is SUSPECT
            assert {Reason.RATE, Reason.EXACT_ZERO} <= set(zero.reasons)
        assert bench.shown(60 * 16).value == 19.94

    @pytest.mark.parametrize("kind", [WATER, SOIL])
    def test_f_21_a_zero_is_no_truer_after_a_long_silence_or_a_restart(
        self, kind: ChannelKind
    ) -> None:
        bench = Bench(kind)
        good = reading(kind, 0, 19.94)
        bench.restore(good, good, finest_step=0.01)

        # In five hours 90 K are within the rate.
        for i in range(20):
            assert Reason.EXACT_ZERO in bench.one(5 * HOUR + 60 * i, 0.0).reasons

    def test_f_21_soil_that_freezes_comes_to_zero_in_small_steps(self) -> None:
        bench = Bench(SOIL)
        night = [4.1, 2.9, 1.8, 0.9, 0.3, 0.0, 0.0, 0.0, -0.1, -0.4, 0.0, 0.2]

        assert {bench.one(HOUR * i, value).verdict for i, value in enumerate(night)} == {GOOD}

    def test_f_21_a_new_probe_in_frozen_soil_is_believed_once_it_moves(self) -> None:
        bench = Bench(SOIL)

        assert bench.one(0, 0.0).reasons == (Reason.EXACT_ZERO,)
        assert bench.one(HOUR, -0.1).verdict is GOOD
        assert bench.one(2 * HOUR, 0.0).verdict is GOOD

    def test_f_25_equal_value_within_a_second_is_onereading(self) -> None:
        bench = Bench(MOISTURE)

        assert not bench.one(0, 44.0).is_repeat
        assert bench.one(0.036, 44.0).is_repeat
        assert bench.one(0.999, 44.0).is_repeat
        assert not bench.one(1, 44.0).is_repeat
        assert not bench.one(60, 44.0).is_repeat

    def test_f_30_missing_board_gives_no_good_value(self) -> None:
        judged = Bench(MOISTURE, SOIL, SOIL_EC).message(
            0, soil_moisture=65535.0, soil_temperature=0.0, soil_ec=0.0
        )

        assert judged["soil_moisture"].verdict is BAD
        assert judged["soil_temperature"].verdict is SUSPECT
        assert judged["soil_ec"].verdict is SUSPECT

    @pytest.mark.parametrize("kind", [WATER, SOIL])
    @pytest.mark.parametrize("before", [16.35, 21.35])
    def test_f_36_replaced_temperature_never_heals(self, kind: ChannelKind, before: float) -> None:
        bench = Bench(kind)
        bench.one(0, before)

        verdicts = [bench.one(10 * i, 25.0) for i in range(1, 720)]

        assert {judged.verdict for judged in verdicts} == {SUSPECT}
        assert all(Reason.RATE in judged.reasons for judged in verdicts)
        assert bench.shown(7190).value == before

    @pytest.mark.parametrize("kind", [WATER, SOIL])
    def test_f_36_nor_does_it_over_restarts(self, kind: ChannelKind) -> None:
        bench = Bench(kind)
        good = reading(kind, 0, 21.35)
        for hour in range(2):
            doubted = reading(kind, HOUR * hour + 10, 25.0, SUSPECT, (Reason.RATE,))
            bench.restore(good, doubted, unchanged_since_s=10, finest_step=0.01)
            verdicts = {bench.one(HOUR * hour + 20 + 10 * i, 25.0).verdict for i in range(300)}
            assert verdicts == {SUSPECT}

    def test_f_41_frost_read_unsigned_is_no_value(self) -> None:
        bench = Bench(SOIL)

        assert bench.one(0, 0.2).verdict is GOOD
        assert bench.one(60, 655.1).verdict is BAD
        assert bench.one(120, 654.9).verdict is BAD
        assert bench.shown(120).value == 0.2

    def test_f_43_device_frozen_to_the_digit_is_stuck_after_a_day(self) -> None:
        bench = Bench(EC, PH, WATER)
        frozen = {"ec": 1.5, "ph": 5.8, "water_temperature": 27.0}
        # the cloud bridge sends each value in a message of its own
        for at_s in range(0, 24 * HOUR, 650):
            for offset, (name, value) in enumerate(frozen.items()):
                judged = bench.message(at_s + offset, **{name: value})
                assert judged[name].verdict is GOOD

        for offset, (name, value) in enumerate(frozen.items()):
            judged = bench.message(24 * HOUR + 10 + offset, **{name: value})
            assert judged[name].reasons == (Reason.STUCK,)
        assert bench.message(24 * HOUR + 60, ph=5.9)["ph"].verdict is GOOD
        assert bench.message(24 * HOUR + 60, ec=1.5)["ec"].reasons == (Reason.STUCK,)

    def test_f_43_flat_moisture_alone_is_never_stuck(self) -> None:
        bench = Bench(MOISTURE)

        assert {bench.one(HOUR * i, 41.0).verdict for i in range(100)} == {GOOD}

    def test_f_44_off_value_of_an_output_is_suspect(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.042)

        off = bench.one(60, 0.0)

        assert off.verdict is SUSPECT
        assert {Reason.EXACT_ZERO, Reason.RATE} <= set(off.reasons)
        assert bench.shown(60).value == 6.042

    def test_f_49_restored_value_is_shown_with_its_age_and_is_not_fresh(self) -> None:
        bench = Bench(MOISTURE)
        bench.restore(reading(MOISTURE, -1200, 34.0), None)

        shown = bench.shown(0)
        assert (shown.value, shown.age_s) == (34.0, 1200)
        assert (shown.verdict, shown.reasons) == (STALE, (Reason.RESTORED,))
        assert bench.shown(8 * HOUR - 1200).value is None
        bench.one(1800, 33.5)
        assert bench.shown(1800).verdict is GOOD

    def test_f_51_replay_does_not_restart_the_clock(self) -> None:
        # measured at 07:00, restart at 12:00, the broker replays, maximum age 6 h
        bench = Bench(EC)
        bench.restore(reading(EC, -5 * HOUR, 1.8), None)
        replay = Sample(kind=EC, raw=1.8, at=T0, received_at=T0)

        bench.states = keep_retained([replay], bench.states, bench.rules)

        assert bench.shown(HOUR - 1).value == 1.8
        assert bench.shown(HOUR).value is None

    def test_f_51_replay_that_nobody_knows_is_unknown_at_once(self) -> None:
        bench = Bench(EC)
        replay = Sample(kind=EC, raw=1.8, at=T0, received_at=T0)

        bench.states = keep_retained([replay], {}, bench.rules)

        shown = bench.shown(0)
        assert (shown.value, shown.verdict) == (None, STALE)
        assert shown.reasons == (Reason.RETAINED,)
