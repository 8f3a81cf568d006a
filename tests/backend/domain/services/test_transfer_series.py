"""Hours and days travel with their garden, for their readings may be gone long since."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.domain.interfaces.archive import (
    ArchivedChannel,
    ArchivedRollups,
    ArchiveHead,
    ArchiveItem,
    archive_items,
    archive_lines,
)
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_backend.domain.services.transfer_service import TransferService
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.rollup import DueHour, Era, Rollup, RollupLevel
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.garden import START, Garden

EC = ChannelKind.EC
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def empty() -> Iterator[Garden]:
    garden = Garden()
    yield garden
    garden.store.close()


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden whose oldest hour has lost a part of its readings, and another all."""
    garden = Garden()
    probe = garden.probe(EC, key="probe-1")
    garden.measure_for(60, probe, EC, 1.2, step=10)
    garden.services.telemetry.roll_up(garden.context())
    garden.wait(days=95)
    garden.services.telemetry.prune(garden.context())
    garden.measure_for(60, probe, EC, 1.5, step=10)
    garden.services.telemetry.roll_up(garden.context())
    with open_unit(garden.store, garden.context(), (Readings,)) as uow:
        uow.readings.prune(garden.now - timedelta(minutes=25))
    garden.measure_for(20, probe, EC, 1.6, step=10)
    yield garden
    garden.store.close()


def exported(garden: Garden) -> list[str]:
    return list(TransferService(garden.store).export(garden.context().tenant_key, garden.now))


def restore(garden: Garden, lines: list[str]) -> Any:
    context: Context = garden.context(role=Role.ADMIN)
    return TransferService(garden.store).restore(context, lines)


def stored(garden: Garden) -> tuple[list[Rollup], list[DueHour], object]:
    with garden.store.begin(frozenset()) as transaction:
        rollups = [
            item
            for level in RollupLevel
            for item in transaction.rollups.range("probe-1", EC, level, EARLIEST, LATEST)
        ]
        return rollups, transaction.rollups.due(), transaction.rollups.eras(["probe-1"])


def changed(lines: list[str], change: Callable[[ArchiveItem], ArchiveItem | None]) -> list[str]:
    """Return an archive with other items and a checksum that is right."""
    items = (change(item) for item in archive_items(lines))
    return list(archive_lines(item for item in items if item is not None))


def test_history_without_readings_moves_along(garden: Garden, empty: Garden) -> None:
    report = restore(empty, exported(garden))
    rollups, due, eras = stored(empty)

    assert (rollups, due, eras) == stored(garden)
    # Two hours, each with one that its last value reaches into, and their days; of the hour of
    # the second day half of the readings are left.
    assert report.rollup_count == len(rollups) == 6
    assert [item.reading_count for item in rollups] == [6, 0, 6, 0, 6, 6]
    assert report.reading_count == 4
    assert due == [DueHour("probe-1", EC, START + timedelta(days=95, hours=2))]
    assert eras == {("probe-1", EC): (Era(datetime(1970, 1, 1, tzinfo=UTC), garden.zone),)}


def test_what_is_left_of_an_hour_does_not_take_its_place(garden: Garden, empty: Garden) -> None:
    restore(empty, exported(garden))
    for each in (garden, empty):
        each.now = garden.now + timedelta(hours=2)
        each.services.telemetry.roll_up(each.context())

    assert stored(empty) == stored(garden)
    assert [item.reading_count for item in stored(empty)[0]] == [6, 0, 6, 2, 6, 8]


def test_older_archive_is_summed_up_from_its_readings(garden: Garden, empty: Garden) -> None:
    def as_before(item: ArchiveItem) -> ArchiveItem | None:
        if isinstance(item, ArchiveHead):
            return item.model_copy(update={"version": 1})
        return None if isinstance(item, ArchivedRollups | ArchivedChannel) else item

    lines = changed(exported(garden), as_before)
    report = restore(empty, lines)
    empty.now = garden.now + timedelta(hours=2)
    empty.services.telemetry.roll_up(empty.context())

    assert json.loads(lines[0])["version"] == 1
    assert report.rollup_count == 0
    assert [item.reading_count for item in stored(empty)[0]] == [2, 2, 4]


def spoilt(lines: list[str], mark: str, update: dict[str, Any]) -> list[str]:
    """Return an archive with other fields on the lines that have one, and the right checksum."""
    items = [json.loads(line) for line in lines[:-1]]
    text = [json.dumps(item | update if mark in item else item) + "\n" for item in items]
    end = {"lines": len(text), "sha256": sha256("".join(text).encode()).hexdigest()}
    return [*text, json.dumps(end)]


ROLLUP = {
    "starts_at": "2026-05-01T10:00:00Z",
    "length_s": 3600.0,
    "reading_count": 1,
    "total": 1.0,
    "covered_s": 0.0,
    "integral": 0.0,
    "low": 1.0,
    "high": 1.0,
    "suspect_count": 0,
}


ALWAYS = "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("mark", "update"),
    [
        pytest.param("rollups", {"rollups": [ROLLUP | {"low": 2.0}]}, id="low above high"),
        pytest.param("rollups", {"rollups": [ROLLUP | {"low": None}]}, id="no low"),
        pytest.param("rollups", {"rollups": [ROLLUP | {"reading_count": -1}]}, id="count below 0"),
        pytest.param("rollups", {"rollups": [ROLLUP | {"length_s": 0.0}]}, id="no length"),
        pytest.param("rollups", {"rollups": []}, id="no rollups"),
        pytest.param("rollups", {"probe_key": "probe-9"}, id="rollups of no probe"),
        pytest.param("eras", {"probe_key": "probe-9"}, id="channel of no probe"),
        pytest.param("eras", {"eras": [{"from_at": ALWAYS, "zone": "Mars/Dome"}]}, id="no zone"),
        pytest.param("eras", {"eras": [{"from_at": ALWAYS, "zone": "UTC"}] * 2}, id="zones twice"),
        pytest.param("eras", {"due": ["2026-05-01T10:30:00Z"]}, id="no full hour"),
    ],
)
def test_figures_that_cannot_be_bring_nothing(
    garden: Garden, empty: Garden, mark: str, update: dict[str, Any]
) -> None:
    restore_into = Garden()
    restore(restore_into, spoilt(exported(garden), mark, {}))
    restore_into.store.close()

    with pytest.raises(InvalidInputError):
        restore(empty, spoilt(exported(garden), mark, update))

    assert stored(empty) == ([], [], {})


def test_long_history_needs_little_memory(empty: Garden) -> None:
    source = Garden()
    probe: Probe = source.probe(EC, key="probe-1")
    with open_unit(source.store, source.context(), (Readings,)) as uow:
        for day in range(10):
            uow.readings.append(
                [
                    source.reading(
                        probe, EC, minute / 1000, at=START + timedelta(days=day, minutes=minute)
                    )
                    for minute in range(1440)
                ]
            )
    lines = TransferService(source.store).export(source.context().tenant_key, source.now)
    tracemalloc.start()
    try:
        first = sum(len(line) for line in lines)
        _, export_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    lines = TransferService(source.store).export(source.context().tenant_key, source.now)
    report = TransferService(empty.store).restore(empty.context(role=Role.ADMIN), lines)
    source.store.close()

    # 14,400 readings are 15 MB as objects.
    assert first > 2_000_000
    assert export_peak < 3_000_000
    assert report.reading_count == 14_400
