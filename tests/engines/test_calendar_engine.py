"""Which days a calendar shows."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kamerplanter_engines.calendar_engine import (
    Window,
    in_order,
    karenz_events,
    phase_events,
    run_events,
    task_events,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.calendar import (
    CATEGORY_OF,
    CalendarCategory,
    CalendarEvent,
    CalendarEventKind,
)
from kamerplanter_engines.models.ipm import Treatment
from kamerplanter_engines.models.phase import PhaseEntry, PhaseSequenceFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.planting_run import PlantingRun, RunState
from kamerplanter_engines.models.task import Task, TaskState

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
TODAY = date(2026, 5, 1)
MAY = Window(date(2026, 5, 1), date(2026, 6, 1))
BASE: dict[str, object] = {"tenant_key": "g", "created_at": NOW, "updated_at": NOW}
PLANT = Plant.model_validate({**BASE, "key": "p", "name": "Tomato", "species_key": "s"})
LOS_ANGELES = ZoneInfo("America/Los_Angeles")


def task(**values: object) -> Task:
    return Task.model_validate({**BASE, "key": "t", "title": "Look", **values})


def treatment(on: date, interval_d: int | None, **values: object) -> Treatment:
    said = {
        **BASE,
        "key": f"treatment-{on}",
        "plant_key": "p",
        "product": "Neem",
        "interval_d": interval_d,
        "at": NOW,
        "applied_on": on,
    }
    return Treatment.model_validate({**said, **values})


def days(events: list[CalendarEvent]) -> list[date]:
    return [event.on for event in events]


class TestWindow:
    def test_the_start_is_in_it_and_the_end_is_not(self) -> None:
        assert date(2026, 5, 1) in MAY
        assert date(2026, 5, 31) in MAY
        assert date(2026, 4, 30) not in MAY
        assert date(2026, 6, 1) not in MAY
        assert None not in MAY

    @pytest.mark.parametrize("end", [date(2026, 5, 1), date(2026, 4, 30), date(2027, 6, 6)])
    def test_an_empty_or_endless_one_is_refused(self, end: date) -> None:
        with pytest.raises(InvalidInputError) as refused:
            Window(date(2026, 5, 1), end)

        assert refused.value.field == "end"

    @pytest.mark.parametrize(
        ("start", "end"),
        [(date.min, date(1, 1, 2)), (date(9999, 12, 30), date.max)],
    )
    def test_at_the_end_of_all_dates_there_is_none(self, start: date, end: date) -> None:
        with pytest.raises(InvalidInputError) as refused:
            Window(start, end)

        assert refused.value.field == "start"

    def test_four_hundred_days_are_possible(self) -> None:
        assert date(2027, 6, 4) in Window(date(2026, 5, 1), date(2027, 6, 5))


class TestTasks:
    @pytest.mark.parametrize(
        ("state", "kind"),
        [
            (TaskState.OPEN, CalendarEventKind.TASK_DUE),
            (TaskState.COMPLETED, CalendarEventKind.TASK_DONE),
            (TaskState.SKIPPED, None),
            (TaskState.RESOLVED, None),
        ],
    )
    def test_the_state_decides_what_it_is(
        self, state: TaskState, kind: CalendarEventKind | None
    ) -> None:
        found = task_events([task(state=state, due_on=TODAY)], {}, MAY, UTC)

        assert [event.kind for event in found] == ([kind] if kind else [])

    def test_a_moment_lies_on_the_local_day(self) -> None:
        late = task(due_at=datetime(2026, 5, 2, 6, 30, tzinfo=UTC))

        assert days(task_events([late], {}, MAY, LOS_ANGELES)) == [date(2026, 5, 1)]
        assert days(task_events([late], {}, MAY, UTC)) == [date(2026, 5, 2)]

    def test_the_local_day_decides_whether_it_is_in_the_window(self) -> None:
        before = task(due_at=datetime(2026, 5, 1, 6, 30, tzinfo=UTC))

        assert task_events([before], {}, MAY, LOS_ANGELES) == []

    def test_without_a_date_it_is_on_no_day(self) -> None:
        assert task_events([task()], {}, MAY, UTC) == []

    def test_it_keeps_its_id_when_it_moves(self) -> None:
        first, second = (
            task_events([task(due_on=day)], {}, MAY, UTC)[0] for day in (TODAY, date(2026, 5, 9))
        )

        assert first.id == second.id

    def test_it_names_its_subject_and_its_own_words(self) -> None:
        (event,) = task_events([task(due_on=TODAY, plant_key="p")], {"p": PLANT}, MAY, UTC)

        assert (event.subject_name, event.title, event.task_key) == ("Tomato", "Look", "t")
        assert event.changed_at == NOW

    def test_a_new_name_of_its_subject_is_a_change(self) -> None:
        renamed = PLANT.model_copy(update={"name": "Ada", "updated_at": NOW + timedelta(hours=1)})

        (todo,) = task_events([task(due_on=TODAY, plant_key="p")], {"p": renamed}, MAY, UTC)
        (safe,) = karenz_events(renamed, [treatment(TODAY, 3)], MAY, TODAY)

        assert [event.subject_name for event in (todo, safe)] == ["Ada", "Ada"]
        assert [event.changed_at for event in (todo, safe)] == [renamed.updated_at] * 2


class TestKarenz:
    def test_the_day_is_the_first_permitted_one(self) -> None:
        # Treated on 1 May with three full days: 2, 3 and 4 May lie between.
        found = karenz_events(PLANT, [treatment(TODAY, 3)], MAY, TODAY)

        assert days(found) == [date(2026, 5, 5)]

    def test_the_longest_one_counts(self) -> None:
        both = [treatment(TODAY, 3), treatment(date(2026, 4, 30), 20)]

        assert days(karenz_events(PLANT, both, MAY, TODAY)) == [date(2026, 5, 21)]

    def test_of_an_unknown_interval_nobody_knows_a_day(self) -> None:
        both = [treatment(TODAY, 3), treatment(date(2026, 4, 30), None)]

        assert karenz_events(PLANT, both, MAY, TODAY) == []

    def test_what_was_not_done_forbids_nothing(self) -> None:
        assert karenz_events(PLANT, [treatment(TODAY, 3, voided=True)], MAY, TODAY) == []

    def test_a_day_that_has_passed_stays_in_the_calendar(self) -> None:
        found = karenz_events(PLANT, [treatment(TODAY, 3)], MAY, date(2026, 5, 20))

        assert days(found) == [date(2026, 5, 5)]


class TestPhases:
    SEQUENCE = PhaseSequenceFields(
        name="Tomato",
        entries=(
            PhaseEntry(entry_id="veg", phase="vegetative", duration_d=14),
            PhaseEntry(entry_id="flower", phase="flowering", duration_d=30),
        ),
    )

    def events(self, entry_id: str) -> list[CalendarEvent]:
        return phase_events(
            PLANT, self.SEQUENCE, entry_id=entry_id, started_on=TODAY, window=MAY, today=TODAY
        )

    def test_the_next_phase_is_expected_when_this_one_has_lasted_its_time(self) -> None:
        (event,) = self.events("veg")

        assert (event.on, event.detail) == (date(2026, 5, 15), "flowering")

    def test_after_the_last_phase_nothing_is_expected(self) -> None:
        assert self.events("flower") == []


class TestRuns:
    def run(self, **values: object) -> PlantingRun:
        return PlantingRun.model_validate(
            {**BASE, "key": "r", "name": "Tomatoes", "species_key": "s", **values}
        )

    def test_a_plan_is_shown_until_it_is_carried_out(self) -> None:
        planned = self.run(planned_on=date(2026, 5, 10))
        begun = self.run(
            planned_on=date(2026, 5, 10), started_on=date(2026, 5, 12), state=RunState.ACTIVE
        )

        assert [(e.kind, e.on.day) for e in run_events(planned, MAY)] == [("run_planned", 10)]
        assert [(e.kind, e.on.day) for e in run_events(begun, MAY)] == [("run_started", 12)]

    def test_a_plan_that_was_given_up_shows_its_end_alone(self) -> None:
        given_up = self.run(
            planned_on=date(2026, 5, 10), ended_on=date(2026, 5, 2), state=RunState.CANCELLED
        )

        assert [event.kind for event in run_events(given_up, MAY)] == ["run_ended"]

    def test_only_days_of_the_window_are_shown(self) -> None:
        whole = self.run(
            started_on=date(2026, 4, 30),
            harvesting_on=date(2026, 5, 31),
            ended_on=date(2026, 6, 1),
        )

        assert [event.kind for event in run_events(whole, MAY)] == ["run_harvest"]


def test_each_kind_has_a_category() -> None:
    assert set(CATEGORY_OF) == set(CalendarEventKind)
    assert set(CATEGORY_OF.values()) == set(CalendarCategory)


def test_events_are_in_order_of_their_days() -> None:
    events = task_events(
        [task(key="b", due_on=date(2026, 5, 20)), task(key="a", due_on=date(2026, 5, 5))],
        {},
        MAY,
        UTC,
    )

    assert [event.on.day for event in in_order(events)] == [5, 20]
