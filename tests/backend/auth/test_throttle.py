"""How long a name waits, as a table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_backend.auth.throttle import (
    LONGEST_DELAY,
    count_after_failure,
    delay_after,
    wait_before_next,
)

FAILED_AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [
        (0, 0),
        (1, 0),
        (4, 0),
        (5, 5),
        (6, 10),
        (7, 20),
        (8, 40),
        (9, 80),
        (10, 160),
        (11, 320),
        (12, 640),
        (13, 900),
        (14, 900),
        (1000, 900),
        (10**9, 900),
    ],
)
def test_delay_doubles_up_to_a_quarter_of_an_hour(failures: int, delay_s: int) -> None:
    assert delay_after(failures) == timedelta(seconds=delay_s)


@pytest.mark.parametrize(
    ("failures", "passed_s", "wait_s"),
    [
        (4, 0, 0),
        (5, 0, 5),
        (5, 4, 1),
        (5, 5, 0),
        (5, 60, 0),
        (13, 899, 1),
        (13, 900, 0),
        (5, -3600, 5),  # the clock was set back: the whole delay, not an hour more
    ],
)
def test_wait_counts_from_the_last_failure(failures: int, passed_s: int, wait_s: int) -> None:
    now = FAILED_AT + timedelta(seconds=passed_s)

    assert wait_before_next(failures, FAILED_AT, now) == timedelta(seconds=wait_s)


@pytest.mark.parametrize(("passed_h", "count"), [(0, 8), (23.9, 8), (24, 1), (1000, 1)], ids=str)
def test_count_starts_anew_after_a_day(passed_h: float, count: int) -> None:
    now = FAILED_AT + timedelta(hours=passed_h)

    assert count_after_failure(7, FAILED_AT, now) == count


@given(st.integers(0, 10**6), st.integers(-(10**6), 10**6))
def test_nobody_waits_longer_than_the_longest_delay(failures: int, passed_s: int) -> None:
    wait = wait_before_next(failures, FAILED_AT, FAILED_AT + timedelta(seconds=passed_s))

    assert timedelta(0) <= wait <= LONGEST_DELAY
