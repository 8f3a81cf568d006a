"""When a probe hung in which place: moves, archives, and what an older version stored."""

from datetime import datetime, timedelta

import pytest

from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.models.rollup import ALWAYS, Bucket
from kamerplanter_engines.models.telemetry import MOST_STAYS, ChannelKind, Probe
from kamerplanter_engines.stay_engine import EVER, here_since, is_of_place, moved, stays_in
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


# --- Tanks and pots -------------------------------------------------------------------------


def put(before: Probe, now: datetime, **keys: str | None) -> Probe:
    places = {"tank_key": None, "plant_key": None, "location_key": None, **keys}
    placed_at, stays = moved(
        before,
        places["location_key"],
        now,
        tank_key=places["tank_key"],
        plant_key=places["plant_key"],
    )
    return before.model_copy(update={"placed_at": placed_at, "stays": stays, **places})


@pytest.mark.parametrize(
    ("was", "comes", "is_move"),
    [
        ({"tank_key": "a"}, {"tank_key": "a"}, False),
        ({"tank_key": "a"}, {"tank_key": "b"}, True),
        ({"tank_key": "a"}, {"plant_key": "a"}, True),
        ({"plant_key": "a"}, {"plant_key": "b"}, True),
        ({"plant_key": "a"}, {"tank_key": "a"}, True),
        ({"tank_key": "a"}, {"location_key": "a"}, True),
        ({"location_key": "a"}, {"tank_key": "a"}, True),
        ({}, {"tank_key": "a"}, True),
        # It lies on a shelf, which is no place.
        ({"tank_key": "a"}, {}, False),
        # It is where it was, and not in the other place any more.
        ({"tank_key": "a", "plant_key": "p"}, {"tank_key": "a"}, False),
        ({"tank_key": "a", "plant_key": "p"}, {"tank_key": "a", "plant_key": "q"}, True),
        ({"tank_key": "a"}, {"tank_key": "a", "plant_key": "p"}, True),
    ],
)
def test_coming_to_another_tank_pot_or_location_is_a_move(
    was: dict[str, str], comes: dict[str, str], is_move: bool
) -> None:
    after = put(probe(**was), NOW, **comes)

    assert after.placed_at == (NOW if is_move else None)


def test_there_and_back_between_tanks_are_two_moves() -> None:
    away = put(probe(tank_key="a"), NOW, tank_key="b")
    back = put(away, NOW + HOUR, tank_key="a")
    shelf = put(back, NOW + 2 * HOUR)
    again = put(shelf, NOW + 3 * HOUR, tank_key="a")

    assert away.placed_at == NOW
    assert back.placed_at == NOW + HOUR
    assert shelf.placed_at == NOW + HOUR
    assert again.placed_at == NOW + 3 * HOUR
    assert again.stays == ()


def test_a_location_keeps_its_time_over_a_tank() -> None:
    in_tank = put(probe("a"), NOW, tank_key="t")
    back = put(in_tank, NOW + HOUR, location_key="a")

    assert stays_in(in_tank, "a") == [Bucket(ALWAYS, NOW)]
    assert stays_in(back, "a") == [Bucket(ALWAYS, NOW), Bucket(NOW + HOUR, EVER)]


@pytest.mark.parametrize(
    ("heard_s", "placed_s"),
    [
        (-30, 0),
        # Whoever heard it has a clock that is a little ahead.
        (90, 90.000001),
        # More than clocks differ by: that clock was wrong.
        (600, 0),
    ],
)
def test_what_is_known_already_was_measured_before_the_move(
    heard_s: float, placed_s: float
) -> None:
    heard_at = NOW + timedelta(seconds=heard_s)
    placed_at, _ = moved(probe(tank_key="a"), None, NOW, tank_key="b", heard_at=heard_at)

    assert placed_at == NOW + timedelta(seconds=placed_s)


def test_only_what_was_measured_here_is_of_here() -> None:
    assert is_of_place(NOW, NOW)
    assert not is_of_place(NOW - timedelta(microseconds=1), NOW)
    # It never moved, or an older version did not note it.
    assert is_of_place(NOW - 100 * HOUR, None)
    with pytest.raises(NaiveTimeError):
        is_of_place(NOW.replace(tzinfo=None), NOW)


def test_what_a_device_says_of_itself_is_of_no_place() -> None:
    here = probe(tank_key="a", placed_at=NOW)

    assert here_since(here, ChannelKind.EC) == NOW
    assert here_since(here, ChannelKind.EC, NOW) == NOW
    # The clock went back by an hour since the move: nobody knows when that was.
    assert here_since(here, ChannelKind.EC, NOW - HOUR) is None
    assert here_since(here, ChannelKind.SOIL_MOISTURE) == NOW
    assert here_since(here, ChannelKind.BATTERY) is None
    assert here_since(here, ChannelKind.SIGNAL) is None
    assert here_since(probe(tank_key="a"), ChannelKind.EC) is None
