"""Many readings of a tank at once say what they say one after the other."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import example, given, strategies as st

from kamerplanter_engines.alert_run_engine import is_news, judge_run, keeps_within
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Side,
    TankAlertFields,
    TankProblem,
)
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.tank_engine import judge_alert

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
NOW = START + timedelta(hours=1)
BAND = Band(low=1.2, high=2.0)
NUMBERS: dict[str, Any] = {"now": NOW, "started_at": START, "max_age_s": 3000.0, "hold_s": 300.0}
QUIET = TankAlertFields(tank_key="t", kind=TankProblem.EC)


def reading(value: float, minutes: float, verdict: Verdict = Verdict.GOOD) -> Reading:
    at = START + timedelta(minutes=minutes)
    return Reading(
        probe_key="p", kind=ChannelKind.EC, at=at, received_at=at, value=value, verdict=verdict
    )


READINGS = st.lists(
    st.one_of(
        st.none(),
        st.builds(
            reading,
            st.sampled_from([0.5, 1.2, 1.6, 1.9, 2.0, 2.3, 2.6]),
            st.floats(-30, 70),
            st.sampled_from([Verdict.GOOD, Verdict.GOOD, Verdict.SUSPECT]),
        ),
    ),
    max_size=30,
)
ALERTS = st.one_of(
    st.just(QUIET),
    st.builds(
        lambda state, minutes: QUIET.model_copy(
            update={
                "state": state,
                "side": None if state is AlertState.INACTIVE else Side.HIGH,
                "since": None
                if state is AlertState.INACTIVE
                else START + timedelta(minutes=minutes),
                "last_reading_at": START + timedelta(minutes=minutes),
                "last_value": 2.3,
                "out_of_band_count": 1,
            }
        ),
        st.sampled_from(AlertState),
        st.floats(-10, 80),
    ),
)


@given(ALERTS, READINGS)
def test_a_run_is_judged_as_its_readings_one_by_one(
    alert: TankAlertFields, readings: list[Reading | None]
) -> None:
    in_order = sorted(readings, key=lambda one: START if one is None else one.at)

    run = judge_run(alert, BAND, in_order, **NUMBERS)

    one_by_one = alert
    for one, following in pairwise([*in_order, None]):
        until = NOW if following is None else min(following.at, NOW)
        one_by_one = judge_alert(one_by_one, BAND, one, held_at=until, **NUMBERS)
    assert run == one_by_one


NEVER_TOO_OLD: dict[str, Any] = {"started_at": None, "max_age_s": 21_600.0, "hold_s": 300.0}
STEPS = st.lists(
    st.tuples(st.floats(0.1, 12), st.sampled_from([1.0, 1.6, 1.95, 2.3])), min_size=1, max_size=20
)
"""Minutes since the one before, and the value: too low, inside, inside within the margin, high."""


@given(STEPS, st.floats(0, 20))
@example([(1, 2.3), (1, 2.3), (1, 1.95), (1, 1.95), (1, 1.95)], 20)
def test_readings_that_come_late_say_what_they_would_have_said_live(
    steps: list[tuple[float, float]], quiet_min: float
) -> None:
    minutes, readings = 0.0, []
    for step, value in steps:
        minutes += step
        readings.append(reading(value, minutes - 240))
    late_at = readings[-1].at + timedelta(minutes=quiet_min)
    late = [one.model_copy(update={"received_at": late_at}) for one in readings]

    live = QUIET
    for one in readings:
        # The clock is looked at all the time, a reading when it comes.
        live = judge_alert(live, BAND, None, now=one.at, **NEVER_TOO_OLD)
        live = judge_alert(live, BAND, one, now=one.at, **NEVER_TOO_OLD)
    live = judge_alert(live, BAND, None, now=late_at, **NEVER_TOO_OLD)
    at_once = judge_run(QUIET, BAND, late, now=late_at, **NEVER_TOO_OLD)

    assert at_once.model_copy(update={"raised_at": live.raised_at}) == live


def test_a_problem_that_came_and_nearly_went_unseen_is_none() -> None:
    """High for two minutes, two hours ago; then inside, though not clearly."""
    values = [(0, 2.3), (1, 2.3), (2, 1.95), (3, 1.95), (4, 1.95)]
    late_at = START + timedelta(hours=2)
    late = [
        reading(value, minutes).model_copy(update={"received_at": late_at})
        for minutes, value in values
    ]

    run = judge_run(QUIET, BAND, late, now=late_at, **NEVER_TOO_OLD)

    assert run.state is AlertState.INACTIVE


def test_what_was_out_of_band_long_enough_before_the_next_reading_is_a_problem() -> None:
    late = [reading(2.3, 0), reading(2.3, 1), reading(1.95, 6)]

    run = judge_run(QUIET, BAND, late, now=NOW, **NEVER_TOO_OLD)

    assert (run.state, run.since) == (AlertState.ACTIVE, START)


def test_only_the_newest_reading_inside_the_band_is_written_down() -> None:
    run = judge_run(QUIET, BAND, [reading(1.5, 20), reading(1.7, 30)], **NUMBERS)

    assert run == QUIET.model_copy(
        update={"last_reading_at": START + timedelta(minutes=30), "last_value": 1.7}
    )


def test_no_reading_changes_nothing() -> None:
    assert judge_run(QUIET, BAND, [], **NUMBERS) == QUIET


def test_readings_within_a_band_begin_no_problem() -> None:
    """A meter of EC shows hundredths: 2.004 is 2.00 and within, 2.01 is not."""
    inside = [reading(1.2, 1), reading(2.004, 2), reading(1.6, 3)]

    assert keeps_within(TankProblem.EC, BAND, inside) is True
    assert keeps_within(TankProblem.EC, BAND, [*inside, reading(2.01, 4)]) is False
    assert keeps_within(TankProblem.EC, BAND, [*inside, reading(1.19, 4)]) is False


def test_without_a_problem_the_last_reading_is_no_news() -> None:
    seen = QUIET.model_copy(update={"last_reading_at": START, "last_value": 1.5})
    later = seen.model_copy(update={"last_reading_at": NOW, "last_value": 1.6})
    pending = later.model_copy(update={"state": AlertState.PENDING, "side": Side.HIGH})

    assert is_news(seen, later) is False
    assert is_news(QUIET, later) is False
    assert is_news(later, seen) is True  # the clock went back
    assert is_news(seen, QUIET) is True
    assert is_news(seen, pending) is True
    assert is_news(pending, later) is True
    assert is_news(pending, pending.model_copy(update={"last_reading_at": START})) is True
    assert is_news(pending, pending) is False
