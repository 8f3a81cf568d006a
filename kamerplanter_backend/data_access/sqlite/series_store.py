"""Readings in SQLite: one row per channel and moment, a channel being a small number."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, override

from kamerplanter_backend.data_access.sqlite.channel_numbers import ChannelNumbers
from kamerplanter_backend.data_access.sqlite.looking_back import (
    BEFORE_RUN,
    FIRST_DOUBTED,
    NEWER_HEARD_BEFORE,
    NEWEST_DOUBTED,
    NEWEST_GOOD,
    NEWEST_GOOD_HEARD,
    NEWEST_TOLD,
    RUN_START,
    SPANS,
)
from kamerplanter_backend.data_access.sqlite.packing import (
    COLUMNS,
    GOOD,
    READ_COLUMNS,
    ROW_EPOCH,
    ROW_EPOCH_US,
    Row,
    condition_of,
    is_fine,
    is_good,
    packed,
    readings_of,
    row_of,
    row_time,
)
from kamerplanter_backend.data_access.sqlite.repeats import (
    SAME_READING_US,
    Stored,
    do_follow,
    do_rise,
    is_dense,
    new_of_any,
    new_of_rising,
)
from kamerplanter_backend.data_access.sqlite.row_statements import RowStatements
from kamerplanter_backend.data_access.sqlite.times import EPOCH, FOREVER_US, HOUR_US
from kamerplanter_backend.domain.interfaces.series_store import SeriesStore
from kamerplanter_engines.models.base import CLOCK_TOLERANCE, MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.models.twin import Span

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

_REVISE = """
    UPDATE readings SET value = ?, delay_us = ?, raw = ?, judgement = ?
    WHERE channel = ? AND from_2030_us = ?
"""

_GOOD_NO_MORE = f"""
    UPDATE channels SET good_us = (
        SELECT from_2030_us FROM readings
        WHERE channel = ?1 AND from_2030_us < ?2 AND {GOOD} ORDER BY from_2030_us DESC LIMIT 1
    )
    WHERE id = ?1 AND good_us = ?2
"""

MARK_DUE = "INSERT OR IGNORE INTO due_hours (channel, hour) VALUES (?, ?)"

_NOTE_NEWEST = """
    UPDATE channels SET
        good_us = iif(good_us IS NULL OR good_us < ?1, ?1, good_us),
        fine_us = iif(fine_us IS NULL OR fine_us < ?2, ?2, fine_us)
    WHERE id = ?3
