"""What only the SQLite store can get into."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.data_access.sqlite.transaction import (
    KEPT_CHANGES,
    PRUNE_CHANGES_EVERY,
)
from kamerplanter_backend.domain.interfaces.document_store import (
    Document,
    DocumentStore,
    Transaction,
)
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.recall import Memory
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from tests.factories import NOW, TENANT, add, context, example

COLLECTIONS = [repository.collection for repository in REPOSITORIES]
WRITES = frozenset({"tanks", "readings"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "garden.db"


@pytest.fixture
def store(path: Path) -> Iterator[DocumentStore]:
    opened = open_sqlite(path, COLLECTIONS)
    yield opened
    opened.close()


def tamper(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_what_a_unit_remembers_is_not_stale_when_another_program_writes(
    store: DocumentStore, path: Path
) -> None:
    other, memory = open_sqlite(path, COLLECTIONS), Memory()

    def names() -> list[str]:
        with open_unit(store, context(), (TankRepository,), memory=memory) as uow:
            return [tank.name for tank in uow.of(TankRepository).get_many(["one", "two"])]

    add_tank(store, "one")
    assert names() == ["one"]
    add_tank(other, "two")
    assert names() == ["one", "two"]
    with open_unit(other, context(), (TankRepository,)) as uow:
        tanks = uow.of(TankRepository)
        tanks.change(tanks.get("one"), name="first")
        tanks.remove("two")
    assert names() == ["first"]
    other.close()


def add_tank(store: DocumentStore, key: str) -> None:
    with open_unit(store, context(), (TankRepository,)) as uow:
        add(uow, TankRepository, key=key, name=key)


@pytest.mark.parametrize(
    "ask",
    [
        lambda found: found.readings.append([example(Reading)]),
        lambda found: found.readings.range("probe-1", ChannelKind.EC, NOW, NOW),
        lambda found: found.readings.latest("probe-1", ChannelKind.EC),
        lambda found: found.readings.prune(NOW),
        lambda found: found.readings.remove_probe("probe-1"),
        lambda found: found.get("tanks", "a"),
        lambda found: found.insert_if_new("tanks", {"key": "a", "tenant_key": "b", "revision": 1}),
        lambda found: found.seen_command("a", "b"),
    ],
    ids=["append", "range", "latest", "prune", "remove", "get", "insert", "command"],
)
def test_broken_file_is_told_in_words(
    store: DocumentStore, path: Path, ask: Callable[[Transaction], object]
) -> None:
    tamper(
        path,
        *("DROP TABLE readings", "ALTER TABLE channels RENAME TO lost"),
        *("DROP TABLE doc_tanks", "DROP TABLE command_results"),
    )

    with store.begin(WRITES) as transaction, pytest.raises(UnavailableError, match="no such table"):
        ask(transaction)
    with pytest.raises(UnavailableError, match="no such table"):
        store.check()


def test_vanished_file_is_told_in_words_and_the_store_can_be_closed(path: Path) -> None:
    store = open_sqlite(path, COLLECTIONS)
    for entry in path.parent.iterdir():
        entry.unlink()

    with pytest.raises(UnavailableError), store.begin(frozenset()):
        pass

    store.close()


def test_letters_that_are_none_are_refused(store: DocumentStore) -> None:
    document: Document = {"key": "\ud800", "tenant_key": TENANT, "revision": 1}

    with store.begin(WRITES) as transaction:
        with pytest.raises(InvalidInputError, match="cannot hold"):
            transaction.get("tanks", "\ud800")
        with pytest.raises(InvalidInputError, match="cannot hold"):
            transaction.insert("tanks", document)


def test_document_that_differs_from_its_columns_is_found(store: DocumentStore, path: Path) -> None:
    add_tank(store, "a")
    tamper(path, "UPDATE doc_tanks SET revision = 7")

    (finding,) = store.check()

    assert "differ from the columns" in finding.problem


def test_old_changes_are_thrown_away_and_then_unknown(store: DocumentStore, path: Path) -> None:
    add_tank(store, "a")
    start = store.last_cursor()
    last = PRUNE_CHANGES_EVERY * (KEPT_CHANGES // PRUNE_CHANGES_EVERY + 2)
    counter = f"UPDATE sqlite_sequence SET seq = {last - 2} WHERE name = 'changes'"  # noqa: S608
    tamper(path, counter)
    add_tank(store, "c")

    assert len(store.changes_since(start, TENANT) or ()) == 1
    add_tank(store, "b")

    assert store.last_cursor() == last
    assert store.changes_since(start, TENANT) is None
    assert [found.cursor for found in store.changes_since(last - 2, TENANT) or ()] == [
        last - 1,
        last,
    ]


def test_many_readers_at_once_each_see_the_store(store: DocumentStore) -> None:
    add_tank(store, "a")
    everybody = threading.Barrier(8)
    seen: list[int] = []

    def look() -> None:
        with open_unit(store, context()) as uow:
            everybody.wait(timeout=10)
            seen.append(uow.of(TankRepository).count())

    readers = [threading.Thread(target=look) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert seen == [1] * 8


def test_close_waits_for_a_reader(path: Path) -> None:
    store = open_sqlite(path, COLLECTIONS)
    add_tank(store, "a")
    inside, closing = threading.Event(), threading.Event()
    seen: list[int] = []

    def look() -> None:
        with open_unit(store, context()) as uow:
            inside.set()
            closing.wait(timeout=10)
            seen.append(uow.of(TankRepository).count())

    reader = threading.Thread(target=look)
    reader.start()
    inside.wait(timeout=10)
    closer = threading.Thread(target=store.close)
    closer.start()
    closing.set()
    closer.join()
    reader.join()

    assert seen == [1]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
