"""Upgrades of the file, indexes from the declarations, and the file of each release."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kamerplanter_backend.data_access.sqlite import connection as connections, open_sqlite
from kamerplanter_backend.data_access.sqlite.schema import KNOWN_VERSION, STEPS, build_schema
from kamerplanter_backend.data_access.sqlite.statements import conditions
from kamerplanter_backend.domain.consequences.rollups import refresh
from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_engines.models.rollup import RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.data.make_store import TENANT_KEY, WHEN
from tests.factories import context

COLLECTIONS = [repository.collection for repository in REPOSITORIES]
DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(":memory:", isolation_level=None)
    yield opened
    opened.close()


def version(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def test_there_is_a_file_of_each_released_schema() -> None:
    files = {path.name for path in DATA.glob("store-schema-*.db")}

    assert files == {f"store-schema-{number}.db" for number in range(1, KNOWN_VERSION + 1)}


@pytest.mark.parametrize("path", sorted(DATA.glob("store-schema-*.db")), ids=lambda path: path.stem)
def test_file_of_a_release_is_upgraded_with_all_it_holds(tmp_path: Path, path: Path) -> None:
    copy = Path(shutil.copy(path, tmp_path))

    store = open_sqlite(copy, COLLECTIONS)

    assert store.check() == []
    with open_unit(store, context(TENANT_KEY, now=WHEN)) as uow:
        held = {kind.collection.name: uow.of(kind).count() for kind in REPOSITORIES}
        assert {name for name, count in held.items() if count} >= {
            *("phase_sequences", "species", "sites", "tanks", "plants", "probes", "tank_alerts"),
            *("tasks", "irrigations", "care_confirmations", "treatments", "harvests"),
            *("job_runs", "seed_marks"),
        }
        assert uow.of(TankRepository).get("tank-1").name == "Regentonne 🌧"
        reading = uow.readings.latest("probe-1", ChannelKind.EC)
        assert reading is not None
        assert (reading.value, reading.at) == (1.8, WHEN)
    store.close()
    with closing(sqlite3.connect(copy)) as connection, connection:
        assert version(connection) == KNOWN_VERSION


def test_readings_from_before_rollups_are_summed_up_after_the_upgrade(tmp_path: Path) -> None:
    copy = Path(shutil.copy(DATA / "store-schema-1.db", tmp_path))
    store = open_sqlite(copy, COLLECTIONS)

    with open_unit(store, context(TENANT_KEY, now=WHEN), (Readings,)) as uow:
        assert refresh(uow) == 1
        [hour] = uow.rollups.range(
            "probe-1", ChannelKind.EC, RollupLevel.HOUR, WHEN - timedelta(hours=1), WHEN
        )
        [reading] = uow.readings.range("probe-1", ChannelKind.EC, WHEN, WHEN + timedelta(hours=1))
    store.close()

    assert (hour.reading_count, hour.low, hour.mean) == (1, 1.8, 1.8)
    assert (reading.value, reading.raw) == (1.8, None)


@pytest.mark.parametrize("number", [2, 3, 4])
def test_file_holds_calibrations_raw_values_and_rollups(tmp_path: Path, number: int) -> None:
    copy = Path(shutil.copy(DATA / f"store-schema-{number}.db", tmp_path))
    store = open_sqlite(copy, COLLECTIONS)

    with open_unit(store, context(TENANT_KEY, now=WHEN)) as uow:
        calibration = uow.of(CalibrationRepository).get("calibration-1")
        eras = uow.rollups.eras()
        reading = uow.readings.latest("probe-1", ChannelKind.EC)
        days = uow.rollups.range(
            "probe-1", ChannelKind.EC, RollupLevel.DAY, WHEN - timedelta(days=1), WHEN
        )
    store.close()

    # The zone of rollups was not noted before schema 3.
    assert [bool(zones) for zones in eras.values()] == [number >= 3]
    assert calibration.fit.curve[-1].value == 1.413
    assert reading is not None
    assert reading.raw == 1.72
    assert [item.reading_count for item in days] == [1]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_fine_numbers_are_known_after_the_upgrade(tmp_path: Path, number: int) -> None:
    # 1.8, or 1.72 before its calibration, which schema 1 did not keep.
    copy = Path(shutil.copy(DATA / f"store-schema-{number}.db", tmp_path))
    store = open_sqlite(copy, COLLECTIONS)

    with open_unit(store, context(TENANT_KEY, now=WHEN), (Readings,)) as uow:
        assert uow.readings.fine_at("probe-1", ChannelKind.EC) == (WHEN if number > 1 else None)
    store.close()


def test_upgrade_runs_only_what_is_new(connection: sqlite3.Connection) -> None:
    def second(target: sqlite3.Connection) -> None:
        target.execute("CREATE TABLE added_later (x)")

    build_schema(connection, COLLECTIONS)
    build_schema(connection, COLLECTIONS, steps=(*STEPS, second))
    build_schema(connection, COLLECTIONS, steps=(*STEPS, second))

    assert version(connection) == len(STEPS) + 1
    assert "added_later" in names(connection)


def test_failing_upgrade_leaves_the_file_as_it_was(connection: sqlite3.Connection) -> None:
    def second(target: sqlite3.Connection) -> None:
        target.execute("CREATE TABLE added_later (x)")
        target.execute("no SQL at all")

    build_schema(connection, COLLECTIONS)
    with pytest.raises(sqlite3.OperationalError):
        build_schema(connection, COLLECTIONS, steps=(*STEPS, second))

    assert version(connection) == KNOWN_VERSION
    assert "added_later" not in names(connection)


def test_what_is_committed_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests do without (ready_stores.py), but for this one.
    monkeypatch.setattr(connections, "build_schema", build_schema)

    store = open_sqlite(tmp_path / "garden.db", COLLECTIONS)

    (synchronous,) = store._database._main.execute("PRAGMA synchronous").fetchone()  # type: ignore[attr-defined]
    store.close()
    assert synchronous == 2  # FULL: the log is written out with each transaction


def test_indexes_follow_the_declaration(connection: sqlite3.Connection) -> None:
    plants = PlantRepository.collection
    build_schema(connection, [plants])
    changed = replace(plants, indexes=(("species_key",),), unique=(("name",),))

    build_schema(connection, [changed])

    found = {name for name in names(connection) if name.startswith("doc_plants_")}
    assert found == {"doc_plants_by_tenant", "doc_plants_by_species_key", "doc_plants_one_name"}


def test_declared_index_is_used(connection: sqlite3.Connection) -> None:
    build_schema(connection, COLLECTIONS)
    for kind in REPOSITORIES:
        declared = kind.collection
        for fields in (*declared.indexes, *declared.unique):
            where = [
                Where("tenant_key", "in", ("a",)),
                *(Where(name, "==", "x") for name in fields),
            ]
            if "archived_at" in declared.entity.model_fields:
                where.append(Where("archived_at", "is_null", True))
            sql = conditions(declared, where)
            question = f"SELECT body FROM doc_{declared.name} WHERE {sql.text}"  # noqa: S608
            plan = connection.execute(f"EXPLAIN QUERY PLAN {question}", sql.values).fetchall()

            assert f"doc_{declared.name}_" in plan[0][3], (declared.name, fields)
            assert "by_tenant" not in plan[0][3], (declared.name, fields)


def test_name_that_is_no_name_makes_no_table(connection: sqlite3.Connection) -> None:
    for name in ("", "a b", "Tanks", "x; DROP TABLE changes"):
        with pytest.raises(ValueError, match="cannot name a table"):
            build_schema(connection, [replace(TankRepository.collection, name=name)])
