"""Follows the references between documents: when they are written and when they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import BrokenReferenceError
from kamerplanter_backend.common.nouns import not_found
from kamerplanter_backend.domain.interfaces.document_store import (
    Document,
    Query,
    Transaction,
    Where,
)
from kamerplanter_backend.domain.interfaces.encoding import instant_text
from kamerplanter_backend.domain.repositories.collection import (
    SHARED_TENANT,
    Collection,
    OnDelete,
    Reference,
)

type Going = dict[str, set[str]]
"""Keys by collection."""


@dataclass(frozen=True, slots=True)
class References:
    """Who points to whom, among all collections.

    Raises:
        ValueError: A reference names a collection that does not exist.
    """

    collections: Mapping[str, Collection]

    def __post_init__(self) -> None:
        for collection in self.collections.values():
            for reference in collection.references:
                if reference.collection not in self.collections:
                    raise ValueError(f"{collection.name}: no collection {reference.collection}")

    def incoming(self, name: str) -> list[tuple[Collection, Reference]]:
        """Return the references that point to a collection."""
        return [
            (collection, reference)
            for collection in self.collections.values()
            for reference in collection.references
            if reference.collection == name
        ]

    def written_with(self, names: frozenset[str]) -> frozenset[str]:
        """Return the names, and those that a deletion in one of them would write too."""
        reached = set(names)
        waiting = list(names)
        while waiting:
            for collection, reference in self.incoming(waiting.pop()):
                if reference.on_delete is not OnDelete.RESTRICT and collection.name not in reached:
                    reached.add(collection.name)
                    if reference.on_delete is OnDelete.CASCADE:
                        waiting.append(collection.name)
        return frozenset(reached)

    def check(
        self,
        transaction: Transaction,
        collection: Collection,
        document: Document,
        *,
        before: Mapping[str, JsonValue],
    ) -> None:
        """Make sure that each reference that is new points to something of the same garden.

        Raises:
            BrokenReferenceError: It points to nothing, or into another garden.
        """
        allowed = (document["tenant_key"], SHARED_TENANT)
        for reference in collection.references:
            value = document[reference.field]
            if value is None or value == before.get(reference.field):
                continue
            target = transaction.get(reference.collection, str(value))
            if target is None or target["tenant_key"] not in allowed:
                raise BrokenReferenceError(
                    f"{reference.field}: there is no {value!r} in {reference.collection}.",
                    field=reference.field,
                    kind=collection.name,
                    value=value,
                )

    def remove(
        self, transaction: Transaction, collection: Collection, key: str, *, now: datetime
    ) -> Going:
        """Delete a document with all that follows from it; nothing is written if it is refused.

        Returns:
            What was deleted, itself included.

        Raises:
            BrokenReferenceError: Something that must not be lost points to it, or to something
                that would go along.
            NotFoundError: It is not there.
        """
        stored = transaction.get(collection.name, key)
        if stored is None:
            raise not_found(collection.name, key)
        wall = _wall(stored)
        going = self._going_along(transaction, collection.name, key, wall)
        for name, gone in going.items():
            for source, reference in self.incoming(name):
                if reference.on_delete is OnDelete.RESTRICT:
                    _refuse_if_held(transaction, source, reference, gone, going, wall=wall)
        for name, gone in going.items():
            for source, reference in self.incoming(name):
                if reference.on_delete is OnDelete.CLEAR:
                    _clear(transaction, source, reference, gone, going, wall=wall, now=now)
        for name, gone in going.items():
            for gone_key in gone:
                transaction.remove(name, gone_key)
        return going

    def is_pointed_to(self, transaction: Transaction, name: str, key: str) -> bool:
        """Tell whether anything of any garden points to a document."""
        return any(
            transaction.find(
                source.name, Query(where=(Where(reference.field, "==", key),), limit=1)
            )
            for source, reference in self.incoming(name)
        )

    def _going_along(
        self, transaction: Transaction, name: str, key: str, wall: tuple[Where, ...]
    ) -> Going:
        """Return all that is deleted with a document, itself included."""
        going: Going = {name: {key}}
        waiting = [(name, key)]
        while waiting:
            target_name, target = waiting.pop()
            for source, reference in self.incoming(target_name):
                if reference.on_delete is not OnDelete.CASCADE:
                    continue
                known = going.setdefault(source.name, set())
                where = (Where(reference.field, "==", target), *wall)
                for document in transaction.find(source.name, Query(where=where)):
                    found = str(document["key"])
                    if found not in known:
                        known.add(found)
                        waiting.append((source.name, found))
        return going


def _wall(document: Document) -> tuple[Where, ...]:
    """Return the condition for those who may point to a document: its garden, or all."""
    tenant_key = document["tenant_key"]
    return () if tenant_key == SHARED_TENANT else (Where("tenant_key", "==", tenant_key),)


def _refuse_if_held(
    transaction: Transaction,
    source: Collection,
    reference: Reference,
    keys: set[str],
    going: Going,
    *,
    wall: tuple[Where, ...],
) -> None:
    along = going.get(source.name, set())
    for key in keys:
        # One more than could go along: if there is another one, it is among them.
        query = Query(where=(Where(reference.field, "==", key), *wall), limit=len(along) + 1)
        found = transaction.find(source.name, query)
        holders = [document for document in found if document["key"] not in along]
        if holders:
            what = _named(holders[0], source, wall)
            raise BrokenReferenceError(
                f"{key!r} cannot be deleted: {what} still points to it.",
                field=reference.field,
                kind=source.name,
                value=key,
            )


def _named(holder: Document, source: Collection, wall: tuple[Where, ...]) -> str:
    """Return what a person calls a document; nothing of it if it may be of another garden."""
    name = holder.get("name") if wall else None
    return f"{name!r} in {source.name}" if name else f"something in {source.name}"


def _clear(
    transaction: Transaction,
    source: Collection,
    reference: Reference,
    keys: set[str],
    going: Going,
    *,
    wall: tuple[Where, ...],
    now: datetime,
) -> None:
    along = going.get(source.name, set())
    for key in keys:
        query = Query(where=(Where(reference.field, "==", key), *wall))
        for document in transaction.find(source.name, query):
            revision = document["revision"]
            if document["key"] in along or not isinstance(revision, int):
                continue
            cleared = {
                **document,
                reference.field: None,
                "revision": revision + 1,
                "updated_at": instant_text(now),
            }
            transaction.replace(source.name, cleared, expected_revision=revision)
