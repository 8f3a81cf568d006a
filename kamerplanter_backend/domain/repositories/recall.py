"""What units of work have read and still holds, so that the next one need not read it again.

Nothing of it is ever stale: before it is used, the transaction tells which collections of which
gardens were committed to since, by whatever process; what was read of those is forgotten. And what
a transaction has written to itself is read from it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final

from kamerplanter_backend.domain.interfaces.document_store import Transaction, Where
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_engines.models.base import Entity

MOST_ANSWERS: Final = 20_000
"""A memory with more begins anew: six of each of three thousand tanks."""

type Place = tuple[str, str]
"""A garden and a collection."""

type Question = tuple[str, *tuple[Where, ...]]
"""A field that is asked for by its value, and what else must hold."""

type Answers = dict[object, tuple[Any, ...]]
"""Entities by the value that was asked for."""


class Recall:
    """Answers by garden and collection, of one moment; used by one transaction at a time."""

    def __init__(self) -> None:
        self._cursor = 0
        self._count = 0
        self._places: dict[Place, dict[Question, Answers]] = {}

    def follow(self, transaction: Transaction) -> None:
        """Forget what does not hold any more in a transaction that has just begun."""
        touched = transaction.touched_since(self._cursor) if self._places else None
        if touched is None or self._count > MOST_ANSWERS:
            self._places.clear()
            self._count = 0
        else:
            for tenant_key, names in touched.items():
                for name in names:
                    self._forget(tenant_key, name)
        self._cursor = transaction.last_cursor()

    def known(self, place: Place, question: Question, value: object) -> tuple[Any, ...]:
        """Return what is known for a value; nothing where it was not asked for."""
        return self._places.get(place, {}).get(question, {}).get(value, ())

    def each[E: Entity](
        self,
        place: Place,
        question: Question,
        values: Sequence[object],
        read: Callable[[Sequence[object]], Iterable[E]],
    ) -> list[E]:
        """Return the answers for values, in their order; what is not known is read first.

        Args:
            place: The garden that asks, and the collection.
            question: What is asked.
            values: The values of its field.
            read: Reads the entities that have one of some values.
        """
        known = self._places.setdefault(place, {}).setdefault(question, {})
        if missing := [value for value in dict.fromkeys(values) if value not in known]:
            found: Answers = dict.fromkeys(missing, ())
            for entity in read(missing):
                found[getattr(entity, question[0])] += (entity,)
            known |= found
            self._count += len(found)
        return [entity for value in values for entity in known[value]]

    def _forget(self, tenant_key: str, name: str) -> None:
        """Forget a collection of a garden; what all share is read by all."""
        if tenant_key == SHARED_TENANT:
            forgotten = [place for place in self._places if place[1] == name]
        else:
            forgotten = [(tenant_key, name)]
        for place in forgotten:
            self._count -= sum(map(len, self._places.pop(place, {}).values()))


class Memory:
    """Keeps what units of work recall, from one to the next; may be used by many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: Recall | None = None

    @contextmanager
    def lent(self) -> Iterator[Recall]:
        """Lend what is known for a unit of work; a second one at the same time begins anew.

        What a unit that failed has read is dropped.
        """
        with self._lock:
            recall, self._kept = self._kept or Recall(), None
        yield recall
        with self._lock:
            self._kept = recall
