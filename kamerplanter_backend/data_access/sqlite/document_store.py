"""Documents in SQLite: a table per kind, the document itself as JSON in one column."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, local
from typing import override

from pydantic import ValidationError

from kamerplanter_backend.data_access.sqlite.connection import Database
from kamerplanter_backend.data_access.sqlite.errors import store_error
from kamerplanter_backend.data_access.sqlite.schema import table_of
from kamerplanter_backend.data_access.sqlite.transaction import (
    KEPT_CURSORS,
    SqliteTransaction,
    are_kept_since,
    body_document,
)
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.interfaces.document_store import (
    Declared,
    DocumentStore,
    Finding,
    Transaction,
    declared_by_name,
)

_LOGGER = logging.getLogger(__name__)


def open_sqlite(
    path: Path | None, collections: Sequence[Declared], *, read_only: bool = False
) -> DocumentStore:
    """Open a store, make it if it is new, and upgrade it if it is older.

    Args:
        path: The file; none = in memory, gone when it is closed.
        collections: The kinds of documents.
        read_only: Whether the file must not be touched; every write is refused then.

    Raises:
        NewerSchemaError: A newer version wrote the file; it is left untouched.
        CorruptStoreError: The file is damaged or not a store; it is left untouched.
        ReadOnlyStoreError: The file cannot be written.
        UnavailableError: It cannot be opened.
        ValueError: Reading only was asked for in memory.
    """
    if path is None and read_only:
        raise ValueError("a store in memory begins empty, there is nothing to read")
    by_name = declared_by_name(collections)
    return SqliteStore(Database(path, collections, read_only=read_only), by_name)


class SqliteStore(DocumentStore):
    """A store in one SQLite file, or in memory."""

    def __init__(self, database: Database, collections: Mapping[str, Declared]) -> None:
        self._database = database
        self._collections = collections
        self._open = local()
        self._listeners: list[Callable[[StoredChange], None]] = []
        self._listeners_lock = Lock()

    @override
    @contextmanager
    def begin(self, writes: frozenset[str]) -> Iterator[Transaction]:
        if getattr(self._open, "transaction", None) is not None:
            raise RuntimeError("transactions of one thread must not be nested")
        changes: list[StoredChange] = []
        lend = self._database.writing if writes else self._database.reading
        try:
            with lend() as connection:
                transaction = SqliteTransaction(connection, self._collections, writes)
                self._open.transaction = transaction
                try:
                    yield transaction
                    if writes:
                        changes = transaction.note_changes()
                        connection.commit()
                finally:
                    self._open.transaction = None
        except sqlite3.Error as error:
            raise store_error(error) from error
        self._tell(changes)

    @override
    def subscribe(self, listener: Callable[[StoredChange], None]) -> Callable[[], None]:
        with self._listeners_lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._listeners_lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    @override
    def changes_since(self, cursor: int, tenant_key: str | None) -> tuple[StoredChange, ...] | None:
        with self._asking() as connection:
            if not are_kept_since(connection.execute(KEPT_CURSORS).fetchone(), cursor):
                return None
            condition = "" if tenant_key is None else "tenant_key = ? AND "
            rows = connection.execute(
                "SELECT cursor, tenant_key, collections FROM changes "
                f"WHERE {condition}cursor > ? ORDER BY cursor",
                (cursor,) if tenant_key is None else (tenant_key, cursor),
            ).fetchall()
        return tuple(
            StoredChange(cursor=found, tenant_key=garden, collections=tuple(names.split(",")))
            for found, garden, names in rows
        )

    @override
    def last_cursor(self) -> int:
        with self._asking() as connection:
            (newest,) = connection.execute("SELECT max(cursor) FROM changes").fetchone()
        return newest or 0

    @override
    @contextmanager
    def pause_writes(self) -> Iterator[None]:
        try:
            with self._database.pause():
                yield
        except sqlite3.Error as error:
            raise store_error(error) from error

    @override
    def check(self) -> list[Finding]:
        findings = []
        with self._asking() as connection:
            for (line,) in connection.execute("PRAGMA integrity_check").fetchall():
                if line != "ok":
                    findings.append(Finding(collection=None, key=None, problem=line))
            for collection in self._collections.values():
                findings += _check_documents(connection, collection)
        return findings

    @override
    def close(self) -> None:
        self._database.close()
        with self._listeners_lock:
            self._listeners.clear()

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._database.reading() as connection:
                yield connection
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _tell(self, changes: Sequence[StoredChange]) -> None:
        with self._listeners_lock:
            listeners = tuple(self._listeners)
        for change in changes:
            for listener in listeners:
                try:
                    listener(change)
                except Exception:
                    # The commit stands: its caller must not think that it failed.
                    _LOGGER.exception("A listener failed on change %d", change.cursor)


def _check_documents(connection: sqlite3.Connection, collection: Declared) -> list[Finding]:
    """Return what is wrong with the documents of a kind."""
    findings = []
    rows = connection.execute(f"SELECT key, tenant_key, revision, body FROM {table_of(collection)}")
    for key, tenant_key, revision, body in rows:
        try:
            document = body_document(body)
            entity = collection.entity.model_validate(document, extra="ignore")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            problem = f"{field}: {first['msg']}"
        except ValueError as error:
            problem = str(error)
        else:
            if (entity.key, entity.tenant_key, entity.revision) == (key, tenant_key, revision):
                continue
            problem = "key, tenant or revision differ from the columns beside the document"
        findings.append(Finding(collection=collection.name, key=key, problem=problem))
    return findings
