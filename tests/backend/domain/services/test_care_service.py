"""Care reminders by style and season."""

from datetime import date

import pytest

from kamerplanter_engines.models.care import CareKind
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden


def remind(garden: Garden) -> int:
    return garden.services.care.make_reminders(garden.context())


@pytest.fixture
def plant(garden: Garden) -> Plant:
    # 1 May; outdoor_annual_veg: feed every 14 days, pest check every 7
    return garden.plant(phase_entry_id="vegetative")


def test_reminders_come_on_their_day_and_once(garden: Garden, plant: Plant) -> None:
    garden.at("2026-05-07T23:00")
    too_early = remind(garden)
    garden.at("2026-05-08T06:00")
    first, again = remind(garden), remind(garden)

    assert (too_early, first, again) == (0, 1, 0)
    assert garden.open_kinds() == [TaskKind.PEST_CHECK]


def test_an_open_reminder_is_not_doubled_on_later_days(garden: Garden, plant: Plant) -> None:
    for day in range(8, 29):
        garden.at(f"2026-05-{day:02}T06:00")
        remind(garden)

    assert garden.open_kinds() == [TaskKind.FERTILISING, TaskKind.PEST_CHECK]


def test_a_completed_pest_check_comes_back_after_its_interval(garden: Garden, plant: Plant) -> None:
    garden.at("2026-05-08T06:00")
    remind(garden)
    task = garden.only_task(TaskKind.PEST_CHECK)
    garden.at("2026-05-10T20:00")
    garden.services.task.complete(garden.context(), task.key)

    garden.at("2026-05-16T06:00")
    before = remind(garden)
    garden.services.care.confirm(garden.context(), plant.key, CareKind.FERTILISING)
    garden.at("2026-05-17T06:00")

    assert before == 1  # only the feeding, due on 15 May
    assert remind(garden) == 1
    assert garden.only_task(TaskKind.PEST_CHECK).due_on == date(2026, 5, 17)


def test_completing_a_feeding_logs_it(garden: Garden, plant: Plant) -> None:
    garden.at("2026-05-15T06:00")
    remind(garden)

    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.FERTILISING).key)

    entry = garden.services.irrigation.list_of_plant(garden.context(), plant.key)[0]
    assert (entry.kind, entry.watered_on) == ("feed", date(2026, 5, 15))


def test_f62_what_is_due_in_the_closed_season_waits_for_its_first_day() -> None:
    garden = Garden()
    garden.at("2026-09-20T10:00")
    plant = garden.plant(species_key="echeveria_elegans")  # succulent: feed April to September
    garden.services.care.confirm(garden.context(), plant.key, CareKind.FERTILISING)

    made = []
    for month in (10, 11, 12, 1, 2, 3):
        garden.at(f"{2026 if month > 9 else 2027}-{month:02}-28T06:00")
        remind(garden)
        made += [kind for kind in garden.open_kinds() if kind is TaskKind.FERTILISING]
    due_on = garden.snapshot().plants[0].next_fertilising_on

    assert made == []
    assert due_on in {None, date(2027, 4, 1)}
    garden.store.close()


def test_a_plant_at_rest_is_not_fed(garden: Garden) -> None:
    plant = garden.plant(species_key="echeveria_elegans", phase_entry_id="winter_rest")

    assert garden.snapshot().plants[0].next_fertilising_on is None
    garden.services.phase.set_phase(
        garden.context(), plant.key, "active_growth", reason="It wakes up"
    )
    assert garden.snapshot().plants[0].next_fertilising_on == date(2026, 5, 31)


def test_the_interval_of_a_person_wins_over_phase_and_style(garden: Garden, plant: Plant) -> None:
    by_phase = garden.snapshot().plants[0].next_watering_on
    garden.services.plant.update(garden.context(), plant.key, {"watering_interval_d": 9})
    own = garden.snapshot().plants[0].next_watering_on
    garden.services.plant.update(garden.context(), plant.key, {"watering_interval_d": None})

    assert (by_phase, own) == (date(2026, 5, 2), date(2026, 5, 10))
    assert garden.snapshot().plants[0].next_watering_on == by_phase


def test_watering_tasks_follow_the_clock_change() -> None:
    garden = Garden()
    garden.at("2026-03-28T12:00")
    garden.plant(watering_interval_d=1)

    garden.at("2026-03-29T01:59")
    made = garden.services.care.make_watering_tasks(garden.context())
    garden.at("2026-03-29T03:00")

    assert made == 1
    assert garden.only_task(TaskKind.WATERING).due_on == date(2026, 3, 29)
    garden.store.close()


def test_water_by_soil_and_by_interval_is_one_task(garden: Garden, plant: Plant) -> None:
    garden.services.plant.update(garden.context(), plant.key, {"soil_moisture_low_pct": 20})
    soil = garden.probe(ChannelKind.SOIL_MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, ChannelKind.SOIL_MOISTURE, 12, step=5)

    garden.at("2026-05-02T05:00")
    made = garden.services.care.make_watering_tasks(garden.context())

    assert made == 0
    assert garden.only_task(TaskKind.WATERING).rule == "soil_moisture_low"
