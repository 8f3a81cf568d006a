"""The server's own scheduler ticks; each job runs once per garden and period."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import StoreFullError
from kamerplanter_backend.jobs.in_process import InProcessJobs
from kamerplanter_backend.jobs.job import Job
from kamerplanter_engines.models.schedule import Every
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden
from tests.backend.log_notes import slugs_of_lines


class Ticks:
    """Counts the runs of a job by garden."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.happened = threading.Event()

    def __call__(self, _services: Services, context: Context) -> int:
        self.seen.append(context.tenant_key)
        self.happened.set()
        if context.tenant_key == "broken":
            raise RuntimeError("no water")
        return 1


@pytest.fixture
def ticks() -> Ticks:
    """Return a job that counts."""
    return Ticks()


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden, for its store and its clock."""
    garden = Garden()
    yield garden
    garden.store.close()


def jobs_of(
    garden: Garden, ticks: Ticks, *gardens: str, more: tuple[object, ...] = ()
) -> InProcessJobs:
    return InProcessJobs(
        garden.services,
        garden.store,
        gardens=lambda: {key: f"{key}-slug" for key in gardens},
        context_of=lambda key: garden.context(tenant_key=key, actor="jobs", role=Role.ADMIN),
        clock=lambda: datetime.now(UTC),
        tick_s=3600,
        jobs=(Job(name="count", schedule=Every(interval=timedelta(hours=1)), run=ticks),),
        more=more,  # type: ignore[arg-type]  # tests hand in what they like
    )


def test_each_garden_gets_its_run_once_per_period(garden: Garden, ticks: Ticks) -> None:
    jobs = jobs_of(garden, ticks, "tent", "bed")

    jobs.tick()
    jobs.tick()
    garden.wait(hours=1)
    jobs.tick()

    assert ticks.seen == ["tent", "bed", "tent", "bed"]


def test_two_processes_on_one_store_do_it_once(garden: Garden, ticks: Ticks) -> None:
    jobs_of(garden, ticks, "tent").tick()
    jobs_of(garden, ticks, "tent").tick()

    assert ticks.seen == ["tent"]


def test_a_garden_that_fails_does_not_stop_the_others(garden: Garden, ticks: Ticks) -> None:
    reports = jobs_of(garden, ticks, "broken", "bed").tick()

    assert ticks.seen == ["broken", "bed"]
    assert [report.problem for report in reports] == ["RuntimeError: no water", None]


def test_each_line_of_a_job_says_in_which_garden_it_ran(
    garden: Garden, ticks: Ticks, caplog: pytest.LogCaptureFixture
) -> None:
    def installation(_process: str) -> None:
        raise RuntimeError("no tokens")

    with slugs_of_lines(caplog) as lines:
        jobs_of(garden, ticks, "broken", "bed", more=(installation,)).tick()
        logging.getLogger(__name__).warning("afterwards")

    assert lines == [
        ("The jobs of the installation could not run", None),
        ("Job count failed for period 2026-05-01T10:00:00+00:00", "broken-slug"),
        ("afterwards", None),
    ]


def test_jobs_that_wait_for_the_store_do_so_in_one_line(
    garden: Garden, ticks: Ticks, caplog: pytest.LogCaptureFixture
) -> None:
    def installation(_process: str) -> None:
        raise StoreFullError("The disk is full.", reason="full")

    jobs_of(garden, ticks, "tent", more=(installation,)).tick()

    (line,) = caplog.records
    assert line.getMessage() == (
        "The jobs of the installation wait for the store: The disk is full."
    )
    assert line.exc_info is None
    assert ticks.seen == ["tent"]


def test_the_installation_has_its_turn_and_may_fail(garden: Garden, ticks: Ticks) -> None:
    processes: list[str] = []

    def installation(process: str) -> None:
        processes.append(process)
        raise RuntimeError("no tokens")

    jobs_of(garden, ticks, "tent", more=(installation,)).tick()

    assert len(processes) == 1
    assert ticks.seen == ["tent"]


def test_it_ticks_at_once_after_the_start_and_never_after_the_end(
    garden: Garden, ticks: Ticks
) -> None:
    jobs = jobs_of(garden, ticks, "tent")

    jobs.start()
    assert ticks.happened.wait(30)
    jobs.stop()
    jobs.stop()
    garden.wait(hours=1)
    jobs.tick()

    assert ticks.seen == ["tent"]


def test_a_value_that_stays_out_of_band_becomes_a_problem_with_time_alone(
    garden: Garden, ticks: Ticks
) -> None:
    probe = garden.probe(ChannelKind.PH, tank_key=garden.tank(ph_low=5.5, ph_high=6.5).key)
    for _ in range(2):
        garden.measure(probe, ChannelKind.PH, 7.4)
        garden.wait(minutes=1)
    jobs = jobs_of(garden, ticks, garden.context().tenant_key)
    jobs.tick()
    before = garden.open_kinds()

    garden.wait(minutes=15)
    jobs.tick()

    assert (before, garden.open_kinds()) == ([], [TaskKind.TANK_PH])
