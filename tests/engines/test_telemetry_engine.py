"""Verdicts: what is no value, what is doubtful, and how doubt ends."""

from datetime import timedelta

import pytest

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason
from kamerplanter_engines.restart_engine import in_order
from kamerplanter_engines.telemetry_engine import (
    Judged,
    Sample,
    judge_message,
    keep_retained,
    rules_for,
)
from tests.engines.channel_bench import (
    BAD,
    EC,
    GOOD,
    HOUR,
    LEVEL,
    MOISTURE,
    PH,
    SOIL,
    SOIL_EC,
    SUSPECT,
    T0,
    WATER,
    Bench,
    reading,
)


class TestRanges:
    @pytest.mark.parametrize(
        ("kind", "good", "bad"),
        [
            (EC, (0.01, 4.99), (-0.01, 15.01, 1413)),
            (PH, (3.0, 10.0), (-0.1, 14.1)),
            (WATER, (5.0, 35.0), (-0.1, 50.1)),
            (LEVEL, (0.0, 105.0), (-0.1, 105.1)),
            (MOISTURE, (0.0, 99.9), (-0.1, 100.1)),
            (SOIL, (-5.0, 45.0), (-5.1, 45.1)),
            (SOIL_EC, (0.01, 10.0), (-0.1, 15.1)),
        ],
    )
    def test_first_value_is_judged_by_the_range_of_its_kind(
        self, kind: ChannelKind, good: tuple[float, ...], bad: tuple[float, ...]
    ) -> None:
        for value in good:
            assert Bench(kind).one(0, value).verdict is GOOD
        for value in bad:
            judged = Bench(kind).one(0, value)
            assert (judged.verdict, judged.value) == (BAD, None)
            assert judged.reasons == (Reason.OUTSIDE_PHYSICAL,)

    @pytest.mark.parametrize(
        ("kind", "value"), [(EC, 5.1), (PH, 2.9), (PH, 10.1), (WATER, 4.9), (WATER, 35.1)]
    )
    def test_implausible_value_is_stored_as_suspect(self, kind: ChannelKind, value: float) -> None:
        judged = Bench(kind).one(0, value)

        assert (judged.verdict, judged.value) == (SUSPECT, value)
        assert judged.reasons == (Reason.OUTSIDE_PLAUSIBLE,)

    def test_level_above_full_is_full(self) -> None:
        assert Bench(LEVEL).one(0, 103).value == 100

    def test_stock_solution_conducts_up_to_250(self) -> None:
        assert Bench(EC, stock_solution=True).one(0, 120).verdict is GOOD
        assert Bench(EC, stock_solution=True).one(0, 251).verdict is BAD

    @pytest.mark.parametrize("kind", [EC, PH, WATER])
    def test_exact_zero_is_suspect_and_never_heals(self, kind: ChannelKind) -> None:
        bench = Bench(kind)

        verdicts = [bench.one(60 * i, 0.0) for i in range(20)]

        assert all(Reason.EXACT_ZERO in judged.reasons for judged in verdicts)

    def test_zero_ec_is_good_in_plain_water(self) -> None:
        assert Bench(EC, plain_water=True).one(0, 0.0).verdict is GOOD

    def test_zero_level_alone_is_an_empty_tank(self) -> None:
        assert Bench(LEVEL).one(0, 0.0).verdict is GOOD

    def test_full_level_alone_is_a_full_tank(self) -> None:
        assert Bench(LEVEL).one(0, 100.0).verdict is GOOD

    @pytest.mark.parametrize(("kind", "value"), [(PH, 14.0), (EC, 15.0), (MOISTURE, 100.0)])
    def test_full_scale_is_suspect_and_never_heals(self, kind: ChannelKind, value: float) -> None:
        bench = Bench(kind)

        verdicts = [bench.one(60 * i, value) for i in range(20)]

        assert all(Reason.FULL_SCALE in judged.reasons for judged in verdicts)

    def test_raw_value_far_beyond_its_curve_never_heals(self) -> None:
        bench = Bench(MOISTURE)
        for i in range(10):
            at = T0 + timedelta(minutes=i)
            sample = Sample(kind=MOISTURE, raw=0.0, at=at, received_at=at, out_of_curve=True)
            (judged,), bench.states = judge_message([sample], bench.states, bench.rules)
            assert judged.reasons == (Reason.OUT_OF_CURVE,)


