"""The to-do list: what completing, reopening and deleting mean."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import ConflictError, NotFoundError
from kamerplanter_backend.domain.snapshot.views import PlantView
from kamerplanter_engines.errors import FutureTimeError, IllegalTransitionError, InvalidInputError
from kamerplanter_engines.models.care import CareKind
from kamerplanter_engines.models.irrigation import Irrigation, IrrigationKind, WateringFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import Task, TaskFields, TaskKind, TaskState
from tests.backend.garden import Garden, states

MOMENT = "2026-05-04T08:00:00+00:00"


def _log(garden: Garden, plant: Plant) -> tuple[Irrigation, ...]:
    return garden.services.irrigation.list_of_plant(garden.context(), plant.key)


def _view(garden: Garden) -> PlantView:
    return garden.snapshot().plants[0]


@pytest.fixture
def plant(garden: Garden) -> Plant:
    """A plant with a watering task that is due today, 1 May."""
    made = garden.plant(watering_interval_d=7, phase_entry_id="vegetative")
    garden.wait(days=-7)
    garden.services.irrigation.log(garden.context(), [made.key], WateringFields(at=garden.now))
    garden.wait(days=7)
    garden.services.care.make_watering_tasks(garden.context())
    return made


@pytest.fixture
def task(garden: Garden, plant: Plant) -> Task:
    return garden.only_task(TaskKind.WATERING)


def test_a_watering_task_says_which_rule_made_it(task: Task) -> None:
    assert (task.rule, task.due_on, task.title) == ("watering_interval", date(2026, 5, 1), None)


def test_completing_a_watering_logs_it_and_moves_the_next_date(
    garden: Garden, plant: Plant, task: Task
) -> None:
    done = garden.services.task.complete(garden.context(), task.key, volume_l=0.5)

    assert done.state is TaskState.COMPLETED
    assert done.closed_at == garden.now
    entry = _log(garden, plant)[0]
    assert (entry.key, entry.volume_l, entry.watered_on) == (
        done.irrigation_key,
        0.5,
        date(2026, 5, 1),
    )
    assert _view(garden).last_watered_on == date(2026, 5, 1)
    assert _view(garden).next_watering_on == date(2026, 5, 8)


def test_f59_two_people_complete_the_same_task(garden: Garden, plant: Plant, task: Task) -> None:
    first = garden.services.task.complete(garden.context(actor="anna"), task.key)
    garden.wait(seconds=1)
    second = garden.services.task.complete(garden.context(actor="ben"), task.key)

    assert second == first
    assert len(_log(garden, plant)) == 2  # the one a week ago and one today


def test_f60_a_late_watering_counts_from_the_day_it_was_done(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    garden.plant(watering_interval_d=7)
    garden.at("2026-05-09T09:00")
    garden.services.care.make_watering_tasks(garden.context())
    task = garden.only_task(TaskKind.WATERING)

    garden.services.task.complete(garden.context(), task.key)
    garden.at("2026-05-10T00:01")
    next_day = _view(garden).next_watering_on
    garden.restart()
    garden.services.care.make_watering_tasks(garden.context())

    assert task.due_on == date(2026, 5, 8)
    assert next_day == _view(garden).next_watering_on == date(2026, 5, 16)
    assert garden.open_kinds() == []
    garden.store.close()


def test_f61_a_watering_late_in_the_evening_counts_on_that_local_day() -> None:
    garden = Garden(zone="America/Los_Angeles", latitude_deg=34)
    garden.at("2026-09-16T12:00")
    garden.plant(watering_interval_d=7)
    garden.at("2026-09-23T23:30")
    garden.services.care.make_watering_tasks(garden.context())

    done = garden.services.task.complete(garden.context(), garden.only_task(TaskKind.WATERING).key)

    assert done.closed_at == datetime(2026, 9, 24, 6, 30, tzinfo=UTC)
    assert _view(garden).last_watered_on == date(2026, 9, 23)
    assert _view(garden).next_watering_on == date(2026, 9, 30)
    garden.store.close()


def test_f63_the_day_begins_at_local_midnight() -> None:
    garden = Garden()
    garden.at("2026-02-17T10:00")
    plant = garden.plant(watering_interval_d=3)
    garden.services.irrigation.log(garden.context(), [plant.key], WateringFields(at=garden.now))
    garden.at("2026-02-19T23:59")
    before, changes_at = garden.snapshot(), garden.snapshot().next_due_at
    made_before = garden.services.care.make_watering_tasks(garden.context())

    midnight = garden.at("2026-02-20T00:00")
    made = garden.services.care.make_watering_tasks(garden.context())

    assert changes_at == midnight
    assert before.plants[0].next_watering_on - before.today == timedelta(days=1)
    assert (made_before, made) == (0, 1)
    assert garden.snapshot().tasks[0].is_due_today is True
    garden.store.close()


def test_a_watering_may_be_said_to_have_been_yesterday(garden: Garden, task: Task) -> None:
    garden.services.task.complete(garden.context(), task.key, garden.now - timedelta(days=1))

    assert _view(garden).next_watering_on == date(2026, 5, 7)


def test_nothing_is_completed_in_the_future(garden: Garden, plant: Plant, task: Task) -> None:
    with pytest.raises(FutureTimeError):
        garden.services.task.complete(garden.context(), task.key, garden.now + timedelta(hours=1))

    assert garden.open_kinds() == [TaskKind.WATERING]
    assert len(_log(garden, plant)) == 1


def test_reopening_takes_back_what_completing_wrote(
    garden: Garden, plant: Plant, task: Task
) -> None:
    garden.services.task.complete(garden.context(), task.key)

    opened = garden.services.task.reopen(garden.context(), task.key)
    again = garden.services.task.reopen(garden.context(), task.key)

    assert again == opened
    assert (opened.state, opened.closed_at, opened.irrigation_key) == (TaskState.OPEN, None, None)
    assert len(_log(garden, plant)) == 1
    assert _view(garden).next_watering_on == date(2026, 5, 1)
    assert garden.open_kinds() == [TaskKind.WATERING]


def test_reopening_leaves_one_open_watering_task(garden: Garden, plant: Plant, task: Task) -> None:
    garden.services.task.complete(garden.context(), task.key)
    garden.wait(days=7)
    garden.services.care.make_watering_tasks(garden.context())

    garden.services.task.reopen(garden.context(), task.key)

    assert garden.only_task(TaskKind.WATERING).key == task.key


def test_deleting_a_generated_task_skips_it_and_moves_the_date(
    garden: Garden, plant: Plant, task: Task
) -> None:
    skipped = garden.services.task.delete(garden.context(), task.key)
    garden.services.care.make_watering_tasks(garden.context())

    assert skipped.state is TaskState.SKIPPED
    assert len(_log(garden, plant)) == 1
    assert _view(garden).next_watering_on == date(2026, 5, 8)
    assert garden.open_kinds() == []


def test_f59_deleting_what_is_deleted_is_not_found(garden: Garden, task: Task) -> None:
    own = garden.services.task.add(garden.context(), TaskFields(title="Prune"))
    garden.services.task.delete(garden.context(), own.key)
    garden.services.task.delete(garden.context(), task.key)

    for key in (own.key, task.key, "never-was"):
        with pytest.raises(NotFoundError):
            garden.services.task.delete(garden.context(), key)


def test_a_skipped_task_is_reopened_before_it_is_completed(garden: Garden, task: Task) -> None:
    garden.services.task.delete(garden.context(), task.key)

    with pytest.raises(IllegalTransitionError):
        garden.services.task.complete(garden.context(), task.key)
    garden.services.task.reopen(garden.context(), task.key)

    assert _view(garden).next_watering_on == date(2026, 5, 1)


def test_deleting_a_done_task_takes_it_off_the_list_and_keeps_what_was_done(
    garden: Garden, plant: Plant, task: Task
) -> None:
    garden.services.task.complete(garden.context(), task.key)

    removed = garden.services.task.delete(garden.context(), task.key)

    assert garden.snapshot().tasks == ()
    # It was done, whatever becomes of its line in the list.
    assert (removed.state, removed.removed_at) == (TaskState.COMPLETED, garden.now)
    assert len(_log(garden, plant)) == 2
    assert _view(garden).next_watering_on == date(2026, 5, 8)
    assert garden.services.care.make_watering_tasks(garden.context()) == 0
    with pytest.raises(NotFoundError):
        garden.services.task.delete(garden.context(), task.key)


def test_a_task_that_was_taken_off_the_list_comes_back_when_it_is_reopened(
    garden: Garden, plant: Plant, task: Task
) -> None:
    garden.services.task.complete(garden.context(), task.key)
    garden.services.task.delete(garden.context(), task.key)

    reopened = garden.services.task.reopen(garden.context(), task.key)

    assert (reopened.state, reopened.removed_at) == (TaskState.OPEN, None)
    assert [view.key for view in garden.snapshot().tasks] == [task.key]
    assert len(_log(garden, plant)) == 1


def test_own_tasks_are_created_changed_and_deleted(garden: Garden) -> None:
    made = garden.services.task.add(
        garden.context(), TaskFields(title="Prune", due_on=date(2026, 5, 3))
    )
    moved = garden.services.task.update(
        garden.context(), made.key, {"due_at": MOMENT, "due_on": None, "title": "Prune it"}
    )
    back = garden.services.task.update(
        garden.context(), made.key, {"due_on": "2026-05-05", "due_at": None}
    )

    assert (moved.due_on, moved.due_at) == (None, datetime(2026, 5, 4, 8, tzinfo=UTC))
    assert (back.due_on, back.due_at, back.title) == (date(2026, 5, 5), None, "Prune it")


@pytest.mark.parametrize(
    ("had", "sent", "left_out"),
    [
        ({"due_on": "2026-05-03"}, {"due_at": MOMENT}, "due_on"),
        ({"due_at": MOMENT}, {"due_on": "2026-05-05"}, "due_at"),
    ],
)
def test_a_day_or_moment_that_was_not_sent_is_not_cleared(
    garden: Garden, had: dict[str, JsonValue], sent: dict[str, JsonValue], left_out: str
) -> None:
    made = garden.services.task.add(
        garden.context(), TaskFields.model_validate({"title": "Prune"} | had)
    )

    with pytest.raises(InvalidInputError, match=f"send {left_out} too: null") as refused:
        garden.services.task.update(garden.context(), made.key, sent)

    assert refused.value.field == left_out
    assert garden.services.task.get(garden.context(), made.key) == made


@pytest.mark.parametrize("patch", [{"state": "completed"}, {"rule": "x"}, {"plant_key": "p"}])
def test_only_words_and_dates_of_a_task_can_be_changed(
    garden: Garden, task: Task, patch: dict[str, JsonValue]
) -> None:
    with pytest.raises(InvalidInputError):
        garden.services.task.update(garden.context(), task.key, patch)


def test_a_due_moment_without_a_zone_is_refused(garden: Garden, task: Task) -> None:
    with pytest.raises(InvalidInputError):
        garden.services.task.update(garden.context(), task.key, {"due_at": "2026-05-04T08:00:00"})


def test_a_task_needs_words_or_a_subject(garden: Garden) -> None:
    with pytest.raises(InvalidInputError):
        garden.services.task.add(garden.context(), TaskFields())
    with pytest.raises(InvalidInputError):
        garden.services.task.add(garden.context(), TaskFields(title="x", rule="mine"))


def test_overdue_is_after_the_day_or_after_the_moment(garden: Garden) -> None:
    day = garden.services.task.add(garden.context(), TaskFields(title="d", due_on=date(2026, 5, 1)))
    moment = garden.services.task.add(
        garden.context(), TaskFields(title="m", due_at=garden.now + timedelta(minutes=5))
    )

    def overdue() -> set[str]:
        return {task.key for task in garden.snapshot().tasks if task.is_overdue}

    now, due_at = overdue(), garden.snapshot().next_due_at
    garden.wait(minutes=6)
    later = overdue()
    garden.at("2026-05-02T00:00")

    assert (now, due_at) == (set(), moment.due_at)
    assert later == {moment.key}
    assert overdue() == {day.key, moment.key}


def test_f57_a_moment_is_due_on_its_local_day() -> None:
    garden = Garden(zone="Europe/London")
    garden.at("2026-08-27T08:00")
    garden.services.task.add(
        garden.context(),
        TaskFields(title="late", due_at=datetime(2026, 8, 26, 23, 0, tzinfo=UTC)),
    )

    assert garden.snapshot().tasks[0].is_due_today is True
    garden.store.close()


def test_closed_tasks_leave_the_list_after_two_weeks(garden: Garden, task: Task) -> None:
    garden.services.task.complete(garden.context(), task.key)
    garden.wait(days=13)
    shown = len(garden.snapshot().tasks)
    garden.wait(days=2)

    assert (shown, len(garden.snapshot().tasks)) == (1, 0)


def test_the_same_command_key_acts_once(garden: Garden) -> None:
    context = garden.context(command_key="c-1")
    fields = TaskFields(title="Prune")

    first = garden.services.task.add(context, fields)
    second = garden.services.task.add(replace(context, now=garden.wait(hours=1)), fields)

    assert second == first
    assert len(garden.snapshot().tasks) == 1


def test_the_same_command_key_for_something_else_is_a_conflict(garden: Garden) -> None:
    context = garden.context(command_key="c-1")
    garden.services.task.add(context, TaskFields(title="Prune"))

    with pytest.raises(ConflictError):
        garden.services.task.add(context, TaskFields(title="Water"))


def test_logging_a_watering_completes_the_open_task(
    garden: Garden, plant: Plant, task: Task
) -> None:
    (entry,) = garden.services.irrigation.log(
        garden.context(), [plant.key], WateringFields(at=garden.now, volume_l=1)
    )

    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.COMPLETED)]
    reopened = garden.services.task.reopen(garden.context(), task.key)
    assert reopened.state is TaskState.OPEN
    assert entry.key not in {item.key for item in _log(garden, plant)}


def test_a_watering_of_last_week_does_not_complete_what_is_due_today(
    garden: Garden, plant: Plant, task: Task
) -> None:
    garden.services.irrigation.log(
        garden.context(),
        [plant.key],
        WateringFields(at=garden.now - timedelta(days=7, hours=1)),
    )

    assert garden.open_kinds() == [TaskKind.WATERING]


def test_a_feed_with_a_volume_counts_as_watering(garden: Garden, plant: Plant, task: Task) -> None:
    garden.services.irrigation.log(
        garden.context(),
        [plant.key],
        WateringFields(kind=IrrigationKind.FEED, at=garden.now, volume_l=1),
    )

    assert _view(garden).next_watering_on == date(2026, 5, 8)
    assert _view(garden).last_watered_on == date(2026, 5, 1)
    assert _view(garden).next_fertilising_on == date(2026, 5, 15)
    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.RESOLVED)]


def test_a_dry_feed_is_no_watering(garden: Garden, plant: Plant, task: Task) -> None:
    garden.services.care.confirm(garden.context(), plant.key, CareKind.FERTILISING)

    assert _view(garden).next_watering_on == date(2026, 5, 1)
    assert _view(garden).next_fertilising_on == date(2026, 5, 15)
    assert garden.open_kinds() == [TaskKind.WATERING]


def test_a_confirmed_pest_check_moves_its_date(garden: Garden, plant: Plant) -> None:
    garden.services.care.confirm(garden.context(), plant.key, CareKind.PEST_CHECK)

    assert _view(garden).next_pest_check_on == date(2026, 5, 8)
    assert len(_log(garden, plant)) == 1


def test_an_archived_plant_has_no_open_tasks(garden: Garden, plant: Plant, task: Task) -> None:
    garden.services.plant.archive(garden.context(), plant.key)
    garden.services.care.make_watering_tasks(garden.context())

    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.RESOLVED)]
    with pytest.raises(NotFoundError):
        garden.services.task.reopen(garden.context(), task.key)
    with pytest.raises(NotFoundError):
        garden.services.irrigation.log(garden.context(), [plant.key], WateringFields(at=garden.now))


def test_a_task_about_something_needs_that_to_be_there(garden: Garden) -> None:
    tank = garden.tank()
    made = garden.services.task.add(garden.context(), TaskFields(title="Clean", tank_key=tank.key))
    named = garden.snapshot().tasks[0].subject_name
    garden.services.tank.archive(garden.context(), tank.key)

    assert (made.tank_key, named) == (tank.key, "Tank")
    for fields in (
        TaskFields(title="x", tank_key=tank.key),
        TaskFields(title="x", plant_key="nobody"),
    ):
        with pytest.raises(NotFoundError):
            garden.services.task.add(garden.context(), fields)
    with pytest.raises(NotFoundError):
        garden.services.task.reopen(garden.context(), made.key)


def test_the_title_of_an_own_task_cannot_be_emptied(garden: Garden) -> None:
    made = garden.services.task.add(garden.context(), TaskFields(title="Prune"))

    with pytest.raises(InvalidInputError):
        garden.services.task.update(garden.context(), made.key, {"title": None})

    assert garden.snapshot().tasks[0].title == "Prune"
