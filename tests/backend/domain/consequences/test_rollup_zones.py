"""A garden moves to another zone: hours and days follow, as far as there are readings."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.domain.consequences.rollups import refresh
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_engines.models.rollup import Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.garden import Garden

EC = ChannelKind.EC
HOUR, DAY = RollupLevel.HOUR, RollupLevel.DAY
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 20, tzinfo=UTC)
"""Clocks in Berlin go back on the 25th, those in New York on the 1st of November."""


@pytest.fixture
def garden() -> Iterator[Garden]:
    made = Garden(now=AUTUMN)
    yield made
    made.store.close()


def fill(garden: Garden, probe: Probe, days: int, *, step_min: int = 10) -> None:
    """Store good readings from now on, and move the clock to their end."""
    count = days * 1440 // step_min
    readings = [
        garden.reading(probe, EC, 1 + n % 7 / 10, at=garden.now + n * timedelta(minutes=step_min))
        for n in range(count)
    ]
    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        uow.readings.append(readings)
    garden.wait(days=days)


def move(garden: Garden, zone: str) -> None:
    garden.zone = ZoneInfo(zone)


def sum_up(garden: Garden) -> int:
    """Run the job until it has nothing left."""
    garden.wait(hours=1)
    total = 0
    while found := garden.services.telemetry.roll_up(garden.context()):
        total += found
    return total


def rollups(garden: Garden, probe: Probe, level: RollupLevel) -> list[Rollup]:
    with open_unit(garden.store, garden.context()) as uow:
        return uow.rollups.range(probe.key, EC, level, EARLIEST, LATEST)


def tiles(items: list[Rollup]) -> bool:
    """Tell whether each bucket begins where the one before ends."""
    return all(one.bucket.ends_at == two.starts_at for one, two in pairwise(items))


def total(items: list[Rollup]) -> int:
    return sum(item.reading_count for item in items)


@pytest.mark.parametrize(
    ("zone", "minute", "day_starts"),
    [
        ("Asia/Kolkata", 30, {"18:30"}),
        ("Asia/Kathmandu", 15, {"18:15"}),
        # The clocks of New York go back after this week, those of Berlin within it.
        ("America/New_York", 0, {"04:00"}),
        ("UTC", 0, {"00:00"}),
    ],
)
def test_all_hours_and_days_follow_while_their_readings_are_there(
    garden: Garden, zone: str, minute: int, day_starts: set[str]
) -> None:
    probe = garden.probe(EC)
    fill(garden, probe, 8)
    sum_up(garden)
    before = {level: rollups(garden, probe, level) for level in RollupLevel}

    move(garden, zone)
    sum_up(garden)
    hours, days = rollups(garden, probe, HOUR), rollups(garden, probe, DAY)

    assert {item.starts_at.minute for item in hours} == {minute}
    assert {f"{item.starts_at:%H:%M}" for item in days} == day_starts
    assert {item.length_s for item in days} == {86_400}
    assert 90_000 in {item.length_s for item in before[DAY]}
    assert tiles(hours)
    assert tiles(days)
    assert total(hours) == total(days) == total(before[HOUR]) == 8 * 144


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"])
def test_what_has_lost_its_readings_stays_and_the_seam_is_tight(garden: Garden, zone: str) -> None:
    probe = garden.probe(EC)
    fill(garden, probe, 8)
    sum_up(garden)
    before = {level: rollups(garden, probe, level) for level in RollupLevel}
    first_left = AUTUMN + timedelta(days=3, hours=9, minutes=20)
    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        uow.readings.prune(first_left)

    move(garden, zone)
    sum_up(garden)
    hours, days = rollups(garden, probe, HOUR), rollups(garden, probe, DAY)
    # 23 October is the first day in Berlin that is not whole any more.
    seam = datetime(2026, 10, 23, 22, tzinfo=UTC)

    assert [one for one in hours if one.starts_at < seam] == [
        one for one in before[HOUR] if one.starts_at < seam
    ]
    assert [one for one in days if one.starts_at < seam] == [
        one for one in before[DAY] if one.starts_at < seam
    ]
    assert seam in {item.starts_at for item in hours}
    assert seam in {item.starts_at for item in days}
    assert tiles(hours)
    assert tiles(days)
    assert total(hours) == total(days) == 8 * 144


def test_late_reading_is_counted_once_on_either_side_of_the_seam(garden: Garden) -> None:
    probe = garden.probe(EC)
    fill(garden, probe, 8)
    sum_up(garden)
    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        uow.readings.prune(AUTUMN + timedelta(days=3, hours=9))
    move(garden, "Asia/Kolkata")
    sum_up(garden)

    seam = datetime(2026, 10, 23, 22, tzinfo=UTC)
    for minutes in (-1, 1, 31):
        late = garden.reading(probe, EC, 3.0, at=seam + timedelta(minutes=minutes))
        with open_unit(garden.store, garden.context(), (Readings,)) as uow:
            assert uow.readings.append([late]) == 1
        sum_up(garden)
    hours, days = rollups(garden, probe, HOUR), rollups(garden, probe, DAY)

    touched = [item for item in hours if item.high == 3.0]
    # The hour of Kolkata ends at 22:30 and began with the seam.
    assert [(item.starts_at - seam) / timedelta(minutes=1) for item in touched] == [-60, 0, 30]
    assert [item.length_s for item in touched] == [3600, 1800, 3600]
    assert [item.reading_count for item in touched] == [7, 4, 7]
    assert tiles(hours)
    assert total(hours) == total(days) == 8 * 144 + 3


def test_a_late_reading_among_lost_ones_takes_no_history_away(garden: Garden) -> None:
    # Readings were kept for a short time only, then somebody said that they are kept for longer.
    probe = garden.probe(EC)
    fill(garden, probe, 8)
    sum_up(garden)
    before = {level: rollups(garden, probe, level) for level in RollupLevel}
    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        uow.readings.prune(AUTUMN + timedelta(days=3, hours=9))
    garden.wait(days=20)
    assert garden.measure(probe, EC, 3.0, at=AUTUMN + timedelta(days=1, minutes=7)) == 1

    move(garden, "Asia/Kolkata")
    sum_up(garden)
    hours, days = rollups(garden, probe, HOUR), rollups(garden, probe, DAY)
    seam = datetime(2026, 10, 23, 22, tzinfo=UTC)

    assert [one for one in hours if one.starts_at < seam] == [
        one for one in before[HOUR] if one.starts_at < seam
    ]
    assert tiles(hours)
    assert tiles(days)
    assert total(hours) == total(days) == 8 * 144


def test_there_and_back_again_is_as_if_nothing_was(garden: Garden) -> None:
    probe = garden.probe(EC)
    fill(garden, probe, 8)
    sum_up(garden)
    before = {level: rollups(garden, probe, level) for level in RollupLevel}

    for zone in ("Asia/Kolkata", "America/St_Johns", "Europe/Berlin"):
        move(garden, zone)
        sum_up(garden)

    assert {level: rollups(garden, probe, level) for level in RollupLevel} == before


def test_without_any_reading_the_new_zone_begins_after_the_last_day(garden: Garden) -> None:
    probe = garden.probe(EC)
    fill(garden, probe, 2)
    sum_up(garden)
    before = {level: rollups(garden, probe, level) for level in RollupLevel}
    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        uow.readings.prune(LATEST)

    move(garden, "Asia/Kolkata")
    assert sum_up(garden) == 0
    assert {level: rollups(garden, probe, level) for level in RollupLevel} == before

    garden.now = AUTUMN + timedelta(days=5)
    fill(garden, probe, 1)
    sum_up(garden)
    hours, days = rollups(garden, probe, HOUR), rollups(garden, probe, DAY)
    assert {item.starts_at.minute for item in hours[-24:]} == {30}
    assert total(hours) == total(days) == 3 * 144


def test_a_move_is_done_in_parts_and_survives_a_restart(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db", now=AUTUMN)
    probe = garden.probe(EC)
    fill(garden, probe, 3)
    sum_up(garden)
    move(garden, "Asia/Kolkata")
    steps = 0

    def part() -> int:
        with open_unit(garden.store, garden.context(), (Readings,)) as uow:
            return refresh(uow, limit=10)

    while found := part():
        assert found <= 10
        steps += 1
        # Whoever asks in between gets all of it, in the new zone.
        asked = garden.services.telemetry.list_rollups(
            garden.context(), probe.key, EC, HOUR, EARLIEST, LATEST
        )
        assert total(list(asked)) == 3 * 144
        assert {item.starts_at.minute for item in asked} == {30}
        garden.restart()

    # 72 hours hold readings.
    assert steps == 8
    assert list(asked) == rollups(garden, probe, HOUR)
    garden.store.close()


def test_channels_move_one_after_the_other_where_there_are_many(garden: Garden) -> None:
    probes = [garden.probe(EC) for _ in range(3)]
    start = garden.now
    for probe in probes:
        garden.now = start
        fill(garden, probe, 1)
    sum_up(garden)
    move(garden, "Asia/Kolkata")

    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        assert refresh(uow, limit=20) == 20
        zones = {name[0]: eras[-1].zone.key for name, eras in uow.rollups.eras().items()}
    sum_up(garden)

    assert [zones[probe.key] for probe in probes] == [
        "Asia/Kolkata",
        "Europe/Berlin",
        "Europe/Berlin",
    ]
    for probe in probes:
        assert {item.starts_at.minute for item in rollups(garden, probe, HOUR)} == {30}


def test_another_garden_of_the_store_stays_where_it_is(garden: Garden) -> None:
    probe = garden.probe(EC)
    fill(garden, probe, 1)
    sum_up(garden)
    kept = rollups(garden, probe, HOUR)
    elsewhere = replace(garden.context(), tenant_key="elsewhere", zone=ZoneInfo("Asia/Kolkata"))

    garden.services.telemetry.roll_up(elsewhere)

    assert rollups(garden, probe, HOUR) == kept


@settings(max_examples=25, deadline=None)
@given(
    minutes=st.lists(st.integers(0, 8 * 1440), min_size=1, max_size=60, unique=True),
    zones=st.lists(
        st.sampled_from(
            ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "UTC"]
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_after_any_moves_all_is_as_if_made_in_the_last_zone(
    minutes: list[int], zones: list[str]
) -> None:
    moved, fresh = Garden(now=AUTUMN), Garden(now=AUTUMN, zone=zones[-1])
    try:
        found = []
        for garden, path in ((moved, zones), (fresh, zones[-1:])):
            probe = garden.probe(EC, key="probe-1")
            readings = [
                garden.reading(probe, EC, 1 + at % 5 / 10, at=AUTUMN + timedelta(minutes=at))
                for at in minutes
            ]
            with open_unit(garden.store, garden.context(), (Readings,)) as uow:
                uow.readings.append(readings)
            garden.wait(days=9)
            sum_up(garden)
            for zone in path:
                move(garden, zone)
                sum_up(garden)
            found.append([rollups(garden, probe, level) for level in RollupLevel])

        assert found[0] == found[1]
        assert total(found[0][0]) == total(found[0][1]) == len(minutes)
    finally:
        moved.store.close()
        fresh.store.close()
