"""What SQLite says, in the words of the application."""

import sqlite3

from kamerplanter_backend.common.exceptions import (
    CorruptStoreError,
    ReadOnlyStoreError,
    StoreFullError,
    UnavailableError,
)

# A quota or a size limit reaches SQLite as a failed write, not as a full disk; a disk that was
# full before the file was opened as a companion of it that cannot be made.
_FULL_CODES = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
)
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_READ_ONLY = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def store_error(error: sqlite3.Error) -> UnavailableError:
    """Return the error that a person should see in place of SQLite's."""
    reason = str(error)
    # Only errors of the library itself carry a code.
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    code = extended & 0xFF
    if extended in _FULL_CODES:
        return StoreFullError(
            f"Nothing was written: the disk is full or the file may not grow ({reason}). "
            "Make room and try again.",
            reason=reason,
        )
    if code in _READ_ONLY:
        return ReadOnlyStoreError(
            f"Nothing was written: the store can only be read ({reason}). "
            "Check the rights of file and folder.",
            reason=reason,
        )
    if code in _CORRUPT or "malformed JSON" in reason:
        return CorruptStoreError(
            f"The store is damaged ({reason}). Restore a backup.", reason=reason
        )
    if code in _BUSY:
        return UnavailableError(
            f"The store is busy with another program ({reason}). Try again.", reason=reason
        )
    return UnavailableError(f"The store cannot answer ({reason}).", reason=reason)


def closed_error() -> UnavailableError:
    """Return the error of using a store after its end."""
    return UnavailableError("The store is closed.", reason="closed")
