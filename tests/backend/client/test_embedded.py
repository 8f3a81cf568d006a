"""The client in the same process: threads, loops, closing, jobs and backup."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from kamerplanter_backend.client.embedded import EmbeddedGarden, open_garden
from kamerplanter_backend.client.protocol import Caller, Change
from kamerplanter_backend.client.requests import (
    AddTask,
    CompleteTask,
    CreatePlant,
    CreateTank,
    EvaluateGarden,
    ListPhases,
    LogHarvest,
    LogTreatment,
    SetSite,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    CorruptStoreError,
    ForbiddenError,
    UnavailableError,
)
from kamerplanter_backend.jobs.catalogue import GARDEN_JOBS
from kamerplanter_engines.errors import KarenzViolationError
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.plant import PlantFields
from kamerplanter_engines.models.site import SiteFields
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.task import TaskFields, TaskKind


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def opened(path: Path | None, clock: Clock) -> EmbeddedGarden:
    return open_garden(path, name="Home", time_zone="Europe/Berlin", latitude_deg=52.5, clock=clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def garden(tmp_path: Path, clock: Clock) -> AsyncIterator[EmbeddedGarden]:
    made = opened(tmp_path / "store" / "garden.db", clock)
    yield made
    await made.client.close()


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("kamerplanter")]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_new_garden_has_its_file_name_and_zone(
    garden: EmbeddedGarden, tmp_path: Path
) -> None:
    shown = await garden.client.snapshot()

    assert (shown.name, shown.time_zone, shown.today) == ("Home", "Europe/Berlin", date(2026, 5, 1))
    assert (tmp_path / "store" / "garden.db").is_file()
    assert garden.check() == []


async def test_closing_ends_the_thread_and_lets_go_of_the_file(
    tmp_path: Path, clock: Clock
) -> None:
    before = threads()
    garden = opened(tmp_path / "garden.db", clock)
    await garden.client.snapshot()
    running = threads()

    await garden.client.close()
    await garden.client.close()

    assert len(running) == len(before) + 1
    assert threads() == before
    with pytest.raises(UnavailableError):
        await garden.client.snapshot()
    shutil.move(tmp_path / "garden.db", tmp_path / "elsewhere.db")
    assert files(tmp_path) == ["elsewhere.db"]


async def test_what_was_asked_before_closing_is_done(tmp_path: Path, clock: Clock) -> None:
    garden = opened(tmp_path / "garden.db", clock)
    asked = [
        asyncio.create_task(garden.client.call(AddTask(fields=TaskFields(title=f"t{n}"))))
        for n in range(20)
    ]
    await asyncio.sleep(0)  # lets them begin

    await garden.client.close()
    await asyncio.gather(*asked)

    again = opened(tmp_path / "garden.db", clock)
    assert len((await again.client.snapshot()).tasks) == 20
    await again.client.close()


async def test_a_cancelled_caller_leaves_everything_whole(garden: EmbeddedGarden) -> None:
    started, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        started.set()
        go_on.wait(10)

    holding = asyncio.create_task(garden.client.run(hold))
    await asyncio.to_thread(started.wait, 10)
    waiting = asyncio.create_task(garden.client.call(AddTask(fields=TaskFields(title="x"))))
    await asyncio.sleep(0)
    waiting.cancel()
    holding.cancel()
    results = await asyncio.gather(waiting, holding, return_exceptions=True)
    go_on.set()

    await garden.client.call(AddTask(fields=TaskFields(title="y")))

    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert [task.title for task in (await garden.client.snapshot()).tasks] == ["y"]
    assert garden.check() == []


async def test_changes_come_on_the_loop_after_the_commit(garden: EmbeddedGarden) -> None:
    heard: asyncio.Queue[tuple[Change, str]] = asyncio.Queue()
    end = garden.client.changes(
        lambda change: heard.put_nowait((change, threading.current_thread().name))
    )

    await garden.client.call(
        CreateTank(fields=TankFields(name="T", volume_l=10)), Caller(role=Role.ADMIN)
    )
    change, thread = await asyncio.wait_for(heard.get(), 5)
    end()
    await garden.client.call(
        CreateTank(fields=TankFields(name="U", volume_l=10)), Caller(role=Role.ADMIN)
    )
    await garden.client.snapshot()

    assert change.collections == ("tanks",)
    assert thread == threading.current_thread().name
    assert heard.empty()


def test_it_serves_any_event_loop(tmp_path: Path, clock: Clock) -> None:
    garden = opened(tmp_path / "garden.db", clock)

    asyncio.run(_add(garden, "one"))
    asyncio.run(_add(garden, "two"))

    assert len(asyncio.run(garden.client.snapshot()).tasks) == 2
    asyncio.run(garden.client.close())


async def _add(garden: EmbeddedGarden, title: str) -> None:
    garden.client.changes(lambda _change: None)
    await garden.client.call(AddTask(fields=TaskFields(title=title)))


async def test_a_viewer_looks_and_does_nothing(garden: EmbeddedGarden) -> None:
    viewer = Caller(actor="guest", role=Role.VIEWER)

    phases = await garden.client.call(ListPhases(species_key="ficus_lyrata"), viewer)
    with pytest.raises(ForbiddenError) as refused:
        await garden.client.call(AddTask(fields=TaskFields(title="x")), viewer)

    assert len(phases) == 2
    assert refused.value.placeholders["permission"] == "task:create"


async def test_the_same_command_key_acts_once_also_after_a_restart(
    tmp_path: Path, clock: Clock
) -> None:
    command = AddTask(fields=TaskFields(title="x"), command_key="c-1")
    garden = opened(tmp_path / "garden.db", clock)
    first = await garden.client.call(command)
    await garden.client.close()

    clock.now += timedelta(days=1)
    again = opened(tmp_path / "garden.db", clock)
    second = await again.client.call(command)

    assert second == first
    assert len((await again.client.snapshot()).tasks) == 1
    await again.client.close()


async def test_a_moved_house_changes_the_local_day(garden: EmbeddedGarden, clock: Clock) -> None:
    clock.now = datetime(2026, 5, 1, 23, tzinfo=UTC)
    in_berlin = (await garden.client.snapshot()).today
    fields = SiteFields(name="Home", time_zone="America/Lima")

    await garden.client.call(SetSite(fields=fields), Caller(role=Role.ADMIN))

    assert in_berlin == date(2026, 5, 2)
    assert (await garden.client.snapshot()).today == date(2026, 5, 1)


async def test_all_is_there_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    garden = opened(tmp_path / "garden.db", clock)
    fields = PlantFields(name="Tomato", species_key="solanum_lycopersicum")
    plant = await garden.client.call(CreatePlant(fields=fields))
    treatment = ApplicationFields(product="Neem", interval_d=3, at=clock.now)
    await garden.client.call(LogTreatment(plant_keys=(plant.key,), fields=treatment))
    clock.now += timedelta(days=1)
    await garden.run_due(clock.now)
    before = await garden.client.snapshot()
    await garden.client.close()

    again = opened(tmp_path / "garden.db", clock)
    after = await again.client.snapshot()

    assert after == before
    with pytest.raises(KarenzViolationError):
        await again.client.call(LogHarvest(fields=HarvestFields(plant_key=plant.key, at=clock.now)))
    await again.client.close()


async def test_jobs_run_once_for_a_moment(garden: EmbeddedGarden, clock: Clock) -> None:
    fields = PlantFields(name="T", species_key="solanum_lycopersicum", watering_interval_d=1)
    await garden.client.call(CreatePlant(fields=fields))
    clock.now += timedelta(days=2)

    first, second = await garden.run_due(clock.now), await garden.run_due(clock.now)
    shown = (await garden.client.snapshot()).tasks

    assert (len(first), second) == (len(GARDEN_JOBS), [])
    assert [task.kind for task in shown] == [TaskKind.WATERING]
    done = await garden.client.call(CompleteTask(key=shown[0].key))
    assert done.closed_at == clock.now
    assert await garden.client.call(EvaluateGarden()) == 0


async def test_the_file_is_complete_while_writes_are_paused(
    garden: EmbeddedGarden, tmp_path: Path, clock: Clock
) -> None:
    await garden.client.call(AddTask(fields=TaskFields(title="before")))

    with garden.pause_writes():
        waiting = asyncio.create_task(garden.client.call(AddTask(fields=TaskFields(title="after"))))
        copy = tmp_path / "copy" / "garden.db"
        copy.parent.mkdir()
        shutil.copy(tmp_path / "store" / "garden.db", copy)
    await waiting

    restored = opened(copy, clock)
    assert [task.title for task in (await restored.client.snapshot()).tasks] == ["before"]
    assert len((await garden.client.snapshot()).tasks) == 2
    await restored.client.close()


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "garden.db"
    path.write_bytes(b"this is no garden" * 500)
    before = path.read_bytes()

    with pytest.raises(CorruptStoreError):
        opened(path, clock)

    assert path.read_bytes() == before
    assert threads() == []
