"""Rollups: buckets of the site, weights by time, holes, and the same result from any parts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.models.rollup import (
    ALWAYS,
    Bucket,
    Era,
    Figures,
    Point,
    RollupLevel,
    microseconds,
    moment_of,
    rollup_of,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.rollup_engine import (
    LONGEST_HOLD,
    bucket_of,
    bucket_within,
    merge,
    roll_up,
)

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 5, 1, 10, tzinfo=UTC)
HOUR = Bucket(START, START + timedelta(hours=1))


def points(*items: tuple[float, float], is_good: bool = True) -> list[Point]:
    """Return points at so many minutes after the start."""
    return [(microseconds(START + timedelta(minutes=m)), value, is_good) for m, value in items]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "starts_at", "ends_at"),
    [
        ("Europe/Berlin", "2026-05-01T10:59:59.999999", "2026-05-01T10:00", "2026-05-01T11:00"),
        ("Asia/Kolkata", "2026-05-01T10:15", "2026-05-01T09:30", "2026-05-01T10:30"),
        # The hour that comes twice is two buckets.
        ("Europe/Berlin", "2026-10-25T00:30", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("Europe/Berlin", "2026-10-25T01:30", "2026-10-25T01:00", "2026-10-25T02:00"),
        # Lord Howe: half an hour is repeated, from 2:00 to 1:30.
        ("Australia/Lord_Howe", "2026-04-04T14:59", "2026-04-04T14:00", "2026-04-04T15:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:15", "2026-04-04T15:00", "2026-04-04T15:30"),
        # And left out, from 2:00 to 2:30.
        ("Australia/Lord_Howe", "2026-10-03T15:29", "2026-10-03T14:30", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-10-03T15:45", "2026-10-03T15:30", "2026-10-03T16:00"),
    ],
)
def test_hours_are_those_of_the_local_clock(
    zone: str, at: str, starts_at: str, ends_at: str
) -> None:
    found = bucket_of(RollupLevel.HOUR, utc(at), ZoneInfo(zone))

    assert found == Bucket(utc(starts_at), utc(ends_at))


@pytest.mark.parametrize(
    ("zone", "at", "starts_at", "hours"),
    [
        ("Europe/Berlin", "2026-05-01T22:30", "2026-05-01T22:00", 24),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", 25),
        # Clocks go from 0:00 to 1:00, so the day begins at 1:00.
        ("Africa/Cairo", "2026-04-24T12:00", "2026-04-23T22:00", 23),
        ("America/Havana", "2026-11-01T12:00", "2026-11-01T04:00", 25),
    ],
)
def test_days_are_local_dates(zone: str, at: str, starts_at: str, hours: int) -> None:
    found = bucket_of(RollupLevel.DAY, utc(at), ZoneInfo(zone))

    assert found.starts_at == utc(starts_at)
    assert found.length_s == hours * 3600


@given(
    st.datetimes(
        datetime(2020, 1, 2),  # noqa: DTZ001
        datetime(2030, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.sampled_from(
        ["Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "UTC"]
    ).map(ZoneInfo),
)
def test_buckets_tile_the_time_and_hours_fill_days(at: datetime, zone: ZoneInfo) -> None:
    hour, day = (bucket_of(level, at, zone) for level in (RollupLevel.HOUR, RollupLevel.DAY))

    assert hour.starts_at <= at < hour.ends_at
    assert day.starts_at <= hour.starts_at
    assert hour.ends_at <= day.ends_at
    assert hour.length_s <= 3600
    assert bucket_of(RollupLevel.HOUR, hour.starts_at, zone) == hour
    assert bucket_of(RollupLevel.HOUR, hour.ends_at, zone).starts_at == hour.ends_at
    assert bucket_of(RollupLevel.DAY, day.ends_at, zone).starts_at == day.ends_at


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        bucket_of(RollupLevel.HOUR, datetime(2026, 5, 1), BERLIN)  # noqa: DTZ001


def test_mean_is_weighted_by_time() -> None:
    # 10 for 40 minutes, 20 for 10 and 30 for the last 10.
    found = roll_up(points((0, 10), (40, 20), (50, 30)), HOUR)

    assert found.covered_s == pytest.approx(3600 - 1200)
    # The median interval is 10 minutes, so 10 holds for 20 only.
    assert found.mean == pytest.approx((10 * 20 + 20 * 10 + 30 * 10) / 40)
    assert (found.reading_count, found.total, found.low, found.high) == (3, 60, 10, 30)
    assert found.count_mean == 20


def test_value_from_before_reaches_in() -> None:
    [before] = points((-10, 4))

    found = roll_up(points((10, 8), (30, 8), (50, 8)), HOUR, [before])

    assert found.covered_s == 3600
    assert found.mean == pytest.approx((4 * 10 + 8 * 50) / 60)
    assert found.reading_count == 3


def test_hole_stays_a_hole() -> None:
    # Every minute until 10 past, and again from 50 past on.
    minutes = [*range(11), *range(50, 60)]

    found = roll_up(points(*((float(minute), 5.0) for minute in minutes)), HOUR)

    # The value of 10 past speaks for two intervals.
    assert found.covered_s == (10 + 2 + 10) * 60
    rolled = rollup_of("p", ChannelKind.EC, RollupLevel.HOUR, HOUR, found)
    assert rolled.coverage_ratio == pytest.approx(22 / 60)
    assert (rolled.bucket, rolled.figures, rolled.mean) == (HOUR, found, found.mean)


def test_rare_reports_speak_for_two_hours_at_most() -> None:
    [long_before] = points((-121, 1))
    day = Bucket(START, START + timedelta(hours=24))

    found = roll_up(points((300, 2), (900, 4)), day, [long_before])

    assert found.covered_s == 2 * LONGEST_HOLD.total_seconds()
    assert found.mean == 3


def test_single_reading_covers_nothing_and_has_a_mean() -> None:
    found = roll_up(points((30, 7)), HOUR)

    assert (found.covered_s, found.mean) == (0, 7)


def test_only_good_readings_count() -> None:
    mixed = sorted(points((0, 1), (20, 1), (40, 1)) + points((10, 99), is_good=False))

    found = roll_up(mixed, HOUR)
    none = roll_up(points((10, 99), is_good=False), HOUR)

    assert (found.reading_count, found.high, found.suspect_count) == (3, 1, 1)
    assert found.covered_s == 3600
    assert none == Figures(suspect_count=1)
    assert none.mean is None


def test_the_day_of_the_specification() -> None:
    # 12 samples of 20 in one hour and 1 of 30 in another one.
    first = roll_up(points(*((5.0 * n, 20.0) for n in range(12))), HOUR)
    other = roll_up(points((60, 30)), Bucket(HOUR.ends_at, HOUR.ends_at + timedelta(hours=1)))

    day = merge([first, other])

    assert day.count_mean == pytest.approx(20.77, abs=0.005)
    assert (day.reading_count, day.low, day.high) == (13, 20, 30)


def test_moments_are_kept_to_the_microsecond() -> None:
    at = START + timedelta(microseconds=1)

    assert moment_of(microseconds(at)) == at


readings = st.lists(
    st.tuples(st.integers(0, 6 * 3600), st.floats(0, 100), st.booleans()),
    max_size=60,
    unique_by=lambda item: item[0],
)


@given(readings, st.integers(1, 5))
def test_whole_is_what_its_parts_come_to(items: list[tuple[int, float, bool]], cut: int) -> None:
    """Hours merged in any grouping give the figures of all, and extremes and counts of raw."""
    made: list[Point] = sorted(
        (microseconds(START + timedelta(seconds=s)), value, good) for s, value, good in items
    )
    hours = []
    for number in range(6):
        bucket = Bucket(
            START + number * timedelta(hours=1), START + (number + 1) * timedelta(hours=1)
        )
        low, high = microseconds(bucket.starts_at), microseconds(bucket.ends_at)
        earlier = [point for point in made if point[0] < low and point[2]]
        inside = [point for point in made if low <= point[0] < high]
        hours.append(roll_up(inside, bucket, earlier[-2:]))
    good = [
        value
        for at_us, value, is_good in made
        if is_good and at_us < microseconds(START) + 6 * 3600 * 10**6
    ]

    whole = merge(hours)
    in_two = merge([merge(hours[:cut]), merge(hours[cut:])])

    assert (whole.reading_count, whole.low, whole.high) == (
        len(good),
        min(good, default=None),
        max(good, default=None),
    )
    assert in_two[:1] + in_two[4:] == whole[:1] + whole[4:]
    assert in_two[1:4] == pytest.approx(whole[1:4])
    assert 0 <= whole.covered_s <= 6 * 3600
    if whole.mean is not None and whole.low is not None and whole.high is not None:
        assert whole.low - 1e-6 <= whole.mean <= whole.high + 1e-6 or whole.reading_count == 0


def held_by_the_second(
    points: list[Point], bucket: Bucket, before: list[Point]
) -> tuple[int, float]:
    """Return seconds that are covered, and value x time, by asking for each second who speaks."""
    good = [point for point in points if point[2]]
    start_us = microseconds(bucket.starts_at)
    near = [point for point in before if start_us - point[0] <= 7200 * 10**6]
    if good:
        good = [*near[-1:], *good]
    elif near:
        good = [point for point in before if near[-1][0] - point[0] <= 7200 * 10**6][-2:]
    if len(good) < 2:
        return 0, 0.0
    gaps = sorted(later[0] - earlier[0] for earlier, later in pairwise(good))
    hold_us = min(2 * gaps[(len(gaps) - 1) // 2], 7200 * 10**6)
    speaking = []
    for second in range(int(bucket.length_s)):
        at_us = start_us + second * 10**6
        heard = [point for point in good if point[0] <= at_us]
        if heard and at_us < heard[-1][0] + hold_us:
            speaking.append(heard[-1][1])
    return len(speaking), sum(speaking)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-16_000, 3599), st.floats(0, 100), st.booleans()),
        max_size=12,
        unique_by=lambda item: item[0],
    )
)
def test_mean_is_integral_by_covered_time(items: list[tuple[int, float, bool]]) -> None:
    made: list[Point] = sorted(
        (microseconds(START + timedelta(seconds=s)), value, good) for s, value, good in items
    )
    start_us = microseconds(START)
    before = [point for point in made if point[0] < start_us and point[2]]
    inside = [point for point in made if point[0] >= start_us]

    found = roll_up(inside, HOUR, before)
    covered_s, integral = held_by_the_second(inside, HOUR, before)

    assert found.covered_s == covered_s
    assert found.integral == pytest.approx(integral)
    if covered_s:
        assert found.mean == pytest.approx(integral / covered_s)
    assert found.reading_count == sum(point[2] for point in inside)


@given(st.integers(5, 120), st.lists(st.floats(0, 100), min_size=60, max_size=60))
def test_hours_of_a_steady_probe_come_to_the_same_as_their_whole(
    interval_min: int, values: list[float]
) -> None:
    """However rarely it reports, down to once in two hours."""
    made = points(*((float(n * interval_min), value) for n, value in enumerate(values)))
    whole = Bucket(START, START + timedelta(hours=5))

    parts = []
    for number in range(5):
        bucket = Bucket(
            START + number * timedelta(hours=1), START + (number + 1) * timedelta(hours=1)
        )
        low, high = microseconds(bucket.starts_at), microseconds(bucket.ends_at)
        inside = [point for point in made if low <= point[0] < high]
        # It has been heard before with the same value.
        earlier = [point for point in made if point[0] < low]
        first = points((-2.0 * interval_min, values[0]), (-1.0 * interval_min, values[0]))
        parts.append(roll_up(inside, bucket, [*first, *earlier][-2:]))
    merged = merge(parts)
    at_once = roll_up([point for point in made if point[0] < microseconds(whole.ends_at)], whole)

    assert merged.covered_s == 5 * 3600
    assert merged.reading_count == at_once.reading_count
    if at_once.reading_count > 1:
        assert at_once.covered_s == 5 * 3600
        assert merged.mean == pytest.approx(at_once.mean)


@given(
    st.datetimes(
        datetime(2026, 1, 2),  # noqa: DTZ001
        datetime(2026, 12, 30),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    st.lists(
        st.tuples(
            st.datetimes(
                datetime(2026, 1, 2),  # noqa: DTZ001
                datetime(2026, 12, 30),  # noqa: DTZ001
                timezones=st.just(UTC),
            ),
            st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
        ),
        max_size=3,
        unique_by=lambda item: item[0],
    ),
)
def test_buckets_tile_the_time_over_changes_of_the_zone(
    at: datetime, moves: list[tuple[datetime, str]]
) -> None:
    eras = [Era(ALWAYS, BERLIN), *(Era(moment, ZoneInfo(zone)) for moment, zone in sorted(moves))]

    for level in RollupLevel:
        bucket = bucket_within(level, at, eras)
        following = bucket_within(level, bucket.ends_at, eras)

        assert bucket.starts_at <= at < bucket.ends_at
        assert bucket_within(level, bucket.starts_at, eras) == bucket
        assert following.starts_at == bucket.ends_at
        for era in eras[1:]:
            assert not bucket.starts_at < era.from_at < bucket.ends_at
