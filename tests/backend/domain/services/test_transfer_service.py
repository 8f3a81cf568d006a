"""A garden goes out of one store and into another one, whole or not at all."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.bootstrap import LOCAL_TENANT
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import BrokenReferenceError, ConflictError
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.collection import Scope
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.installation_service import InstallationService
from kamerplanter_backend.domain.services.transfer_service import (
    COLLECTIONS,
    KEPT_SYSTEM,
    LEFT_OUT,
    MADE_WITH_GARDEN,
    TransferService,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.task import TaskFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from tests.backend.garden import Garden

TRANSIENT = {
    "job_runs",
    "login_delays",
    "login_states",
    "one_time_tokens",
    "refresh_tokens",
    "sessions",
}
"""Of the installation, and of no use in another one."""


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden with something of most kinds in it."""
    garden = Garden()
    tank = garden.tank()
    plant = garden.plant(tank_key=tank.key)
    probe = garden.probe(ChannelKind.EC, ChannelKind.PH, tank_key=tank.key)
    garden.measure_for(5, probe, ChannelKind.EC, 1.4)
    garden.wait(days=20)
    garden.measure_for(3, probe, ChannelKind.PH, 6.1)
    garden.services.task.add(garden.context(), TaskFields(title="Look at the roots"))
    garden.services.ipm.log_treatment(
        garden.context(),
        (plant.key,),
        ApplicationFields(product="Neem", ingredient="azadirachtin", interval_d=3, at=garden.now),
    )
    yield garden
    garden.store.close()


@pytest.fixture
def empty() -> Iterator[Garden]:
    """Return a garden of the same name, with nothing in it but its site."""
    garden = Garden()
    yield garden
    garden.store.close()


def exported(garden: Garden, key: str | None = LOCAL_TENANT) -> list[str]:
    return list(TransferService(garden.store).export(key, garden.now))


def restore(garden: Garden, lines: list[str], **changes: Any) -> Any:
    context: Context = garden.context(role=Role.ADMIN)
    return TransferService(garden.store).restore(context, lines, **changes)


def content(garden: Garden) -> dict[str, list[Any]]:
    """Return all documents of a garden that are meant to travel, and its readings."""
    found: dict[str, list[Any]] = {}
    with garden.store.begin(frozenset()) as transaction:
        for name, collection in COLLECTIONS.items():
            if collection.scope is not Scope.SYSTEM and name not in {"audit_entries", *LEFT_OUT}:
                found[name] = [
                    document
                    for document in transaction.find(name, Query())
                    if document["tenant_key"] != "*"
                ]
    found["readings"] = readings(garden)
    return found


def readings(garden: Garden) -> list[Reading]:
    with open_unit(garden.store, garden.context()) as uow:
        return [
            reading
            for probe in uow.of(ProbeRepository).find()
            for kind in ChannelKind
            for reading in uow.readings.range(
                probe.key, kind, garden.local("2020-01-01"), garden.local("2030-01-01")
            )
        ]


def test_everything_arrives_as_it_was(garden: Garden, empty: Garden) -> None:
    report = restore(empty, exported(garden))

    assert content(empty) == content(garden)
    assert report.reading_count == len(readings(garden)) == 8
    assert report.document_count > 5
    assert empty.store.check() == []


def test_the_site_that_a_new_garden_came_with_makes_room(garden: Garden, empty: Garden) -> None:
    restore(empty, exported(garden))

    with empty.store.begin(frozenset()) as transaction:
        sites = transaction.find("sites", Query())
    assert [site["key"] for site in sites] == [
        document["key"] for document in content(garden)["sites"]
    ]


def test_it_may_have_another_key_over_there(garden: Garden) -> None:
    other = Garden()
    context = replace(other.context(role=Role.ADMIN), tenant_key="elsewhere")

    TransferService(other.store).restore(context, exported(garden))

    plants = content(other)["plants"]
    assert [plant["tenant_key"] for plant in plants] == ["elsewhere"]
    other.store.close()


def test_the_import_stands_in_the_audit(garden: Garden, empty: Garden) -> None:
    restore(empty, exported(garden))

    with empty.store.begin(frozenset()) as transaction:
        actions = [entry["action"] for entry in transaction.find("audit_entries", Query())]
    assert actions[-1] == "imported"


