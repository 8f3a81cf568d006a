"""Readings in SQLite: one row per channel and moment, a channel being a small number."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import override

from kamerplanter_backend.data_access.sqlite.errors import store_error
from kamerplanter_backend.domain.interfaces.series_store import SeriesStore
from kamerplanter_engines.models.base import utc
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SAME_READING_US = 1_000_000
"""An equal value within less than this is the same reading. [µs]"""

_FOREVER_US = 2**63 - 1
_COLUMNS = "at_us, delay_us, value, verdict, reasons, raw"
HOUR_US = 3_600_000_000

DENSE_PER_S = 4
"""From so many readings of a channel a second on, neighbours are looked up once for all of them."""

# The value is compared among the direct neighbours in time, which the primary key finds.
_INSERT = """
    INSERT INTO readings (channel, at_us, delay_us, value, verdict, reasons, raw)
    SELECT :channel, :at_us, :delay_us, :value, :verdict, :reasons, :raw
    WHERE NOT EXISTS (
        SELECT 1 FROM readings
        WHERE channel = :channel AND at_us > :at_us - :same_us AND at_us < :at_us + :same_us
          AND (value = :value OR at_us = :at_us)
    )
"""

_INSERT_CHECKED = f"INSERT INTO readings (channel, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"

type Row = tuple[int, int, float, str, str | None, float | None]


def microseconds(moment: datetime) -> int:
    """Return an aware moment as microseconds since 1970 in UTC."""
    return (utc(moment) - _EPOCH) // _MICROSECOND


class SqliteSeriesStore(SeriesStore):
    """Readings within one transaction.

    Args:
        connection: The connection of the transaction.
        check_writable: Raises if the transaction may not write readings.
    """

    def __init__(self, connection: sqlite3.Connection, check_writable: Callable[[], None]) -> None:
        self._connection = connection
        self._check_writable = check_writable
        self._channels: dict[tuple[str, str], int] = {}

    @override
    def append(self, readings: Sequence[Reading]) -> int:
        self._check_writable()
        by_source: dict[tuple[str, ChannelKind], list[Row]] = {}
        for reading in readings:
            by_source.setdefault((reading.probe_key, reading.kind), []).append(_row(reading))
        by_channel = {
            self.channel(probe_key, kind, make=True): rows
            for (probe_key, kind), rows in by_source.items()
        }
        dense = {channel for channel, rows in by_channel.items() if _is_dense(rows)}
        sparse = [
            _named(channel, row)
            for channel, rows in by_channel.items()
            if channel not in dense
            for row in rows
        ]
        checked = [
            (channel, *row)
            for channel in dense
            for row in self._without_repeats(channel, by_channel[channel])
        ]
        added = self._insert(_INSERT, sparse) + self._insert(_INSERT_CHECKED, checked)
        if added:
            hours = {
                (channel, row[0] // HOUR_US) for channel, rows in by_channel.items() for row in rows
            }
            self._insert("INSERT OR IGNORE INTO due_hours (channel, hour) VALUES (?, ?)", [*hours])
        return added

    @override
    def range(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime,
        *,
        most: int | None = None,
    ) -> list[Reading]:
        channel = self.channel(probe_key, kind)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM readings "
            "WHERE channel = ? AND at_us >= ? AND at_us < ? ORDER BY at_us LIMIT ?",
            (channel, microseconds(from_at), microseconds(until_at), -1 if most is None else most),
        )
        return [_reading(probe_key, kind, row) for row in rows]

    @override
    def latest(
        self,
        probe_key: str,
        kind: ChannelKind,
        verdict: Verdict | None = None,
        *,
        until_at: datetime | None = None,
    ) -> Reading | None:
        # The literal lets SQLite use the index over good readings.
        condition = "" if verdict is None else f" AND verdict = '{verdict.value}'"
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM readings "
            f"WHERE channel = ? AND at_us <= ?{condition} ORDER BY at_us DESC LIMIT 1",
            (
                self.channel(probe_key, kind),
                _FOREVER_US if until_at is None else microseconds(until_at),
            ),
        )
        return _reading(probe_key, kind, rows[0]) if rows else None

    @override
    def prune(self, before: datetime, probe_keys: Sequence[str] | None = None) -> int:
        self._check_writable()
        return sum(
            self._delete(channel, microseconds(before)) for channel in self.channels_of(probe_keys)
        )

    @override
    def remove_probe(self, probe_key: str) -> int:
        self._check_writable()
        removed = 0
        try:
            for channel in self.channels_of([probe_key]):
                removed += self._delete(channel, None)
                for table in ("rollups", "due_hours"):
                    self._connection.execute(f"DELETE FROM {table} WHERE channel = ?", (channel,))
                self._connection.execute("DELETE FROM channels WHERE id = ?", (channel,))
        except sqlite3.Error as error:
            raise store_error(error) from error
        self._channels.clear()
        return removed

    def _insert(
        self, statement: str, rows: Sequence[Mapping[str, object] | tuple[object, ...]]
    ) -> int:
        if not rows:
            return 0
        try:
            return max(self._connection.executemany(statement, rows).rowcount, 0)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _without_repeats(self, channel: int, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that are new, by the rule of `_INSERT`, in their order."""
        times = [row[0] for row in rows]
        near = self._rows(
            f"SELECT {_COLUMNS} FROM readings WHERE channel = ? AND at_us > ? AND at_us < ?",
            (channel, min(times) - SAME_READING_US, max(times) + SAME_READING_US),
        )
        taken: set[int] = set()
        times_of: dict[float, list[int]] = {}
        for row in near:
            taken.add(row[0])
            times_of.setdefault(row[2], []).append(row[0])
        new = []
        for row in rows:
            at_us, equal = row[0], times_of.get(row[2])
            if at_us in taken:
                continue
            if equal is None:
                times_of[row[2]] = [at_us]
            elif any(abs(at_us - other) < SAME_READING_US for other in equal):
                continue
            else:
                equal.append(at_us)
            taken.add(at_us)
            new.append(row)
        return new

    def channel(self, probe_key: str, kind: ChannelKind, *, make: bool = False) -> int:
        """Return the number of a channel; 0, which none has, if it is not known."""
        known = self._channels.get((probe_key, kind))
        if known is not None:
            return known
        find = "SELECT id FROM channels WHERE probe_key = ? AND kind = ?"
        try:
            found = self._connection.execute(find, (probe_key, kind.value)).fetchone()
            if found is None and make:
                found = self._connection.execute(
                    "INSERT INTO channels (probe_key, kind) VALUES (?, ?) RETURNING id",
                    (probe_key, kind.value),
                ).fetchone()
        except sqlite3.Error as error:
            raise store_error(error) from error
        if found is None:
            return 0
        number = int(found[0])
        self._channels[probe_key, kind] = number
        return number

    def channels_of(self, probe_keys: Sequence[str] | None) -> list[int]:
        """Return the numbers of all channels of some probes; none = of all."""
        try:
            if probe_keys is None:
                found = self._connection.execute("SELECT id FROM channels").fetchall()
            else:
                found = [
                    row
                    for key in probe_keys
                    for row in self._connection.execute(
                        "SELECT id FROM channels WHERE probe_key = ?", (key,)
                    ).fetchall()
                ]
        except sqlite3.Error as error:
            raise store_error(error) from error
        return [int(channel) for (channel,) in found]

    def _delete(self, channel: int, before_us: int | None) -> int:
        statement = "DELETE FROM readings WHERE channel = ?"
        values = [channel]
        if before_us is not None:
            statement += " AND at_us < ?"
            values.append(before_us)
        try:
            return self._connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _rows(self, statement: str, values: tuple[int, ...]) -> list[Row]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise store_error(error) from error


