"""Hours and days from readings that come late, twice, in any order, and over clock changes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.retention import Retention
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_backend.domain.services.telemetry_service import TelemetryService
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.rollup import Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Verdict
from tests.backend.garden import Garden

EC = ChannelKind.EC
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""Half a day before clocks go back in Berlin."""


def listed(garden: Garden, probe: Probe, level: RollupLevel) -> tuple[Rollup, ...]:
    return garden.services.telemetry.list_rollups(
        garden.context(), probe.key, EC, level, EARLIEST, LATEST
    )


def test_the_present_hour_waits_until_it_is_over(garden: Garden) -> None:
    probe = garden.probe(EC)
    garden.measure_for(90, probe, EC, 1.4, step=10)

    assert garden.services.telemetry.roll_up(garden.context()) == 1
    with open_unit(garden.store, garden.context()) as uow:
        stored = uow.rollups.range(probe.key, EC, RollupLevel.HOUR, EARLIEST, LATEST)
    # Whoever asks gets both.
    asked = listed(garden, probe, RollupLevel.HOUR)
    garden.wait(hours=1)
    assert garden.services.telemetry.roll_up(garden.context()) == 1

    assert [item.reading_count for item in stored] == [6]
    assert [item.reading_count for item in asked] == [6, 3]
    assert listed(garden, probe, RollupLevel.HOUR) == asked
    assert garden.services.telemetry.roll_up(garden.context()) == 0


def test_what_is_older_than_single_readings_are_kept_changes_no_history(garden: Garden) -> None:
    probe = garden.probe(EC)
    start = garden.now
    garden.measure_for(60, probe, EC, 1.4, step=10)
    garden.wait(days=95)
    garden.services.telemetry.prune(garden.context())
    before = listed(garden, probe, RollupLevel.HOUR)

    too_old = garden.measure(probe, EC, 4.0, at=garden.now - timedelta(days=90, seconds=1))
    garden.measure(probe, EC, 4.0, at=start + timedelta(minutes=5))
    garden.services.telemetry.roll_up(garden.context())

    assert too_old == 0
    assert listed(garden, probe, RollupLevel.HOUR) == before
    assert garden.measure(probe, EC, 4.0, at=garden.now - timedelta(days=90)) == 1


def test_readings_that_were_kept_for_less_before_change_no_history(garden: Garden) -> None:
    probe = garden.probe(EC)
    start = garden.now
    garden.measure_for(60, probe, EC, 1.4, step=10)
    garden.wait(days=30)
    short = TelemetryService(garden.store, Retention(raw=timedelta(days=20)))
    assert short.prune(garden.context()) == 6
    before = listed(garden, probe, RollupLevel.HOUR)

    # By now they are kept for 90 days, so this one is stored.
    assert garden.measure(probe, EC, 4.0, at=start + timedelta(minutes=5)) == 1
    garden.services.telemetry.roll_up(garden.context())

    # The last value speaks for some minutes of the hour after.
    assert [(hour.reading_count, hour.high) for hour in before] == [(6, 1.4), (0, None)]
    assert listed(garden, probe, RollupLevel.HOUR) == before
    [day] = listed(garden, probe, RollupLevel.DAY)
    assert (day.reading_count, day.high) == (6, 1.4)


def test_each_step_is_kept_for_as_long_as_was_chosen(garden: Garden) -> None:
    retention = Retention(
        raw=timedelta(days=14), hourly=timedelta(days=30), daily=timedelta(days=60)
    )
    telemetry = TelemetryService(garden.store, retention)
    probe = garden.probe(EC)
    garden.measure_for(60, probe, EC, 1.4, step=10)
    kept = []
    for days in (13, 2, 14, 2, 28, 3):
        garden.wait(days=days)
        telemetry.prune(garden.context())
        asked = (garden.context(), probe.key)
        readings = telemetry.list_readings(*asked, "ec", EARLIEST, LATEST)
        hours, in_days = (
            telemetry.list_rollups(*asked, EC, level, EARLIEST, LATEST) for level in RollupLevel
        )
        kept.append((len(readings), len(hours), len(in_days)))

    # After 13, 15, 29, 31, 59 and 62 days; the last value reaches into a second hour.
    assert kept == [(6, 2, 1), (0, 2, 1), (0, 2, 1), (0, 0, 1), (0, 0, 1), (0, 0, 0)]


def test_a_reading_counts_once_however_often_it_comes(garden: Garden) -> None:
    probe = garden.probe(EC)
    start = garden.now
    garden.measure_for(60, probe, EC, 1.4, step=10)
    for _ in range(3):
        for minutes in (50, 0, 20):
            garden.measure(probe, EC, 1.4, at=start + timedelta(minutes=minutes))
        garden.wait(hours=1)
        garden.services.telemetry.roll_up(garden.context())

    hours = listed(garden, probe, RollupLevel.HOUR)
    # The value of ten to speaks for twenty minutes.
    assert [(hour.reading_count, hour.covered_s) for hour in hours] == [(6, 3600), (0, 600)]


def test_a_probe_that_reports_rarely_speaks_for_the_hours_between(garden: Garden) -> None:
    probe = garden.probe(EC)
    garden.at("2026-05-02 00:00")
    start = garden.now
    for number in range(32):
        garden.measure(probe, EC, 1.0 if number % 2 == 0 else 2.0)
        garden.wait(minutes=90)
        garden.services.telemetry.roll_up(garden.context())

    hours = listed(garden, probe, RollupLevel.HOUR)
    days = listed(garden, probe, RollupLevel.DAY)

    # The first reading alone does not say how often it reports.
    assert [hour.coverage_ratio for hour in hours] == [0] + [1] * 47 + [0.5]
    assert [hour.starts_at for hour in hours] == [start + timedelta(hours=h) for h in range(49)]
    assert [hour.mean for hour in hours[2:8]] == [2, 1, 1.5, 2, 1, 1.5]
    assert days[1].mean == pytest.approx(1.5)
    assert days[1].coverage_ratio == 1


