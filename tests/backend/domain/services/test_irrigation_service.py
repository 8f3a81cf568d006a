"""The irrigation log."""

from datetime import date, timedelta
from typing import Any

import pytest

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError
from kamerplanter_engines.models.irrigation import Irrigation, WateringFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskFields, TaskKind, TaskState
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden, states

MOISTURE = ChannelKind.SOIL_MOISTURE


@pytest.fixture
def plant(garden: Garden) -> Plant:
    return garden.plant(watering_interval_d=7)


def water(garden: Garden, plant: Plant, task_key: str | None = None) -> Irrigation:
    (entry,) = garden.services.irrigation.log(
        garden.context(), [plant.key], WateringFields(at=garden.now), task_key
    )
    return entry


def test_a_watering_can_name_its_task(garden: Garden, plant: Plant) -> None:
    fields = TaskFields(kind=TaskKind.WATERING, plant_key=plant.key, due_on=date(2026, 6, 1))
    task = garden.services.task.add(garden.context(), fields)

    entry = water(garden, plant, task_key=task.key)
    again = water(garden, plant, task_key=task.key)

    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.COMPLETED)]
    assert (entry.task_key, again.task_key) == (task.key, None)
    listed = garden.services.irrigation.list_of_plant(garden.context(), plant.key)
    assert {item.key for item in listed} == {entry.key, again.key}


def test_a_task_of_another_plant_is_refused(garden: Garden, plant: Plant) -> None:
    other = garden.plant(name="Other")
    fields = TaskFields(kind=TaskKind.WATERING, plant_key=other.key)
    task = garden.services.task.add(garden.context(), fields)

    with pytest.raises(InvalidInputError):
        water(garden, plant, task_key=task.key)
    with pytest.raises(NotFoundError):
        water(garden, plant, task_key="no-task")

    assert garden.services.irrigation.list_of_plant(garden.context(), plant.key) == ()


@pytest.mark.parametrize(
    ("kind", "given", "fits"),
    [
        (TaskKind.CUSTOM, {"kind": "water"}, False),
        (TaskKind.PEST_CHECK, {"kind": "water"}, False),
        (TaskKind.FERTILISING, {"kind": "water"}, False),
        (TaskKind.WATERING, {"kind": "feed"}, False),
        (TaskKind.FERTILISING, {"kind": "feed"}, True),
        (TaskKind.WATERING, {"kind": "feed", "volume_l": 1}, True),
    ],
)
def test_a_task_about_something_else_is_refused(
    garden: Garden, plant: Plant, kind: TaskKind, given: dict[str, Any], fits: bool
) -> None:
    fields = TaskFields(title="Repot", kind=kind, plant_key=plant.key)
    task = garden.services.task.add(garden.context(), fields)
    watering = WateringFields(at=garden.now, **given)

    def log() -> None:
        garden.services.irrigation.log(garden.context(), [plant.key], watering, task.key)

    if fits:
        log()
        assert garden.services.task.get(garden.context(), task.key).state is TaskState.COMPLETED
        return
    with pytest.raises(InvalidInputError, match=f"is about {kind}, not about") as refused:
        log()
    assert refused.value.field == "task_key"
    assert garden.services.task.get(garden.context(), task.key).state is TaskState.OPEN
    assert garden.services.irrigation.list_of_plant(garden.context(), plant.key) == ()


def test_a_watering_in_the_future_is_refused(garden: Garden, plant: Plant) -> None:
    fields = WateringFields(at=garden.now + timedelta(hours=1))

    with pytest.raises(FutureTimeError):
        garden.services.irrigation.log(garden.context(), [plant.key], fields)


def test_several_plants_are_watered_at_once_and_their_tasks_are_done(
    garden: Garden, plant: Plant
) -> None:
    other = garden.plant(name="Other", watering_interval_d=7)
    garden.at("2026-05-08T05:00")
    garden.services.care.make_watering_tasks(garden.context())

    entries = garden.services.irrigation.log(
        garden.context(),
        [other.key, plant.key, other.key],
        WateringFields(at=garden.now, volume_l=0.5),
    )

    assert [(entry.plant_key, entry.volume_l) for entry in entries] == [
        (other.key, 0.5),
        (plant.key, 0.5),
    ]
    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.COMPLETED)] * 2


def test_of_several_plants_all_are_watered_or_none(garden: Garden, plant: Plant) -> None:
    with pytest.raises(NotFoundError):
        garden.services.irrigation.log(
            garden.context(), [plant.key, "nobody"], WateringFields(at=garden.now)
        )

    assert garden.services.irrigation.list_of_plant(garden.context(), plant.key) == ()


def test_a_named_task_is_completed_by_the_plant_that_it_is_about(
    garden: Garden, plant: Plant
) -> None:
    other = garden.plant(name="Other")
    fields = TaskFields(kind=TaskKind.WATERING, plant_key=other.key, due_on=date(2026, 6, 1))
    task = garden.services.task.add(garden.context(), fields)

    entries = garden.services.irrigation.log(
        garden.context(), [plant.key, other.key], WateringFields(at=garden.now), task.key
    )

    assert [entry.task_key for entry in entries] == [None, task.key]
    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.COMPLETED)]


def test_a_clock_that_runs_ahead_does_not_water_tomorrow(garden: Garden, plant: Plant) -> None:
    now = garden.at("2026-05-01T23:59:30")

    (entry,) = garden.services.irrigation.log(
        garden.context(), [plant.key], WateringFields(at=now + timedelta(minutes=1))
    )

    assert (entry.at, entry.watered_on) == (now, date(2026, 5, 1))


def test_dry_soil_stays_shown_when_its_probe_is_taken_away(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)

    garden.services.probe.archive(garden.context(), soil.key)
    without_probe = garden.snapshot().plants[0].attention_reasons
    garden.services.plant.update(garden.context(), plant.key, {"soil_moisture_low_pct": None})
    back = garden.probe(MOISTURE, plant_key=plant.key, name="New")
    garden.measure(back, MOISTURE, 12)

    assert without_probe == ("soil_dry", "no_data")
    assert garden.snapshot().plants[0].attention_reasons == ()  # no limit, no judgement


def test_the_end_of_the_waiting_time_of_dry_soil_is_announced(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    begin = garden.now

    garden.measure(soil, MOISTURE, 12)

    assert garden.snapshot().next_due_at == begin + timedelta(minutes=30)


def test_overdue_care_needs_attention(garden: Garden, plant: Plant) -> None:
    garden.at("2026-05-08T05:00")
    garden.services.care.make_watering_tasks(garden.context())
    on_the_day = garden.snapshot().plants[0].needs_attention
    garden.at("2026-05-09T00:00")

    view = garden.snapshot().plants[0]

    assert on_the_day is False
    assert (view.needs_attention, view.attention_reasons) == (True, ("watering_overdue",))
    assert plant.key == view.plant.key
