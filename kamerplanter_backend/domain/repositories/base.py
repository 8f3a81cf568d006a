"""Reading and writing one kind of document, within one garden and one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar, cast
from uuid import uuid7

from pydantic import JsonValue

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StaleRevisionError,
)
from kamerplanter_backend.common.nouns import not_found
from kamerplanter_backend.domain.interfaces.document_store import (
    Document,
    Order,
    Page,
    Query,
    Transaction,
    Where,
)
from kamerplanter_backend.domain.interfaces.encoding import encode
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT, Collection, Scope
from kamerplanter_backend.domain.repositories.merge_patch import merge_patch
from kamerplanter_backend.domain.repositories.recall import Question, Recall
from kamerplanter_backend.domain.repositories.references import Going, References
from kamerplanter_backend.domain.repositories.stored_documents import entity_of
from kamerplanter_backend.domain.repositories.validation import validated
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.base import Entity, Model

MAX_PAGE = 200
"""Most documents of one page."""

_KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a repository works with."""

    transaction: Transaction
    context: Context
    """Who asks."""
    references: References
    """Who points to whom."""
    recall: Recall | None = None
    """What the units before have read; none = everything is read."""


class Repository[E: Entity]:
    """Documents of one kind. A garden sees its own, and the shared ones of the catalogue.

    A document that does not fit its model is set aside: it is logged, counted by `check` of the
    store, and to everybody else it is not there.
    """

    collection: ClassVar[Collection]

    def __init__(self, access: Access) -> None:
        self._access = access
        self._transaction = access.transaction
        self._context = access.context

    # --- Reading --------------------------------------------------------------------------

    def get(self, key: str) -> E:
        """Return a document.

        Raises:
            NotFoundError: There is none, or it belongs to another garden.
        """
        entity = self.try_get(key)
        if entity is None:
            raise self._not_found(key)
        return entity

    def try_get(self, key: str) -> E | None:
        """Return a document, or none if it is not there for this garden."""
        document = self._transaction.get(self.collection.name, key)
        if document is None or document["tenant_key"] not in self._visible_tenants():
            return None
        return self._entity(document)

    def get_many(self, keys: Iterable[str]) -> list[E]:
        """Return those documents that are there, in the order of the keys."""
        return self._each((_KEY,), list(keys), self._read_many)

    def known(self, keys: Iterable[str]) -> list[E]:
        """Return those documents that nobody has to read, because a unit before has."""
        recall = self._usable_recall()
        if recall is None:
            return []
        return [entity for key in keys for entity in recall.known(self._place(), (_KEY,), key)]

    def find(self, *where: Where, order: Sequence[Order] = (), limit: int | None = None) -> list[E]:
        """Return all documents that meet the conditions, by key if no order is given."""
        query = Query(where=self._walled(where), order=tuple(order), limit=limit)
        return self._entities(self._transaction.find(self.collection.name, query))

    def find_each(self, field: str, values: Iterable[object], *where: Where) -> list[E]:
        """Return all documents in which a field has one of some values, by key.

        A unit of work that remembers knows them by value, so it is for a field and conditions that
        come again and again.

        Args:
            field: The field.
            values: What it may be, not none.
            where: What else must hold.
        """

        def read(missing: Sequence[object]) -> list[E]:
            return self.find(Where(field, "in", missing), *where)

        found = self._each((field, *where), list(dict.fromkeys(values)), read)
        return sorted(found, key=attrgetter("key"))

    def first(self, *where: Where, order: Sequence[Order] = ()) -> E | None:
        """Return the first document that meets the conditions."""
        found = self.find(*where, order=order, limit=1)
        # A document that was set aside must not hide a sound one behind it.
        found = found or self.find(*where, order=order)
        return found[0] if found else None

    def count(self, *where: Where) -> int:
        """Return how many documents meet the conditions."""
        return self._transaction.count(self.collection.name, self._walled(where))

    def page(self, query: Query) -> Page[E]:
        """Return a part of the documents; documents that come and go do not shift the parts.

        Raises:
            OutOfRangeError: The limit is not within 1 to 200; none means 200.
            InvalidInputError: The cursor is not one of this query.
        """
        limit = MAX_PAGE if query.limit is None else query.limit
        if not 1 <= limit <= MAX_PAGE:
            raise OutOfRangeError(
                f"A page holds 1 to {MAX_PAGE} items, not {limit}.", field="limit", value=limit
            )
        walled = Query(
            where=self._walled(query.where), order=query.order, limit=limit, cursor=query.cursor
        )
        page = self._transaction.page(self.collection.name, walled)
        return Page(items=tuple(self._entities(page.items)), cursor=page.cursor, total=page.total)

    # --- Writing --------------------------------------------------------------------------

    def add(self, fields: Model, *, key: str | None = None, **more: object) -> E:
        """Write a new document.

        Args:
            fields: What a person may say of it.
            key: Its key; none = a new one that sorts by time.
            more: Fields of the entity beside these.

        Raises:
            InvalidInputError: A value does not fit; names the field.
            ConflictError: The key or a unique value is taken; names field and value.
            BrokenReferenceError: It points to nothing, or into another garden.
        """
        entity = self._new(fields, key, more)
        document = self._checked(entity)
        self._transaction.insert(self.collection.name, document)
        return entity

    def add_if_new(self, fields: Model, *, key: str, **more: object) -> E | None:
        """Write a new document unless its key is there already; then return none.

        Raises:
            ConflictError: A unique value is taken, or the key by another garden.
            InvalidInputError, BrokenReferenceError: As in `add`.
        """
        entity = self._new(fields, key, more)
        if self._transaction.insert_if_new(self.collection.name, self._checked(entity)):
            return entity
        stored = self._transaction.get(self.collection.name, key)
        if stored is not None and stored["tenant_key"] != entity.tenant_key:
            raise self._key_taken(key)
        return None

    def change(self, entity: E, **values: object) -> E:
        """Write new values of a document and return its new state; no new value, no write.

        Args:
            entity: The state that the change is based on.
            values: New values by field name.

        Raises:
            StaleRevisionError: Somebody else wrote in between.
            NotFoundError: It is gone, or belongs to another garden.
            ForbiddenError: It belongs to the shared catalogue.
            InvalidInputError, ConflictError, BrokenReferenceError: As in `add`.
        """
        fixed = sorted(values.keys() & Entity.model_fields.keys())
        if fixed:
            raise InvalidInputError(f"{fixed[0]} cannot be changed.", field=fixed[0])
        stored = self._writable(entity.key)
        if stored["revision"] != entity.revision:
            raise self._stale(entity.key)
        before = {name: getattr(entity, name) for name in type(entity).model_fields}
        candidate = self._validated({**before, **values})
        if candidate == entity:
            return entity
        changed = candidate.model_copy(
            update={"revision": entity.revision + 1, "updated_at": self._context.now}
        )
        document = self._checked(changed, before=encode(entity))
        self._transaction.replace(self.collection.name, document, expected_revision=entity.revision)
        return changed

    def patch(
        self,
        key: str,
        patch: Mapping[str, JsonValue],
        fields: type[Model],
        *,
        expected_revision: int | None = None,
        **more: object,
    ) -> E:
        """Apply a JSON merge patch: absent = unchanged, null = cleared; checked as a whole.

        Args:
            key: The document.
            patch: New values by field name.
            fields: The model that says which fields a person may change.
            expected_revision: The revision that the person saw; none = whatever it is now.
            more: Fields of the entity that change along.

        Raises:
            InvalidInputError: An unknown or read-only name, or a value that does not fit;
                names the field.
            StaleRevisionError: It has another revision than expected.
            NotFoundError, ForbiddenError, ConflictError, BrokenReferenceError: As in `change`.
        """
        entity = self.get(key)
        if expected_revision is not None and entity.revision != expected_revision:
            raise self._stale(key)
        for name in patch:
            if name not in fields.model_fields:
                is_known = name in self.collection.entity.model_fields
                problem = "cannot be changed" if is_known else "is no field here"
                raise InvalidInputError(f"{name!r} {problem}.", field=name, value=patch[name])
        current = entity.model_dump(mode="json", include=set(fields.model_fields))
        patched = validated(fields, merge_patch(current, patch))
        values = {name: getattr(patched, name) for name in fields.model_fields}
        return self.change(entity, **values, **more)

    def remove(self, key: str) -> Going:
        """Delete a document with all that goes along; return the keys of it all, by collection.

        Raises:
            NotFoundError: It is not there, or belongs to another garden.
            ForbiddenError: It belongs to the shared catalogue.
            BrokenReferenceError: Something that must not be lost points to it.
        """
        self._writable(key)
        return self._access.references.remove(
            self._transaction, self.collection, key, now=self._context.now
        )

    def is_pointed_to(self, key: str) -> bool:
        """Tell whether anything points to a document, also in gardens that are not visible."""
        return self._access.references.is_pointed_to(self._transaction, self.collection.name, key)

    # --- Within -----------------------------------------------------------------------------

    def _tenant(self) -> str:
        """Return the owner of what is written here."""
        is_system = self.collection.scope is Scope.SYSTEM
        return SHARED_TENANT if is_system else self._context.tenant_key

    def _visible_tenants(self) -> tuple[str, ...]:
        if self.collection.scope is Scope.CATALOGUE and self._tenant() != SHARED_TENANT:
            return (self._tenant(), SHARED_TENANT)
        return (self._tenant(),)

    def _place(self) -> tuple[str, str]:
        return (self._tenant(), self.collection.name)

    def _usable_recall(self) -> Recall | None:
        """Return what is known of this collection, unless this transaction has changed it."""
        name, has_written = self.collection.name, self._transaction.has_written
        recall = self._access.recall
        if recall is None or any(has_written(name, owner) for owner in self._visible_tenants()):
            return None
        return recall

    def _each(
        self,
        question: Question,
        values: Sequence[object],
        read: Callable[[Sequence[Any]], list[E]],
    ) -> list[E]:
        if not values:
            return []
        recall = self._usable_recall()
        if recall is None:
            return read(values)
        return recall.each(self._place(), question, values, read)

    def _read_many(self, keys: Sequence[str]) -> list[E]:
        documents = self._transaction.get_many(self.collection.name, keys)
        visible = self._visible_tenants()
        return self._entities(found for found in documents if found["tenant_key"] in visible)

    def _walled(self, where: Sequence[Where]) -> tuple[Where, ...]:
        return (Where("tenant_key", "in", self._visible_tenants()), *where)

    def _validated(self, data: Mapping[str, object]) -> E:
        return cast("E", validated(self.collection.entity, data))

    def _entity(self, document: Document) -> E | None:
        return cast("E | None", entity_of(self.collection, document))

    def _entities(self, documents: Iterable[Document]) -> list[E]:
        entities = (self._entity(document) for document in documents)
        return [entity for entity in entities if entity is not None]

    def _new(self, fields: Model, key: str | None, more: Mapping[str, object]) -> E:
        values: dict[str, Any] = {name: getattr(fields, name) for name in type(fields).model_fields}
        return self._validated(
            {
                **values,
                **more,
                "key": uuid7().hex if key is None else key,
                "tenant_key": self._tenant(),
                "revision": 1,
                "created_at": self._context.now,
                "created_by": self._context.actor,
                "updated_at": self._context.now,
            }
        )

    def _checked(self, entity: E, before: JsonValue = None) -> Document:
        """Return the entity as a document whose references have been followed."""
        document = cast("Document", encode(entity))
        self._access.references.check(
            self._transaction,
            self.collection,
            document,
            before=before if isinstance(before, dict) else {},
        )
        return document

    def _writable(self, key: str) -> Document:
        """Return the stored document if this garden may write it."""
        stored = self._transaction.get(self.collection.name, key)
        if stored is None or stored["tenant_key"] not in self._visible_tenants():
            raise self._not_found(key)
        if stored["tenant_key"] != self._tenant():
            raise ForbiddenError(
                f"{key} belongs to the shared catalogue; make a copy of your own to change it.",
                permission="catalogue",
            )
        return stored

    def _not_found(self, key: str) -> NotFoundError:
        return not_found(self.collection.name, key)

    def _stale(self, key: str) -> StaleRevisionError:
        name = self.collection.name
        return StaleRevisionError(
            f"{key!r} in {name} was changed in between; read it again.", kind=name, key=key
        )

    def _key_taken(self, key: str) -> ConflictError:
        name = self.collection.name
        return ConflictError(
            f"The key {key!r} is taken in {name}.", field="key", kind=name, value=key
        )
