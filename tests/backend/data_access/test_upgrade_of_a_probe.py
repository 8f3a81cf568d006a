"""A probe with its bindings, calibrations and history, as each released schema has stored it.

The kept files hold what the code of their time wrote; a probe of the local garden is put beside it
in the columns and fields of that time, by SQL and not by code of now.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.bootstrap import LOCAL_TENANT
from kamerplanter_backend.data_access.sqlite.schema import KNOWN_VERSION
from kamerplanter_backend.telemetry.batches.reading_desk import Outcome, ReadingDesk, SentReading
from kamerplanter_engines.models.calibration import CalibrationState
from kamerplanter_engines.models.rollup import RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind, Reason, Verdict
from tests.backend.garden import Garden

DATA = Path(__file__).parents[2] / "data"
SCHEMAS = range(1, KNOWN_VERSION + 1)
EC, PH = ChannelKind.EC, ChannelKind.PH
GOOD, SUSPECT = Verdict.GOOD, Verdict.SUSPECT

GOOD_UNTIL = ((PH, 30), (EC, 15))
"""The minute of the last good reading."""
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""13:00 in Berlin."""
LONG_AGO = datetime(2026, 11, 8, 23, tzinfo=UTC)
"""A midnight in Berlin; of the day and the hour that begin there only sums are left."""
MINUTE = timedelta(minutes=1)

PH_READINGS: tuple[tuple[int, float, float, int, Verdict, str | None], ...] = (
    (0, 6.0, 6.4, 0, GOOD, None),
    (15, 6.1, 6.5, 2_000_000, GOOD, None),
    (30, 6.2004, 6.6004, 0, GOOD, None),
    (45, 9.9, 10.3, 0, SUSPECT, "rate"),
)
"""Minute, value, what the probe showed, how much later it came [µs], verdict, reason."""
EC_READINGS = ((0, 1.4, None, 0, GOOD, None), (15, 1.413, None, 0, GOOD, None))


def _probe() -> dict[str, Any]:
    """Return a probe as the first release wrote it."""
    binding = {
        "entity_id": None,
        "factor": 1.0,
        "decimal_comma": False,
        "guard_path": None,
        "time_path": None,
        "curve": [],
        "rate_per_min": None,
    }
    return {
        "name": "Regentonne 🌧",
        "tank_key": "local-tank",
        "plant_key": None,
        "availability": {"topic": "tele/x/LWT", "path": None},
        "channels": [
            {
                **binding,
                "kind": "ph",
                "topic": "tele/x/SENSOR",
                "path": "EZO.pH",
                "unit": None,
                "max_age_s": 3600.0,
                "stuck_after_s": 1e12,
                "hold_s": 60.0,
            },
            {
                **binding,
                "kind": "ec",
                "topic": "tele/x/SENSOR",
                "path": "EZO.EC",
                "unit": "µS/cm",
                "max_age_s": None,
                "stuck_after_s": None,
                "hold_s": None,
            },
        ],
        **_entity("local-probe"),
        "archived_at": None,
    }


def _entity(key: str) -> dict[str, Any]:
    return {
        "key": key,
        "tenant_key": LOCAL_TENANT,
        "revision": 1,
        "created_at": "2026-11-01T07:30:00.000000Z",
        "updated_at": "2026-11-01T07:30:00.000000Z",
    }


def _tank() -> dict[str, Any]:
    return {"name": "Local tank", "volume_l": 60.0, **_entity("local-tank"), "archived_at": None}


