"""The step that makes readings small: on a large file, with what is odd in it, and cut short."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.data_access.sqlite.packing import packed
from kamerplanter_backend.data_access.sqlite.schema import KNOWN_VERSION
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict

COLLECTIONS = [repository.collection for repository in REPOSITORIES]
BEFORE = Path(__file__).parents[2] / "data" / "store-schema-2.db"
START_US = 1_777_629_600_000_000
"""10:00 on 1 May 2026."""

_INSERT = (
    "INSERT INTO readings (channel, at_us, delay_us, value, verdict, reasons, raw) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(BEFORE, tmp_path / "garden.db"))


def fill(path: Path, count: int) -> None:
    """Put readings of ten channels into a file of schema 2."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO channels (id, probe_key, kind) VALUES (?, ?, 'ph')",
            [(100 + number, f"probe-{number}") for number in range(10)],
        )
        connection.executemany(
            _INSERT,
            (
                (
                    *(100 + n // (count // 10), START_US + n * 1_000_003, 0, 6 + n % 97 / 100),
                    *("good", None, None),
                )
                for n in range(count)
            ),
        )


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection, connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def all_of(store: DocumentStore, probe_key: str, kind: ChannelKind) -> list[Reading]:
    with store.begin(frozenset()) as transaction:
        newest = transaction.readings.latest(probe_key, kind)
        assert newest is not None
        first = newest.at.replace(year=2020)
        return transaction.readings.range(probe_key, kind, first, newest.at.replace(year=2040))


def test_odd_readings_are_the_same_afterwards(path: Path) -> None:
    rows = [
        (1, START_US + 1, 0, 1.8, "good", None, None),
        (1, START_US + 2_000_000, 350_000, 0.1 + 0.2, "suspect", "rate,stuck", 0.3),
        (1, START_US + 4_000_001, -5, -0.001, "suspect", None, 1 / 3),
        (1, START_US + 6_000_000, 0, 1e9, "good", "exact_zero", -2.5),
        (1, START_US + 8_000_000, 0, 0.0, "stale", "a_newer_one", 0.0),
    ]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM readings")
        connection.executemany(_INSERT, rows)

    store = open_sqlite(path, COLLECTIONS)
    found = all_of(store, "probe-1", ChannelKind.EC)
    with store.begin(frozenset()) as transaction:
        good = transaction.readings.latest("probe-1", ChannelKind.EC, Verdict.GOOD)
    store.close()

    assert [item.value for item in found] == [row[3] for row in rows]
    assert [item.raw for item in found] == [row[6] for row in rows]
    assert [item.verdict for item in found] == [row[4] for row in rows]
    assert [item.reasons for item in found] == [
        *((), (Reason.RATE, Reason.STUCK), (), (Reason.EXACT_ZERO,), ()),
    ]
    assert [round((item.received_at - item.at).total_seconds() * 1e6) for item in found] == [
        *(0, 350_000, -5, 0, 0),
    ]
    assert good == found[3]
    with closing(sqlite3.connect(path)) as connection, connection:
        values = connection.execute("SELECT value FROM readings ORDER BY from_2030_us").fetchall()
    assert values == [(packed(row[3]),) for row in rows]


def test_large_file_is_a_third_afterwards_and_needs_little_memory(path: Path) -> None:
    fill(path, 200_000)
    before = path.stat().st_size
    used_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    store = open_sqlite(path, COLLECTIONS)

    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used_kib
    [first, *_] = found = all_of(store, "probe-3", ChannelKind.PH)
    store.close()
    assert path.stat().st_size < before * 0.45
    assert grown_kib < 24 * 1024
    assert len(found) == 20_000
    assert first.value == 6 + 60_000 % 97 / 100


def test_killed_in_the_middle_it_begins_again(path: Path) -> None:
    fill(path, 200_000)
    code = (
        "import sys\n"
        "from tests.backend.data_access.test_sqlite_small_readings import *\n"
        "from pathlib import Path\n"
        "print('begun', flush=True)\n"
        "open_sqlite(Path(sys.argv[1]), COLLECTIONS)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(0.15)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()

    assert version(path) in {2, KNOWN_VERSION}
    store = open_sqlite(path, COLLECTIONS)
    assert store.check() == []
    assert len(all_of(store, "probe-9", ChannelKind.PH)) == 20_000
    store.close()
    assert version(path) == KNOWN_VERSION


def test_room_stays_where_it_cannot_be_given_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(path, 100_000)
    before = path.stat().st_size
    # As on a disk that has no room for a copy.
    monkeypatch.setattr(
        "kamerplanter_backend.data_access.sqlite.connection.COMPACT", "VACUUM INTO '/dev/null/no'"
    )
    store = open_sqlite(path, COLLECTIONS)
    store.close()
    assert path.stat().st_size >= before

    monkeypatch.undo()
    store = open_sqlite(path, COLLECTIONS)
    assert len(all_of(store, "probe-9", ChannelKind.PH)) == 10_000
    store.close()
    assert path.stat().st_size < before * 0.6