"""


class SqliteSeriesStore(SeriesStore):
    """Readings within one transaction.

    Args:
        statements: Runs statements of the transaction.
        channels: The numbers of channels within it.
        check_writable: Raises if the transaction may not write readings.
    """

    def __init__(
        self,
        statements: RowStatements,
        channels: ChannelNumbers,
        check_writable: Callable[[], None],
    ) -> None:
        self._statements = statements
        self._channels = channels
        self._check_writable = check_writable

    @override
    def append(self, readings: Sequence[Reading]) -> int:
        self._check_writable()
        by_channel = self._by_channel(readings)
        new = self._new(by_channel)
        added = self._statements.run_each(_INSERT, [row for rows in new.values() for row in rows])
        unsure = {channel: rows for channel, rows in by_channel.items() if channel not in new}
        for rows in unsure.values():
            added += self._statements.run_each(_INSERT_IF_NEW, rows)
        if added:
            self._note_newest(new, unsure)
            hours = {
                (channel, hour)
                for channel, rows in (*new.items(), *unsure.items())
                for hour in _hours(rows)
            }
            self._statements.run_each(MARK_DUE, [*hours])
        return added

    @override
    def revise(self, readings: Sequence[Reading]) -> int:
        self._check_writable()
        changed = 0
        for channel, rows in self._by_channel(readings).items():
            changed += self._statements.run_each(_REVISE, [(*row[2:], *row[:2]) for row in rows])
            self._statements.run_each(_GOOD_NO_MORE, [row[:2] for row in rows if not is_good(row)])
            self._statements.run_each(
                _NOTE_NEWEST, [(row[1], None, channel) for row in rows if is_good(row)]
            )
            due = [(channel, hour) for hour in _hours(rows)]
            self._statements.run_each(MARK_DUE, due)
        return changed

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
        rows = self._statements.rows(
            f"SELECT {READ_COLUMNS} FROM readings WHERE channel = ? "
            "AND from_2030_us >= ? AND from_2030_us < ? ORDER BY from_2030_us LIMIT ?",
            (
                self._channels.of(probe_key, kind),
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
        in_order: bool = False,
    ) -> Reading | None:
        channel = self._channels.of(probe_key, kind)
        until_us = FOREVER_US if until_at is None else row_time(until_at)
        if verdict is Verdict.GOOD:
            # A probe may be suspect for months: its last good reading is known without a search.
            found = self._statements.rows("SELECT good_us FROM channels WHERE id = ?", (channel,))
            newest = found[0][0] if found else None
            if newest is None:
                return None
            until_us = min(until_us, newest)
        if verdict is Verdict.GOOD and in_order:
            rows = self._newest_good_in_order(channel, until_us)
            return readings_of(probe_key, kind, rows)[0] if rows else None
        condition = "" if verdict is None else f" AND {condition_of(verdict)}"
        rows = self._statements.rows(
            f"SELECT {READ_COLUMNS} FROM readings "
            f"WHERE channel = ? AND from_2030_us <= ?{condition} "
            "ORDER BY from_2030_us DESC LIMIT 1",
            (channel, until_us),
        )
        return readings_of(probe_key, kind, rows)[0] if rows else None

    def _newest_good_in_order(self, channel: int, until_us: int) -> list[Any]:
        """Return the row of the newest good reading that did not come late, if there is one."""
        heard_until_us = FOREVER_US
        while rows := self._statements.rows(NEWEST_GOOD_HEARD, (channel, until_us, heard_until_us)):
            at_us, _, delay_us, *_ = rows[0]
            heard_us = at_us + (delay_us or 0)
            before = self._statements.rows(NEWER_HEARD_BEFORE, (channel, at_us, heard_us))
            if not before:
                return rows
            newer_us, heard_before_us = before[0]
            # Whatever is older and was heard later than that came late as well, unless that was
            # too far ahead then for a clock that is right.
            ahead_us = newer_us - CLOCK_TOLERANCE // MICROSECOND
            until_us = at_us - 1
            heard_until_us = min(heard_until_us, max(heard_before_us, ahead_us))
        return []

    @override
    def fine_at(self, probe_key: str, kind: ChannelKind) -> datetime | None:
        channel = self._channels.of(probe_key, kind)
        found = self._statements.rows("SELECT fine_us FROM channels WHERE id = ?", (channel,))
        fine_us = found[0][0] if found else None
        return None if fine_us is None else ROW_EPOCH + fine_us * MICROSECOND

    @override
    def run_of(self, last: Reading, from_at: datetime) -> tuple[datetime, list[Reading]]:
        channel = self._channels.of(last.probe_key, last.kind)
        last_us, first_us = row_time(last.at), row_time(from_at)
        sent = packed(last.value if last.raw is None else last.raw)
        other = self._statements.rows(BEFORE_RUN, (channel, last_us, first_us, sent))
        if other:
            first_us = other[0][0] + 1
        run = self._statements.rows(RUN_START, (channel, first_us, last_us, sent))
        start = last.at - (last_us - run[0][0]) * MICROSECOND if run else last.at
        return start, readings_of(last.probe_key, last.kind, other)

    @override
    def told(self, last: Reading, from_at: datetime) -> Reading | None:
        within = (
            self._channels.of(last.probe_key, last.kind),
            row_time(last.at),
            row_time(from_at),
        )
        found = readings_of(last.probe_key, last.kind, self._statements.rows(NEWEST_TOLD, within))
        return found[0] if found else None

    @override
    def doubted(
        self, last: Reading, after: datetime | None, most: int
    ) -> tuple[list[Reading], datetime | None]:
        after_us = -ROW_EPOCH_US if after is None else row_time(after)
        within = (self._channels.of(last.probe_key, last.kind), after_us, row_time(last.at), most)
        first = self._statements.rows(FIRST_DOUBTED, within)
        rows = self._statements.rows(NEWEST_DOUBTED, within) or first[::-1]
        first_at = ROW_EPOCH + first[0][0] * MICROSECOND if first else None
        return readings_of(last.probe_key, last.kind, rows), first_at

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
        rows = self._statements.rows(
            SPANS,
            (self._channels.of(probe_key, kind), row_time(from_at), row_time(until_at), span_us),
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
        for channel in self._channels.of_probes(probe_keys):
            removed += self._statements.run(
                "DELETE FROM readings WHERE channel = ? AND from_2030_us < ?", (channel, before_us)
            ).rowcount
            self._statements.run(
                "UPDATE channels SET good_us = NULL WHERE id = ? AND good_us < ?",
                (channel, before_us),
            )
        return removed

    @override
    def remove_probe(self, probe_key: str) -> int:
        self._check_writable()
        removed = 0
        for channel in self._channels.of_probes([probe_key]):
            removed += self._statements.run(
                "DELETE FROM readings WHERE channel = ?", (channel,)
            ).rowcount
            for table in ("rollups", "rollup_zones", "due_hours"):
                self._statements.run(f"DELETE FROM {table} WHERE channel = ?", (channel,))
            self._statements.run("DELETE FROM channels WHERE id = ?", (channel,))
        self._channels.forget()
        return removed

    def _by_channel(self, readings: Sequence[Reading]) -> dict[int, list[Row]]:
        of_names: dict[tuple[str, str], list[Reading]] = {}
        for reading in readings:
            name = (reading.probe_key, reading.kind._value_)
            found = of_names.get(name)
            if found is None:
                of_names[name] = [reading]
            else:
                found.append(reading)
        self._channels.look_up(of_names.keys())
        rows = {}
        for found in of_names.values():
            channel = self._channels.of(found[0].probe_key, found[0].kind, make=True)
            rows[channel] = [row_of(channel, reading) for reading in found]
        return rows

    def _new(self, by_channel: Mapping[int, Sequence[Row]]) -> dict[int, Sequence[Row]]:
        """Return the rows that are new, in the order of time, where a look at few others tells.

        What comes in the order of time is new, and what is stored of the second before it tells
        whether it repeats that.
        """
        newest = dict(self._statements.rows(_NEWEST, (json.dumps([*by_channel]),)))
        new: dict[int, Sequence[Row]] = {}
        for channel, rows in by_channel.items():
            if do_follow(rows, newest[channel]):
                new[channel] = rows
            elif do_rise(rows, newest[channel]):
                before = self._stored(channel, rows[0][1], rows[0][1])
                new[channel] = new_of_rising(rows, before)
            elif is_dense(rows):
                times = [row[1] for row in rows]
                new[channel] = new_of_any(rows, self._stored(channel, min(times), max(times)))
        return new

    def _stored(self, channel: int, first_us: int, last_us: int) -> list[Stored]:
        """Return what lies between two moments or less than a second beside, in order of time."""
        return self._statements.rows(
            "SELECT from_2030_us, value FROM readings WHERE channel = ? AND from_2030_us > ? "
            "AND from_2030_us < ? ORDER BY from_2030_us",
            (channel, first_us - SAME_READING_US, last_us + SAME_READING_US),
        )

    def _note_newest(
        self, new: Mapping[int, Sequence[Row]], unsure: Mapping[int, Sequence[Row]]
    ) -> None:
        """Remember the newest good reading of each channel, and the newest number that is fine.

        Args:
            new: What was stored, in the order of time.
            unsure: What was stored perhaps.
        """
        noted: list[tuple[int | None, int | None, int]] = []
        for channel, rows in new.items():
            good_us = next((row[1] for row in reversed(rows) if is_good(row)), None)
            fine_us = next((row[1] for row in reversed(rows) if is_fine(row)), None)
            noted.append((good_us, fine_us, channel))
        for channel, rows in unsure.items():
            good = [row[1] for row in rows if is_good(row)]
            found = (
                self._statements.rows(NEWEST_GOOD, (channel, min(good), max(good))) if good else []
            )
            # Also what was not stored, as it is there already, was said.
            fine_us = max((row[1] for row in rows if is_fine(row)), default=None)
            noted.append((found[0][0] if found else None, fine_us, channel))
        self._statements.run_each(_NOTE_NEWEST, noted)


def _hours(rows: Sequence[Row]) -> Iterable[int]:
    """Return the hours since 1970 that rows lie in."""
    return {(row[1] + ROW_EPOCH_US) // HOUR_US for row in rows}
