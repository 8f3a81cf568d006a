"""Which thermometer of a place tells, and what it told before a moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from kamerplanter_engines.telemetry_state_engine import ChannelState
from kamerplanter_engines.warmth_engine import (
    MOST_REMEMBERED,
    Told,
    Warmth,
    held_at,
    hides_doubt,
    is_doubted,
    last_before,
    remember,
    remembered_before,
    witnesses,
)

T0 = datetime(2026, 5, 4, 8, tzinfo=UTC)
EC, SOIL_EC = ChannelKind.EC, ChannelKind.SOIL_EC
WATER, SOIL = ChannelKind.WATER_TEMPERATURE, ChannelKind.SOIL_TEMPERATURE
HOUR = timedelta(hours=1)
LATER = T0 + timedelta(days=99)


def probe(key: str, age_d: float, *kinds: ChannelKind, **place: Any) -> Probe:
    made_at = T0 - timedelta(days=age_d)
    channels = tuple(ChannelBinding(kind=kind, topic=f"{key}/{kind}") for kind in kinds)
    return Probe(
        key=key,
        tenant_key="home",
        name=key,
        channels=channels,
        created_at=made_at,
        updated_at=made_at,
        **place,
    )


def keys_of(asking: Probe, kind: ChannelKind, *others: Probe) -> list[str]:
    return [item.key for item in witnesses(asking, kind, others, lambda item: item)]


def test_itself_then_the_oldest_of_its_tank() -> None:
    meter = probe("meter", 1, EC, WATER, tank_key="a")
    others = [
        probe("new", 2, WATER, tank_key="a"),
        probe("old", 9, WATER, tank_key="a"),
        probe("blind", 10, EC, tank_key="a"),
        probe("soil", 10, SOIL, tank_key="a"),
        probe("elsewhere", 10, WATER, tank_key="b"),
        probe("loose", 10, WATER),
    ]

    assert keys_of(meter, EC, *others, meter) == ["meter", "old", "new"]


@pytest.mark.parametrize(
    ("kind", "expected"), [(EC, ["of tank"]), (SOIL_EC, ["of pot"])], ids=["water", "soil"]
)
def test_water_is_of_the_tank_and_soil_of_the_pot(kind: ChannelKind, expected: list[str]) -> None:
    meter = probe("meter", 1, EC, SOIL_EC, tank_key="a", plant_key="p")
    others = [
        probe("x1", 2, WATER, SOIL, tank_key="a", plant_key="q"),
        probe("x2", 3, WATER, SOIL, plant_key="p"),
    ]

    names = {"x1": "of tank", "x2": "of pot"}
    assert [names[key] for key in keys_of(meter, kind, *others)] == expected


def test_a_probe_without_a_place_has_only_itself() -> None:
    meter = probe("meter", 1, EC, WATER)

    assert keys_of(meter, EC, probe("loose", 2, WATER), meter) == ["meter"]


def told(last: Warmth | None, *, since: datetime = T0 - 99 * HOUR, max_age_s: float = 7200) -> Told:
    return Told("p", since, max_age_s, last)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), None),  # of the same moment: another order would give another value
        (timedelta(microseconds=1), 20.0),
        (2 * HOUR, 20.0),
        (2 * HOUR + timedelta(microseconds=1), None),
        (-HOUR, None),
    ],
)
def test_what_was_measured_before_and_is_not_too_old(
    age: timedelta, expected: float | None
) -> None:
    assert held_at(T0, [told(Warmth(T0 - age, 20.0))], T0 - 99 * HOUR) == expected


def test_the_next_one_where_the_first_is_too_old() -> None:
    found = [told(None), told(Warmth(T0 - 3 * HOUR, 10.0)), told(Warmth(T0 - HOUR, 20.0))]

    assert held_at(T0, found, T0 - 99 * HOUR) == 20.0
    assert held_at(T0, found[:2], T0 - 99 * HOUR) is None


@pytest.mark.parametrize(
    ("changed_at", "expected"),
    [
        (T0 - HOUR, 20.0),  # measured since
        (T0 - timedelta(minutes=30), None),
        (T0, None),
        (T0 + timedelta(minutes=1), 20.0),  # history: both of before
    ],
)
@pytest.mark.parametrize("whose", ["thermometer", "meter"])
def test_a_change_between_the_two_takes_it_away(
    whose: str, changed_at: datetime, expected: float | None
) -> None:
    long_ago = T0 - 99 * HOUR
    since, own = (changed_at, long_ago) if whose == "thermometer" else (long_ago, changed_at)

    assert held_at(T0, [told(Warmth(T0 - HOUR, 20.0), since=since)], own) == expected


def test_a_course_is_the_same_in_any_order_and_bounded() -> None:
    one: list[Warmth] = []
    other: list[Warmth] = []
    numbers = range(MOST_REMEMBERED + 20)
    for number in numbers:
        remember(one, T0 + number * HOUR, float(number), LATER)
    for number in reversed(numbers):
        remember(other, T0 + number * HOUR, float(number), LATER)

    assert one == other
    assert len(one) == MOST_REMEMBERED
    assert last_before(one, T0) is None
    assert last_before(one, T0 + 99 * HOUR) == Warmth(T0 + 98 * HOUR, 98.0)
    assert last_before(one, T0 + 5 * HOUR) is None


def test_what_is_doubted_silences_what_was_told_before_it() -> None:
    course: list[Warmth] = []
    remember(course, T0, 20.0, LATER)
    remember(course, T0 + HOUR, 0.5, LATER)
    remember(course, T0 + HOUR, None, LATER)

    assert course == [Warmth(T0, 20.0), Warmth(T0 + HOUR, None)]
    found = [told(last_before(course, T0 + 1.5 * HOUR)), told(Warmth(T0, 18.0))]
    assert held_at(T0 + 1.5 * HOUR, found[:1], T0 - 99 * HOUR) is None
    assert held_at(T0 + 1.5 * HOUR, found, T0 - 99 * HOUR) == 18.0
    assert last_before(course, T0 + HOUR) == Warmth(T0, 20.0)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ChannelState(), []),
        (ChannelState(good_value=20, good_at=T0, at=T0), [Warmth(T0, 20)]),
        (ChannelState(good_value=20, good_at=T0, good_is_retained=True), []),
        (
            ChannelState(good_value=20, good_at=T0, at=T0 + HOUR),
            [Warmth(T0, 20), Warmth(T0 + HOUR, None)],
        ),
        (
            ChannelState(good_value=20, good_at=T0, at=T0, refused_at=T0 + HOUR),
            [Warmth(T0, 20), Warmth(T0 + HOUR, None)],
        ),
        (ChannelState(at=T0), [Warmth(T0, None)]),
        (ChannelState(good_value=20, good_at=T0 + 3 * HOUR, at=T0 + 3 * HOUR), []),
    ],
)
def test_what_the_memory_of_a_channel_tells(state: ChannelState, expected: list[Warmth]) -> None:
    assert remembered_before(state, T0 + 2 * HOUR) == expected
    assert is_doubted(state) is (bool(expected) and expected[-1].value_c is None)


@pytest.mark.parametrize(("at_h", "expected"), [(0, False), (1, True), (2, False), (3, False)])
def test_between_the_last_good_one_and_the_newest_doubted_nothing_is_known(
    at_h: int, *, expected: bool
) -> None:
    state = ChannelState(good_value=20, good_at=T0, at=T0 + 2 * HOUR)

    assert hides_doubt(state, T0 + at_h * HOUR) is expected


def test_what_a_clock_that_ran_ahead_has_noted_is_forgotten() -> None:
    course: list[Warmth] = []
    remember(course, T0, 20.0, T0)
    remember(course, T0 + 5 * HOUR, 10.0, T0 + 5 * HOUR)

    remember(course, T0 + HOUR, 21.0, T0 + HOUR)

    assert course == [Warmth(T0, 20.0), Warmth(T0 + HOUR, 21.0)]
