"""What every store tells those who listen."""

import logging

import pytest

from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from tests.contracts.conftest import OpenUnit
from tests.factories import OTHER_TENANT, TENANT, add


def test_commit_tells_once_which_collections_it_touched(
    store: DocumentStore, unit: OpenUnit
) -> None:
    heard: list[StoredChange] = []
    store.subscribe(heard.append)

    with unit() as uow:
        add(uow, PlantRepository)
        assert heard == []

    (change,) = heard
    assert change.collections == ("phase_sequences", "plants", "species")
    assert change.tenant_key == TENANT


def test_nothing_written_or_taken_back_tells_nothing(store: DocumentStore, unit: OpenUnit) -> None:
    heard: list[StoredChange] = []
    store.subscribe(heard.append)

    def fail() -> None:
        with unit() as uow:
            add(uow, TankRepository)
            raise LookupError

    with unit():
        pass
    with pytest.raises(LookupError):
        fail()

    assert heard == []


def test_ended_subscription_hears_nothing(store: DocumentStore, unit: OpenUnit) -> None:
    heard: list[StoredChange] = []
    end = store.subscribe(heard.append)

    end()
    end()
    with unit() as uow:
        add(uow, TankRepository)

    assert heard == []


def test_failing_listener_harms_neither_the_commit_nor_the_others(
    store: DocumentStore, unit: OpenUnit, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(change: StoredChange) -> None:
        raise LookupError(change)

    heard: list[StoredChange] = []
    store.subscribe(fail)
    store.subscribe(heard.append)

    with caplog.at_level(logging.ERROR), unit() as uow:
        add(uow, TankRepository)

    assert len(heard) == 1
    assert "listener failed" in caplog.text
    with unit() as uow:
        assert uow.of(TankRepository).count() == 1


def test_missed_changes_are_read_later_by_garden(store: DocumentStore, unit: OpenUnit) -> None:
    heard: list[StoredChange] = []
    store.subscribe(heard.append)
    start = store.last_cursor()
    for tenant in (TENANT, OTHER_TENANT, TENANT):
        with unit(tenant) as uow:
            add(uow, TankRepository, name=f"Tank {len(heard)}")

    missed = store.changes_since(start, TENANT)

    assert missed == (heard[0], heard[2])
    assert store.changes_since(heard[0].cursor, TENANT) == (heard[2],)
    assert store.changes_since(store.last_cursor(), TENANT) == ()


def test_unknown_cursor_means_read_all_again(store: DocumentStore, unit: OpenUnit) -> None:
    with unit() as uow:
        add(uow, TankRepository)

    assert store.changes_since(store.last_cursor() + 1, TENANT) is None
    assert store.changes_since(-1, TENANT) is None