def _calibration() -> dict[str, Any]:
    """Return one by which 6.4 means 6.0, as the second release wrote it."""
    return {
        "kind": "ph",
        "points": [
            {"raw": 7.4, "value": 7.0, "temperature_c": None},
            {"raw": 4.4, "value": 4.0, "temperature_c": None},
        ],
        "scale": "value",
        "compensated": True,
        "at": None,
        **_entity("local-calibration"),
        "probe_key": "local-probe",
        "done_at": "2026-11-18T10:00:00.000000Z",
        "fit": {
            "curve": [{"raw": 4.4, "value": 4.0}, {"raw": 7.4, "value": 7.0}],
            "factor": 1.0,
            "offset": -0.4,
            "zero_shift": 0.4,
            "efficiency_ratio": 1.0,
            "slope_mv_ph": None,
            "temperature_c": None,
            "warnings": [],
        },
    }


def _us(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000


FROM_2030_US = 1_893_456_000_000_000


def _write_readings(connection: sqlite3.Connection, schema: int) -> None:
    for channel, readings in ((901, PH_READINGS), (902, EC_READINGS)):
        for minute, value, raw, delay_us, verdict, reason in readings:
            at_us = _us(NOON + minute * MINUTE)
            if schema < 3:
                row = [channel, at_us, delay_us, value, verdict.value, reason]
                row += [raw] if schema == 2 else []
            else:
                judgement = None if verdict is GOOD else f"{verdict.value} {reason}"
                row = [channel, at_us - FROM_2030_US, _packed(value), delay_us or None]
                row += [None if raw is None else _packed(raw), judgement]
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO readings VALUES ({marks})", row)  # noqa: S608


def _packed(value: float) -> float:
    """Return whole thousandths as such, anything finer as it is."""
    return round(value * 1000) if round(value * 1000) / 1000 == value else value


def _write_history(connection: sqlite3.Connection, schema: int) -> None:
    if schema == 1:
        return
    for level, length_s, count in (("day", 86_400.0, 96), ("hour", 3600.0, 4)):
        figures = (length_s, count, 6.0 * count, length_s, 6.0 * length_s, 5.8, 6.2, 1)
        row = (901, level, _us(LONG_AGO), *figures)
        connection.execute(f"INSERT INTO rollups VALUES ({', '.join('?' * 11)})", row)  # noqa: S608
    hour = _us(NOON) // 3_600_000_000
    connection.executemany("INSERT INTO due_hours VALUES (?, ?)", [(901, hour), (902, hour)])
    if schema > 2:
        zones = [(channel, 0, "Europe/Berlin") for channel in (901, 902)]
        connection.executemany("INSERT INTO rollup_zones VALUES (?, ?, ?)", zones)


def _write_channels(connection: sqlite3.Connection, schema: int) -> None:
    good_us = {kind: _us(NOON + minute * MINUTE) - FROM_2030_US for kind, minute in GOOD_UNTIL}
    for number, kind in ((901, PH), (902, EC)):
        row: list[Any] = [number, "local-probe", kind.value]
        row += [good_us[kind]] if schema > 2 else []
        # The pH of 6.6004 and an EC of 1.413 are no multiples of 0.1; the last doubted one is.
        row += [good_us[kind]] if schema > 3 else []
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO channels VALUES ({marks})", row)  # noqa: S608


@pytest.fixture(params=SCHEMAS)
def schema(request: pytest.FixtureRequest) -> int:
    """Return the number of a released schema."""
    return int(request.param)


@pytest.fixture
def garden(tmp_path: Path, schema: int) -> Iterator[Garden]:
    """Return a garden on an upgraded file, in the hour after the last reading."""
    path = Path(shutil.copy(DATA / f"store-schema-{schema}.db", tmp_path))
    with closing(sqlite3.connect(path)) as connection, connection:
        documents = [("tanks", _tank()), ("probes", _probe())]
        documents += [("calibrations", _calibration())] if schema > 1 else []
        for name, body in documents:
            connection.execute(
                f"INSERT INTO doc_{name} VALUES (?, ?, 1, ?)",  # noqa: S608
                (body["key"], LOCAL_TENANT, json.dumps(body)),
            )
        _write_channels(connection, schema)
        _write_readings(connection, schema)
        _write_history(connection, schema)
    garden = Garden(path, now=NOON + timedelta(minutes=50))
    yield garden
    garden.store.close()


def test_each_reading_is_as_it_was(garden: Garden, schema: int) -> None:
    for kind, expected in ((PH, PH_READINGS), (EC, EC_READINGS)):
        readings = garden.services.telemetry.list_readings(
            garden.context(), "local-probe", kind, NOON, NOON + timedelta(hours=1)
        )

        assert [
            (item.at, item.value, item.raw, item.received_at, item.verdict, item.reasons)
            for item in readings
        ] == [
            (
                NOON + minute * MINUTE,
                value,
                raw if schema > 1 else None,
                NOON + minute * MINUTE + timedelta(microseconds=delay_us),
                verdict,
                () if reason is None else (Reason(reason),),
            )
            for minute, value, raw, delay_us, verdict, reason in expected
        ]


def test_the_probe_is_shown_with_its_channels_and_calibration(garden: Garden, schema: int) -> None:
    [view] = garden.snapshot().probes

    assert (view.probe.name, view.probe.tank_key) == ("Regentonne 🌧", "local-tank")
    ph = view.probe.binding(PH)
    assert ph is not None
    assert (ph.topic, ph.path, ph.max_age_s) == ("tele/x/SENSOR", "EZO.pH", 3600.0)
    last = {item.kind: (item.known.last_good, item.last) for item in view.channels}
    assert [None if item is None else item.value for item in last[PH]] == [6.2004, 9.9]
    assert [None if item is None else item.value for item in last[EC]] == [1.413, 1.413]
    statuses = garden.services.calibration.list_of_probe(garden.context(), "local-probe").statuses
    state = {item.kind: item.state for item in statuses}
    assert state[PH] is (CalibrationState.VALID if schema > 1 else CalibrationState.NEVER)
    assert [item.key for item in view.calibrations] == ["local-calibration"] * (schema > 1)


def test_hours_and_days_stay_and_what_was_due_is_summed_up(garden: Garden, schema: int) -> None:
    for level in RollupLevel:
        rollups = garden.services.telemetry.list_rollups(
            garden.context(), "local-probe", PH, level, LONG_AGO, garden.now
        )

        if schema > 1:
            count = 96 if level is RollupLevel.DAY else 4
            kept = rollups[0]
            assert kept.starts_at == LONG_AGO
            assert (kept.reading_count, kept.suspect_count) == (count, 1)
            assert (kept.low, kept.mean, kept.high) == (5.8, pytest.approx(6.0), 6.2)
        newest = rollups[-1]
        assert len(rollups) == (2 if schema > 1 else 1)
        midnight = datetime(2026, 11, 19, 23, tzinfo=UTC)
        assert newest.starts_at == (midnight if level is RollupLevel.DAY else NOON)
        assert (newest.reading_count, newest.suspect_count) == (3, 1)
        assert (newest.low, newest.high) == (6.0, 6.2004)


def test_what_comes_next_is_corrected_and_judged_by_what_is_stored(
    garden: Garden, schema: int
) -> None:
    desk = ReadingDesk(garden.services.telemetry)

    def send(shown: float) -> tuple[Outcome, float | None, Verdict]:
        sent = SentReading(probe_key="local-probe", kind=PH, value=shown)
        [result] = desk.take(garden.context(), [sent])
        return result.outcome, result.value, result.verdict

    shift = 0.4 if schema > 1 else 0.0
    assert send(6.3 + shift) == (Outcome.STORED, pytest.approx(6.3), GOOD)
    garden.wait(minutes=1)
    assert send(9.0 + shift) == (Outcome.STORED, pytest.approx(9.0), SUSPECT)
    garden.restart()
    [view] = garden.snapshot().probes
    known = {item.kind: item.known for item in view.channels}[PH]
    assert known.last_good is not None
    assert known.last_good.value == pytest.approx(6.3)