class TestRate:
    def test_twice_the_rate_of_a_minute_is_believed_and_more_is_not(self) -> None:
        # pH 0.1 per minute: 0.2 within a minute, however close the readings are
        assert _second(PH, 6.0, 6.2, after_s=5).verdict is GOOD
        assert _second(PH, 6.0, 6.21, after_s=5).reasons == (Reason.RATE,)

    def test_a_longer_gap_allows_more(self) -> None:
        assert _second(PH, 6.0, 7.0, after_s=300).verdict is GOOD
        assert _second(PH, 6.0, 7.01, after_s=300).verdict is SUSPECT

    @pytest.mark.parametrize(
        ("kind", "start", "allowed"),
        [(EC, 1.0, 0.1), (WATER, 20.0, 0.6), (MOISTURE, 40.0, 2.0), (SOIL, 20.0, 0.6)],
    )
    def test_each_kind_has_its_rate(self, kind: ChannelKind, start: float, allowed: float) -> None:
        assert _second(kind, start, start + allowed, after_s=60).verdict is GOOD
        assert _second(kind, start, start + allowed + 0.01, after_s=60).verdict is SUSPECT

    def test_a_stock_solution_may_change_by_the_same_share_of_its_range(self) -> None:
        # 2 x 0.05 mS/cm of 15 within a minute are 1.667 of 250.
        for second, verdict in ((81.66, GOOD), (81.67, SUSPECT), (78.34, GOOD), (78.33, SUSPECT)):
            bench = Bench(EC, stock_solution=True)
            bench.one(0, 80.0)
            assert bench.one(60, second).verdict is verdict

    def test_a_stock_solution_that_trembles_by_one_percent_is_good(self) -> None:
        bench = Bench(EC, stock_solution=True)

        trembling = [80.0 + step / 10 for step in (0, 8, -8, 7, -7, 3, -8, 8, 0, 5)]

        assert {bench.one(60 * i, value).verdict for i, value in enumerate(trembling)} == {GOOD}

    def test_an_option_wins_for_a_stock_solution_too(self) -> None:
        binding = ChannelBinding(kind=EC, topic="t", rate_per_min=0.05)

        assert rules_for(binding, stock_solution=True).rate_per_s == pytest.approx(0.1 / 60)

    def test_level_may_jump(self) -> None:
        assert _second(LEVEL, 20, 95, after_s=10).verdict is GOOD

    def test_option_of_the_binding_wins(self) -> None:
        bench = Bench(PH)
        bench.rules[PH] = rules_for(ChannelBinding(kind=PH, topic="t", rate_per_min=1))
        bench.one(0, 6.0)

        assert bench.one(60, 8.0).verdict is GOOD

    def test_a_return_to_the_last_good_value_is_good_at_once(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.0)

        assert bench.one(10, 7.5).verdict is SUSPECT
        assert bench.one(20, 6.05).verdict is GOOD

    def test_a_different_value_after_a_long_doubt_is_measured_against_the_last_good(self) -> None:
        bench = Bench(WATER)
        bench.one(0, 21.35)
        for i in range(1, 300):
            bench.one(60 * i, 25.0)

        assert bench.one(60 * 300, 19.0).verdict is GOOD


def _second(kind: ChannelKind, first: float, second: float, *, after_s: float) -> Judged:
    bench = Bench(kind)
    assert bench.one(0, first).verdict is GOOD
    return bench.one(after_s, second)


