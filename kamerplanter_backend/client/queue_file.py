"""The file in which commands wait for a server: what is in it survives a crash of any kind."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.common.exceptions import (
    CorruptStoreError,
    NewerSchemaError,
    ReadOnlyStoreError,
    StoreFullError,
    UnavailableError,
)
from kamerplanter_engines.models.base import Instant, Model

_LOGGER = logging.getLogger(__name__)

SCHEMA = 1
_TABLES = """
CREATE TABLE waiting (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    command_key TEXT NOT NULL UNIQUE,
    attempts INTEGER NOT NULL,
    command TEXT NOT NULL
);
CREATE TABLE refused (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    command_key TEXT NOT NULL UNIQUE,
    refusal TEXT NOT NULL
);
CREATE TABLE remembered (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class StoredCommand(Model):
    """A command as it waits: what is sent, for whom, since when."""

    command_key: str
    name: str
    """Of its class."""
    body: str
    """Its fields as JSON."""
    caller: Caller
    queued_at: Instant
    first_at: Instant | None = None
    """When it was called, if it was refused since and put back by a person; none = `queued_at`."""

    @property
    def called_at(self) -> datetime:
        """When it was called, however often it was put back."""
        return self.first_at or self.queued_at

    @property
    def is_readings(self) -> bool:
        """Whether it carries readings, of which there may be very many."""
        return self.name == RecordReadings.__name__


class WaitingCommand(Model):
    """A command at its place in the queue."""

    seq: int
    """Grows; the order of delivery."""
    attempts: int
    """How often it was sent, or may have been."""
    command: StoredCommand


class RefusedCommand(Model):
    """A command that will not be sent any more, unless a person asks for it."""

    command: StoredCommand
    refused_at: Instant
    code: str
    """Of the error that says why."""
    message: str
    field: str | None
    placeholders: dict[str, str]


class QueueFile:
    """Commands that wait, in order, and those that were refused. Blocks; one thread at a time.

    Every method may raise `UnavailableError` or one of its subclasses, e.g. for a full disk;
    nothing was changed then.

    Args:
        path: The file; its folder is made if it is new.

    Raises:
        NewerSchemaError: A newer version wrote it; it is left untouched.
        UnavailableError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.damaged: Path | None = None
        """Where a file that could not be read was put aside; none = all is well."""
        with _store_errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = _connect(path)
                self.waiting()
                self.refused()
            except CorruptStoreError:
                self.damaged = _put_aside(path)
                _LOGGER.exception("The waiting commands cannot be read; see %s", self.damaged)
                self._connection = _connect(path)

    def add(self, command: StoredCommand, *, attempts: int = 0) -> WaitingCommand:
        """Store a command at the end of the queue; it is on the disk when this returns."""
        with self._writing() as connection:
            return _add(connection, command, attempts)

    def replace(self, seq: int, command: StoredCommand) -> None:
        """Give a command that was never sent another content."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE waiting SET command = ? WHERE seq = ?", (command.model_dump_json(), seq)
            )

    def waiting(self) -> list[WaitingCommand]:
        """Return all that waits, in the order of delivery."""
        with _store_errors():
            rows = self._connection.execute(
                "SELECT seq, attempts, command FROM waiting ORDER BY seq"
            ).fetchall()
            return [
                WaitingCommand(
                    seq=seq,
                    attempts=attempts,
                    command=StoredCommand.model_validate_json(text, extra="ignore"),
                )
                for seq, attempts, text in rows
            ]

    def note_attempt(self, seq: int) -> None:
        """Remember that a command is being sent now."""
        with self._writing() as connection:
            connection.execute("UPDATE waiting SET attempts = attempts + 1 WHERE seq = ?", (seq,))

    def remove(self, seq: int) -> None:
        """Forget a command, because it was delivered or dropped."""
        with self._writing() as connection:
            connection.execute("DELETE FROM waiting WHERE seq = ?", (seq,))

    def refuse(self, waiting: WaitingCommand, refusal: RefusedCommand) -> None:
        """Take a command out of the queue, and keep it with the reason."""
        row = (refusal.command.command_key, refusal.model_dump_json())
        with self._writing() as connection:
            connection.execute("DELETE FROM waiting WHERE seq = ?", (waiting.seq,))
            # A key that was refused before and came again stands there once, with its last reason.
            connection.execute(
                "INSERT OR REPLACE INTO refused (command_key, refusal) VALUES (?, ?)", row
            )

    def refused(self) -> list[RefusedCommand]:
        """Return what was refused, oldest first."""
        with _store_errors():
            rows = self._connection.execute("SELECT refusal FROM refused ORDER BY seq").fetchall()
            return [RefusedCommand.model_validate_json(text, extra="ignore") for (text,) in rows]

    def forget_refused(self, command_key: str) -> None:
        """Take a command off the list of what was refused."""
        with self._writing() as connection:
            connection.execute("DELETE FROM refused WHERE command_key = ?", (command_key,))

    def send_again(self, refusal: RefusedCommand, at: Instant) -> WaitingCommand:
        """Put a refused command back to the end of the queue."""
        key = refusal.command.command_key
        known = refusal.command
        command = known.model_copy(update={"queued_at": at, "first_at": known.called_at})
        with self._writing() as connection:
            connection.execute("DELETE FROM refused WHERE command_key = ?", (key,))
            return _add(connection, command, 1)

    def remember(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO remembered VALUES (?, ?)", (name, value))

    def recall(self, name: str) -> str | None:
        """Return the value under a name."""
        with _store_errors():
            row = self._connection.execute(
                "SELECT value FROM remembered WHERE name = ?", (name,)
            ).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with _store_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise


@dataclass(frozen=True, slots=True)
class Peeked:
    """What can be seen of a file that this version cannot use."""

    count: int
    """Commands that wait in it or were refused."""
    commands: tuple[StoredCommand, ...]
    """Those of them that can be read, in their order."""


def peek(path: Path) -> Peeked | None:
    """Return what can be seen of a queue that cannot be opened; none = nothing. Blocks.

    The file is only read, so whoever can use it finds it as it was.
    """
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            texts = connection.execute("SELECT command FROM waiting ORDER BY seq").fetchall()
            refused = connection.execute("SELECT refusal FROM refused ORDER BY seq").fetchall()
    except sqlite3.Error:
        return None
    found = []
    for model, rows in ((StoredCommand, texts), (RefusedCommand, refused)):
        for (text,) in rows:
            with suppress(ValidationError):
                item = model.model_validate_json(text, extra="ignore")
                found.append(item.command if isinstance(item, RefusedCommand) else item)
    return Peeked(len(texts) + len(refused), tuple(found))


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        # A commit returns when the disk has it: what was accepted must survive a power cut.
        connection.execute("PRAGMA synchronous = EXTRA")
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > SCHEMA:
            raise NewerSchemaError(
                f"{path} has schema {found}, this version knows {SCHEMA}; update Kamerplanter.",
                reason="newer file",
                found=found,
                known=SCHEMA,
            )
        problems = connection.execute("PRAGMA quick_check(1)").fetchall()
        if problems != [("ok",)]:
            raise CorruptStoreError(f"{path} is damaged: {problems[0][0]}.", reason="damaged")
        if found == 0:
            connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")
    except sqlite3.Error as error:
        connection.close()
        raise _store_error(error) from error
    except UnavailableError:
        connection.close()
        raise
    return connection


def _put_aside(path: Path) -> Path:
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(target)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return target


def _add(connection: sqlite3.Connection, command: StoredCommand, attempts: int) -> WaitingCommand:
    cursor = connection.execute(
        "INSERT INTO waiting (command_key, attempts, command) VALUES (?, ?, ?)",
        (command.command_key, attempts, command.model_dump_json()),
    )
    return WaitingCommand(seq=cursor.lastrowid or 0, attempts=attempts, command=command)


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _store_error(error) from error
    except ValidationError as error:
        raise CorruptStoreError("A stored command cannot be read.", reason="queue file") from error
    except OSError as error:
        raise UnavailableError(
            f"Commands cannot be stored for later: {error}.", reason="queue file"
        ) from error


def _store_error(error: sqlite3.Error) -> UnavailableError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = f"Commands cannot be stored for later: {error}."
    kinds: dict[int, type[UnavailableError]] = {
        sqlite3.SQLITE_FULL: StoreFullError,
        sqlite3.SQLITE_READONLY: ReadOnlyStoreError,
        sqlite3.SQLITE_CORRUPT: CorruptStoreError,
        sqlite3.SQLITE_NOTADB: CorruptStoreError,
    }
    return kinds.get(code, UnavailableError)(text, reason="queue file")
