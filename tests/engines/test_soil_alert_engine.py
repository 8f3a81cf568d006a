"""Soil that readings tell to be dry, one after the other or many at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.soil_alert_engine import (
    falls_silent_at,
    is_news,
    judge_soil_run,
    keeps_moist,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LOW, HIGH = 22.0, 60.0
RULES: dict[str, Any] = {"started_at": None, "max_age_s": 8 * 3600.0, "hold_s": 1800.0}
UNKNOWN = PlantAlertFields(plant_key="p")


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def reading(value: float, minutes: float, **changes: Any) -> Reading:
    """Return what was measured so many minutes after now, and received now."""
    values: dict[str, Any] = {"received_at": NOW, "verdict": Verdict.GOOD, **changes}
    return Reading(
        probe_key="s", kind=ChannelKind.SOIL_MOISTURE, at=at(minutes), value=value, **values
    )


def judge(alert: PlantAlertFields, *readings: Reading | None, **changes: Any) -> PlantAlertFields:
    values = {"low": LOW, "high": HIGH, "now": NOW, **RULES, **changes}
    return judge_soil_run(alert, values.pop("low"), values.pop("high"), readings, **values)


def test_what_a_device_had_buffered_says_nothing_after_what_is_newer() -> None:
    moist = judge(UNKNOWN, reading(45, -1))

    assert moist.last_reading_at == at(-1)
    assert judge(moist, reading(20, -120), reading(20.5, -110)) == moist


def test_dry_soil_does_not_end_by_what_was_measured_before() -> None:
    dry = judge(UNKNOWN, reading(12, -60), reading(12, -20))

    assert dry.is_dry is True
    assert judge(dry, reading(45, -40)) == dry


def test_a_dry_time_that_ended_before_it_was_heard_of_is_none() -> None:
    """Dry for ten minutes, then inside the margin; half an hour would have been a problem."""
    judged = judge(UNKNOWN, reading(20, -120), reading(20, -115), reading(22.5, -110))

    assert judged == PlantAlertFields(plant_key="p", last_reading_at=at(-110))


def test_soil_that_was_dry_until_the_next_reading_stays_so_inside_the_margin() -> None:
    judged = judge(UNKNOWN, reading(20, -120), reading(20, -115), reading(22.5, -80))

    assert (judged.is_dry, judged.since) == (True, at(-80))


def test_after_the_last_reading_time_goes_on_to_now() -> None:
    assert judge(UNKNOWN, reading(20, -31), reading(20, -30)).is_dry is True
    assert judge(UNKNOWN, reading(20, -29), reading(20, -28)).is_dry is False


def test_a_last_reading_from_ahead_holds_nothing_up() -> None:
    ahead = PlantAlertFields(plant_key="p", last_reading_at=at(60))

    assert judge(ahead, reading(12, -40), reading(12, -5)).is_dry is True


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(reading(45, -1, verdict=Verdict.SUSPECT), id="suspect"),
        pytest.param(reading(45, -481), id="too old"),
        pytest.param(None, id="none"),
    ],
)
def test_what_decides_nothing_hides_nothing_that_comes_later(seen: Reading | None) -> None:
    assert judge(UNKNOWN, seen).last_reading_at is None


def test_limits_that_were_taken_away_end_it_even_if_the_reading_is_late() -> None:
    dry = judge(UNKNOWN, reading(12, -60), reading(12, -20))

    assert judge(dry, reading(12, -60), low=None, high=None) == UNKNOWN


STEPS = st.lists(
    st.tuples(st.floats(0.1, 45), st.sampled_from([12.0, 22.5, 45.0, 59.0, 88.0])),
    min_size=1,
    max_size=10,
)
"""Minutes since the one before, and the value: dry, inside within a margin, moist, wet."""


@given(STEPS, st.floats(0, 60))
@example([(1, 12.0), (1, 12.0), (1, 22.5)], 40)
def test_readings_that_come_late_say_what_they_would_have_said_live(
    steps: list[tuple[float, float]], quiet_min: float
) -> None:
    minutes = -(sum(step for step, _ in steps) + quiet_min)
    readings: list[Reading] = []
    for step, value in steps:
        minutes += step
        readings.append(reading(value, minutes))

    live, newest = UNKNOWN, None
    for one in readings:
        heard = one.model_copy(update={"received_at": one.at})
        # The clock is looked at all the time, a reading when it comes.
        live = judge(live, newest, now=one.at)
        live = judge(live, heard, now=one.at)
        newest = heard
    live = judge(live, newest)
    late = judge(UNKNOWN, *readings)

    assert late.model_copy(update={"since": live.since}) == live


@pytest.mark.parametrize(
    ("measured", "started", "expected"),
    [
        (None, -600, None),
        (-60, -600, 420),  # 8 h after it was measured
        (-60, None, 420),
        (-600, -5, 5),  # too old already, and ten minutes after the start not yet over
        (-600, -600, -120),
    ],
)
def test_a_probe_is_missed_when_its_value_is_too_old_and_it_had_time_to_speak(
    measured: float | None, started: float | None, expected: float | None
) -> None:
    silent_at = falls_silent_at(
        None if measured is None else reading(40, measured),
        started_at=None if started is None else at(started),
        max_age_s=8 * 3600,
    )

    assert silent_at == (None if expected is None else at(expected))


def test_f_74_only_what_stays_wet_for_the_hold_time_is_too_wet() -> None:
    watered = [reading(value, minutes) for value, minutes in ((24, -40), (88, -30), (71, -20))]

    drained = judge(UNKNOWN, *watered, reading(58, -10), reading(52, 0))
    soaked = judge(UNKNOWN, *watered, reading(66, -1), reading(64, 0))

    assert (drained.is_wet, drained.wet_pending_since) == (False, None)
    assert (soaked.is_wet, soaked.wet_pending_since) == (True, at(-30))
    # One reading is none that stayed, however long ago it was.
    assert judge(UNKNOWN, reading(88, -60)).is_wet is False


def test_wet_soil_ends_two_points_below_its_limit_and_by_nothing_else() -> None:
    wet = judge(UNKNOWN, reading(70, -40), reading(70, -5))

    assert judge(wet, None).is_wet is True
    assert judge(wet, reading(20, -50)).is_wet is True  # late
    assert judge(wet, reading(59, -4)).is_wet is True
    assert judge(wet, reading(58, -4)).is_wet is False
    assert judge(wet, reading(12, -4), high=None).is_wet is False


def test_one_who_measures_just_after_watering_is_not_told_that_it_is_wet() -> None:
    by_hand = judge(UNKNOWN, reading(88, 0), hold_s=None)

    assert (by_hand.is_wet, by_hand.is_dry) == (False, False)
    assert judge(by_hand, reading(70, 31), now=at(31), hold_s=None).is_wet is True
    assert judge(UNKNOWN, reading(12, 0), hold_s=None).is_dry is True


def test_readings_within_their_limits_keep_the_soil_moist() -> None:
    moist = [reading(22, -3), reading(60, -2)]

    assert keeps_moist(LOW, HIGH, moist) is True
    assert keeps_moist(LOW, None, [*moist, reading(99, -1)]) is True
    assert keeps_moist(None, HIGH, [reading(3, -1)]) is True
    assert keeps_moist(LOW, HIGH, [*moist, reading(20, -1)]) is False
    assert keeps_moist(LOW, HIGH, [*moist, reading(60.1, -1)]) is False
    assert keeps_moist(None, None, moist) is False


def test_while_the_soil_is_moist_the_last_reading_is_no_news() -> None:
    seen = UNKNOWN.model_copy(update={"last_reading_at": at(-10)})
    later = UNKNOWN.model_copy(update={"last_reading_at": at(-1)})
    waiting = later.model_copy(update={"pending_since": at(-1)})
    soaking = later.model_copy(update={"wet_pending_since": at(-1)})

    assert is_news(seen, soaking) is True
    assert is_news(soaking, soaking.model_copy(update={"last_reading_at": at(0)})) is True
    assert is_news(seen, later) is False
    assert is_news(UNKNOWN, later) is False
    assert is_news(later, seen) is True  # the clock went back
    assert is_news(seen, UNKNOWN) is True
    assert is_news(seen, waiting) is True
    assert is_news(waiting, later) is True
    assert is_news(waiting, waiting.model_copy(update={"last_reading_at": at(0)})) is True