def test_an_hour_that_a_value_will_speak_for_is_told_when_it_begins(garden: Garden) -> None:
    probe = garden.probe(EC)
    garden.at("2026-05-02 00:00")
    for _ in range(2):
        garden.measure(probe, EC, 1.5)
        garden.wait(minutes=90)
    garden.at("2026-05-02 02:05")
    garden.services.telemetry.roll_up(garden.context())

    seen = []
    for clock in ("02:05", "03:05", "04:05", "09:05"):
        garden.at(f"2026-05-02 {clock}")
        [day] = listed(garden, probe, RollupLevel.DAY)
        seen.append((len(listed(garden, probe, RollupLevel.HOUR)), day.covered_s / 3600))
        garden.services.telemetry.roll_up(garden.context())

    # Measured at 0:00 and 1:30; the second value speaks until 3:30.
    assert seen == [(3, 2), (4, 2.5), (4, 2.5), (4, 2.5)]
    with open_unit(garden.store, garden.context()) as uow:
        assert uow.rollups.due() == []


def test_what_comes_late_says_anew_how_long_a_value_speaks(garden: Garden) -> None:
    probe = garden.probe(EC)
    garden.at("2026-05-02 00:00")
    start = garden.now
    for minutes in (0, 90):
        garden.measure(probe, EC, 1.5, at=start + timedelta(minutes=minutes))
    garden.wait(hours=8)
    garden.services.telemetry.roll_up(garden.context())
    before = [hour.covered_s for hour in listed(garden, probe, RollupLevel.HOUR)]

    # So it reports each ten minutes, and its last value speaks for twenty.
    garden.measure(probe, EC, 1.5, at=start + timedelta(minutes=80))
    garden.services.telemetry.roll_up(garden.context())
    after = [hour.covered_s for hour in listed(garden, probe, RollupLevel.HOUR)]

    assert before == [0, 3600, 3600, 1800]
    assert after == [0, 1800]


@settings(max_examples=30, deadline=None)
@given(
    readings=st.lists(
        st.tuples(st.integers(0, 36 * 60), st.floats(0, 5), st.booleans()),
        min_size=1,
        max_size=50,
        unique_by=lambda item: item[0],
    ),
    cuts=st.lists(st.integers(0, 50), max_size=4),
    summed_up_at=st.lists(st.integers(0, 40), min_size=5, max_size=5),
)
def test_any_order_and_any_moment_of_summing_up_come_to_the_same(
    readings: list[tuple[int, float, bool]], cuts: list[int], summed_up_at: list[int]
) -> None:
    """Batches in any order with the job between them, over the day of 25 hours."""
    garden = Garden(now=AUTUMN)
    try:
        probes = [garden.probe(EC, key=key) for key in ("in-parts", "at-once")]
        made = [
            [
                garden.reading(
                    probe,
                    EC,
                    value,
                    at=AUTUMN + timedelta(minutes=minute),
                    verdict=Verdict.GOOD if good else Verdict.SUSPECT,
                )
                for minute, value, good in readings
            ]
            for probe in probes
        ]
        borders = sorted({0, *cuts, len(readings)})
        for number, start in enumerate(borders[:-1]):
            garden.now = AUTUMN + timedelta(hours=summed_up_at[number % 5])
            with open_unit(garden.store, garden.context(), (Readings,)) as uow:
                uow.readings.append(made[0][start : borders[number + 1]])
            garden.services.telemetry.roll_up(garden.context())
        garden.now = AUTUMN + timedelta(hours=48)
        with open_unit(garden.store, garden.context(), (Readings,)) as uow:
            uow.readings.append(sorted(made[1], key=lambda item: item.at))
        garden.services.telemetry.roll_up(garden.context())

        for level in RollupLevel:
            in_parts, at_once = (listed(garden, probe, level) for probe in probes)
            assert [item[2:] for item in in_parts] == [item[2:] for item in at_once]
            assert sum(item.reading_count for item in at_once) == sum(
                good for _, _, good in readings
            )
    finally:
        garden.store.close()


def test_a_withdrawn_calibration_changes_nothing_that_is_stored(garden: Garden) -> None:
    probe = garden.probe(EC)
    fields = CalibrationFields(kind=EC, points=(CalibrationPoint(raw=1.35, value=1.413),))
    admin = garden.context(role=Role.ADMIN)
    made = garden.services.calibration.calibrate(admin, probe.key, fields)
    garden.measure(probe, EC, 1.883, raw=1.8)
    garden.wait(hours=1)
    garden.services.telemetry.roll_up(garden.context())
    before = listed(garden, probe, RollupLevel.HOUR)

    garden.services.calibration.withdraw(
        garden.context(role=Role.ADMIN), made.key, "The bottle was old."
    )
    garden.services.telemetry.roll_up(garden.context())

    with open_unit(garden.store, garden.context()) as uow:
        reading = uow.readings.latest(probe.key, EC)
    assert reading is not None
    assert (reading.value, reading.raw) == (1.883, 1.8)
    assert listed(garden, probe, RollupLevel.HOUR) == before
    assert [item.high for item in before] == [1.883]
