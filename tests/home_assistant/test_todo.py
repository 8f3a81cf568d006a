"""The to-do list: each change arrives in the store as it was meant."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from homeassistant.exceptions import ServiceValidationError
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from kamerplanter_backend.client.requests import (
    AddTask,
    CompleteTask,
    DeleteTask,
    ListIrrigation,
    UpdateTask,
)
from kamerplanter_engines.models.task import TaskFields
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


async def call(garden: Garden, service: str, **data: object) -> None:
    await garden.hass.services.async_call(
        "todo",
        service,
        {"entity_id": garden.entity_id("todo", "hub", "tasks"), **data},
        blocking=True,
    )
    await garden.settle()


async def items(garden: Garden) -> list[dict[str, Any]]:
    answer: Any = await garden.hass.services.async_call(
        "todo",
        "get_items",
        {
            "entity_id": garden.entity_id("todo", "hub", "tasks"),
            "status": ["needs_action", "completed"],
        },
        blocking=True,
        return_response=True,
    )
    return next(iter(answer.values()))["items"]


async def test_an_item_is_created_with_all_that_was_said(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds", due_date="2026-05-03", description="Two bags")

    (item,) = await items(garden)
    assert item["summary"] == "Buy seeds"
    assert item["due"] == "2026-05-03"
    assert item["description"] == "Two bags"
    assert item["status"] == "needs_action"


async def test_completing_and_reopening(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds")

    await call(garden, "update_item", item="Buy seeds", status="completed")
    assert (await items(garden))[0]["status"] == "completed"
    assert garden.state("todo", "hub", "tasks").state == "0"

    await call(garden, "update_item", item="Buy seeds", status="needs_action")
    assert (await items(garden))[0]["status"] == "needs_action"


async def test_rescheduling_to_a_day_and_to_a_moment(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds", due_date="2026-05-03")

    await call(garden, "update_item", item="Buy seeds", due_date="2026-05-09")
    assert (await items(garden))[0]["due"] == "2026-05-09"

    await call(garden, "update_item", item="Buy seeds", due_datetime="2026-05-09 15:00:00")
    assert (await items(garden))[0]["due"] == "2026-05-09T15:00:00+02:00"
    assert garden.snapshot.tasks[0].due_at == datetime(2026, 5, 9, 13, 0, tzinfo=UTC)

    await call(garden, "update_item", item="Buy seeds", due_date=None)
    assert "due" not in (await items(garden))[0]


async def test_f57_a_moment_late_at_night_is_due_the_next_local_day(garden: Garden) -> None:
    await garden.hass.config.async_update(time_zone="Europe/London")
    await garden.settle()
    moment = datetime(2026, 8, 26, 23, 0, tzinfo=UTC)
    await garden.ask(AddTask(fields=TaskFields(title="Feed", due_at=moment)))
    await garden.derive()

    (item,) = await items(garden)

    assert item["due"].startswith("2026-08-27")


@pytest.mark.parametrize(
    ("due", "shown"),
    [
        ({"due_date": "2026-01-05"}, "2026-01-05"),
        ({"due_datetime": "2026-01-05 15:00:00"}, "2026-01-05T15:00:00-03:00"),
    ],
)
async def test_f58_saving_ten_times_without_a_change_shifts_nothing(
    garden: Garden, due: dict[str, str], shown: str
) -> None:
    await garden.hass.config.async_update(time_zone="America/Sao_Paulo")
    await garden.settle()
    await call(garden, "add_item", item="Prune", **due)
    revision_before = garden.snapshot.tasks[0]

    for _ in range(10):
        (item,) = await items(garden)
        key = "due_datetime" if "T" in item["due"] else "due_date"
        await call(garden, "update_item", item="Prune", rename="Prune", **{key: item["due"]})

    assert (await items(garden))[0]["due"] == shown
    assert garden.snapshot.tasks[0] == revision_before


async def test_deleting_an_own_item(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds")

    await call(garden, "remove_item", item=["Buy seeds"])

    assert await items(garden) == []


async def test_renaming_and_describing(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds", description="Two bags")

    await call(garden, "update_item", item="Buy seeds", rename="Buy soil", description="One bag")

    (item,) = await items(garden)
    assert (item["summary"], item["description"]) == ("Buy soil", "One bag")


async def test_completing_a_watering_logs_it_and_moves_the_next_one(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)
    await garden.jump_to(datetime(2026, 5, 9, 8, 0, tzinfo=UTC))
    await garden.derive()
    (task,) = [item for item in garden.snapshot.tasks if item.kind == "watering"]
    summary = next(item["summary"] for item in await items(garden) if item["uid"] == task.key)
    assert "Tomato" in summary

    await call(garden, "update_item", item=task.key, status="completed")

    waterings = await garden.ask(ListIrrigation(plant_key=plant))
    assert len(waterings) == 1
    assert garden.state("sensor", plant, "next_watering").state == "2026-05-16"


async def test_f59_completing_what_is_done_already_is_harmless(garden: Garden) -> None:
    plant = await garden.add_plant(watering_interval_d=7)
    await garden.jump_to(datetime(2026, 5, 9, 8, 0, tzinfo=UTC))
    await garden.derive()
    (task,) = [item for item in garden.snapshot.tasks if item.kind == "watering"]
    await garden.ask(CompleteTask(key=task.key))

    await call(garden, "update_item", item=task.key, status="completed")

    waterings = await garden.ask(ListIrrigation(plant_key=plant))
    assert len(waterings) == 1


async def test_removing_a_done_task_of_a_rule_clears_its_line_and_keeps_the_watering(
    garden: Garden,
) -> None:
    plant = await garden.add_plant(watering_interval_d=7)
    await garden.jump_to(datetime(2026, 5, 9, 8, 0, tzinfo=UTC))
    await garden.derive()
    (task,) = [item for item in garden.snapshot.tasks if item.kind == "watering"]
    await call(garden, "update_item", item=task.key, status="completed")

    await call(garden, "remove_item", item=[task.key])
    await garden.pass_time(timedelta(days=1))

    assert task.key not in {item["uid"] for item in await items(garden)}
    assert "watering" not in {item.kind for item in garden.snapshot.tasks}
    waterings = await garden.ask(ListIrrigation(plant_key=plant))
    assert len(waterings) == 1
    assert garden.state("sensor", plant, "next_watering").state == "2026-05-16"


async def test_f59_removing_what_is_gone_says_so(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds")
    (task,) = garden.snapshot.tasks
    await garden.ask(DeleteTask(key=task.key))

    with pytest.raises(ServiceValidationError) as caught:
        await call(garden, "remove_item", item=[task.key])

    assert caught.value.translation_key in {"not_found_task", "item_not_found"}


async def test_a_change_elsewhere_shows_at_once(garden: Garden) -> None:
    await call(garden, "add_item", item="Buy seeds")
    (task,) = garden.snapshot.tasks

    await garden.ask(UpdateTask(key=task.key, patch={"due_on": "2026-05-04"}))
    await garden.derive()

    assert (await items(garden))[0]["due"] == "2026-05-04"


async def test_open_items_come_first_by_their_due_moment(garden: Garden) -> None:
    for title, due in (("late", "2026-05-20"), ("soon", "2026-05-02"), ("done", "2026-05-01")):
        await call(garden, "add_item", item=title, due_date=due)
    await call(garden, "add_item", item="some day")
    await call(garden, "update_item", item="done", status="completed")

    assert [item["summary"] for item in await items(garden)] == ["soon", "late", "some day", "done"]


async def test_a_subscriber_hears_of_a_new_item(
    garden: Garden, hass_ws_client: WebSocketGenerator
) -> None:
    client = await hass_ws_client(garden.hass)
    await client.send_json_auto_id(
        {
            "type": "todo/item/subscribe",
            "entity_id": garden.entity_id("todo", "hub", "tasks"),
        }
    )
    assert (await client.receive_json())["success"]
    assert (await client.receive_json())["event"]["items"] == []

    await call(garden, "add_item", item="Buy seeds")

    assert (await client.receive_json())["event"]["items"][0]["summary"] == "Buy seeds"


async def test_the_garden_counts_what_is_due(garden: Garden) -> None:
    await call(garden, "add_item", item="today", due_date="2026-05-01")
    await call(garden, "add_item", item="yesterday", due_date="2026-04-30")
    await call(garden, "add_item", item="tomorrow", due_date="2026-05-02")

    due = garden.state("sensor", "hub", "tasks_due_today")
    assert (due.state, due.attributes["overdue"]) == ("1", 1)
    # The day in Berlin begins at 22:00 UTC.
    assert garden.state("sensor", "hub", "next_task_due").state == "2026-04-29T22:00:00+00:00"

    await garden.pass_time(timedelta(days=1))
    due = garden.state("sensor", "hub", "tasks_due_today")
    assert (due.state, due.attributes["overdue"]) == ("1", 2)
