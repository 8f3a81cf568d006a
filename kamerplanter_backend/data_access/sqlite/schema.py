"""Tables and indexes, made from the declarations and upgraded in numbered steps."""

import re
import sqlite3
from collections.abc import Callable, Sequence

from kamerplanter_backend.domain.interfaces.document_store import Declared

APPLICATION_ID = 0x4B504C54
"""Marks the file as ours ("KPLT")."""

OWN_COLUMNS = frozenset({"key", "tenant_key", "revision"})
"""Fields that stand beside the body of a document, too."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _first_release(connection: sqlite3.Connection) -> None:
    """Make what does not depend on the kinds of documents."""
    for statement in (
        """CREATE TABLE changes (
            cursor INTEGER PRIMARY KEY AUTOINCREMENT,
            tenant_key TEXT NOT NULL,
            collections TEXT NOT NULL
        )""",
        "CREATE INDEX changes_by_tenant ON changes (tenant_key, cursor)",
        """CREATE TABLE command_results (
            tenant_key TEXT NOT NULL,
            command_key TEXT NOT NULL,
            at_us INTEGER NOT NULL,
            digest TEXT,
            answer TEXT NOT NULL,
            PRIMARY KEY (tenant_key, command_key)
        )""",
        "CREATE INDEX command_results_by_age ON command_results (at_us)",
        """CREATE TABLE channels (
            id INTEGER PRIMARY KEY,
            probe_key TEXT NOT NULL,
            kind TEXT NOT NULL,
            UNIQUE (probe_key, kind)
        )""",
        """CREATE TABLE readings (
            channel INTEGER NOT NULL,
            at_us INTEGER NOT NULL,
            delay_us INTEGER NOT NULL,
            value REAL NOT NULL,
            verdict TEXT NOT NULL,
            reasons TEXT,
            PRIMARY KEY (channel, at_us)
        ) WITHOUT ROWID""",
        "CREATE INDEX good_readings ON readings (channel, at_us) WHERE verdict = 'good'",
    ):
        connection.execute(statement)


def _rollups_and_raw_values(connection: sqlite3.Connection) -> None:
    """Add what readings come to by hour and day, and what a calibrated probe showed."""
    for statement in (
        "ALTER TABLE readings ADD COLUMN raw REAL",
        """CREATE TABLE rollups (
            channel INTEGER NOT NULL,
            level TEXT NOT NULL,
            starts_us INTEGER NOT NULL,
            length_s REAL NOT NULL,
            reading_count INTEGER NOT NULL,
            total REAL NOT NULL,
            covered_s REAL NOT NULL,
            integral REAL NOT NULL,
            low REAL,
            high REAL,
            suspect_count INTEGER NOT NULL,
            PRIMARY KEY (channel, level, starts_us)
        ) WITHOUT ROWID""",
        """CREATE TABLE due_hours (
            channel INTEGER NOT NULL,
            hour INTEGER NOT NULL,
            PRIMARY KEY (channel, hour)
        ) WITHOUT ROWID""",
        # Hours since 1970: what is stored already was never summed up.
        "INSERT INTO due_hours SELECT DISTINCT channel, at_us / 3600000000 FROM readings",
    ):
        connection.execute(statement)


def _small_readings(connection: sqlite3.Connection) -> None:
    """Write readings in a third of the room, and note zones of rollups.

    Rows are copied in the order of the old key, which needs no memory for sorting. What goes
    without saying becomes null, and thousandths whole numbers: see `packing`, whose numbers stand
    here as they were when this step was released.
    """
    packed = (
        "CASE WHEN abs({0}) < 2000000.0 "
        "AND CAST(round({0} * 1000) AS INTEGER) / 1000.0 = {0} "
        "THEN CAST(round({0} * 1000) AS INTEGER) ELSE {0} END"
    )
    for statement in (
        "ALTER TABLE channels ADD COLUMN good_us INTEGER",
        "DROP INDEX good_readings",
        "ALTER TABLE readings RENAME TO readings_before",
        """CREATE TABLE readings (
            channel INTEGER NOT NULL,
            from_2030_us INTEGER NOT NULL,
            value NOT NULL,
            delay_us INTEGER,
            raw,
            judgement TEXT,
            PRIMARY KEY (channel, from_2030_us)
        ) WITHOUT ROWID""",
        f"""INSERT INTO readings
            SELECT channel, at_us - 1893456000000000, {packed.format("value")},
                nullif(delay_us, 0), {packed.format("raw")},
                CASE WHEN reasons IS NOT NULL THEN verdict || ' ' || reasons
                    WHEN verdict != 'good' THEN verdict END
            FROM readings_before ORDER BY channel, at_us""",
        "DROP TABLE readings_before",
        """UPDATE channels SET good_us = (
            SELECT from_2030_us FROM readings
            WHERE channel = id AND (judgement IS NULL OR judgement GLOB 'good *')
            ORDER BY from_2030_us DESC LIMIT 1
        )""",
        """CREATE TABLE rollup_zones (
            channel INTEGER NOT NULL,
            from_us INTEGER NOT NULL,
            zone TEXT NOT NULL,
            PRIMARY KEY (channel, from_us)
        ) WITHOUT ROWID""",
    ):
        connection.execute(statement)


def _fine_numbers(connection: sqlite3.Connection) -> None:
    """Note when each channel last said a number that is no multiple of 0.1."""
    for statement in (
        "ALTER TABLE channels ADD COLUMN fine_us INTEGER",
        """UPDATE channels SET fine_us = (
            SELECT from_2030_us FROM readings
            WHERE channel = id AND (
                typeof(coalesce(raw, value)) != 'integer' OR coalesce(raw, value) % 100 != 0
            )
            ORDER BY from_2030_us DESC LIMIT 1
        )""",
    ):
        connection.execute(statement)


type Step = Callable[[sqlite3.Connection], None]

STEPS: tuple[Step, ...] = (
    _first_release,
    _rollups_and_raw_values,
    _small_readings,
    _fine_numbers,
)
"""What each schema version adds to the one before. A released step never changes."""

KNOWN_VERSION = len(STEPS)


def build_schema(
    connection: sqlite3.Connection,
    collections: Sequence[Declared],
    steps: Sequence[Step] = STEPS,
) -> None:
    """Bring a file to the present schema, all at once or not at all.

    New kinds of documents and changed indexes need no step: they follow the declarations.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for step in steps[version:]:
            step(connection)
        if version != len(steps):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(steps)}")
        for collection in collections:
            _build_collection(connection, collection)
        connection.commit()
    finally:
        if connection.in_transaction:
            connection.rollback()


