"""What waits is shown as the server will show it when it was delivered."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kamerplanter_backend.client.embedded import EmbeddedGarden, open_garden
from kamerplanter_backend.client.protocol import Caller, Command, Request
from kamerplanter_backend.client.requests import (
    AddTask,
    ArchivePlant,
    ArchiveProbe,
    ArchiveTank,
    CompleteTask,
    CreateLocation,
    CreatePlant,
    CreateProbe,
    CreateTank,
    DeleteTask,
    LogWatering,
    ReopenTask,
    SetPhase,
    UpdateLocation,
    UpdatePlant,
    UpdateProbe,
    UpdateTank,
    UpdateTask,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.client.waiting_overlay import with_waiting
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.irrigation import IrrigationKind, WateringFields
from kamerplanter_engines.models.plant import PlantFields
from kamerplanter_engines.models.site import LocationFields
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.task import TaskFields, TaskState
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
NOW = START + timedelta(days=9)
ADMIN = Caller(role=Role.ADMIN)
OWN, OTHER, NEW = "own-task", "other-task", "new-task"


class Bench:
    """A garden with one of each thing, and open tasks of persons and rules."""

    def __init__(self) -> None:
        self.now = START
        self.garden: EmbeddedGarden = open_garden(
            None, name="Garden", time_zone="Europe/Berlin", clock=lambda: self.now
        )
        self.tank = self.plant = self.probe = self.place = ""

    async def fill(self) -> None:
        """Add the things, and let the days pass in which tasks become due."""
        self.tank = (await self.ask(CreateTank(fields=TankFields(name="Tank", volume_l=60)))).key
        plant = PlantFields(
            name="Basil",
            species_key="ocimum_basilicum",
            tank_key=self.tank,
            watering_interval_d=3,
        )
        self.plant = (await self.ask(CreatePlant(fields=plant))).key
        channel = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="bed/soil")
        probe = ProbeFields(name="Probe", plant_key=self.plant, channels=(channel,))
        self.probe = (await self.ask(CreateProbe(fields=probe))).key
        site_key = (await self.snapshot()).home_site_key
        place = LocationFields(name="Tent", site_key=site_key or "")
        self.place = (await self.ask(CreateLocation(fields=place))).key
        self.now = NOW
        await self.garden.run_due(NOW)
        await self.ask(AddTask(key=OWN, fields=TaskFields(title="Own", due_on=NOW.date())))
        about = TaskFields(title="Other", tank_key=self.tank)
        await self.ask(AddTask(key=OTHER, fields=about))

    async def ask[R](self, request: Request[R]) -> R:
        """Ask or do one thing as the owner."""
        return await self.garden.client.call(request, ADMIN)

    async def snapshot(self) -> GardenSnapshot:
        """Return what the garden shows."""
        return await self.garden.client.snapshot()

    def task_of_a_rule(self, snapshot: GardenSnapshot) -> str:
        """Return the watering task."""
        return next(task.key for task in snapshot.tasks if task.kind == "watering")


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    """Give a filled garden."""
    made = Bench()
    await made.fill()
    yield made
    await made.garden.client.close()


def essence(snapshot: GardenSnapshot) -> dict[str, Any]:
    """Return what the overlay promises: tasks, names, and what is there."""
    return {
        "tasks": {task.key: task for task in snapshot.tasks},
        "tanks": {v.tank.key: (v.tank.name, set(v.open_task_keys)) for v in snapshot.tanks},
        "plants": {v.plant.key: (v.plant.name, set(v.open_task_keys)) for v in snapshot.plants},
        "probes": {v.probe.key: v.probe.name for v in snapshot.probes},
        "locations": {v.location.key: v.location.name for v in snapshot.locations},
    }


def water(bench: Bench, **more: Any) -> LogWatering:
    return LogWatering(plant_keys=(bench.plant,), fields=WateringFields(at=NOW, **more))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda b, _s: [CompleteTask(key=OWN, at=NOW)], id="complete"),
        pytest.param(
            lambda b, s: [CompleteTask(key=b.task_of_a_rule(s), at=NOW)], id="complete a watering"
        ),
        pytest.param(
            lambda b, _s: [CompleteTask(key=OWN, at=NOW), ReopenTask(key=OWN)], id="reopen"
        ),
        pytest.param(
            lambda b, _s: [CompleteTask(key=OWN, at=NOW), CompleteTask(key=OWN, at=NOW)],
            id="complete twice",
        ),
        pytest.param(lambda b, _s: [DeleteTask(key=OWN)], id="delete"),
        pytest.param(lambda b, _s: [UpdateTask(key=OWN, patch={"title": "New"})], id="rename"),
        pytest.param(
            lambda b, _s: [UpdateTask(key=OWN, patch={"due_on": "2026-05-02"})], id="overdue"
        ),
        pytest.param(
            lambda b, _s: [UpdateTask(key=OWN, patch={"due_on": None, "description": "x"})],
            id="no date",
        ),
        pytest.param(
            lambda b, _s: [
                AddTask(key=NEW, fields=TaskFields(title="New", due_on=NOW.date())),
                UpdateTask(key=NEW, patch={"description": "soon"}),
            ],
            id="add and change",
        ),
        pytest.param(
            lambda b, _s: [
                AddTask(key=NEW, fields=TaskFields(title="New")),
                CompleteTask(key=NEW, at=NOW),
            ],
            id="add and complete",
        ),
        pytest.param(lambda b, _s: [water(b)], id="water"),
        pytest.param(lambda b, _s: [water(b, kind=IrrigationKind.FEED)], id="feed"),
        pytest.param(lambda b, _s: [UpdateTank(key=b.tank, patch={"name": "Big"})], id="tank"),
        pytest.param(lambda b, _s: [UpdatePlant(key=b.plant, patch={"name": "Bo"})], id="plant"),
        pytest.param(lambda b, _s: [UpdateProbe(key=b.probe, patch={"name": "Po"})], id="probe"),
        pytest.param(lambda b, _s: [ArchiveProbe(key=b.probe)], id="archive a probe"),
        pytest.param(lambda b, _s: [UpdateLocation(key=b.place, patch={"name": "X"})], id="place"),
    ],
)
async def test_what_waits_is_shown_as_it_will_be(bench: Bench, make: Any) -> None:
    before = await bench.snapshot()
    commands: list[Command[Any]] = make(bench, before)
    shown = with_waiting(before, commands)

    for command in commands:
        await bench.ask(command)
    after = await bench.snapshot()

    assert _comparable(shown, before) == _comparable(after, before)
    assert shown != before or essence(after) == essence(before)


def _comparable(snapshot: GardenSnapshot, before: GardenSnapshot) -> dict[str, Any]:
    """Return the essence, of rules' tasks only those that were there: they make more of them."""
    found = essence(snapshot)
    rules = {key for key, task in found["tasks"].items() if task.rule}
    known = {task.key for task in before.tasks}
    found["tasks"] = {k: t for k, t in found["tasks"].items() if k not in rules or k in known}
    # The name of the thing that a task is about follows a rename with the next snapshot.
    found["tasks"] = {
        k: t.model_copy(update={"subject_name": None}) for k, t in found["tasks"].items()
    }
    return found


