"""When a probe hung in which place: moves, archives, and what an older version stored."""

from datetime import datetime, timedelta

import pytest

from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.models.rollup import ALWAYS, Bucket
from kamerplanter_engines.models.telemetry import MOST_STAYS, Probe
from kamerplanter_engines.stay_engine import EVER, moved, stays_in
from tests.factories import NOW

HOUR = timedelta(hours=1)


def probe(location_key: str | None = None, **fields: object) -> Probe:
    values = {
        "name": "Probe",
        "key": "probe",
        "tenant_key": "local",
        "revision": 1,
        "created_at": NOW,
        "updated_at": NOW,
        "location_key": location_key,
    }
    return Probe.model_validate({**values, **fields})


def move(before: Probe, location_key: str | None, now: datetime) -> Probe:
    placed_at, stays = moved(before, location_key, now)
    changes = {"placed_at": placed_at, "stays": stays, "location_key": location_key}
    return before.model_copy(update=changes)


def test_one_that_never_moved_was_always_there() -> None:
    assert stays_in(probe("a"), "a") == [Bucket(ALWAYS, EVER)]
    assert stays_in(probe("a"), "b") == []
    assert stays_in(probe(), "a") == []
    # So an older version stored it.
    assert stays_in(probe("a", placed_at=NOW), "a") == [Bucket(NOW, EVER)]


@pytest.mark.parametrize("between", [None, "b"])
def test_there_and_back_leaves_a_hole(between: str | None) -> None:
    away = move(probe("a"), between, NOW)
    back = move(away, "a", NOW + HOUR)

    assert stays_in(away, "a") == [Bucket(ALWAYS, NOW)]
    assert stays_in(back, "a") == [Bucket(ALWAYS, NOW), Bucket(NOW + HOUR, EVER)]
    assert stays_in(back, "b") == ([Bucket(NOW, NOW + HOUR)] if between else [])
    assert back.placed_at == NOW + HOUR


def test_what_stays_keeps_its_history() -> None:
    before = move(move(probe("a"), "b", NOW), "a", NOW + HOUR)

    assert move(before, "a", NOW + 2 * HOUR) == before


def test_an_archived_one_was_there_until_then() -> None:
    gone = probe("a", archived_at=NOW)
    revived = move(gone, "b", NOW + HOUR).model_copy(update={"archived_at": None})

    assert stays_in(gone, "a") == [Bucket(ALWAYS, NOW)]
    assert stays_in(revived, "a") == [Bucket(ALWAYS, NOW)]
    assert stays_in(revived, "b") == [Bucket(NOW + HOUR, EVER)]


def test_no_more_than_the_newest_are_kept() -> None:
    item = probe("a")
    for number in range(MOST_STAYS + 10):
        item = move(item, "ba"[number % 2], NOW + number * HOUR)

    assert len(item.stays) == MOST_STAYS
    assert item.stays[0].until_at == NOW + 10 * HOUR
    assert Probe.model_validate_json(item.model_dump_json()) == item


def test_two_moves_at_once_leave_no_stay_of_no_length() -> None:
    twice = move(move(probe("a"), "b", NOW), "c", NOW)

    assert [stay.location_key for stay in twice.stays] == ["a"]
    with pytest.raises(NaiveTimeError):
        moved(probe("a"), "b", NOW.replace(tzinfo=None))
