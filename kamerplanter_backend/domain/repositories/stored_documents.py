"""Makes entities of stored documents; one that was checked lately is not checked again."""

import logging

from pydantic import ValidationError

from kamerplanter_backend.domain.interfaces.document_store import Document
from kamerplanter_backend.domain.repositories.collection import Collection
from kamerplanter_engines.models.base import Entity, Model

_LOGGER = logging.getLogger(__name__)

_MOST_KNOWN = 4096
_known: dict[tuple[type[Model], object], tuple[Document, Entity]] = {}
"""Documents that were checked lately, and what came of it: the same comes of the same."""


def entity_of(collection: Collection, document: Document) -> Entity | None:
    """Return what a document says; none, with a line in the log, if it does not fit its model.

    One bad document must not hide the others; fields of a newer version are passed over.
    """
    name = (collection.entity, document.get("key"))
    known = _known.get(name)
    if known is not None and known[0] == document:
        return known[1]
    try:
        entity = collection.entity.model_validate(document, extra="ignore")
    except ValidationError as error:
        _LOGGER.warning(
            "Set aside %s %s: it does not fit its model (%s)",
            collection.name,
            document.get("key"),
            error.errors(include_url=False, include_input=False)[0]["msg"],
        )
        return None
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[name] = (document, entity)
    return entity
