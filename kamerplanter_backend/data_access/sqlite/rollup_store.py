"""Rollups in SQLite: one row per channel, level and start."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import override
from zoneinfo import ZoneInfo

from kamerplanter_backend.data_access.sqlite.channel_numbers import ChannelNumbers
from kamerplanter_backend.data_access.sqlite.packing import GOOD, ROW_EPOCH_US, VALUE, row_time
from kamerplanter_backend.data_access.sqlite.row_statements import RowStatements
from kamerplanter_backend.data_access.sqlite.series_store import MARK_DUE
from kamerplanter_backend.data_access.sqlite.times import FOREVER_US, HOUR_US, microseconds
from kamerplanter_backend.domain.interfaces.rollup_store import RollupStore, Window
from kamerplanter_engines.models.rollup import (
    DueHour,
    Era,
    Figures,
    Point,
    Rollup,
    RollupLevel,
    moment_of,
)
from kamerplanter_engines.models.telemetry import ChannelKind

_FIELDS_OF_FIGURES = ", ".join(Figures._fields)

_FIGURES = f"starts_us, length_s, {_FIELDS_OF_FIGURES}"

_POINTS = (
    f"SELECT from_2030_us + {ROW_EPOCH_US}, {VALUE}, {GOOD} FROM readings "
    "WHERE channel = ? AND from_2030_us >= ? AND from_2030_us < ?"
)

_GOOD_BEFORE = f"{_POINTS} AND {GOOD} ORDER BY from_2030_us DESC LIMIT 2"

_HOURS_WITHIN = f"""
    SELECT starts_us, {_FIELDS_OF_FIGURES} FROM rollups
    WHERE channel = ? AND level = '{RollupLevel.HOUR.value}' AND starts_us >= ? AND starts_us < ?
"""

_FOREVER_H = 2**48

_KINDS = {kind.value: kind for kind in ChannelKind}
"""The kinds that this version knows; a newer one may have written others."""

_OF_PROBES = (
    "channel IN (SELECT id FROM channels WHERE probe_key IN (SELECT value FROM json_each(?4)))"
)

# Make one of all its fields at once; calling the class takes three times as long.
_as_rollup = partial(tuple.__new__, Rollup)
_as_figures = partial(tuple.__new__, Figures)

# Goes from hour to hour by the primary key, however many readings an hour has.
_HOURS = f"""
    WITH RECURSIVE hours (hour) AS (
        SELECT (min(from_2030_us) + {ROW_EPOCH_US}) / {HOUR_US} FROM readings
        WHERE channel = ?1 AND from_2030_us >= ?2
        UNION ALL
        SELECT (
            SELECT (min(from_2030_us) + {ROW_EPOCH_US}) / {HOUR_US} FROM readings
            WHERE channel = ?1 AND from_2030_us >= (hour + 1) * {HOUR_US} - {ROW_EPOCH_US}
        )
        FROM hours WHERE hour IS NOT NULL
    )
    SELECT hour FROM hours WHERE hour IS NOT NULL
