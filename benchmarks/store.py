"""The store of readings against plain SQL on the same tables and Home Assistant's recorder.

What is measured goes through the repository, as in a garden: readings are appended 1,000 a commit,
and the hours are summed up each hour of the time that passes, as the job does.
"""

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.data_access.sqlite.packing import ROW_EPOCH_US, VALUE, row_of
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_backend.domain.services.telemetry_service import TelemetryService
from kamerplanter_engines.models.rollup import RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind, ProbeFields, Reading, Verdict

COLLECTIONS = [repository.collection for repository in REPOSITORIES]
START = datetime(2026, 5, 1, tzinfo=UTC)
SERIES = 100
A_COMMIT = 1_000
EC = ChannelKind.EC
DAY = timedelta(days=1)
READS = 15
HOURLY_QUERIES = 10
HA_BYTES = 161
"""Of a state in the recorder's file, as measured for the goal."""

_INSERT = (
    "INSERT INTO readings (channel, from_2030_us, value, delay_us, raw, judgement) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)


def context(now: datetime) -> Context:
    """Return the context of a call in the garden."""
    return Context(
        tenant_key="bench", actor="bench", role=Role.ADMIN, now=now, zone=ZoneInfo("Europe/Berlin")
    )


def made_readings(minutes: int) -> list[Reading]:
    """Return one reading a minute of each series, as they come: a walk in steps of 0.001."""
    chance = random.Random(7)
    values = [1.0 + number / 100 for number in range(SERIES)]
    readings = []
    for minute in range(minutes):
        for number in range(SERIES):
            values[number] = round(values[number] + chance.choice((-0.001, 0.0, 0.001)), 3)
            at = START + timedelta(minutes=minute, microseconds=minute * 1_009 + number * 9_001)
            readings.append(
                Reading(
                    probe_key=f"probe-{number}",
                    kind=EC,
                    at=at,
                    received_at=at,
                    value=values[number],
                    verdict=Verdict.GOOD,
                )
            )
    return readings


@contextmanager
def opened(path: Path) -> Iterator[DocumentStore]:
    """Open a store with its probes, whose channels are known."""
    store = open_sqlite(path, COLLECTIONS)
    with open_unit(store, context(START), (ProbeRepository,)) as uow:
        if not uow.of(ProbeRepository).count():
            for number in range(SERIES):
                uow.of(ProbeRepository).add(ProbeFields(name="P"), key=f"probe-{number}")
    try:
        yield store
    finally:
        store.close()


def batches(readings: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield what goes into one commit."""
    for start in range(0, len(readings), A_COMMIT):
        yield readings[start : start + A_COMMIT]


def append_ours(path: Path, readings: Sequence[Reading]) -> float:
    """Return how long it takes to store readings, and the hours they come to, in seconds."""
    with opened(path) as store:
        job = TelemetryService(store)
        before = time.perf_counter()
        hour = START
        for batch in batches(readings):
            now = batch[-1].at
            with open_unit(store, context(now), (Readings,)) as uow:
                uow.readings.append(batch)
            if now >= hour + timedelta(hours=1):
                hour = now
                job.roll_up(context(now))
        job.roll_up(context(hour + timedelta(hours=2)))
        return time.perf_counter() - before


def plain(path: Path) -> sqlite3.Connection:
    """Open a file that has our tables, without our program."""
    with opened(path):
        pass
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def append_plain(path: Path, rows: Sequence[tuple[object, ...]]) -> float:
    """Return how long `executemany` takes for the same rows, in seconds."""
    connection = plain(path)
    before = time.perf_counter()
    for batch in batches(rows):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, batch)
        connection.execute("COMMIT")
    took = time.perf_counter() - before
    connection.close()
    return took


class Recorder:
    """Home Assistant's recorder, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        environment = {
            name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.recorder_core", str(folder / "ha.db")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        if self._line() != "READY":
            raise RuntimeError("Home Assistant did not start")

    def ask(self, command: str) -> dict[str, float]:
        """Return what it answers to a command."""
        if self._process.stdin is None:
            raise RuntimeError("the recorder has no input")
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer: dict[str, float] = json.loads(self._line())
        return answer

    def stop(self) -> None:
        """Let it end, and wait for that."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=60)

    def _line(self) -> str:
        return (self._process.stdout.readline() if self._process.stdout else "").strip()


def timed(work: Callable[[], object], times: int) -> float:
    """Return how long one of several calls takes, in seconds."""
    before = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - before) / times


def told(name: str, ratios: Sequence[float], goal: str, *, more: str = "") -> None:
    """Print the median of ratios and their range."""
    print(
        f"{name}: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), "
        f"goal {goal}{more}",
        flush=True,
    )


def size_of(path: Path) -> int:
    """Return the size of a closed file, without what the empty store takes, in bytes."""
    empty = path.with_name("empty.db")
    with opened(empty):
        pass
    return path.stat().st_size - empty.stat().st_size


def measure_append(folder: Path, rounds: int, recorder: Recorder | None) -> None:
    """Compare how fast readings are stored, and how large they are."""
    readings = made_readings(2_000)
    rows = [row_of(number % SERIES + 1, item) for number, item in enumerate(readings)]
    ratios, ours_s, plain_s = [], [], []
    for number in range(rounds + 1):
        ours, other = folder / f"ours-{number}.db", folder / f"plain-{number}.db"
        ours_s.append(append_ours(ours, readings))
        plain_s.append(append_plain(other, rows))
        if number:
            ratios.append(plain_s[-1] / ours_s[-1])
    rate = len(readings) / statistics.median(ours_s[1:])
    told("G6 append / executemany, rate", ratios, ">= 0.50", more=f"; {rate:,.0f} a second")
    ours = folder / f"ours-{rounds}.db"
    each = size_of(ours) / len(readings)
    print(f"G7 bytes a reading: {each:.1f} = {each / HA_BYTES:.3f} of {HA_BYTES}, goal <= 0.15")
    if recorder is not None:
        written, size = recorder.ask("write"), recorder.ask("size")
        states = written["states"] / written["seconds"]
        ha_bytes = size["bytes"] / size["states"]
        print(
            f"G6 append / recorder, rate: {rate / states:.1f} "
            f"({states:,.0f} states a second), goal >= 20"
        )
        print(f"G7 bytes / those of a state in this run ({ha_bytes:.0f}): {each / ha_bytes:.3f}")


def measure_reads(folder: Path, rounds: int, recorder: Recorder | None) -> None:
    """Compare how fast a day of one series is read."""
    path = folder / "reads.db"
    readings = made_readings(1_440)
    append_ours(path, readings)
    connection = sqlite3.connect(path)
    question = (
        "SELECT from_2030_us, value, judgement FROM readings "
        "WHERE channel = ? AND from_2030_us >= ? AND from_2030_us < ? ORDER BY from_2030_us"
    )
    low = (START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) - ROW_EPOCH_US
    high = low + 2 * 86_400_000_000
    to_plain, to_ha = [], []
    with opened(path) as store, open_unit(store, context(START + DAY)) as uow:
        for number in range(rounds + 1):
            ours_s = timed(lambda: uow.readings.range("probe-7", EC, START, START + 2 * DAY), READS)
            plain_s = timed(lambda: connection.execute(question, (8, low, high)).fetchall(), READS)
            if number:
                to_plain.append(ours_s / plain_s)
            if recorder is not None and number:
                to_ha.append(ours_s / recorder.ask(f"read {READS}")["seconds"])
        count = len(uow.readings.range("probe-7", EC, START, START + 2 * DAY))
    connection.close()
    told(f"G8 {count} readings as objects / SELECT", to_plain, "<= 4")
    if to_ha:
        told("G8 the same / recorder, minimal", to_ha, "<= 0.25")


def measure_hours(folder: Path, rounds: int, minutes: int) -> None:
    """Compare how fast the hours of all series of a day are read."""
    path = folder / "hours.db"
    append_ours(path, made_readings(minutes))
    connection = sqlite3.connect(path)
    end = START + timedelta(minutes=minutes)
    low = (end - DAY - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) - ROW_EPOCH_US
    question = (
        f"SELECT channel, (from_2030_us + {ROW_EPOCH_US}) / 3600000000 AS hour, "  # noqa: S608 - own
        f"min({VALUE}), avg({VALUE}), max({VALUE}) FROM readings "
        "WHERE channel BETWEEN 1 AND ? AND from_2030_us >= ? GROUP BY channel, hour"
    )
    ratios = []
    with opened(path) as store, open_unit(store, context(end)) as uow:

        def hours() -> int:
            return sum(
                len(
                    [
                        (item.low, item.mean, item.high)
                        for item in uow.rollups.range(
                            f"probe-{number}", EC, RollupLevel.HOUR, end - DAY, end
                        )
                    ]
                )
                for number in range(SERIES)
            )

        for number in range(rounds + 1):
            ours_s = timed(hours, HOURLY_QUERIES)
            plain_s = timed(
                lambda: connection.execute(question, (SERIES, low)).fetchall(), HOURLY_QUERIES
            )
            if number:
                ratios.append(ours_s / plain_s)
        found = hours()
    connection.close()
    told(f"G9 {found} hours of 100 series / GROUP BY", ratios, "<= 0.05")


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-recorder", action="store_true")
    parser.add_argument("--minutes", type=int, default=10_000, help="of each series, for G9")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorder = None if asked.without_recorder else Recorder(folder)
        try:
            measure_append(folder, asked.rounds, recorder)
            measure_reads(folder, asked.rounds, recorder)
        finally:
            if recorder is not None:
                recorder.stop()
        measure_hours(folder, asked.rounds, asked.minutes)


if __name__ == "__main__":
    main()