def test_the_same_garden_is_not_brought_in_twice(empty: Garden) -> None:
    archive = exported(empty)
    before = content(empty)

    with pytest.raises(ConflictError, match=r"has what the archive brings already \(sites "):
        restore(empty, archive)

    assert content(empty) == before


def test_a_garden_with_something_in_it_is_left_alone(garden: Garden, empty: Garden) -> None:
    empty.plant()
    before = content(empty)

    with pytest.raises(ConflictError, match="not empty"):
        restore(empty, exported(garden))

    assert content(empty) == before


def _without_end(lines: list[str]) -> list[str]:
    return lines[:-1]


def _without_a_document(lines: list[str]) -> list[str]:
    return [*lines[:2], *lines[3:]]


def _changed(lines: list[str]) -> list[str]:
    return [line.replace("azadirachtin", "water") for line in lines]


def _with_more(lines: list[str]) -> list[str]:
    return [*lines, lines[1]]


def _two_heads(lines: list[str]) -> list[str]:
    return [lines[0], *lines]


def _no_json(lines: list[str]) -> list[str]:
    return [lines[0], "{", *lines[1:]]


@pytest.mark.parametrize(
    "spoil",
    [_without_end, _without_a_document, _changed, _with_more, _two_heads, _no_json, lambda _: []],
)
def test_a_file_that_was_cut_or_changed_brings_nothing(
    garden: Garden, empty: Garden, spoil: Any
) -> None:
    before = content(empty)

    with pytest.raises(InvalidInputError):
        restore(empty, spoil(exported(garden)))

    assert content(empty) == before


def test_a_file_of_everything_is_no_garden(garden: Garden, empty: Garden) -> None:
    with pytest.raises(InvalidInputError, match="archive of all"):
        restore(empty, exported(garden, None))
    with pytest.raises(InvalidInputError, match="archive of garden"):
        restore(empty, exported(garden), everything=True)


def test_what_points_to_a_species_that_is_not_there_brings_nothing(
    garden: Garden, empty: Garden
) -> None:
    before = content(empty)
    with empty.store.begin(frozenset({"species"})) as transaction:
        transaction.remove("species", "solanum_lycopersicum")

    with pytest.raises(BrokenReferenceError, match="solanum_lycopersicum"):
        restore(empty, exported(garden))

    assert content(empty) == before


def test_everything_goes_into_a_new_store(garden: Garden, tmp_path: Path) -> None:
    other = Garden(tmp_path / "other.db")

    restore(other, exported(garden, None), everything=True)

    assert content(other) == content(garden)
    assert other.store.check() == []
    other.store.close()


def test_a_new_store_becomes_the_same_installation(garden: Garden, tmp_path: Path) -> None:
    """So that Home Assistant knows it again, and nothing of the catalogue comes back."""
    whole = garden.context(tenant_key="*", role=Role.ADMIN)
    here = InstallationService(garden.store).ensure(whole)
    garden.services.species.remove(whole, "ficus_lyrata")
    other = Garden(tmp_path / "other.db")
    assert InstallationService(other.store).ensure(whole) != here

    restore(other, exported(garden, None), everything=True)
    other.restart()

    assert InstallationService(other.store).ensure(whole) == here
    names = {item.key for item in other.services.catalogue.list_species(other.context())}
    assert "aloe_vera" in names
    assert "ficus_lyrata" not in names
    assert other.store.check() == []
    other.store.close()


def test_an_export_is_as_of_one_moment(garden: Garden, empty: Garden) -> None:
    first, second = exported(garden), exported(garden)

    assert first == second


def test_each_kind_of_document_is_carried_or_left_on_purpose() -> None:
    system = {
        repository.collection.name
        for repository in REPOSITORIES
        if repository.collection.scope is Scope.SYSTEM
    }

    assert system - set(KEPT_SYSTEM) == TRANSIENT - {"job_runs"}
    assert set(KEPT_SYSTEM) <= system
    assert {*LEFT_OUT, *MADE_WITH_GARDEN} <= COLLECTIONS.keys()