"""


class SqliteRollupStore(RollupStore):
    """Rollups within one transaction.

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
    def due(
        self,
        probe_keys: Sequence[str] | None = None,
        *,
        from_at: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
    ) -> list[DueHour]:
        # Rounded up, as an hour begins at the moment or after it.
        first = -_FOREVER_H if from_at is None else -(-microseconds(from_at) // HOUR_US)
        end = _FOREVER_H if before is None else -(-microseconds(before) // HOUR_US)
        of_probes = "" if probe_keys is None else f"AND {_OF_PROBES}"
        rows = self._statements.run(
            "SELECT probe_key, kind, hour FROM due_hours JOIN channels ON id = channel "
            f"WHERE hour >= ?1 AND hour < ?2 {of_probes} ORDER BY channel, hour LIMIT ?3",
            (first, end, -1 if limit is None else limit, *_listed(probe_keys)),
        )
        return [
            DueHour(probe_key, _KINDS[kind], moment_of(hour * HOUR_US))
            for probe_key, kind, hour in rows
            if kind in _KINDS
        ]

    @override
    def mark(self, hours: Sequence[DueHour]) -> None:
        self._check_writable()
        self._statements.run_each(MARK_DUE, self._numbered(hours))

    @override
    def settle(self, hours: Sequence[DueHour]) -> None:
        self._check_writable()
        self._statements.run_each(
            "DELETE FROM due_hours WHERE channel = ? AND hour = ?", self._numbered(hours)
        )

    @override
    def hours_with_readings(
        self, probe_key: str, kind: ChannelKind, from_at: datetime
    ) -> list[DueHour]:
        channel = self._channels.of(probe_key, kind)
        return [
            DueHour(probe_key, kind, moment_of(hour * HOUR_US))
            for (hour,) in self._statements.run(_HOURS, (channel, row_time(from_at)))
        ]

    @override
    def points(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> list[Point]:
        rows = self._statements.run(
            f"{_POINTS} ORDER BY from_2030_us",
            (self._channels.of(probe_key, kind), row_time(from_at), row_time(until_at)),
        )
        # The good ones are marked by 1, which is as good as true.
        return rows.fetchall()

    @override
    def last_good(
        self, probe_key: str, kind: ChannelKind, from_at: datetime, until_at: datetime
    ) -> Point | None:
        found: Point | None = self._statements.run(
            f"{_POINTS} AND {GOOD} ORDER BY from_2030_us DESC LIMIT 1",
            (self._channels.of(probe_key, kind), row_time(from_at), row_time(until_at)),
        ).fetchone()
        return found

    @override
    def points_within(
        self, windows: Iterable[Window], reach_us: int
    ) -> Iterator[tuple[list[Point], list[Point]]]:
        for probe_key, kind, from_us, until_us in windows:
            channel, first_us = self._channels.of(probe_key, kind), from_us - ROW_EPOCH_US
            values = (channel, first_us, until_us - ROW_EPOCH_US)
            points = self._statements.run(f"{_POINTS} ORDER BY from_2030_us", values).fetchall()
            values = (channel, first_us - reach_us, first_us)
            before = self._statements.run(_GOOD_BEFORE, values).fetchall()
            yield points, before[::-1]

    @override
    def next_good_at(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime | None = None,
    ) -> datetime | None:
        found = self._statements.run(
            "SELECT from_2030_us FROM readings WHERE channel = ? AND from_2030_us >= ? "
            f"AND from_2030_us < ? AND {GOOD} ORDER BY from_2030_us LIMIT 1",
            (
                self._channels.of(probe_key, kind),
                row_time(from_at),
                FOREVER_US if until_at is None else row_time(until_at),
            ),
        ).fetchone()
        return None if found is None else moment_of(found[0] + ROW_EPOCH_US)

    @override
    def put(self, rollups: Sequence[Rollup]) -> None:
        self._check_writable()
        rows = [
            (
                self._channels.of(item.probe_key, item.kind, make=True),
                item.level.value,
                *item[3:],
            )
            for item in rollups
        ]
        self._statements.run_each(
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
        *,
        most: int | None = None,
    ) -> list[Rollup]:
        rows = self._statements.run(
            f"SELECT {_FIGURES} FROM rollups "
            "WHERE channel = ? AND level = ? AND starts_us >= ? AND starts_us < ? "
            "ORDER BY starts_us LIMIT ?",
            (
                self._channels.of(probe_key, kind),
                level.value,
                microseconds(from_at),
                microseconds(until_at),
                -1 if most is None else most,
            ),
        )
        head = (probe_key, kind, level)
        return list(map(_as_rollup, map(head.__add__, rows)))

    @override
    def hours_within(self, windows: Iterable[Window]) -> Iterator[dict[int, Figures]]:
        for probe_key, kind, from_us, until_us in windows:
            channel = self._channels.of(probe_key, kind)
            rows = self._statements.run(_HOURS_WITHIN, (channel, from_us, until_us))
            yield {row[0]: _as_figures(row[1:]) for row in rows}

    @override
    def prune(
        self, level: RollupLevel, before: datetime, probe_keys: Sequence[str] | None = None
    ) -> int:
        self._check_writable()
        return sum(
            self._statements.run(
                "DELETE FROM rollups WHERE channel = ? AND level = ? AND starts_us < ?",
                (channel, level.value, microseconds(before)),
            ).rowcount
            for channel in self._channels.of_probes(probe_keys)
        )

    @override
    def drop(self, probe_key: str, kind: ChannelKind, from_at: datetime) -> int:
        self._check_writable()
        channel = self._channels.of(probe_key, kind)
        return sum(
            self._statements.run(
                "DELETE FROM rollups WHERE channel = ? AND level = ? AND starts_us >= ?",
                (channel, level.value, microseconds(from_at)),
            ).rowcount
            for level in RollupLevel
        )

    @override
    def eras(self, probe_keys: Sequence[str]) -> dict[tuple[str, ChannelKind], tuple[Era, ...]]:
        rows = self._statements.run(
            "SELECT probe_key, kind, from_us, zone FROM channels "
            "LEFT JOIN rollup_zones ON channel = id "
            "WHERE probe_key IN (SELECT value FROM json_each(?)) ORDER BY id, from_us",
            _listed(probe_keys),
        )
        found: dict[tuple[str, ChannelKind], tuple[Era, ...]] = {}
        for probe_key, kind, from_us, zone in rows:
            if kind in _KINDS:
                era = () if zone is None else (Era(moment_of(from_us), ZoneInfo(zone)),)
                name = (probe_key, _KINDS[kind])
                found[name] = found.get(name, ()) + era
        return found

    @override
    def set_eras(self, probe_key: str, kind: ChannelKind, eras: Sequence[Era]) -> None:
        self._check_writable()
        channel = self._channels.of(probe_key, kind, make=True)
        self._statements.run("DELETE FROM rollup_zones WHERE channel = ?", (channel,))
        self._statements.run_each(
            "INSERT INTO rollup_zones (channel, from_us, zone) VALUES (?, ?, ?)",
            [(channel, microseconds(era.from_at), era.zone.key) for era in eras],
        )

    def _numbered(self, hours: Sequence[DueHour]) -> list[tuple[int, int]]:
        return [
            (
                self._channels.of(hour.probe_key, hour.kind),
                microseconds(hour.starts_at) // HOUR_US,
            )
            for hour in hours
        ]


def _listed(probe_keys: Sequence[str] | None) -> tuple[str, ...]:
    return () if probe_keys is None else (json.dumps([*probe_keys]),)
