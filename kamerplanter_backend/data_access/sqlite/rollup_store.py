"""Rollups in SQLite: one row per channel, level and start."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, override

from kamerplanter_backend.data_access.sqlite.errors import store_error
from kamerplanter_backend.data_access.sqlite.series_store import (
    HOUR_US,
    SqliteSeriesStore,
    microseconds,
)
from kamerplanter_backend.domain.interfaces.rollup_store import RollupStore
from kamerplanter_engines.models.rollup import DueHour, Point, Rollup, RollupLevel, moment_of
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict

_FIGURES = (
    "starts_us, length_s, reading_count, total, covered_s, integral, low, high, suspect_count"
)
_GOOD = f"verdict = '{Verdict.GOOD.value}'"


class SqliteRollupStore(RollupStore):
    """Rollups within one transaction.

    Args:
        connection: The connection of the transaction.
        series: The readings within the same transaction; it knows the numbers of channels.
        check_writable: Raises if the transaction may not write readings.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        series: SqliteSeriesStore,
        check_writable: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._series = series
        self._check_writable = check_writable

    @override
    def due(
        self,
        probe_keys: Sequence[str] | None = None,
        *,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[DueHour]:
        found: list[DueHour] = []
        keys: Sequence[str | None] = [None] if probe_keys is None else probe_keys
        before_us = None if before is None else microseconds(before)
        for key in keys:
            left = -1 if limit is None else limit - len(found)
            if left == 0:
                break
            rows = self._run(
                "SELECT probe_key, kind, hour FROM due_hours JOIN channels ON id = channel "
                "WHERE (? IS NULL OR probe_key = ?) AND (? IS NULL OR hour * ? < ?) "
                "ORDER BY channel, hour LIMIT ?",
                (key, key, before_us, HOUR_US, before_us, left),
            )
            found += [
                DueHour(probe_key, ChannelKind(kind), moment_of(hour * HOUR_US))
                for probe_key, kind, hour in rows
                if kind in ChannelKind.__members__.values()
            ]
        return found

    @override
    def settle(self, hours: Sequence[DueHour]) -> None:
        self._check_writable()
        rows = [
            (
                self._series.channel(hour.probe_key, hour.kind),
                microseconds(hour.starts_at) // HOUR_US,
            )
            for hour in hours
        ]
        self._run_many("DELETE FROM due_hours WHERE channel = ? AND hour = ?", rows)

    @override
    def points(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> list[Point]:
        rows = self._run(
            f"SELECT at_us, value, {_GOOD} FROM readings "
            "WHERE channel = ? AND at_us >= ? AND at_us < ? ORDER BY at_us",
            (
                self._series.channel(probe_key, kind),
                microseconds(from_at),
                microseconds(until_at),
            ),
        )
        # The good ones are marked by 1, which is as good as true.
        return rows.fetchall()

    @override
    def next_good_at(self, probe_key: str, kind: ChannelKind, from_at: datetime) -> datetime | None:
        found = self._run(
            f"SELECT at_us FROM readings WHERE channel = ? AND at_us >= ? AND {_GOOD} "
            "ORDER BY at_us LIMIT 1",
            (self._series.channel(probe_key, kind), microseconds(from_at)),
        ).fetchone()
        return None if found is None else moment_of(found[0])

    @override
    def put(self, rollups: Sequence[Rollup]) -> None:
        self._check_writable()
        rows = [
            (
                self._series.channel(item.probe_key, item.kind, make=True),
                item.level.value,
                *item[3:],
            )
            for item in rollups
        ]
        self._run_many(
            f"INSERT OR REPLACE INTO rollups (channel, level, {_FIGURES}) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    @override
    def range(
        self,
        probe_key: str,
        kind: ChannelKind,
        level: RollupLevel,
        from_at: datetime,
        until_at: datetime,
    ) -> list[Rollup]:
        rows = self._run(
            f"SELECT {_FIGURES} FROM rollups "
            "WHERE channel = ? AND level = ? AND starts_us >= ? AND starts_us < ? "
            "ORDER BY starts_us",
            (
                self._series.channel(probe_key, kind),
                level.value,
                microseconds(from_at),
                microseconds(until_at),
            ),
        )
        return [Rollup(probe_key, kind, level, *row) for row in rows]

    @override
    def prune(
        self, level: RollupLevel, before: datetime, probe_keys: Sequence[str] | None = None
    ) -> int:
        self._check_writable()
        return sum(
            self._run(
                "DELETE FROM rollups WHERE channel = ? AND level = ? AND starts_us < ?",
                (channel, level.value, microseconds(before)),
            ).rowcount
            for channel in self._series.channels_of(probe_keys)
        )

    def _run(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _run_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise store_error(error) from error
