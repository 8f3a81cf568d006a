"""What a server showed last is kept in one file: rarely written, never half, never in the way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homeassistant.core import HomeAssistant

from custom_components.kamerplanter import snapshot_memory
from custom_components.kamerplanter.snapshot_memory import SAVE_EVERY, SnapshotMemory
from kamerplanter_backend.client.requests import LogTreatment
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.ipm import ApplicationFields
from tests.home_assistant.garden import Garden

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
KEPT_BEFORE = Path(__file__).parents[1] / "data" / "last-seen-protocol-1.json"
"""As a version wrote it whose server spoke protocol 1."""


async def opened(hass: HomeAssistant, path: Path) -> SnapshotMemory:
    return await SnapshotMemory.async_open(hass, path)


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def is_private(path: Path) -> bool:
    return path.stat().st_mode & 0o077 == 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a file that is not there yet, in a folder that is not either."""
    return tmp_path / "store" / "last_seen.json"


async def test_what_was_kept_is_there_at_the_next_start(garden: Garden, path: Path) -> None:
    await garden.add_plant("Basil")
    memory = await opened(garden.hass, path)
    assert (memory.snapshot, memory.seen_at) == (None, None)

    await memory.keep(garden.snapshot, NOW)

    again = await opened(garden.hass, path)
    assert again.snapshot == garden.snapshot
    assert again.seen_at == NOW
    assert is_private(path)


async def test_what_an_older_version_kept_is_read(hass: HomeAssistant) -> None:
    """A prohibition to harvest must not be forgotten by an update while the server is away."""
    memory = await opened(hass, KEPT_BEFORE)

    assert memory.snapshot is not None
    assert [view.harvest_allowed for view in memory.snapshot.plants] == [False]
    assert [view.probe.name for view in memory.snapshot.probes] == ["Probe"]


async def test_it_is_written_rarely_and_at_once_when_a_gate_closes(
    garden: Garden, path: Path
) -> None:
    plant = await garden.add_plant()
    memory = await opened(garden.hass, path)
    await memory.keep(garden.snapshot, NOW)
    first = content(path)

    await memory.keep(garden.snapshot, NOW + SAVE_EVERY - timedelta(seconds=1))
    assert content(path) == first

    fields = ApplicationFields(product="Neem", interval_d=7, at=garden.snapshot.taken_at)
    await garden.ask(LogTreatment(plant_keys=(plant,), fields=fields))
    await garden.derive()
    await memory.keep(garden.snapshot, NOW + timedelta(seconds=2))
    closed = await opened(garden.hass, path)
    assert closed.snapshot is not None
    assert closed.snapshot.plants[0].karenz_active

    await memory.keep(garden.snapshot, NOW + 2 * SAVE_EVERY)
    assert (await opened(garden.hass, path)).seen_at == NOW + 2 * SAVE_EVERY


async def test_an_orderly_stop_writes_what_is_newer(garden: Garden, path: Path) -> None:
    memory = await opened(garden.hass, path)
    await memory.save()
    assert content(path) is None
    await memory.keep(garden.snapshot, NOW)
    await memory.keep(garden.snapshot, NOW + timedelta(seconds=9))

    await memory.save()

    assert (await opened(garden.hass, path)).seen_at == NOW + timedelta(seconds=9)


@pytest.mark.parametrize("text", ["", "[]", '{"seen_at": "2026-05-01T10:00:00Z"}', "\0"])
async def test_a_file_that_cannot_be_read_is_as_good_as_none(
    hass: HomeAssistant, path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(path, text)

    memory = await opened(hass, path)

    assert memory.snapshot is None
    assert "cannot be read" in caplog.text


async def test_a_garden_beyond_all_measure_is_not_kept(
    garden: Garden, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    memory = await opened(garden.hass, path)
    await memory.keep(garden.snapshot, NOW)
    monkeypatch.setattr(snapshot_memory, "MAX_BYTES", 10)

    await memory.keep(garden.snapshot, NOW + 2 * SAVE_EVERY)

    assert "too large" in caplog.text
    assert (await opened(garden.hass, path)).snapshot is None, "it is not even read"


async def test_a_disk_that_takes_nothing_is_only_told(
    garden: Garden, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(path.parent, "a file in the way")
    memory = await opened(garden.hass, path / "below")

    await memory.keep(garden.snapshot, NOW)

    assert "cannot be remembered" in caplog.text
    assert isinstance(memory.snapshot, GardenSnapshot)


async def test_what_could_not_be_written_is_written_with_the_next_look(
    garden: Garden, path: Path
) -> None:
    write(path.parent, "a file in the way")
    memory = await opened(garden.hass, path)
    await memory.keep(garden.snapshot, NOW)
    path.parent.unlink()

    await memory.keep(garden.snapshot, NOW + timedelta(seconds=1))

    assert (await opened(garden.hass, path)).seen_at == NOW + timedelta(seconds=1)


async def test_a_clock_that_was_set_back_does_not_keep_it_from_being_written(
    garden: Garden, path: Path
) -> None:
    memory = await opened(garden.hass, path)
    await memory.keep(garden.snapshot, NOW)

    await memory.keep(garden.snapshot, NOW - timedelta(days=1))

    assert (await opened(garden.hass, path)).seen_at == NOW - timedelta(days=1)


@pytest.mark.parametrize("with_restart", [True, False], ids=["restart", "running"])
async def test_a_clock_that_was_set_back_makes_nothing_younger(
    garden: Garden, path: Path, monkeypatch: pytest.MonkeyPatch, *, with_restart: bool
) -> None:
    ticks = [100.0]
    monkeypatch.setattr(snapshot_memory, "monotonic", lambda: ticks[-1])
    memory = await opened(garden.hass, path)
    await memory.keep(garden.snapshot, NOW)
    if with_restart:
        memory = await opened(garden.hass, path)

    at_once = memory.age(NOW - timedelta(seconds=1))
    set_back = memory.age(NOW - timedelta(hours=1))
    ticks.append(100.0 + timedelta(hours=2).total_seconds())
    later = memory.age(NOW + timedelta(minutes=5))

    assert (at_once, set_back) == (timedelta(), None)
    assert later == (timedelta(minutes=5) if with_restart else timedelta(hours=2))