def table_of(collection: Declared) -> str:
    """Return the name of the table of a kind of documents.

    Raises:
        ValueError: The name has anything but lower case letters, digits and underscores.
    """
    if _NAME.fullmatch(collection.name) is None:
        raise ValueError(f"{collection.name!r} cannot name a table")
    return f"doc_{collection.name}"


def column(path: str) -> str:
    """Return the SQL for a field of a document; the path must be one that was checked."""
    return path if path in OWN_COLUMNS else f"json_extract(body, '$.{path}')"


def has_archive(collection: Declared) -> bool:
    """Tell whether documents of this kind can be archived."""
    return "archived_at" in collection.entity.model_fields


def _build_collection(connection: sqlite3.Connection, collection: Declared) -> None:
    table = table_of(collection)
    connection.execute(
        f"""CREATE TABLE IF NOT EXISTS {table} (
            key TEXT PRIMARY KEY NOT NULL,
            tenant_key TEXT NOT NULL,
            revision INTEGER NOT NULL,
            body TEXT NOT NULL CHECK (json_valid(body))
        )"""
    )
    wanted = _indexes(collection, table)
    present = dict(
        connection.execute(
            "SELECT name, sql FROM sqlite_master "
            "WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
            (table,),
        ).fetchall()
    )
    for name, statement in present.items():
        if wanted.get(name) != statement:
            connection.execute(f"DROP INDEX {name}")
    for name, statement in wanted.items():
        if present.get(name) != statement:
            connection.execute(statement)


def _indexes(collection: Declared, table: str) -> dict[str, str]:
    """Return the statements that make the indexes of a collection, by index name."""
    statements = {f"{table}_by_tenant": f"ON {table} (tenant_key, key)"}
    for fields in collection.indexes:
        columns = ", ".join(column(field) for field in fields)
        statements[f"{table}_by_{'_and_'.join(fields)}"] = f"ON {table} (tenant_key, {columns})"
    # An archived document gives its name free.
    condition = f" WHERE {column('archived_at')} IS NULL" if has_archive(collection) else ""
    unique = {}
    for fields in collection.unique:
        columns = ", ".join(column(field) for field in fields)
        unique[f"{table}_one_{'_and_'.join(fields)}"] = (
            f"ON {table} (tenant_key, {columns}){condition}"
        )
    return {
        **{name: f"CREATE INDEX {name} {rest}" for name, rest in statements.items()},
        **{name: f"CREATE UNIQUE INDEX {name} {rest}" for name, rest in unique.items()},
    }
