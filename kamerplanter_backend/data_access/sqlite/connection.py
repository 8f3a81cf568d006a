"""The file and its connections: one that writes, some that read."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Condition

from kamerplanter_backend.common.exceptions import (
    CorruptStoreError,
    NewerSchemaError,
    ReadOnlyStoreError,
    UnavailableError,
)
from kamerplanter_backend.data_access.sqlite.errors import closed_error, store_error
from kamerplanter_backend.data_access.sqlite.gate import Gate
from kamerplanter_backend.data_access.sqlite.schema import (
    APPLICATION_ID,
    KNOWN_VERSION,
    build_schema,
)
from kamerplanter_backend.domain.interfaces.document_store import Declared

PATIENCE_S = 10.0
"""How long a transaction waits for another one. [s]"""

BUSY_TIMEOUT_MS = 5000
"""How long we wait for another program that holds the file. [ms]"""

IDLE_READERS = 4
"""Reading connections that are kept for the next question."""

QUICK_CHECK_LIMIT_BYTES = 256 * 1024 * 1024
"""A larger file is not examined at each start, only on request."""

COMPACT = "VACUUM"
EMPTY_PAGES_AT_LEAST = 256
EMPTY_SHARE_AT_LEAST = 1 / 3
"""A file with so many empty pages (1 MiB), which are such a part of it, is made smaller."""


class Database:
    """A SQLite file, or one in memory; opened, upgraded and ready.

    A file is in WAL mode: readers do not wait for the writer. In memory there is one connection,
    and everybody waits for everybody.

    Args:
        path: The file; none = in memory.
        collections: The kinds of documents in it.
        read_only: Whether the file must not be touched.

    Raises:
        NewerSchemaError: A newer version wrote the file; it is left untouched.
        CorruptStoreError: The file is damaged or something else; it is left untouched.
        ReadOnlyStoreError: The file cannot be written, and that was asked for.
        UnavailableError: It cannot be opened.
    """

    def __init__(
        self, path: Path | None, collections: Sequence[Declared], *, read_only: bool
    ) -> None:
        self._path = path.absolute() if path is not None else None
        self._gate = Gate(PATIENCE_S)
        self._readers = Condition()
        self._idle: list[sqlite3.Connection] = []
        self._reading = 0
        self._is_closed = False
        self._main: sqlite3.Connection | None = None
        try:
            if self._path is not None:
                _inspect(self._path, read_only=read_only)
            if not read_only:
                self._main = self._open_main(collections)
        except sqlite3.Error as error:
            raise store_error(error) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection for a transaction that only reads."""
        if self._path is None:
            with self._gate.passage(writes=False):
                connection = self._main_connection()
                connection.execute("BEGIN")
                try:
                    yield connection
                finally:
                    connection.rollback()
            return
        connection = self._take_reader()
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection that writes; what is not committed in the block is taken back.

        Raises:
            ReadOnlyStoreError: The store was opened for reading.
        """
        if self._main is None:
            raise ReadOnlyStoreError(
                "Nothing was written: the store was opened for reading only.", reason="read only"
            )
        with self._gate.passage(writes=True):
            connection = self._main_connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.rollback()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Hold back writers, with everything that was committed in the file itself."""
        with self._gate.pause():
            if self._path is not None and self._main is not None:
                blocked, *_ = self._main.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if blocked:
                    raise UnavailableError(
                        "The store could not be made ready for a copy: a question is still "
                        "running. Try again.",
                        reason="busy",
                    )
            yield

    def close(self) -> None:
        """Close all connections; the file is complete without its companions afterwards."""
        with self._readers:
            self._is_closed = True
            self._readers.wait_for(lambda: self._reading == 0, timeout=PATIENCE_S)
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        self._gate.close()
        if self._main is not None:
            # A full disk must not keep the handle open; the log is read at the next start.
            with suppress(sqlite3.Error):
                self._main.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._main.close()

    def _main_connection(self) -> sqlite3.Connection:
        if self._main is None:
            raise closed_error()
        return self._main

    def _open_main(self, collections: Sequence[Declared]) -> sqlite3.Connection:
        with ExitStack() as on_failure:
            if self._path is None:
                connection = _connect("file::memory:")
            else:
                connection = _connect(f"{self._path.as_uri()}?mode=rwc")
            on_failure.callback(connection.close)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            build_schema(connection, collections)
            if self._path is not None:
                _give_back_room(connection)
            on_failure.pop_all()
        return connection

    def _take_reader(self) -> sqlite3.Connection:
        with self._readers:
            if self._is_closed:
                raise closed_error()
            self._reading += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._open_reader()
        except BaseException:
            with self._readers:
                self._reading -= 1
                self._readers.notify_all()
            raise

    def _open_reader(self) -> sqlite3.Connection:
        if self._path is None:
            raise closed_error()
        if self._main is None:
            return _connect(_read_only_uri(self._path))
        connection = _connect(f"{self._path.as_uri()}?mode=rw")
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            connection.rollback()
        finally:
            with self._readers:
                self._reading -= 1
                is_kept = not self._is_closed and len(self._idle) < IDLE_READERS
                if is_kept:
                    self._idle.append(connection)
                self._readers.notify_all()
            if not is_kept:
                connection.close()


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        isolation_level=None,  # we say BEGIN ourselves
        check_same_thread=False,  # the gate and the pool see to that
        timeout=BUSY_TIMEOUT_MS / 1000,
        cached_statements=256,
    )
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _give_back_room(connection: sqlite3.Connection) -> None:
    """Make the file smaller where much of it is empty, as after an upgrade."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (empty,) = connection.execute("PRAGMA freelist_count").fetchone()
    if empty < EMPTY_PAGES_AT_LEAST or empty < EMPTY_SHARE_AT_LEAST * pages:
        return
    # The copy that is made on the way belongs on the disk. Without room for it the file stays as
    # it is, and is as good; the next start tries again.
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute(COMPACT)
    connection.execute("PRAGMA temp_store = MEMORY")


def _read_only_uri(path: Path) -> str:
    """Return the address that opens a file without touching it.

    Without an unread log the file is complete, and SQLite need not create its companions.
    """
    log = path.with_name(f"{path.name}-wal")
    is_complete = not log.exists() or log.stat().st_size == 0
    return f"{path.as_uri()}?mode=ro{'&immutable=1' if is_complete else ''}"


def _inspect(path: Path, *, read_only: bool) -> None:
    """Look at a file before anything could change it."""
    try:
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists() or path.stat().st_size == 0
    except OSError as error:
        raise UnavailableError(f"The store cannot be opened ({error}).", reason=error) from error
    if is_new and read_only:
        raise UnavailableError(f"There is no store at {path}.", reason="missing")
    if not is_new:
        _inspect_content(path, read_only=read_only)
    if not read_only and not _may_write(path):
        raise ReadOnlyStoreError(
            f"Nothing was written: {path} or its folder can only be read. Check their rights.",
            reason="read only",
        )


def _may_write(path: Path) -> bool:
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def _inspect_content(path: Path, *, read_only: bool) -> None:
    with ExitStack() as stack:
        connection = _connect(_read_only_uri(path))
        stack.callback(connection.close)
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise CorruptStoreError(f"{path} is not a store of Kamerplanter.", reason="foreign")
        if version > KNOWN_VERSION:
            raise NewerSchemaError(
                f"{path} was written by a newer version (schema {version}, this one knows "
                f"{KNOWN_VERSION}). It was left untouched; install the newer version again.",
                reason="newer schema",
                found=version,
                known=KNOWN_VERSION,
            )
        if read_only and version < KNOWN_VERSION:
            raise ReadOnlyStoreError(
                f"{path} must be upgraded (schema {version}) before it can be read.",
                reason="older schema",
            )
        if path.stat().st_size <= QUICK_CHECK_LIMIT_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise CorruptStoreError(
                    f"{path} is damaged ({verdict}). It was left untouched; restore a backup.",
                    reason=verdict,
                )
