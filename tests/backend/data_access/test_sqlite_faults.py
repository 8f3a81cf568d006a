"""The file under kills, a full disk, foreign rights, damage and the wrong version."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.common.exceptions import (
    CorruptStoreError,
    NewerSchemaError,
    ReadOnlyStoreError,
    UnavailableError,
)
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.data_access.sqlite.errors import store_error
from kamerplanter_backend.data_access.sqlite.gate import Gate
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.factories import NOW, add, context

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("store_child.py")
COLLECTIONS = [repository.collection for repository in REPOSITORIES]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a sound store with one tank, closed."""
    found = tmp_path / "garden.db"
    store = open_sqlite(found, COLLECTIONS)
    with open_unit(store, context(), (TankRepository,)) as uow:
        add(uow, TankRepository, key="tank-a")
    store.close()
    return found


def start(mode: str, path: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(CHILD), mode, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)


def said(lines: Sequence[bytes]) -> list[Any]:
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in sorted(folder.iterdir())}


def handles_within(folder: Path) -> list[Path]:
    """Return the files of a folder that this process holds open."""
    targets = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return [target for target in targets if folder in target.parents]


def tanks(store: DocumentStore) -> set[str]:
    with open_unit(store, context()) as uow:
        return {tank.key for tank in uow.of(TankRepository).find()}


def test_killed_in_the_middle_of_commits_20_times_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "garden.db"
    acknowledged: set[int] = set()

    for attempt in range(20):
        with start("commit", path) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(3 + 5 * attempt)]
            child.kill()
            lines += child.stdout.readlines()
        acknowledged |= set(said(lines))

        store = open_sqlite(path, COLLECTIONS)
        stored = {int(key.removeprefix("tank-")) for key in tanks(store)}
        with open_unit(store, context()) as uow:
            early, late = NOW.replace(year=2000), NOW.replace(year=2101)
            readings = uow.readings.range("probe-1", ChannelKind.EC, early, late)
        assert acknowledged <= stored
        assert {int(reading.value) for reading in readings} == stored
        assert store.check() == []
        store.close()

    assert len(acknowledged) > 1000


def test_full_disk_says_so_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "garden.db"

    with start("full", path) as child:
        assert child.stdout is not None
        full, reading, room = said(child.stdout.readlines())

    assert full["code"] == "STORE_FULL"
    assert "disk is full" in full["message"]
    assert full["stored"] > 10
    assert reading["readable"] == full["stored"]
    assert room["stored"] == full["stored"] + 1
    store = open_sqlite(path, COLLECTIONS)
    assert len(tanks(store)) == room["stored"]
    assert store.check() == []
    store.close()