class TestHealing:
    def test_real_jump_is_true_with_the_third_furtherreading(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.0)

        verdicts = [bench.one(60 * i, 2.8 + i / 100).verdict for i in range(1, 6)]

        assert verdicts == [SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]

    def test_implausible_value_that_proved_itself_stays_good(self) -> None:
        bench = Bench(PH)
        for i in range(4):
            last = bench.one(60 * i, 2.8 + i / 100)

        assert last.verdict is GOOD
        assert bench.one(300, 2.85).verdict is GOOD
        assert bench.shown(300).value == 2.85

    def test_proof_ends_when_the_value_was_plausible_again(self) -> None:
        bench = Bench(PH)
        for i in range(4):
            bench.one(60 * i, 2.9 + i / 100)
        assert bench.one(300, 3.05).verdict is GOOD

        assert bench.one(360, 2.95).verdict is SUSPECT

    @pytest.mark.parametrize(
        ("kind", "proved", "other_side"),
        [(WATER, 4.1, 48.0), (WATER, 36.1, 4.0), (PH, 10.1, 1.2), (PH, 2.8, 12.5)],
    )
    @pytest.mark.parametrize("restarts", [False, True])
    def test_a_proof_on_one_side_of_the_range_proves_nothing_on_the_other(
        self, kind: ChannelKind, proved: float, other_side: float, *, restarts: bool
    ) -> None:
        bench = Bench(kind)
        for i in range(4):
            last = bench.one(60 * i, proved + 0.1 * (i % 2))
        assert last.verdict is GOOD
        if restarts:
            good = reading(kind, 180, proved + 0.1)
            bench.restore(good, good, finest_step=0.1)

        # After two hours any value is within the rate.
        assert bench.one(2 * HOUR, other_side).reasons == (Reason.OUTSIDE_PLAUSIBLE,)
        assert bench.one(2 * HOUR + 60, proved).verdict is GOOD

    def test_the_other_side_has_to_prove_itself_too(self) -> None:
        bench = Bench(PH)
        for i in range(4):
            bench.one(60 * i, 2.8 + i / 100)

        verdicts = [bench.one(2 * HOUR + 60 * i, 12.5 + i / 100).verdict for i in range(5)]

        assert verdicts == [SUSPECT] * 3 + [GOOD, GOOD]
        assert bench.one(4 * HOUR, 2.8).verdict is SUSPECT

    def test_a_retained_value_within_the_range_ends_a_proof_too(self) -> None:
        bench = Bench(PH)
        for i in range(4):
            bench.one(60 * i, 2.8 + i / 100)
        at = T0 + timedelta(seconds=HOUR)
        kept = Sample(kind=PH, raw=6.0, at=at, received_at=at, has_device_time=True)
        bench.states = keep_retained([kept], bench.states, bench.rules)

        assert bench.one(3 * HOUR, 2.8).reasons == (Reason.OUTSIDE_PLAUSIBLE,)

    def test_identical_fine_readings_never_heal(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.04)

        assert {bench.one(60 * i, 2.81).verdict for i in range(1, 200)} == {SUSPECT}

    def test_identical_readings_heal_where_the_meter_shows_tenths_only(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.0)
        bench.one(60, 6.1)

        verdicts = [bench.one(60 * i, 2.8).verdict for i in range(2, 7)]

        assert verdicts == [SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]

    def test_nobody_knows_the_steps_of_a_channel_that_never_moved(self) -> None:
        bench = Bench(PH)

        assert {bench.one(60 * i, 2.8).verdict for i in range(50)} == {SUSPECT}

    def test_identical_moisture_heals_after_watering(self) -> None:
        bench = Bench(MOISTURE)
        bench.one(0, 24.0)

        verdicts = [bench.one(60 * i, 61.0).verdict for i in range(1, 6)]

        assert verdicts == [SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]

    def test_readings_that_disagree_begin_anew(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.0)

        values = [8.0, 8.01, 8.02, 9.5, 9.51, 9.52, 9.53]
        verdicts = [bench.one(10 * i, v).verdict for i, v in enumerate(values, 1)]

        assert verdicts == [SUSPECT] * 6 + [GOOD]

    def test_no_value_in_between_does_not_hinder(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.0)
        bench.one(60, 8.0)
        bench.one(120, 8.01)
        bench.one(180, Reason.NOT_A_NUMBER)
        bench.one(240, 8.02)

        assert bench.one(300, 8.03).verdict is GOOD

    def test_doubt_survives_a_restart(self) -> None:
        good = reading(WATER, 0, 21.35)
        doubted = reading(WATER, 7200, 25.0, SUSPECT, (Reason.RATE,))
        bench = Bench(WATER)
        bench.restore(good, doubted)

        assert bench.one(7260, 25.0).verdict is SUSPECT

    def test_healing_goes_on_after_a_restart(self) -> None:
        run = [reading(PH, 60 * at, 8.0 + at / 100, SUSPECT, (Reason.RATE,)) for at in (1, 2, 3)]
        bench = Bench(PH)
        bench.restore(reading(PH, 0, 6.0), run[-1], doubted=run)

        assert bench.one(240, 8.04).verdict is GOOD

    def test_a_doubted_value_that_was_repeated_heals_no_sooner(self) -> None:
        run = [reading(PH, 60 * at, 8.0, SUSPECT, (Reason.RATE,)) for at in range(1, 9)]
        bench = Bench(PH)
        bench.restore(reading(PH, 0, 6.0), run[-1], doubted=run, finest_step=0.01)

        assert bench.one(540, 8.0).verdict is SUSPECT
        assert bench.one(600, 8.01).verdict is GOOD

    def test_doubt_survives_an_end_stop_and_a_restart(self) -> None:
        cut = reading(PH, 60, 3.52, SUSPECT, (Reason.RATE,))
        zero = reading(PH, 120, 0.0, SUSPECT, (Reason.EXACT_ZERO,))
        bench = Bench(PH)
        bench.restore(reading(PH, 0, 6.0), zero, doubted=[cut])

        assert bench.one(5 * HOUR, 3.52).reasons == (Reason.RATE,)

    def test_doubt_of_the_device_before_is_forgotten(self) -> None:
        cut = reading(PH, 60, 3.52, SUSPECT, (Reason.RATE,))
        bench = Bench(PH)
        bench.restore(reading(PH, 0, 6.0), cut, doubted=[cut], replaced_s=90)

        assert bench.states[PH].doubted_value is None

    def test_late_readings_are_no_evidence_after_a_restart(self) -> None:
        newer = reading(PH, 120, 8.0, SUSPECT, (Reason.RATE,))
        late = reading(PH, 60, 8.01, SUSPECT, (Reason.RATE,), heard_s=180)

        assert in_order([newer, late, reading(PH, 30, 8.02)]) == (reading(PH, 30, 8.02), newer)

    def test_stuck_survives_a_restart(self) -> None:
        bench = Bench(WATER)
        stuck = reading(WATER, HOUR, 21.375, SUSPECT, (Reason.STUCK,))
        bench.restore(reading(WATER, 0, 21.375), stuck)

        assert bench.one(2 * HOUR, 21.375).reasons == (Reason.STUCK,)
        assert bench.one(3 * HOUR, 21.4).verdict is GOOD

    def test_a_proven_implausible_value_is_proven_after_a_restart(self) -> None:
        good = reading(PH, 0, 2.8)
        bench = Bench(PH)
        bench.restore(good, good)

        assert bench.one(600, 2.83).verdict is GOOD

    def test_what_the_device_before_has_proved_proves_nothing(self) -> None:
        good = reading(PH, 0, 2.8)
        bench = Bench(PH)
        bench.restore(good, good, replaced_s=300)

        assert bench.one(600, 2.83).reasons == (Reason.OUTSIDE_PLAUSIBLE,)

    def test_time_without_a_move_goes_on_over_restarts(self) -> None:
        bench = Bench(WATER, SOIL)
        for hour in range(8):
            frozen, moving = reading(WATER, HOUR * hour, 21.375), reading(SOIL, HOUR * hour, 19)
            bench.restore(frozen, frozen, unchanged_since_s=0, finest_step=0.001)
            bench.restore(moving, moving, finest_step=0.1)
            judged = bench.message(
                HOUR * hour + 600, water_temperature=21.375, soil_temperature=19.1 + hour / 10
            )

        assert judged["water_temperature"].reasons == (Reason.STUCK,)
        assert judged["soil_temperature"].verdict is GOOD

    def test_a_coarse_channel_is_known_as_such_after_a_restart(self) -> None:
        good = reading(PH, 0, 6.0)
        bench = Bench(PH)
        bench.restore(good, good, finest_step=0.1)

        assert [bench.one(600 + 60 * i, 9.0).verdict for i in range(4)] == [SUSPECT] * 3 + [GOOD]


class TestStillness:
    def test_three_of_four_frozen_channels_prove_nothing(self) -> None:
        bench = Bench(EC, PH, LEVEL)
        for i in range(60):
            judged = bench.message(HOUR * i, ec=1.5, ph=5.8, level=50 + i % 3)

        assert judged["ec"].verdict is GOOD

    def test_a_silent_channel_does_not_count_as_frozen(self) -> None:
        bench = Bench(EC, PH)
        bench.message(0, ec=1.5, ph=5.8)
        for i in range(1, 60):
            judged = bench.message(HOUR * i, ec=1.5)

        assert judged["ec"].verdict is GOOD

    def test_an_even_place_with_a_still_twin_is_fine_for_a_day(self) -> None:
        bench = Bench(WATER, SOIL)
        for i in range(23):
            judged = bench.message(HOUR * i, water_temperature=21.0, soil_temperature=20.0)

        assert judged["water_temperature"].verdict is GOOD
