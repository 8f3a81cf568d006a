"""Stores as the server leaves them, and what is in them."""

from pathlib import Path

from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.config.settings import Settings
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.services.tenant_service import PLATFORM_KEY
from kamerplanter_backend.main import open_server
from kamerplanter_engines.models.plant import PlantFields


def names(path: Path, collection: str) -> list[str]:
    """Return the names of the documents of a kind."""
    store = open_store(path)
    try:
        with store.begin(frozenset()) as transaction:
            return [str(found["name"]) for found in transaction.find(collection, Query())]
    finally:
        store.close()


def demo(path: Path, *, plant: str | None = None) -> None:
    """Lay out the demo garden in a store, with one more plant if it is named."""
    server = open_server(Settings(store=f"sqlite:///{path}"))
    if plant is not None:
        context = server.contexts.make(
            PLATFORM_KEY, actor="test", role=Role.ADMIN, now=server.clock()
        )
        fields = PlantFields(name=plant, species_key="ficus_lyrata")
        server.services.plant.create(context, fields)
    server.close()
