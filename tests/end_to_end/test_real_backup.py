"""A backup of Home Assistant's own brings a garden into a fresh instance."""

import asyncio
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from demo.api import ApiError, Json
from demo.home_assistant import RESTART_EXIT_CODE
from tests.end_to_end.conftest import Run
from tests.end_to_end.real_garden import BASIL, DOMAIN, PROBE, TANK, RealGarden

pytestmark = [pytest.mark.e2e, pytest.mark.mosquitto]

AGENT = "backup.local"
BACKUP_S = 60.0
EXIT_S = 60.0
KARENZ = ("karenz_active", "safe_harvest_date", "harvest_allowed")


@pytest.fixture
def fresh(garden: RealGarden, run: Run, tmp_path: Path) -> Generator[RealGarden]:
    """Give a Home Assistant that knows nothing yet, beside the same broker."""

    async def start() -> RealGarden:
        fresh = RealGarden(tmp_path, garden.broker)
        try:
            await fresh.start()
        except BaseException:
            await fresh.stop()
            raise
        return fresh

    instance = run(start())
    yield instance
    run(instance.stop())


def test_a_restored_backup_gives_the_same_entities_tasks_and_karenz(
    garden: RealGarden, fresh: RealGarden, run: Run
) -> None:
    async def story() -> None:
        await garden.add_task("Wash the pots")
        await garden.treat()
        await garden.wait_for(BASIL, "karenz_active", "on")
        garden.send_ec(1.77)
        garden.send_moisture(46.5)
        await garden.wait_for(PROBE, "soil_moisture", 46.5)
        await garden.wait_for(TANK, "ec", 1.77)
        log_start = len(garden.home.log_lines())

        # At once: what still waits for the store belongs into the backup.
        name, content = await _backup(garden)
        assert await fresh.entities() == {}
        await _restore(fresh, await _upload(fresh, name, content))
        (entry,) = await fresh.home.api.command("config_entries/get", domain=DOMAIN)
        assert entry["state"] == "loaded"
        fresh.entry_id = entry["entry_id"]
        await fresh.follow()

        assert await fresh.entities() == await garden.entities()
        assert sorted(await fresh.devices()) == sorted(await garden.devices())
        assert await fresh.items() == await garden.items()
        await fresh.open_soon("Wash the pots", 1)
        for row in KARENZ:
            await fresh.wait_for(BASIL, row, garden.shown(BASIL, row).state)
        # Nobody measures there yet, so it is the value of the backup.
        state = await fresh.wait_for(PROBE, "soil_moisture", 46.5)
        assert state.attributes["restored"] is True

        # Both go on living; the new one may have to subscribe yet.
        for instance in (fresh, garden):
            state = await instance.until(
                PROBE, "soil_moisture", "47.5", lambda: garden.send_moisture(47.5)
            )
            assert "restored" not in state.attributes
        assert [line for line in garden.our_log(log_start) if " ERROR " in line] == []
        assert [line for line in fresh.our_log() if " ERROR " in line] == []

    run(story())


async def _backup(garden: RealGarden) -> tuple[str, bytes]:
    """Make a backup and return name and content of its file."""
    folder = garden.home.config / "backups"
    await garden.home.api.command("backup/generate", agent_ids=[AGENT], name="A test")
    deadline_s = time.monotonic() + BACKUP_S
    while True:
        info: Json = await garden.home.api.command("backup/info")
        if info["state"] == "idle" and info["backups"]:
            break
        assert time.monotonic() < deadline_s, info
        await asyncio.sleep(0.2)
    assert info["last_action_event"]["state"] == "completed", info
    return _archive(folder)


def _archive(folder: Path) -> tuple[str, bytes]:
    (path,) = folder.glob("*.tar")
    return path.name, path.read_bytes()


async def _upload(fresh: RealGarden, name: str, content: bytes) -> str:
    """Hand the file over as the front end does; returns the id of the backup."""
    api = fresh.home.api
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name)
    async with api._session.post(
        f"{api.address}/api/backup/upload?agent_id={AGENT}",
        data=form,
        headers={"Authorization": f"Bearer {api.tokens['access_token']}"},
    ) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["backup_id"])


async def _restore(fresh: RealGarden, backup_id: str) -> None:
    """Let Home Assistant restore a backup, for which it ends, and start it again."""
    # It may be gone before it answers; a refusal shows in the exit code.
    with suppress(ApiError):
        await fresh.home.api.command("backup/restore", backup_id=backup_id, agent_id=AGENT)
    assert await asyncio.wait_for(fresh.home.wait(), EXIT_S) == RESTART_EXIT_CODE
    await fresh.home.start()
