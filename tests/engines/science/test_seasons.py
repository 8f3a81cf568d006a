"""Seasons by hemisphere, and intervals that change with them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.science.seasons import (
    first_day_within,
    interval_end,
    is_southern,
    is_winter,
    local_months,
    season_start,
)

NORTH, SOUTH = 52.5, -33.9


@pytest.mark.parametrize(
    ("on", "latitude", "expected"),
    [
        pytest.param(date(2025, 11, 30), NORTH, False, id="November"),
        pytest.param(date(2025, 12, 1), NORTH, True, id="December"),
        pytest.param(date(2028, 2, 29), NORTH, True, id="leap day"),
        pytest.param(date(2026, 3, 1), NORTH, False, id="March"),
        pytest.param(date(2026, 5, 31), SOUTH, False, id="May in the south"),
        pytest.param(date(2026, 6, 1), SOUTH, True, id="June in the south"),
        pytest.param(date(2026, 8, 31), SOUTH, True, id="August in the south"),
        pytest.param(date(2026, 12, 24), SOUTH, False, id="December in the south"),
        pytest.param(date(2026, 1, 1), None, True, id="unknown place"),
        pytest.param(date(2026, 1, 1), 0.0, True, id="equator"),
    ],
)
def test_winter_depends_on_the_hemisphere(
    on: date, latitude: float | None, *, expected: bool
) -> None:
    assert is_winter(on, latitude) is expected


def test_months_shift_by_six_in_the_south() -> None:
    assert local_months((3, 4, 9, 12), NORTH) == {3, 4, 9, 12}
    assert local_months((3, 4, 9, 12), SOUTH) == {9, 10, 3, 6}
    assert local_months((), SOUTH) == frozenset()


@pytest.mark.parametrize(
    ("interval_d", "days"), [(1, 1), (7, 7), (10.5, 11), (0.5, 1), (49, 49), (365, 365)]
)
def test_constant_interval_ends_after_its_days(interval_d: float, days: int) -> None:
    since = date(2026, 3, 1)

    assert interval_end(since, lambda _day: interval_d) == since + timedelta(days=days)


@pytest.mark.parametrize(
    ("on", "months", "expected"),
    [
        pytest.param(date(2026, 6, 15), {4, 5, 6}, date(2026, 4, 1), id="run"),
        pytest.param(date(2026, 4, 1), {4, 5, 6}, date(2026, 4, 1), id="first day"),
        pytest.param(date(2027, 2, 3), {10, 11, 12, 1, 2}, date(2026, 10, 1), id="over new year"),
        pytest.param(date(2026, 9, 3), {4, 5, 9}, date(2026, 9, 1), id="second run"),
        pytest.param(date(2026, 7, 1), {4, 5, 6}, None, id="outside"),
        pytest.param(date(2026, 7, 1), set(range(1, 13)), None, id="all year"),
    ],
)
def test_season_starts_with_its_unbroken_run(
    on: date, months: set[int], expected: date | None
) -> None:
    assert season_start(on, months) == expected


@pytest.mark.parametrize(
    ("on", "months", "expected"),
    [
        pytest.param(date(2026, 5, 20), {5}, date(2026, 5, 20), id="inside"),
        pytest.param(date(2026, 1, 31), {2}, date(2026, 2, 1), id="short month"),
        pytest.param(date(2026, 12, 31), {11}, date(2027, 11, 1), id="next year"),
        pytest.param(date(2026, 12, 31), set(), None, id="never"),
    ],
)
def test_day_moves_to_the_first_of_the_next_month(
    on: date, months: set[int], expected: date | None
) -> None:
    assert first_day_within(on, months) == expected


latitudes = st.floats(0.01, 90)
dates = st.dates(date(2000, 1, 1), date(2060, 1, 1))


@given(dates, latitudes)
def test_a_month_is_winter_in_one_hemisphere_at_most(on: date, latitude: float) -> None:
    assert not (is_winter(on, latitude) and is_winter(on, -latitude))
    assert is_southern(-latitude)
    assert not is_southern(latitude)


@given(st.sets(st.integers(1, 12)), latitudes)
def test_shifting_twice_gives_the_months_back(months: set[int], latitude: float) -> None:
    assert local_months(local_months(months, -latitude), -latitude) == months


@given(dates, st.integers(0, 60), st.floats(0.2, 60), st.floats(0.2, 60))
def test_starting_later_never_ends_earlier(
    since: date, later_d: int, summer_d: float, winter_d: float
) -> None:
    def interval_on(day: date) -> float:
        return winter_d if is_winter(day, NORTH) else summer_d

    first = interval_end(since, interval_on)
    second = interval_end(since + timedelta(days=later_d), interval_on)

    assert since < first <= second
