"""Periods of jobs, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.errors import InvalidInputError, NaiveTimeError
from kamerplanter_engines.models.schedule import Daily, Every, Weekly
from kamerplanter_engines.schedule_engine import next_opening, period

ZONES = sorted(zone for zone in available_timezones() if "/" in zone)
FIVE = Daily(at=time(5))


def utc_at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "now", "expected"),
    [
        pytest.param(FIVE, "Europe/Berlin", "2026-05-01T02:59:59", "2026-04-30", id="before"),
        pytest.param(FIVE, "Europe/Berlin", "2026-05-01T03:00:00", "2026-05-01", id="at"),
        pytest.param(FIVE, "America/Lima", "2026-05-01T09:59:59", "2026-04-30", id="Lima before"),
        pytest.param(FIVE, "America/Lima", "2026-05-01T10:00:00", "2026-05-01", id="Lima at"),
        pytest.param(
            Daily(at=time(2, 30)),
            "Europe/Berlin",
            "2026-03-29T00:59:59",
            "2026-03-28",
            id="gap not reached",
        ),
        pytest.param(
            Daily(at=time(2, 30, 15, 500)),
            "Europe/Berlin",
            "2026-03-29T01:00:00",
            "2026-03-29",
            id="first moment after the gap",
        ),
        pytest.param(
            Daily(at=time(2, 30)),
            "Europe/Berlin",
            "2026-10-25T00:29:59",
            "2026-10-24",
            id="first of two not reached",
        ),
        pytest.param(
            Daily(at=time(2, 30)),
            "Europe/Berlin",
            "2026-10-25T00:30:00",
            "2026-10-25",
            id="first of two",
        ),
        pytest.param(
            Daily(at=time(0, 10)),
            "America/Havana",
            "2026-11-01T04:30:00",
            "2026-11-01",
            id="hour after midnight comes twice",
        ),
        pytest.param(
            Daily(at=time(0)),
            "Africa/Cairo",
            "2026-04-23T22:00:00",
            "2026-04-24",
            id="midnight that does not exist",
        ),
        pytest.param(
            FIVE, "Pacific/Apia", "2011-12-30T14:59:59", "2011-12-29", id="day that was left out"
        ),
        pytest.param(FIVE, "Pacific/Apia", "2011-12-30T15:00:00", "2011-12-31", id="day after it"),
        pytest.param(
            Weekly(weekday=0, at=time(6)),
            "Europe/Berlin",
            "2026-05-04T03:59:59",
            "2026-04-27",
            id="week before",
        ),
        pytest.param(
            Weekly(weekday=0, at=time(6)),
            "Europe/Berlin",
            "2026-05-04T04:00:00",
            "2026-05-04",
            id="week at",
        ),
        pytest.param(
            Weekly(weekday=4, at=time(6)),
            "Pacific/Apia",
            "2012-01-05T00:00:00",
            "2011-12-23",
            id="week whose day was left out",
        ),
        pytest.param(
            Every(interval=timedelta(minutes=5)),
            "Europe/Berlin",
            "2026-05-01T10:07:00",
            "2026-05-01T10:05:00+00:00",
            id="span",
        ),
    ],
)
def test_open_period_is_the_one_that_began_last(
    schedule: Daily | Weekly | Every, zone: str, now: str, expected: str
) -> None:
    assert period(schedule, utc_at(now), ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        pytest.param(FIVE, "2026-05-01T02:59:59", "2026-05-01T03:00:00", id="today"),
        pytest.param(FIVE, "2026-05-01T03:00:00", "2026-05-02T03:00:00", id="tomorrow"),
        pytest.param(
            Daily(at=time(2, 30)), "2026-03-28T12:00:00", "2026-03-29T01:00:00", id="in a gap"
        ),
        pytest.param(
            Weekly(weekday=6, at=time(2, 30)),
            "2026-10-20T12:00:00",
            "2026-10-25T00:30:00",
            id="twice",
        ),
        pytest.param(
            Every(interval=timedelta(hours=1)),
            "2026-05-01T10:07:00",
            "2026-05-01T11:00:00",
            id="span",
        ),
    ],
)
def test_next_period_opens(schedule: Daily | Weekly | Every, now: str, expected: str) -> None:
    assert next_opening(schedule, utc_at(now), ZoneInfo("Europe/Berlin")) == utc_at(expected)


@pytest.mark.parametrize(
    "schedule",
    [
        Every(interval=timedelta(0)),
        Weekly(weekday=7, at=time(6)),
        Weekly(weekday=-1, at=time(6)),
    ],
    ids=str,
)
def test_schedule_that_never_comes_is_refused(schedule: Weekly | Every) -> None:
    with pytest.raises(InvalidInputError):
        period(schedule, utc_at("2026-05-01T00:00"), UTC)
    with pytest.raises(InvalidInputError):
        next_opening(schedule, utc_at("2026-05-01T00:00"), UTC)


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        period(FIVE, datetime(2026, 5, 1), UTC)  # noqa: DTZ001
    with pytest.raises(NaiveTimeError):
        next_opening(FIVE, datetime(2026, 5, 1), UTC)  # noqa: DTZ001


zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(
    datetime(1975, 1, 1),  # noqa: DTZ001
    datetime(2037, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
schedules = st.builds(Daily, at=st.times()) | st.builds(
    Weekly, weekday=st.integers(0, 6), at=st.times()
)


def _real_days(first: datetime, last: datetime, zone: ZoneInfo) -> set[date]:
    """List the local dates that a clock in a zone shows, looking every quarter of an hour."""
    steps = int((last - first) / timedelta(minutes=15))
    return {(first + step * timedelta(minutes=15)).astimezone(zone).date() for step in range(steps)}


@given(zones, moments, st.times())
def test_each_local_day_has_exactly_one_period(zone: ZoneInfo, now: datetime, at: time) -> None:
    schedule = Daily(at=at)
    end = now + timedelta(days=5)
    seen, moment = [period(schedule, now, zone)], now
    while (moment := next_opening(schedule, moment, zone)) < end:
        seen.append(period(schedule, moment, zone))

    assert sorted(set(seen)) == seen
    expected = {day.isoformat() for day in _real_days(now, end, zone)}
    # The first and the last day are cut off by the window.
    assert {day for day in expected if seen[0] <= day <= seen[-1]} == set(seen) & expected
    assert len(seen) >= len(expected) - 1


@given(zones, moments, schedules)
def test_period_changes_at_its_opening_and_not_before(
    zone: ZoneInfo, now: datetime, schedule: Daily | Weekly
) -> None:
    opening = next_opening(schedule, now, zone)

    before = period(schedule, opening - timedelta(microseconds=1), zone)

    assert opening > now
    assert before == period(schedule, now, zone)
    assert period(schedule, opening, zone) > before


@given(zones, moments, schedules, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_clock_that_jumps_back_never_opens_an_earlier_day_as_new(
    zone: ZoneInfo, now: datetime, schedule: Daily | Weekly, jump: timedelta
) -> None:
    assert period(schedule, now - jump, zone) <= period(schedule, now, zone)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Lima", "Australia/Lord_Howe"])
@pytest.mark.parametrize("start", ["2026-03-27T00:00", "2026-10-23T00:00", "2026-04-03T00:00"])
def test_ticks_of_five_minutes_run_each_local_day_once(zone: str, start: str) -> None:
    first = utc_at(start)
    ran: list[str] = []
    for tick in range(4 * 24 * 12):
        name = period(FIVE, first + tick * timedelta(minutes=5), ZoneInfo(zone))
        if name not in ran[-1:]:
            ran.append(name)

    assert len(ran) == len(set(ran)) == 5


@given(moments, st.timedeltas(timedelta(seconds=1), timedelta(days=40)))
def test_spans_follow_each_other_without_a_hole(now: datetime, interval: timedelta) -> None:
    schedule = Every(interval=interval)
    start = datetime.fromisoformat(period(schedule, now, UTC))
    following = next_opening(schedule, now, UTC)

    assert start <= now < following == start + interval
    assert datetime.fromisoformat(period(schedule, following, UTC)) == following