def test_file_of_somebody_else_can_be_read_and_stays_as_it_is(path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(path, folder)
        (folder / path.name).chmod(0o444)
        folder.chmod(0o555)
        before = snapshot(folder)

        with start("stranger", folder / path.name) as child:
            assert child.stdout is not None
            refused, reading = said(child.stdout.readlines())

        assert refused["code"] == "STORE_READ_ONLY"
        assert "rights" in refused["message"]
        assert reading["readable"] == 1
        assert snapshot(folder) == before
        folder.chmod(0o755)


def test_store_opened_for_reading_refuses_to_write_and_touches_nothing(path: Path) -> None:
    before = snapshot(path.parent)
    store = open_sqlite(path, COLLECTIONS, read_only=True)

    assert tanks(store) == {"tank-a"}
    with (
        pytest.raises(ReadOnlyStoreError, match="reading only"),
        open_unit(store, context(), (TankRepository,)),
    ):
        pass
    assert store.check() == []
    with store.pause_writes():
        assert tanks(store) == {"tank-a"}
    store.close()

    assert snapshot(path.parent) == before


def test_missing_file_is_not_made_for_reading(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no store"):
        open_sqlite(tmp_path / "garden.db", COLLECTIONS, read_only=True)

    assert list(tmp_path.iterdir()) == []


def test_memory_cannot_be_opened_for_reading() -> None:
    with pytest.raises(ValueError, match="begins empty"):
        open_sqlite(None, COLLECTIONS, read_only=True)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UnavailableError, match="cannot be opened"):
        open_sqlite(tmp_path / "file" / "garden.db", COLLECTIONS)


def test_file_of_a_newer_version_is_left_untouched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    before = snapshot(path.parent)

    with pytest.raises(NewerSchemaError) as refused:
        open_sqlite(path, COLLECTIONS)

    assert refused.value.placeholders["found"] == "99"
    assert snapshot(path.parent) == before


def test_newer_version_is_seen_in_a_log_that_was_not_read_yet(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    copy = path.parent / "copy"
    copy.mkdir()
    for entry in path.parent.glob("garden.db*"):
        shutil.copy(entry, copy)
    connection.close()
    before = snapshot(copy)

    with pytest.raises(NewerSchemaError):
        open_sqlite(copy / path.name, COLLECTIONS)

    after = snapshot(copy)
    assert {name: after[name] for name in ("garden.db", "garden.db-wal")} == {
        name: before[name] for name in ("garden.db", "garden.db-wal")
    }


def test_damaged_file_is_found_and_left_untouched(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xa5" * 8192
    path.write_bytes(content)

    with pytest.raises(CorruptStoreError):
        open_sqlite(path, COLLECTIONS)

    assert snapshot(path.parent) == {path.name: bytes(content)}


@pytest.mark.parametrize(
    "content",
    [b"not a database at all " * 100, b"SQLite format 3\0" * 64],
    ids=["text", "only its first line"],
)
def test_file_of_another_kind_is_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garden.db"
    path.write_bytes(content)

    with pytest.raises(CorruptStoreError):
        open_sqlite(path, COLLECTIONS)

    assert snapshot(tmp_path) == {path.name: content}
    assert not handles_within(tmp_path)


def test_database_of_another_program_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "garden.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE states (state TEXT)")
    before = snapshot(tmp_path)

    with pytest.raises(CorruptStoreError, match="not a store"):
        open_sqlite(path, COLLECTIONS)

    assert snapshot(tmp_path) == before


def test_closed_store_leaves_one_file_and_no_handle_or_thread(path: Path) -> None:
    threads = threading.active_count()
    store = open_sqlite(path, COLLECTIONS)
    with open_unit(store, context(), (ProbeRepository,)) as uow:
        add(uow, ProbeRepository)
    readers = [threading.Thread(target=tanks, args=(store,)) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    store.close()

    assert not handles_within(path.parent)
    assert [entry.name for entry in path.parent.iterdir()] == ["garden.db"]
    assert threading.active_count() == threads


def test_copy_made_during_a_pause_is_complete_without_the_log(path: Path) -> None:
    store = open_sqlite(path, COLLECTIONS)
    with open_unit(store, context(), (TankRepository,)) as uow:
        add(uow, TankRepository, key="tank-b", name="Tank 2")
    copy = path.with_name("copy.db")

    with store.pause_writes():
        assert path.with_name("garden.db-wal").stat().st_size == 0
        shutil.copy(path, copy)
    store.close()

    copied = open_sqlite(copy, COLLECTIONS)
    assert tanks(copied) == {"tank-a", "tank-b"}
    copied.close()


def test_writer_gives_up_on_a_long_pause() -> None:
    gate = Gate(patience_s=0.01)

    with gate.pause(), pytest.raises(UnavailableError, match="backup"):
        gate.passage(writes=True).__enter__()
    with gate.passage(writes=True), pytest.raises(UnavailableError, match="another operation"):
        gate.passage(writes=False).__enter__()
    with gate.passage(writes=True), pytest.raises(UnavailableError):
        gate.pause().__enter__()
    with gate.passage(writes=True):
        pass


def test_document_of_broken_json_is_set_aside_and_found(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("DROP INDEX doc_tanks_one_name")
        connection.execute("UPDATE doc_tanks SET body = '[1]'")
    store = open_sqlite(path, COLLECTIONS)

    assert tanks(store) == set()
    assert [finding.key for finding in store.check()] == ["tank-a"]
    store.close()


@pytest.mark.parametrize(
    ("sqlite_code", "code"),
    [
        (sqlite3.SQLITE_FULL, "STORE_FULL"),
        (sqlite3.SQLITE_IOERR_WRITE, "STORE_FULL"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "STORE_FULL"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "STORE_READ_ONLY"),
        (sqlite3.SQLITE_PERM, "STORE_READ_ONLY"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "STORE_CORRUPT"),
        (sqlite3.SQLITE_NOTADB, "STORE_CORRUPT"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "UNAVAILABLE"),
        (sqlite3.SQLITE_IOERR_READ, "UNAVAILABLE"),
        (sqlite3.SQLITE_CANTOPEN, "UNAVAILABLE"),
    ],
)
def test_error_of_the_library_becomes_one_that_a_person_understands(
    sqlite_code: int, code: str
) -> None:
    error = sqlite3.OperationalError("what it said")
    error.sqlite_errorcode = sqlite_code

    translated = store_error(error)

    assert translated.code == code
    assert "what it said" in translated.message
