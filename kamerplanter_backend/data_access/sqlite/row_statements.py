"""Runs statements about readings and rollups; what SQLite refuses is said in our words."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from kamerplanter_backend.data_access.sqlite.errors import store_error


class RowStatements:
    """Statements within one transaction.

    All raise `UnavailableError`, or the more exact one of `store_error`.

    Args:
        connection: The connection of the transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def rows(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        """Return all rows that a question finds."""
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise store_error(error) from error

    def run_each(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run a statement once for each row; return how many rows of the table it changed."""
        if not rows:
            return 0
        try:
            return max(self._connection.executemany(statement, rows).rowcount, 0)
        except sqlite3.Error as error:
            raise store_error(error) from error