def _row(reading: Reading) -> Row:
    at_us = (reading.at - _EPOCH) // _MICROSECOND
    delay_us = (reading.received_at - reading.at) // _MICROSECOND
    reasons = ",".join(reading.reasons) or None
    return at_us, delay_us, reading.value, reading.verdict.value, reasons, reading.raw


def _named(channel: int, row: Row) -> dict[str, object]:
    at_us, delay_us, value, verdict, reasons, raw = row
    return {
        "channel": channel,
        "at_us": at_us,
        "delay_us": delay_us,
        "value": value,
        "verdict": verdict,
        "reasons": reasons,
        "raw": raw,
        "same_us": SAME_READING_US,
    }


def _is_dense(rows: Sequence[Row]) -> bool:
    """Tell whether so many readings come close together that each is the neighbour of many."""
    times = [row[0] for row in rows]
    span_us = max(times) - min(times) + SAME_READING_US
    return len(rows) * SAME_READING_US > DENSE_PER_S * span_us


def _reading(probe_key: str, kind: ChannelKind, row: Row) -> Reading:
    at_us, delay_us, value, verdict, reasons, raw = row
    at = _EPOCH + timedelta(microseconds=at_us)
    known = Reason.__members__.values()
    return Reading(
        probe_key=probe_key,
        kind=kind,
        at=at,
        received_at=at + timedelta(microseconds=delay_us),
        value=value,
        raw=raw,
        verdict=Verdict(verdict),
        # A reason that a newer version wrote is nothing to this one.
        reasons=tuple(Reason(name) for name in (reasons or "").split(",") if name in known),
    )
