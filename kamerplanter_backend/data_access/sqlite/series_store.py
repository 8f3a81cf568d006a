"""Readings in SQLite: one row per channel and moment, a channel being a small number."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, override

from kamerplanter_backend.data_access.sqlite.errors import store_error
from kamerplanter_backend.data_access.sqlite.packing import (
    COLUMNS,
    GOOD,
    READ_COLUMNS,
    ROW_EPOCH_US,
    VALUE,
    Row,
    condition_of,
    is_good,
    packed,
    readings_of,
    row_of,
    unpacked,
)
from kamerplanter_backend.data_access.sqlite.times import EPOCH, HOUR_US, MICROSECOND, microseconds
from kamerplanter_backend.domain.interfaces.series_store import SeriesStore
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.models.twin import Span

SAME_READING_US = 1_000_000
"""An equal value within less than this is the same reading. [µs]"""

DENSE_PER_S = 4
"""From so many readings of a channel a second on, neighbours are looked up once for all of them."""

FOREVER_US = 2**63 - 1

_INSERT = f"INSERT INTO readings ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"

# The value is compared among the direct neighbours in time, which the primary key finds. A whole
# number of thousandths is no other number, so the types have to agree.
_INSERT_IF_NEW = f"""
    INSERT INTO readings ({COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6
    WHERE NOT EXISTS (
        SELECT 1 FROM readings
        WHERE channel = ?1 AND from_2030_us > ?2 - {SAME_READING_US}
          AND from_2030_us < ?2 + {SAME_READING_US}
          AND (from_2030_us = ?2 OR (value = ?3 AND typeof(value) = typeof(?3)))
    )
"""

_NEWEST = """
    SELECT wanted.value,
        (SELECT max(from_2030_us) FROM readings WHERE channel = wanted.value)
    FROM json_each(?) AS wanted
"""

_NEWEST_GOOD = f"""
    SELECT from_2030_us FROM readings
    WHERE channel = ? AND from_2030_us BETWEEN ? AND ? AND {GOOD}
    ORDER BY from_2030_us DESC LIMIT 1
"""

# Equal numbers of equal readings are stored alike, so they are compared as they are stored.
_BEFORE_RUN = f"""
    SELECT {READ_COLUMNS} FROM readings
    WHERE channel = ?1 AND from_2030_us < ?2 AND from_2030_us >= ?3
      AND coalesce(raw, value) <> ?4
    ORDER BY from_2030_us DESC LIMIT 1
"""

_RUN_START = """
    SELECT min(from_2030_us) FROM readings
    WHERE channel = ? AND from_2030_us >= ? AND from_2030_us <= ?
"""

_SPANS = f"""
    SELECT (from_2030_us + {ROW_EPOCH_US}) / ?4, min({VALUE}), max({VALUE}) FROM readings
    WHERE channel = ?1 AND from_2030_us >= ?2 AND from_2030_us < ?3 AND {GOOD}
    GROUP BY 1 ORDER BY 1
"""


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
        by_channel = self._by_channel(readings)
        # What comes in the order of time is new; only what does not has to be looked for.
        following = self._following(by_channel)
        rows = [row for channel in following for row in by_channel[channel]]
        added = self._write(_INSERT, rows)
        for channel, others in by_channel.items():
            if channel not in following:
                if _is_dense(others):
                    added += self._write(_INSERT, self._without_repeats(channel, others))
                else:
                    added += self._write(_INSERT_IF_NEW, others)
        if added:
            self._note_good(by_channel, following)
            hours = {
                (channel, hour) for channel, rows in by_channel.items() for hour in _hours(rows)
            }
            self._write("INSERT OR IGNORE INTO due_hours (channel, hour) VALUES (?, ?)", [*hours])
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
        rows = self._rows(
            f"SELECT {READ_COLUMNS} FROM readings WHERE channel = ? "
            "AND from_2030_us >= ? AND from_2030_us < ? ORDER BY from_2030_us LIMIT ?",
            (
                self.channel(probe_key, kind),
                row_time(from_at),
                row_time(until_at),
                -1 if most is None else most,
            ),
        )
        return readings_of(probe_key, kind, rows)

    @override
    def latest(
        self,
        probe_key: str,
        kind: ChannelKind,
        verdict: Verdict | None = None,
        *,
        until_at: datetime | None = None,
    ) -> Reading | None:
        channel = self.channel(probe_key, kind)
        until_us = FOREVER_US if until_at is None else row_time(until_at)
        if verdict is Verdict.GOOD:
            # A probe may be suspect for months: its last good reading is known without a search.
            found = self._rows("SELECT good_us FROM channels WHERE id = ?", (channel,))
            newest = found[0][0] if found else None
            if newest is None:
                return None
            until_us = min(until_us, newest)
        condition = "" if verdict is None else f" AND {condition_of(verdict)}"
        rows = self._rows(
            f"SELECT {READ_COLUMNS} FROM readings "
            f"WHERE channel = ? AND from_2030_us <= ?{condition} "
            "ORDER BY from_2030_us DESC LIMIT 1",
            (channel, until_us),
        )
        return readings_of(probe_key, kind, rows)[0] if rows else None

    @override
    def run_of(self, last: Reading, from_at: datetime) -> tuple[datetime, Reading | None]:
        channel = self.channel(last.probe_key, last.kind)
        last_us, first_us = row_time(last.at), row_time(from_at)
        sent = packed(last.value if last.raw is None else last.raw)
        other = self._rows(_BEFORE_RUN, (channel, last_us, first_us, sent))
        if other:
            first_us = other[0][0] + 1
        ((start_us,),) = self._rows(_RUN_START, (channel, first_us, last_us))
        start = last.at if start_us is None else last.at - (last_us - start_us) * MICROSECOND
        return start, readings_of(last.probe_key, last.kind, other)[0] if other else None

    @override
    def spans(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime,
        span: timedelta,
    ) -> list[Span]:
        span_us = span // MICROSECOND
        rows = self._rows(
            _SPANS, (self.channel(probe_key, kind), row_time(from_at), row_time(until_at), span_us)
        )
        return [
            Span(from_at=EPOCH + number * span_us * MICROSECOND, low=low, high=high)
            for number, low, high in rows
        ]

    @override
    def prune(self, before: datetime, probe_keys: Sequence[str] | None = None) -> int:
        self._check_writable()
        before_us = row_time(before)
        removed = 0
        for channel in self.channels_of(probe_keys):
            removed += self._run(
                "DELETE FROM readings WHERE channel = ? AND from_2030_us < ?", (channel, before_us)
            ).rowcount
            self._run(
                "UPDATE channels SET good_us = NULL WHERE id = ? AND good_us < ?",
                (channel, before_us),
            )
        return removed

    @override
    def remove_probe(self, probe_key: str) -> int:
        self._check_writable()
        removed = 0
        for channel in self.channels_of([probe_key]):
            removed += self._run("DELETE FROM readings WHERE channel = ?", (channel,)).rowcount
            for table in ("rollups", "rollup_zones", "due_hours"):
                self._run(f"DELETE FROM {table} WHERE channel = ?", (channel,))
            self._run("DELETE FROM channels WHERE id = ?", (channel,))
        self._channels.clear()
        return removed

    def channel(self, probe_key: str, kind: ChannelKind, *, make: bool = False) -> int:
        """Return the number of a channel; 0, which none has, if it is not known."""
        name = (probe_key, kind._value_)  # the hash of a member takes four times as long
        known = self._channels.get(name)
        if known is not None:
            return known
        find = "SELECT id FROM channels WHERE probe_key = ? AND kind = ?"
        found = self._run(find, name).fetchone()
        if found is None and make:
            statement = "INSERT INTO channels (probe_key, kind) VALUES (?, ?) RETURNING id"
            found = self._run(statement, name).fetchone()
        if found is None:
            return 0
        number = int(found[0])
        self._channels[name] = number
        return number

    def channels_of(self, probe_keys: Sequence[str] | None) -> list[int]:
        """Return the numbers of all channels of some probes; none = of all."""
        if probe_keys is None:
            found = self._rows("SELECT id FROM channels", ())
        else:
            found = [
                row
                for key in probe_keys
                for row in self._rows("SELECT id FROM channels WHERE probe_key = ?", (key,))
            ]
        return [int(channel) for (channel,) in found]

    def _by_channel(self, readings: Sequence[Reading]) -> dict[int, list[Row]]:
        rows: dict[int, list[Row]] = {}
        numbers = self._channels
        for reading in readings:
            channel = numbers.get((reading.probe_key, reading.kind._value_))
            if channel is None:
                channel = self.channel(reading.probe_key, reading.kind, make=True)
            if channel in rows:
                rows[channel].append(row_of(channel, reading))
            else:
                rows[channel] = [row_of(channel, reading)]
        return rows

    def _following(self, by_channel: Mapping[int, Sequence[Row]]) -> set[int]:
        """Return the channels whose rows rise by a second or more, beginning after what is there.

        None of these can be a repetition.
        """
        newest = dict(self._rows(_NEWEST, (json.dumps([*by_channel]),)))
        return {
            channel for channel, rows in by_channel.items() if _do_follow(rows, newest[channel])
        }

    def _note_good(self, by_channel: Mapping[int, Sequence[Row]], following: set[int]) -> None:
        """Remember the newest good reading of each channel."""
        noted = []
        for channel, rows in by_channel.items():
            good = [row[1] for row in rows if is_good(row)]
            if good and channel not in following:
                # Some were perhaps not stored: what counts is what is there.
                found = self._rows(_NEWEST_GOOD, (channel, min(good), max(good)))
                good = [time_us for (time_us,) in found]
            if good:
                noted.append((max(good), channel))
        self._write(
            "UPDATE channels SET good_us = ?1 WHERE id = ?2 AND (good_us IS NULL OR good_us < ?1)",
            noted,
        )

    def _without_repeats(self, channel: int, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that are new, by the rule of `_INSERT_IF_NEW`, in their order."""
        times = [row[1] for row in rows]
        near = self._rows(
            "SELECT from_2030_us, value FROM readings "
            "WHERE channel = ? AND from_2030_us > ? AND from_2030_us < ?",
            (channel, min(times) - SAME_READING_US, max(times) + SAME_READING_US),
        )
        taken = {time_us for time_us, _ in near}
        times_of: dict[float, list[int]] = {}
        for time_us, value in near:
            times_of.setdefault(unpacked(value), []).append(time_us)
        new = []
        for row in rows:
            time_us, value = row[1], unpacked(row[2])
            equal = times_of.get(value)
            if time_us in taken or (equal is not None and _is_beside(time_us, equal)):
                continue
            if equal is None:
                times_of[value] = [time_us]
            else:
                equal.append(time_us)
            taken.add(time_us)
            new.append(row)
        return new

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
        if not rows:
            return 0
        try:
            return max(self._connection.executemany(statement, rows).rowcount, 0)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _run(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise store_error(error) from error

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise store_error(error) from error


def row_time(moment: datetime) -> int:
    """Return a moment as it stands in a row of a reading."""
    return microseconds(moment) - ROW_EPOCH_US


def _do_follow(rows: Sequence[Row], newest_us: int | None) -> bool:
    earliest_us = rows[0][1] if newest_us is None else newest_us + SAME_READING_US
    for row in rows:
        if row[1] < earliest_us:
            return False
        earliest_us = row[1] + SAME_READING_US
    return True


def _is_beside(time_us: int, others: Sequence[int]) -> bool:
    return any(abs(time_us - other) < SAME_READING_US for other in others)


def _hours(rows: Sequence[Row]) -> Iterable[int]:
    """Return the hours since 1970 that rows lie in."""
    return {(row[1] + ROW_EPOCH_US) // HOUR_US for row in rows}


def _is_dense(rows: Sequence[Row]) -> bool:
    """Tell whether so many readings come close together that each is the neighbour of many."""
    times = [row[1] for row in rows]
    span_us = max(times) - min(times) + SAME_READING_US
    return len(rows) * SAME_READING_US > DENSE_PER_S * span_us
