"""Jobs: once per period, whoever ticks, whatever happens in between."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.models.system import JobRun, JobState
from kamerplanter_backend.domain.repositories.system import JobRunRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.jobs.catalogue import GARDEN_JOBS
from kamerplanter_backend.jobs.job import (
    LEASE,
    MAX_ATTEMPTS,
    Job,
    JobReport,
    run_due,
    void_unfinished,
)
from kamerplanter_backend.jobs.process_name import new_process_name
from kamerplanter_engines.models.rollup import RollupLevel
from kamerplanter_engines.models.schedule import Daily, Every, Schedule
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import START, Garden

AT_FIVE = Daily(at=time(5))

WATERING = next(job for job in GARDEN_JOBS if job.name == "watering-generate-tasks-daily")


def tick(
    garden: Garden, jobs: Sequence[Job] = GARDEN_JOBS, process: str = "p-1"
) -> list[JobReport]:
    return run_due(jobs, garden.services, garden.store, garden.context(), process=process)


def runs(garden: Garden) -> list[JobRun]:
    with open_unit(garden.store, garden.context()) as uow:
        return uow.of(JobRunRepository).find()


def counting(calls: list[datetime], schedule: Schedule = AT_FIVE, name: str = "count") -> Job:
    def run(_services: Services, context: Context) -> int:
        calls.append(context.now)
        return 1

    return Job(name=name, schedule=schedule, run=run)


@pytest.mark.parametrize("job", GARDEN_JOBS, ids=lambda job: job.name)
def test_every_job_run_twice_equals_once(garden: Garden, job: Job) -> None:
    garden.plant(phase_entry_id="flowering", watering_interval_d=3)  # 28 days
    garden.at("2026-06-10T07:00")
    job.run(garden.services, garden.context())
    once = garden.snapshot()

    second = job.run(garden.services, garden.context())

    assert second == 0
    assert garden.snapshot() == once


def test_ticks_of_a_day_run_each_job_once(garden: Garden) -> None:
    calls = []
    garden.at("2026-05-02T00:00")
    for _ in range(24 * 12):
        tick(garden, [counting(calls)])
        garden.wait(minutes=5)

    # the period of 1 May was still open at midnight, that of 2 May began at 5
    assert calls == [garden.local("2026-05-02T00:00"), garden.local("2026-05-02T05:00")]


def test_a_missed_night_is_caught_up_once(garden: Garden) -> None:
    garden.plant(watering_interval_d=1)
    garden.at("2026-05-01T12:00")
    tick(garden)

    garden.at("2026-05-05T11:37")
    reports = tick(garden)
    again = tick(garden)

    daily = {job.name for job in GARDEN_JOBS if isinstance(job.schedule, Daily)}
    assert len(reports) == len(GARDEN_JOBS)
    assert {item.period for item in reports if item.job in daily} == {"2026-05-05"}
    assert again == []
    assert garden.only_task(TaskKind.WATERING).due_on == date(2026, 5, 2)


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/Berlin", "2026-03-27T12:00"),
        ("Europe/Berlin", "2026-10-23T12:00"),
        ("America/Lima", "2026-03-27T12:00"),
    ],
)
def test_each_local_day_runs_once_over_a_clock_change(zone: str, begin: str) -> None:
    garden = Garden(zone=zone)
    calls = []
    job = counting(calls, Daily(at=time(2, 30)))
    garden.at(begin)
    tick(garden, [job])
    calls.clear()

    for _ in range(4 * 24 * 4):
        garden.wait(minutes=15)
        tick(garden, [job])

    days = [moment.astimezone(garden.zone).date() for moment in calls]
    first = datetime.fromisoformat(begin).date()
    assert days == [first + timedelta(days=n) for n in range(1, 5)]
    garden.store.close()


def test_a_failing_job_is_on_record_and_does_not_stop_the_others(garden: Garden) -> None:
    calls = []

    def fail(_services: Services, _context: Context) -> int:
        raise RuntimeError("no luck")

    jobs = [Job(name="fails", schedule=Daily(at=time(5)), run=fail), counting(calls)]

    reports = tick(garden, jobs)

    assert [report.problem for report in reports] == ["RuntimeError: no luck", None]
    assert len(calls) == 1
    assert {run.job: run.state for run in runs(garden)} == {
        "fails": JobState.FAILED,
        "count": JobState.DONE,
    }


def test_a_failed_job_is_tried_again_later_and_not_forever(garden: Garden) -> None:
    tries = []

    def fail(_services: Services, context: Context) -> int:
        tries.append(context.now)
        raise UnavailableError("away", reason="away")

    job = Job(name="fails", schedule=Daily(at=time(5)), run=fail)
    for _ in range(600):
        tick(garden, [job])
        garden.wait(minutes=1)

    assert len(tries) == MAX_ATTEMPTS
    assert tries[1] - tries[0] == LEASE


def test_the_claim_of_another_process_is_respected_until_its_lease_ends(garden: Garden) -> None:
    calls = []

    def die(_services: Services, _context: Context) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tick(garden, [Job(name="count", schedule=Daily(at=time(5)), run=die)], process="p-1")
    at_once = tick(garden, [counting(calls)], process="p-2")
    garden.wait(minutes=15)
    later = tick(garden, [counting(calls)], process="p-2")

    assert at_once == []
    assert [report.problem for report in later] == [None]
    assert len(calls) == 1


def test_the_claim_of_a_process_that_was_killed_is_free_at_once(garden: Garden) -> None:
    calls = []

    def die(_services: Services, _context: Context) -> int:
        raise KeyboardInterrupt

    mine = new_process_name()
    _, host, number, _ = mine.split(":")
    with subprocess.Popen(["/bin/true"]) as ended:
        pass
    claimed = [
        f"process:elsewhere:{ended.pid}:a",  # of another machine: nobody knows
        f"process:{host}:{os.getppid()}:b",  # still there
        f"process:{host}:{ended.pid}:c",  # gone
        f"process:{host}:{number}:d",  # this number has had another process
        new_process_name(),  # it has ended here, but its threads may not
    ]
    done = []
    for name in claimed:
        job = Job(name=name, schedule=Daily(at=time(5)), run=die)
        with pytest.raises(KeyboardInterrupt):
            tick(garden, [job], process=name)
        done.append(tick(garden, [replace(job, run=counting(calls).run)], process=mine) != [])

    assert done == [False, False, True, True, False]
    # Its own run is nothing that a process takes from itself.
    assert tick(garden, [counting(calls)], process=mine) != []
    assert tick(garden, [counting(calls)], process=mine) == []


def test_the_claim_of_a_crashed_process_is_void_at_the_next_start(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    garden.plant(watering_interval_d=1)
    garden.at("2026-05-02T05:00")

    def die(services: Services, context: Context) -> int:
        services.care.make_watering_tasks(context)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tick(garden, [replace(WATERING, run=die)])
    garden.restart()

    assert void_unfinished(garden.store, garden.context()) == 1
    assert [report.job for report in tick(garden)] == [job.name for job in GARDEN_JOBS]
    assert garden.open_kinds().count(TaskKind.WATERING) == 1
    garden.store.close()


def test_runs_in_spans_run_once_per_span(garden: Garden) -> None:
    calls = []
    job = counting(calls, Every(interval=timedelta(hours=1)))
    for _ in range(180):
        tick(garden, [job])
        garden.wait(minutes=1)

    assert len(calls) == 3


def test_old_runs_are_forgotten(garden: Garden) -> None:
    calls = []
    for _ in range(40):
        tick(garden, [counting(calls)])
        garden.wait(days=1)

    assert len(calls) == 40
    assert len(runs(garden)) == 31


def test_hours_are_summed_up_each_hour_and_outlive_their_readings(garden: Garden) -> None:
    probe = garden.probe(ChannelKind.EC)
    garden.measure_for(120, probe, ChannelKind.EC, 1.5, step=10)
    tick(garden)
    garden.measure(probe, ChannelKind.EC, 2.5)
    garden.wait(hours=1)

    reports = {report.job: report.changed_count for report in tick(garden)}
    garden.wait(days=100)
    tick(garden)

    asked = (garden.context(), probe.key, ChannelKind.EC)
    window = (datetime(2026, 1, 1, tzinfo=UTC), garden.now)
    hours = garden.services.telemetry.list_rollups(*asked, RollupLevel.HOUR, *window)
    [day] = garden.services.telemetry.list_rollups(*asked, RollupLevel.DAY, *window)
    assert reports["telemetry-rollup"] == 1
    assert garden.services.telemetry.list_readings(garden.context(), probe.key, "ec", *window) == ()
    assert [item.reading_count for item in hours] == [6, 6, 1]
    assert [item.mean for item in hours[:2]] == pytest.approx([1.5, 1.5])
    assert (day.reading_count, day.low, day.high) == (13, 1.5, 2.5)

    garden.wait(days=2 * 365)
    garden.services.telemetry.prune(garden.context())

    assert garden.services.telemetry.list_rollups(*asked, RollupLevel.HOUR, *window) == ()
    assert garden.services.telemetry.list_rollups(*asked, RollupLevel.DAY, *window) == (day,)


def test_late_reading_at_the_end_of_retention_spoils_no_history(garden: Garden) -> None:
    probe = garden.probe(ChannelKind.EC)
    start = garden.now
    garden.measure_for(60, probe, ChannelKind.EC, 1.5, step=5)
    garden.now = start + timedelta(days=90, minutes=40)
    garden.services.telemetry.prune(garden.context())

    # A tenth in two minutes, as what comes late may not jump either.
    garden.measure(probe, ChannelKind.EC, 1.6, at=start + timedelta(minutes=47))
    garden.services.telemetry.roll_up(garden.context())

    hour, after = garden.services.telemetry.list_rollups(
        garden.context(), probe.key, ChannelKind.EC, RollupLevel.HOUR, start, garden.now
    )
    assert (hour.reading_count, hour.high) == (13, 1.6)
    # The value of 5 to speaks for ten minutes.
    assert (after.reading_count, after.covered_s) == (0, 300)


def test_retention_deletes_readings_after_ninety_days_and_nothing_else(garden: Garden) -> None:
    probe = garden.probe(ChannelKind.EC)
    garden.measure(probe, ChannelKind.EC, 1.5)
    garden.wait(days=10)
    garden.measure(probe, ChannelKind.EC, 1.6)
    garden.wait(days=85)

    removed = garden.services.telemetry.prune(garden.context())

    listed = garden.services.telemetry.list_readings(
        garden.context(), probe.key, "ec", datetime(2026, 1, 1, tzinfo=UTC), garden.now
    )
    assert removed == 1
    assert [(reading.value, reading.at) for reading in listed] == [
        (1.6, START + timedelta(days=10))
    ]
