"""What all services share: one use case is one transaction, and a command acts once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache, wraps
from hashlib import sha256
from typing import Any, Concatenate, get_type_hints

from pydantic import TypeAdapter
from pydantic_core import to_json

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import ConflictError, NotFoundError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.unit_of_work import (
    Readings,
    UnitOfWork,
    known_answer,
    open_unit,
)
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Entity, Model


class Service:
    """A group of use cases on one store."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store

    @property
    def store(self) -> DocumentStore:
        """The store that all use cases of this service work on."""
        return self._store


class query:  # noqa: N801 - reads as a decorator
    """Make a method a question: it gets an open unit of work that cannot write."""

    def __call__[S: Service, **P, R](
        self, method: Callable[Concatenate[S, UnitOfWork, P], R]
    ) -> Callable[Concatenate[S, Context, P], R]:
        """Return the method as callers see it: with the context in place of the unit."""

        @wraps(method)
        def ask(service: S, context: Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with open_unit(service.store, context) as uow:
                return method(service, uow, *args, **kwargs)

        return ask


class command:  # noqa: N801 - reads as a decorator
    """Make a method a command: one transaction, and the same command key acts once.

    Args:
        writes: The repositories that it may write, and `Readings` for measurements.
    """

    def __init__(self, *writes: type[Repository[Any] | Readings]) -> None:
        self.writes = writes

    def __call__[S: Service, **P, R](
        self, method: Callable[Concatenate[S, UnitOfWork, P], R]
    ) -> Callable[Concatenate[S, Context, P], R]:
        """Return the method as callers see it: with the context in place of the unit."""

        @cache
        def answer_type() -> TypeAdapter[R]:
            return TypeAdapter(get_type_hints(method)["return"])

        @wraps(method)
        def act(service: S, context: Context, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if context.command_key is not None:
                content = to_json((method.__qualname__, args, kwargs))
                context = replace(context, command_digest=sha256(content).hexdigest())
                if seen := known_answer(service.store, context):
                    return answer_type().validate_python(seen.answer)
            with open_unit(service.store, context, self.writes) as uow:
                return uow.answer(method(service, uow, *args, **kwargs))

        return act


def live[E: Entity](repository: Repository[E], key: str) -> E:
    """Return a document that is not archived.

    Raises:
        NotFoundError: It does not exist in this garden, or is archived.
    """
    entity = repository.get(key)
    if getattr(entity, "archived_at", None) is not None:
        kind = repository.collection.name
        raise NotFoundError(
            f"{kind} {key} is archived; add it again to use it.", kind=kind, key=key
        )
    return entity


def create[E: Entity](repository: Repository[E], fields: Model, key: str | None) -> E:
    """Add a document, or take the archived one with this key back with new fields.

    Raises:
        ConflictError: The key belongs to a document that is not archived.
        InvalidInputError: A value does not fit.
    """
    if key is None or (archived := repository.try_get(key)) is None:
        return repository.add(fields, key=key)
    if getattr(archived, "archived_at", None) is None:
        kind = repository.collection.name
        raise ConflictError(f"{kind} {key} exists already.", field="key", kind=kind, value=key)
    return repository.change(archived, **dict(fields), archived_at=None)


def archive[E: Entity](repository: Repository[E], entity: E, now: datetime) -> E:
    """Take a document out of sight; an archived one stays as it is."""
    if getattr(entity, "archived_at", None) is not None:
        return entity
    return repository.change(entity, archived_at=now)


def only_fields(patch: Mapping[str, object], allowed: frozenset[str]) -> None:
    """Check that a patch names nothing but fields that may change.

    Raises:
        InvalidInputError: It names another field.
    """
    for name in patch:
        if name not in allowed:
            raise InvalidInputError(
                f"Field {name} cannot be changed; possible are {', '.join(sorted(allowed))}.",
                field=name,
                value=name,
            )
