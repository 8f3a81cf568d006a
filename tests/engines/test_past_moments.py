"""Moments that are said to have been: none ahead, none from before anything was kept."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kamerplanter_engines.errors import FutureTimeError, InvalidInputError
from kamerplanter_engines.models.base import EARLIEST, utc_past

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "moment", [NOW, NOW - HOUR, EARLIEST, EARLIEST.astimezone(timezone(timedelta(hours=-9)))]
)
def test_what_has_been_is_returned_in_utc(moment: datetime) -> None:
    assert utc_past(moment, NOW) == moment
    assert utc_past(moment, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "moment", [datetime(2, 1, 1, tzinfo=UTC), EARLIEST - timedelta(microseconds=1)]
)
def test_what_is_older_than_anything_is_refused_with_value_and_range(moment: datetime) -> None:
    with pytest.raises(InvalidInputError, match="too old to count") as refused:
        utc_past(moment, NOW)

    assert refused.value.field == "at"
    assert refused.value.placeholders["value"] == moment.isoformat()
    assert refused.value.placeholders["allowed"] == (
        "2000-01-01T00:00+00:00 – 2026-05-01T12:00+00:00"
    )


def test_the_first_moment_may_be_a_later_one() -> None:
    first = NOW - timedelta(days=90)

    assert utc_past(first, NOW, first) == first
    with pytest.raises(InvalidInputError, match="2026-01-31"):
        utc_past(first - HOUR, NOW, first)


def test_what_is_ahead_is_refused_and_a_little_ahead_is_now() -> None:
    assert utc_past(NOW + timedelta(minutes=2), NOW) == NOW
    with pytest.raises(FutureTimeError):
        utc_past(NOW + timedelta(minutes=3), NOW)


def test_now_is_early_enough_where_the_clock_was_never_set() -> None:
    unset = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)

    assert utc_past(unset, unset) == unset
    with pytest.raises(InvalidInputError, match="too old"):
        utc_past(unset - HOUR, unset)
