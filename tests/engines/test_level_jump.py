"""A level has no rate: one that jumps has to prove itself, unless a fill was logged."""

from datetime import timedelta

import pytest

from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import Judged, Sample, judge_message, rules_for
from tests.engines.channel_bench import GOOD, HOUR, LEVEL, SUSPECT, T0, Bench

MINUTE = 60


def verdicts(bench: Bench, *said: tuple[float, float]) -> list[Verdict]:
    """Return the verdicts on levels that come at some seconds."""
    return [bench.one(at_s, value).verdict for at_s, value in said]


def levels(*values: float, every_s: float = MINUTE) -> list[Verdict]:
    """Return the verdicts on a new channel."""
    return verdicts(Bench(LEVEL), *((every_s * i, value) for i, value in enumerate(values)))


@pytest.mark.parametrize("pause_s", [1, MINUTE, HOUR, 2 * HOUR])
@pytest.mark.parametrize("start", [30, 75])
def test_up_to_25_points_are_believed_and_more_are_not(start: float, pause_s: float) -> None:
    for sign in (1, -1):
        assert levels(start, start + sign * 25, every_s=pause_s) == [GOOD, GOOD]
        beyond = Bench(LEVEL)
        beyond.one(0, start)
        assert beyond.one(pause_s, start + sign * 25.1).reasons == (Reason.RATE,)


def test_one_false_echo_changes_nothing() -> None:
    assert levels(80, 10, 80, 79.9, 0, 80, 54, 80) == [
        GOOD,
        SUSPECT,
        GOOD,
        GOOD,
        SUSPECT,
        GOOD,
        SUSPECT,
        GOOD,
    ]


def test_a_bucket_that_nobody_logged_is_true_with_the_third_further_reading() -> None:
    # Identical is fine: a level stands still.
    assert levels(20, 95, 95, 95, 95) == [GOOD, SUSPECT, SUSPECT, SUSPECT, GOOD]


def test_a_tank_that_a_pump_drains_is_followed() -> None:
    # 10 % a minute, reported each minute, is no jump at all.
    assert set(levels(*range(100, -1, -10))) == {GOOD}
    # Each three minutes it is: the readings agree only once it stands still.
    drained = levels(100, 70, 40, 10, 2, 2, 2, every_s=180)
    assert drained == [GOOD, SUSPECT, SUSPECT, SUSPECT, SUSPECT, SUSPECT, GOOD]


def test_readings_that_contradict_each_other_prove_nothing() -> None:
    assert set(levels(80, 10, 45, 5, 40, 8, 44, 3)[1:]) == {SUSPECT}


def test_the_first_level_of_a_probe_has_nothing_to_agree_with() -> None:
    assert levels(95) == [GOOD]


def judged(bench: Bench, at_s: float, value: float, *jumps_s: float) -> Judged:
    at = T0 + timedelta(seconds=at_s)
    jumps_at = [T0 + timedelta(seconds=jump_s) for jump_s in jumps_s]
    sample = Sample(kind=LEVEL, raw=value, at=at, received_at=at)
    (found,), bench.states = judge_message([sample], bench.states, bench.rules, jumps_at=jumps_at)
    return found


def test_a_fill_or_drain_that_was_logged_is_believed_at_once() -> None:
    bench = Bench(LEVEL)
    judged(bench, 0, 20)

    assert judged(bench, 300, 95, 200).verdict is GOOD
    assert judged(bench, 900, 5, 200, 800).verdict is GOOD


def test_a_fill_that_is_logged_afterwards_counts_for_the_next_reading() -> None:
    bench = Bench(LEVEL)
    judged(bench, 0, 20)
    assert judged(bench, 300, 95).verdict is SUSPECT

    assert judged(bench, 360, 95, 330).verdict is GOOD


def test_a_fill_of_long_ago_excuses_nothing() -> None:
    bench = Bench(LEVEL)
    judged(bench, 0, 20)

    assert judged(bench, 1000, 95, 90).verdict is SUSPECT


@pytest.mark.parametrize("pause_h", [2.01, 4, 24])
def test_who_reports_seldom_is_believed(pause_h: float) -> None:
    # A tank is filled and emptied within such a time, and three further readings took days.
    assert levels(80, 10, 90, every_s=pause_h * HOUR) == [GOOD, GOOD, GOOD]


def test_within_a_run_of_doubt_time_alone_proves_nothing() -> None:
    # The good one is two hours old at the third; the run is true with its third further reading.
    found = levels(80, 10, 10, 10, 10, every_s=50 * MINUTE)

    assert found == [GOOD, SUSPECT, SUSPECT, SUSPECT, GOOD]


def test_how_long_the_last_level_counts_follows_the_maximum_age() -> None:
    bench = Bench(LEVEL)
    binding = ChannelBinding(kind=LEVEL, topic="t", max_age_s=8 * MINUTE)
    bench.rules[LEVEL] = rules_for(binding)

    assert verdicts(bench, (0, 80), (120, 10), (121, 80)) == [GOOD, SUSPECT, GOOD]
    assert verdicts(bench, (300, 10)) == [GOOD]


def test_a_rate_of_the_binding_stands_for_the_rule() -> None:
    # Three floats say 0, 33, 67 and 100 and speak only when one of them moves.
    bench = Bench(LEVEL)
    bench.rules[LEVEL] = rules_for(ChannelBinding(kind=LEVEL, topic="t", rate_per_min=50))

    assert verdicts(bench, (0, 100), (60, 67), (120, 33), (180, 0)) == [GOOD] * 4


def stored(at_s: float, value: float, verdict: Verdict = GOOD) -> Reading:
    at = T0 + timedelta(seconds=at_s)
    return Reading(
        probe_key="p",
        kind=LEVEL,
        at=at,
        received_at=at,
        value=value,
        verdict=verdict,
        reasons=() if verdict is GOOD else (Reason.RATE,),
    )


def test_after_a_restart_the_last_stored_level_counts() -> None:
    bench = Bench(LEVEL)
    bench.restore(stored(0, 80), stored(0, 80))

    assert verdicts(bench, (600, 10), (660, 80)) == [SUSPECT, GOOD]


def test_doubt_survives_a_restart() -> None:
    bench = Bench(LEVEL)
    bench.restore(stored(0, 20), stored(60, 95, SUSPECT))

    found = verdicts(bench, *((60 * i, 95) for i in range(2, 5)))

    assert found == [SUSPECT, SUSPECT, GOOD]


@pytest.mark.parametrize("kind", [ChannelKind.DISSOLVED_OXYGEN, ChannelKind.ORP])
def test_other_kinds_without_a_rate_may_jump(kind: ChannelKind) -> None:
    bench = Bench(kind)

    assert verdicts(bench, (0, 2), (60, 12)) == [GOOD, GOOD]
