"""A backup finds a quiet and complete file, whatever happens around it."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from homeassistant.config_entries import ConfigEntryState

from custom_components.kamerplanter.backup import async_post_backup, async_pre_backup
from kamerplanter_backend.client.requests import AddTask
from kamerplanter_engines.models.task import TaskFields
from tests.home_assistant.garden import Garden, store_file


async def test_the_file_alone_is_complete_during_a_backup(garden: Garden, tmp_path: Path) -> None:
    await garden.add_tank("Tank A")
    copy = tmp_path / "copy.db"

    await async_pre_backup(garden.hass)
    # Home Assistant leaves the shared-memory file out, so copy the main file only.
    await garden.hass.async_add_executor_job(shutil.copy, store_file(garden.hass), copy)
    await async_post_backup(garden.hass)

    assert await garden.hass.async_add_executor_job(_holds, copy, "Tank A")


def _holds(path: Path, text: str) -> bool:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        dump = "\n".join(connection.iterdump())
    return text in dump


async def test_a_write_waits_for_the_end_of_the_backup(garden: Garden) -> None:
    await async_pre_backup(garden.hass)
    before = await garden.hass.async_add_executor_job(store_file(garden.hass).read_bytes)
    write = asyncio.create_task(garden.ask(AddTask(fields=TaskFields(title="Waits"))))
    for _ in range(50):
        await garden.hass.async_add_executor_job(int)

    assert not write.done()
    assert await garden.hass.async_add_executor_job(store_file(garden.hass).read_bytes) == before
    await async_post_backup(garden.hass)
    assert (await write).title == "Waits"


async def test_unloading_during_a_backup_does_not_hang(garden: Garden) -> None:
    await async_pre_backup(garden.hass)

    async with asyncio.timeout(20):
        await garden.unload()

    await async_post_backup(garden.hass)
    assert garden.entry.state is ConfigEntryState.NOT_LOADED


async def test_a_second_backup_works_like_the_first(garden: Garden) -> None:
    for number in range(2):
        await async_pre_backup(garden.hass)
        await async_post_backup(garden.hass)
        await garden.ask(AddTask(fields=TaskFields(title=f"Task {number}")))
    await garden.pass_time(timedelta(seconds=1))

    assert {task.title for task in garden.snapshot.tasks} == {"Task 0", "Task 1"}
