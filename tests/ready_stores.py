"""New stores begin as copies of the first one: tables and catalogue are made once in a process.

To make them anew for each test took a third of the whole run. A copy holds what the real code has
written, byte for byte; a store that is not new, and whatever is new about one, gets the real code.
Nothing waits for the disk either: what that guards against, a power cut, happens in no test.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from threading import RLock

import pytest

from kamerplanter_backend import bootstrap
from kamerplanter_backend.data_access.sqlite import connection as connections, schema
from kamerplanter_backend.data_access.sqlite.document_store import SqliteStore
from kamerplanter_backend.domain.interfaces.document_store import Declared, DocumentStore
from kamerplanter_backend.migrations import seed_files, seeds

CONNECT = connections._connect

MOST_COPIES = 16
"""So many are kept; a test on the real clock makes one that nobody asks for again."""


class ReadyStores:
    """Keeps the first store of each kind in memory."""

    def __init__(self) -> None:
        self._kept: dict[object, sqlite3.Connection] = {}
        self._lock = RLock()  # tests open stores in threads, too

    def build_schema(self, connection: sqlite3.Connection, collections: Sequence[Declared]) -> None:
        """Do what `schema.build_schema` does; the store has just said how careful it is."""
        _hurry(connection)
        kinds = tuple((kind.name, kind.entity, kind.unique, kind.indexes) for kind in collections)
        self._fill(
            connection,
            kinds,
            is_new=lambda: connection.execute("PRAGMA schema_version").fetchone() == (0,),
            make=lambda: schema.build_schema(connection, collections),
        )

    def seed_catalogue(self, store: DocumentStore, now: datetime) -> bool:
        """Do what `seeds.seed_catalogue` does."""
        main = store._database._main if type(store) is SqliteStore else None
        if main is None:
            return seeds.seed_catalogue(store, now)
        contents = seeds.read_contents()  # type: ignore[attr-defined]  # a test may replace it there
        return self._fill(
            main,
            (seed_files.digest_of(contents), now),
            is_new=lambda: main.execute("SELECT count(*) FROM changes").fetchone() == (0,),
            make=lambda: seeds.seed_catalogue(store, now),
        )

    def close(self) -> None:
        """Forget all."""
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()

    def _fill[Made](
        self,
        connection: sqlite3.Connection,
        key: object,
        *,
        is_new: Callable[[], bool],
        make: Callable[[], Made],
    ) -> Made | bool:
        with self._lock:
            if not is_new():
                return make()
            if (kept := self._kept.get(key)) is not None:
                kept.backup(connection)
                return True
            made = make()
            self._keep(key, connection)
            return made

    def _keep(self, key: object, connection: sqlite3.Connection) -> None:
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        connection.backup(copy)
        self._kept[key] = copy
        while len(self._kept) > MOST_COPIES:
            self._kept.pop(next(iter(self._kept))).close()


def _hurry(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def _connect(uri: str) -> sqlite3.Connection:
    connection = CONNECT(uri)
    # Of a file that is none of SQLite this is the first question; whoever opens it asks the next
    # one, hears the same, and lets go of it.
    with suppress(sqlite3.DatabaseError):
        _hurry(connection)
    return connection


@contextmanager
def ready_stores() -> Iterator[None]:
    """Let every store that is opened here be ready at once."""
    stores = ReadyStores()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "_connect", _connect)
        patch.setattr(connections, "build_schema", stores.build_schema)
        patch.setattr(bootstrap, "seed_catalogue", stores.seed_catalogue)
        yield
    stores.close()
