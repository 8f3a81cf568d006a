"""The stores that every contract is tested on, and the units of work on them."""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, UnitOfWork, open_unit
from tests.factories import TENANT, context

COLLECTIONS = tuple(repository.collection for repository in REPOSITORIES)
ARANGO_URL = "KAMERPLANTER_TEST_ARANGO_URL"

type OpenUnit = Callable[..., AbstractContextManager[UnitOfWork]]


STORES = ["sqlite-file", "sqlite-memory"]
if os.environ.get(ARANGO_URL):
    STORES.append("arango")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DocumentStore]:
    """Return an empty store of each kind."""
    if request.param == "arango":
        arango = importlib.import_module("kamerplanter_backend.data_access.arango")
        opened = arango.open_arango(os.environ[ARANGO_URL], COLLECTIONS)
    else:
        path = tmp_path / "garden.db" if request.param == "sqlite-file" else None
        opened = open_sqlite(path, COLLECTIONS)
    yield opened
    opened.close()


@pytest.fixture
def unit(store: DocumentStore) -> OpenUnit:
    """Open a unit of work that may write everything, in the first garden or the one named."""

    def opened(tenant_key: str = TENANT) -> AbstractContextManager[UnitOfWork]:
        return open_unit(store, context(tenant_key), (*REPOSITORIES, Readings))

    return opened
