"""One transaction on a SQLite connection."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import override

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import (
    ConflictError,
    NotFoundError,
    StaleRevisionError,
)
from kamerplanter_backend.data_access.sqlite.channel_numbers import ChannelNumbers
from kamerplanter_backend.data_access.sqlite.errors import store_error
from kamerplanter_backend.data_access.sqlite.rollup_store import SqliteRollupStore
from kamerplanter_backend.data_access.sqlite.row_statements import RowStatements
from kamerplanter_backend.data_access.sqlite.schema import column, has_archive, table_of
from kamerplanter_backend.data_access.sqlite.series_store import SqliteSeriesStore
from kamerplanter_backend.data_access.sqlite.statements import (
    after_cursor,
    conditions,
    cursor_text,
    order_columns,
    ordering,
)
from kamerplanter_backend.data_access.sqlite.times import microseconds
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.interfaces.document_store import (
    CommandResult,
    Declared,
    Document,
    Page,
    Query,
    Transaction,
    UndeclaredWriteError,
    Where,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import MICROSECOND

KEPT_CHANGES = 10_000
"""Changes that a listener may have missed and still gets; older ones are thrown away."""

PRUNE_CHANGES_EVERY = 256

COMMAND_MEMORY = timedelta(days=30)
"""How long the answer of a command is kept."""

KEYS_AT_ONCE = 500

READINGS = "readings"

# Each by itself, as only so the key finds it.
KEPT_CURSORS = "SELECT (SELECT min(cursor) FROM changes), (SELECT max(cursor) FROM changes)"
"""The oldest and the newest change that is kept; none = there was none."""


class SqliteTransaction(Transaction):
    """What happens on one connection between BEGIN and COMMIT."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        collections: Mapping[str, Declared],
        writes: frozenset[str],
    ) -> None:
        self._connection = connection
        self._collections = collections
        self._writes = writes
        self._touched: dict[str, set[str]] = {}
        statements = RowStatements(connection)
        channels = ChannelNumbers(statements)
        self._readings = SqliteSeriesStore(statements, channels, self._check_readings)
        self._rollups = SqliteRollupStore(statements, channels, self._check_readings)

    @property
    @override
    def readings(self) -> SqliteSeriesStore:
        return self._readings

    @property
    @override
    def rollups(self) -> SqliteRollupStore:
        return self._rollups

    @override
    def get(self, collection: str, key: str) -> Document | None:
        table = table_of(self._collections[collection])
        rows = self._run(f"SELECT key, body FROM {table} WHERE key = ?", (key,)).fetchall()
        return _document(*rows[0]) if rows else None

    @override
    def get_many(self, collection: str, keys: Sequence[str]) -> list[Document]:
        table = table_of(self._collections[collection])
        found: dict[str, Document] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            part = tuple(keys[start : start + KEYS_AT_ONCE])
            marks = ", ".join("?" * len(part))
            rows = self._run(f"SELECT key, body FROM {table} WHERE key IN ({marks})", part)
            found.update((key, _document(key, body)) for key, body in rows)
        return [found[key] for key in keys if key in found]

    @override
    def find(self, collection: str, query: Query) -> list[Document]:
        declared = self._collections[collection]
        where = conditions(declared, query.where)
        after = after_cursor(declared, query)
        statement = (
            f"SELECT key, body FROM {table_of(declared)} WHERE {where.text} AND {after.text} "
            f"ORDER BY {ordering(declared, query.order)} LIMIT ?"
        )
        limit = -1 if query.limit is None else _checked_limit(query.limit)
        rows = self._run(statement, (*where.values, *after.values, limit))
        return [_document(key, body) for key, body in rows]

    @override
    def page(self, collection: str, query: Query) -> Page[Document]:
        declared = self._collections[collection]
        if query.limit is None:
            raise InvalidInputError("A page needs a limit.", field="limit")
        limit = _checked_limit(query.limit)
        where = conditions(declared, query.where)
        after = after_cursor(declared, query)
        statement = (
            f"SELECT key, body, {order_columns(declared, query.order)} FROM {table_of(declared)} "
            f"WHERE {where.text} AND {after.text} "
            f"ORDER BY {ordering(declared, query.order)} LIMIT ?"
        )
        rows = self._run(statement, (*where.values, *after.values, limit + 1)).fetchall()
        shown = rows[:limit]
        return Page(
            items=tuple(_document(row[0], row[1]) for row in shown),
            cursor=cursor_text(query, shown[-1][2:]) if len(rows) > limit else None,
            total=self.count(collection, query.where),
        )

    @override
    def count(self, collection: str, where: Sequence[Where] = ()) -> int:
        declared = self._collections[collection]
        condition = conditions(declared, where)
        (number,) = self._run(
            f"SELECT count(*) FROM {table_of(declared)} WHERE {condition.text}", condition.values
        ).fetchone()
        return int(number)

    @override
    def insert(self, collection: str, document: Document) -> None:
        if not self._insert(collection, document, on_conflict=""):
            raise AssertionError("an insert without a conflict rule writes or raises")

    @override
    def insert_if_new(self, collection: str, document: Document) -> bool:
        return self._insert(collection, document, on_conflict="ON CONFLICT (key) DO NOTHING")

    @override
    def replace(self, collection: str, document: Document, *, expected_revision: int) -> None:
        declared = self._for_writing(collection)
        table = table_of(declared)
        statement = (
            f"UPDATE {table} SET tenant_key = ?, revision = ?, body = ? "
            "WHERE key = ? AND revision = ?"
        )
        key, tenant_key = document["key"], document["tenant_key"]
        values = (tenant_key, document["revision"], _body(document), key, expected_revision)
        if self._write(declared, document, statement, values):
            return
        stored = self._run(f"SELECT 1 FROM {table} WHERE key = ?", (key,)).fetchone()
        if stored is None:
            raise NotFoundError(f"No {key!r} in {collection}.", kind=collection, key=key)
        raise StaleRevisionError(
            f"{key!r} in {collection} was changed in between; read it again.",
            kind=collection,
            key=key,
        )

    @override
    def remove(self, collection: str, key: str) -> bool:
        declared = self._for_writing(collection)
        removed = self._run(
            f"DELETE FROM {table_of(declared)} WHERE key = ? RETURNING tenant_key", (key,)
        ).fetchall()
        for (tenant_key,) in removed:
            self.note_change(collection, tenant_key)
        return bool(removed)

    @override
    def note_change(self, collection: str, tenant_key: str) -> None:
        self._check_declared(collection)
        self._touched.setdefault(tenant_key, set()).add(collection)

    @override
    def has_written(self, collection: str, tenant_key: str) -> bool:
        return collection in self._touched.get(tenant_key, ())

    @override
    def last_cursor(self) -> int:
        (newest,) = self._run("SELECT max(cursor) FROM changes").fetchone()
        return newest or 0

    @override
    def touched_since(self, cursor: int) -> dict[str, frozenset[str]] | None:
        if not are_kept_since(self._run(KEPT_CURSORS).fetchone(), cursor):
            return None
        touched: dict[str, set[str]] = {}
        for tenant_key, names in self._run(
            "SELECT DISTINCT tenant_key, collections FROM changes WHERE cursor > ?", (cursor,)
        ):
            touched.setdefault(tenant_key, set()).update(names.split(","))
        return {tenant_key: frozenset(names) for tenant_key, names in touched.items()}

    @override
    def seen_command(self, tenant_key: str, command_key: str) -> CommandResult | None:
        found = self._run(
            "SELECT answer, digest FROM command_results WHERE tenant_key = ? AND command_key = ?",
            (tenant_key, command_key),
        ).fetchone()
        return CommandResult(answer=json.loads(found[0]), digest=found[1]) if found else None

    @override
    def remember_command(
        self, tenant_key: str, command_key: str, result: CommandResult, *, at: datetime
    ) -> None:
        if not self._writes:
            raise UndeclaredWriteError("a transaction that only reads remembers no command")
        at_us = microseconds(at)
        oldest_us = at_us - COMMAND_MEMORY // MICROSECOND
        self._run("DELETE FROM command_results WHERE at_us < ?", (oldest_us,))
        written = self._run(
            "INSERT INTO command_results (tenant_key, command_key, at_us, digest, answer) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (tenant_key, command_key, at_us, result.digest, _body(result.answer)),
        ).rowcount
        if not written:
            raise ConflictError(
                f"The command {command_key!r} was carried out before.",
                field="command_key",
                kind="command",
                value=command_key,
            )

    @override
    def forget_commands(self, tenant_key: str) -> None:
        if not self._writes:
            raise UndeclaredWriteError("a transaction that only reads forgets no command")
        self._run("DELETE FROM command_results WHERE tenant_key = ?", (tenant_key,))

    def note_changes(self) -> list[StoredChange]:
        """Write what was touched into the change feed, once before the commit."""
        changes = []
        for tenant_key, names in sorted(self._touched.items()):
            collections = tuple(sorted(names))
            cursor = self._run(
                "INSERT INTO changes (tenant_key, collections) VALUES (?, ?)",
                (tenant_key, ",".join(collections)),
            ).lastrowid
            cursor = cursor or 0
            changes.append(
                StoredChange(cursor=cursor, tenant_key=tenant_key, collections=collections)
            )
            if cursor % PRUNE_CHANGES_EVERY == 0:
                self._run("DELETE FROM changes WHERE cursor <= ?", (cursor - KEPT_CHANGES,))
        return changes

    def _insert(self, collection: str, document: Document, *, on_conflict: str) -> bool:
        declared = self._for_writing(collection)
        statement = (
            f"INSERT INTO {table_of(declared)} (key, tenant_key, revision, body) "
            f"VALUES (?, ?, ?, ?) {on_conflict}"
        )
        key, tenant_key = document["key"], document["tenant_key"]
        values = (key, tenant_key, document["revision"], _body(document))
        return self._write(declared, document, statement, values)

    def _write(
        self, declared: Declared, document: Document, statement: str, values: Sequence[object]
    ) -> bool:
        """Run a statement that writes a document; tell whether it did."""
        try:
            written = self._connection.execute(statement, values).rowcount > 0
        except sqlite3.IntegrityError as error:
            raise self._conflict(declared, document, error) from error
        except sqlite3.Error as error:
            raise store_error(error) from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise InvalidInputError(f"The store cannot hold this value ({error}).") from error
        if written:
            self.note_change(declared.name, str(document["tenant_key"]))
        return written

    def _conflict(
        self, declared: Declared, document: Document, error: sqlite3.IntegrityError
    ) -> Exception:
        """Find out with what a document collides."""
        table = table_of(declared)
        key = document["key"]
        if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
            return ConflictError(
                f"The key {key!r} is taken in {declared.name}.",
                field="key",
                kind=declared.name,
                value=key,
            )
        living = f" AND {column('archived_at')} IS NULL" if has_archive(declared) else ""
        for fields in declared.unique:
            same = "".join(f" AND {column(field)} = ?" for field in fields)
            values = (document["tenant_key"], key, *(document[field] for field in fields))
            other = self._run(
                f"SELECT 1 FROM {table} WHERE tenant_key = ? AND key != ?{same}{living}", values
            ).fetchone()
            if other is not None:
                value = ", ".join(str(document[field]) for field in fields)
                return ConflictError(
                    f"{fields[-1]}: {value!r} is taken in {declared.name}.",
                    field=fields[-1],
                    kind=declared.name,
                    value=value,
                )
        return store_error(error)

    def _for_writing(self, collection: str) -> Declared:
        self._check_declared(collection)
        return self._collections[collection]

    def _check_readings(self) -> None:
        self._check_declared(READINGS)

    def _check_declared(self, collection: str) -> None:
        if collection not in self._writes:
            raise UndeclaredWriteError(f"this transaction did not declare to write {collection}")

    def _run(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise store_error(error) from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise InvalidInputError(f"The store cannot hold this value ({error}).") from error


def are_kept_since(kept: tuple[int | None, int | None], cursor: int) -> bool:
    """Tell whether all changes after a cursor are there.

    Args:
        kept: What `KEPT_CURSORS` tells.
        cursor: The cursor.
    """
    oldest, newest = kept
    # The oldest ones are thrown away, the newest one never is.
    return (oldest or 1) - 1 <= cursor <= (newest or 0)


def body_document(body: str) -> Document:
    """Return the document in a body.

    Raises:
        ValueError: It is no JSON object.
    """
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError("the document is no JSON object")  # noqa: TRY004 - data, not a type
    return document


def _document(key: str, body: str) -> Document:
    """Return a stored document; one that cannot be read has a key only, and is set aside."""
    try:
        return body_document(body)
    except ValueError:
        return {"key": key, "tenant_key": None}


def _body(document: JsonValue) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _checked_limit(limit: int) -> int:
    if not 1 <= limit < 2**31:
        raise InvalidInputError(f"A limit is at least 1, not {limit}.", field="limit", value=limit)
    return limit
