"""The file of the queue: what it survives, and what it refuses."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.queue_file import (
    QueueFile,
    RefusedCommand,
    StoredCommand,
    peek,
)
from kamerplanter_backend.common.exceptions import (
    NewerSchemaError,
    ReadOnlyStoreError,
    StoreFullError,
    UnavailableError,
)

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


def command(key: str) -> StoredCommand:
    return StoredCommand(command_key=key, name="AddTask", body="{}", caller=Caller(), queued_at=NOW)


def keys(file: QueueFile) -> list[str]:
    return [item.command.command_key for item in file.waiting()]


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "queue.db"
    file = QueueFile(path)
    first = file.add(command("a"), attempts=1)
    file.add(command("b"))
    file.note_attempt(first.seq)
    file.remember("zone", "Europe/Berlin")
    file.close()

    again = QueueFile(path)

    assert keys(again) == ["a", "b"]
    assert again.waiting()[0].attempts == 2
    assert again.waiting()[0].command == command("a")
    assert (again.recall("zone"), again.recall("other")) == ("Europe/Berlin", None)
    assert again.damaged is None
    again.close()


def test_order_goes_on_after_the_last_one_was_removed(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue.db")
    first = file.add(command("a"))
    file.remove(first.seq)

    assert file.add(command("b")).seq > first.seq
    file.close()


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"SQLite format 3\0" + b"x" * 99])
def test_a_damaged_file_is_put_aside_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(content)

    file = QueueFile(path)
    file.add(command("a"))

    assert file.damaged is not None
    assert file.damaged.read_bytes() == content
    assert keys(file) == ["a"]
    file.close()


def test_a_command_that_cannot_be_read_puts_the_file_aside(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    file = QueueFile(path)
    file.add(command("a"))
    file.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE waiting SET command = '{'")

    file = QueueFile(path)

    assert file.damaged is not None
    assert file.damaged.exists()
    assert keys(file) == []
    file.close()


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    QueueFile(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()

    with pytest.raises(NewerSchemaError) as refused:
        QueueFile(path)

    assert path.read_bytes() == before
    assert refused.value.placeholders["found"] == "99"


def test_a_full_disk_stores_nothing_and_says_so(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue.db")
    file.add(command("a"))
    (pages,) = file._connection.execute("PRAGMA page_count").fetchone()
    file._connection.execute(f"PRAGMA max_page_count = {pages}")
    large = command("b").model_copy(update={"body": "x" * 100_000})

    with pytest.raises(StoreFullError):
        file.add(large)

    assert keys(file) == ["a"]
    file.close()


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue.db")
    file._connection.execute("PRAGMA query_only = 1")

    with pytest.raises(ReadOnlyStoreError):
        file.add(command("a"))

    file.close()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnavailableError):
        QueueFile(tmp_path / "file" / "queue.db")


def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    file = QueueFile(tmp_path / "queue.db")

    (synchronous,) = file._connection.execute("PRAGMA synchronous").fetchone()

    assert synchronous == 3  # EXTRA: the directory entry of the journal too
    file.close()


def test_what_can_be_read_of_a_file_of_a_newer_version_is_told(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    file = QueueFile(path)
    file.add(command("a"))
    waiting = file.add(command("b"))
    refusal = RefusedCommand(
        command=waiting.command,
        refused_at=NOW,
        code="CONFLICT",
        message="No.",
        field=None,
        placeholders={},
    )
    file.refuse(waiting, refusal)
    file.add(command("c"))
    file.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("UPDATE waiting SET command = '{\"later\": 1}' WHERE command_key = 'c'")
    before = path.read_bytes()

    found = peek(path)

    assert found is not None
    assert (found.count, [item.command_key for item in found.commands]) == (3, ["a", "b"])
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300])
def test_of_what_is_no_queue_nothing_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "queue.db"
    path.write_bytes(content)

    assert peek(path) is None
    assert peek(tmp_path / "missing") is None
    assert not (tmp_path / "missing").exists()