async def test_things_that_are_archived_are_gone(bench: Bench) -> None:
    before = await bench.snapshot()

    shown = with_waiting(before, [ArchivePlant(key=bench.plant), ArchiveTank(key=bench.tank)])

    assert (shown.plants, shown.tanks) == ((), ())
    assert [view.probe.key for view in shown.probes] == [bench.probe]


async def test_a_new_task_names_what_it_is_about(bench: Bench) -> None:
    before = await bench.snapshot()
    about_plant = TaskFields(title="P", plant_key=bench.plant)
    about_tank = TaskFields(title="T", tank_key=bench.tank)

    shown = with_waiting(
        before, [AddTask(key="p", fields=about_plant), AddTask(key="t", fields=about_tank)]
    )

    names = {task.key: task.subject_name for task in shown.tasks}
    assert (names["p"], names["t"]) == ("Basil", "Tank")


async def test_what_makes_no_sense_or_shows_nothing_is_passed_over(bench: Bench) -> None:
    before = await bench.snapshot()
    useless: list[Command[Any]] = [
        CompleteTask(key="never-was", at=NOW),
        DeleteTask(key="never-was"),
        UpdateTask(key=OWN, patch={"due_on": "no date"}),
        UpdateTank(key=bench.tank, patch={"volume_l": 5}),
        UpdatePlant(key=bench.plant, patch={"name": ""}),
        SetPhase(key=bench.plant, entry_id="flowering"),
        AddTask(fields=TaskFields(title="Without a key")),
    ]

    assert essence(with_waiting(before, useless)) == essence(before)
    assert with_waiting(before, []) is before


async def test_a_closed_task_stays_closed_as_it_was(bench: Bench) -> None:
    await bench.ask(CompleteTask(key=OWN, at=NOW))
    before = await bench.snapshot()

    shown = with_waiting(before, [CompleteTask(key=OWN, at=NOW + timedelta(hours=1))])

    (task,) = [item for item in shown.tasks if item.key == OWN]
    assert (task.state, task.closed_at) == (TaskState.COMPLETED, NOW)
