"""What happens by the clock: once each night, and once for a night that was missed."""

from datetime import UTC, datetime, timedelta

from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


async def test_a_watering_becomes_a_task_in_the_morning_of_its_day(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)
    due = next(view for view in garden.snapshot.plants if view.plant.key == plant).next_watering_on

    # 05:00 in Berlin is 03:00 UTC in summer.
    morning = datetime(due.year, due.month, due.day, 3, 0, tzinfo=UTC)
    await garden.jump_to(morning - timedelta(hours=12))
    await garden.jump_to(morning - timedelta(minutes=30))
    assert not [task for task in garden.snapshot.tasks if task.kind == "watering"]
    await garden.pass_time(timedelta(minutes=32), step=timedelta(minutes=1))
    await garden.derive()

    (task,) = [task for task in garden.snapshot.tasks if task.kind == "watering"]
    assert (task.plant_key, task.due_on) == (plant, due)
    await garden.pass_time(timedelta(minutes=10), step=timedelta(minutes=1))
    assert len([item for item in garden.snapshot.tasks if item.kind == "watering"]) == 1


async def test_a_missed_night_is_caught_up_once_at_start(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)
    await garden.unload()
    garden.freezer.move_to(datetime(2026, 5, 20, 9, 0, tzinfo=UTC))

    await garden.set_up()
    await garden.derive()

    tasks = [task for task in garden.snapshot.tasks if task.kind == "watering"]
    assert [task.plant_key for task in tasks] == [plant]


async def test_days_count_on_at_local_midnight(garden: Garden) -> None:
    plant = await garden.add_plant()
    await garden.jump_to(datetime(2026, 5, 1, 21, 59, 58, tzinfo=UTC))
    assert garden.state("sensor", plant, "days_in_phase").state == "0"

    await garden.jump_to(datetime(2026, 5, 1, 22, 0, 1, tzinfo=UTC))

    assert garden.state("sensor", plant, "days_in_phase").state == "1"
