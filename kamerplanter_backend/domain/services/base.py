"""What all services share: one use case is one transaction, and a command acts once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, wraps
from hashlib import sha256
from typing import Any, ClassVar, Concatenate, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticSerializationError, to_json

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    StaleRevisionError,
)
from kamerplanter_backend.common.permissions import Permission, may_touch
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Page, Query
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.recall import Memory
from kamerplanter_backend.domain.repositories.standing import check_role
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import (
    Readings,
    UnitOfWork,
    known_answer,
    open_unit,
)
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.base import Entity, Model


class Service:
    """A group of use cases on one store."""

    def __init__(self, store: DocumentStore) -> None:
        self._store = store
        self.memory: Memory | None = None
        """What its commands read again and again; none = they remember nothing."""

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
                # Outside of gardens, everybody's keys lie together: one's answers are one's own.
                is_shared = context.tenant_key == SHARED_TENANT
                name = (
                    f"{context.actor} {method.__qualname__}" if is_shared else method.__qualname__
                )
                digest = command_digest(name, args, kwargs)
                context = replace(context, command_digest=digest)
                if seen := known_answer(service.store, context):
                    return answer_type().validate_python(seen.answer)
            try:
                unit = open_unit(service.store, context, self.writes, memory=service.memory)
                with unit as uow:
                    return uow.answer(method(service, uow, *args, **kwargs))
            except KamerplanterError:
                # The same command at the same time: the other one has just done it.
                if seen := known_answer(service.store, context):
                    return answer_type().validate_python(seen.answer)
                raise

        return act


class EntityService[E: Entity](Service):
    """A group of use cases about one kind of document, which can be looked at."""

    repository: ClassVar[type[Repository[Any]]]

    @query()
    def get(self, uow: UnitOfWork, key: str) -> E:
        """Return a document, an archived one too.

        Raises:
            NotFoundError: There is none in this garden.
        """
        entity: E = uow.of(self.repository).get(key)
        return entity

    @query()
    def list_page(self, uow: UnitOfWork, query: Query) -> Page[E]:
        """Return a part of the documents.

        Raises:
            OutOfRangeError: The limit is not within 1 to 200.
            InvalidInputError: A path is no field, or the cursor is not one of this query.
        """
        page: Page[E] = uow.of(self.repository).page(query)
        return page


def command_digest(name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Return what stands for a command and its content.

    Raises:
        InvalidInputError: A text in it is no text.
    """
    values = [*args, *kwargs.values()]
    parts = [part for value in values if isinstance(value, list | tuple) for part in value]
    for kind in {type(value) for value in (*values, *parts) if isinstance(value, BaseModel)}:
        # A model that came in only as part of another one may not be built by itself yet.
        kind.model_rebuild()
    try:
        content = to_json((name, args, kwargs))
    except PydanticSerializationError as error:
        raise InvalidInputError(
            "A text holds half a surrogate pair; send whole characters.", field="body"
        ) from error
    return sha256(content).hexdigest()


def check_revision(entity: Entity, expected: int | None, kind: str) -> None:
    """Make sure that a document is still what the caller saw; none = whatever it is now.

    Raises:
        StaleRevisionError: Somebody else wrote in between.
    """
    if expected is not None and entity.revision != expected:
        raise StaleRevisionError(
            f"{entity.key!r} in {kind} was changed in between; read it again.",
            kind=kind,
            key=entity.key,
        )


def check_permitted(uow: UnitOfWork, permission: Permission) -> None:
    """Make sure that the caller's role holds a permission, where it depends on the input.

    Raises:
        ForbiddenError: It does not.
    """
    check_role(uow.context.role, permission)


def check_own(uow: UnitOfWork, permission: Permission, entity: Entity) -> None:
    """Make sure that the caller may do something to this very document.

    What has an assignee is for who made it and for the assignee, what has none is for all; a
    member who left assigns nobody. Kinds that nobody can be assigned to are for who made them.

    Args:
        uow: The unit of work.
        permission: What is to be done.
        entity: The document as it is stored.

    Raises:
        ForbiddenError: It is somebody else's.
    """
    context = uow.context
    if "assignee_key" in type(entity).model_fields:
        assignee = _present(uow, getattr(entity, "assignee_key", None))
    else:
        assignee = entity.created_by
    if not may_touch(
        context.role,
        permission,
        actor=context.actor,
        created_by=entity.created_by,
        assignee=assignee,
    ):
        raise ForbiddenError(
            f"{entity.key} is somebody else's; only an admin may do this ({permission}).",
            permission=permission.value,
        )


def _present(uow: UnitOfWork, user_key: str | None) -> str | None:
    """Return the user if it is a member of the garden."""
    if user_key is None or user_key == uow.context.actor:
        return user_key
    member = uow.of(MembershipRepository).between(uow.context.tenant_key, user_key)
    return member.user_key if member else None


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


def create[E: Entity](
    repository: Repository[E], fields: Model, key: str | None, **more: object
) -> E:
    """Add a document, or take the archived one with this key back with new fields.

    Args:
        repository: Where it belongs.
        fields: What a person says of it.
        key: Its key; none = a new one.
        more: Fields of the entity beside these.

    Raises:
        ConflictError: The key belongs to a document that is not archived.
        InvalidInputError: A value does not fit.
    """
    if key is None or (archived := repository.try_get(key)) is None:
        return repository.add(fields, key=key, **more)
    if getattr(archived, "archived_at", None) is None:
        kind = repository.collection.name
        raise ConflictError(f"{kind} {key} exists already.", field="key", kind=kind, value=key)
    return repository.change(archived, **dict(fields), archived_at=None, **more)


def archive[E: Entity](
    uow: UnitOfWork,
    repository: Repository[E],
    key: str,
    expected_revision: int | None = None,
) -> E:
    """Take a document out of sight, on record; an archived one stays as it is.

    Raises:
        NotFoundError: There is none in this garden.
        StaleRevisionError: It has another revision than expected.
    """
    entity = repository.get(key)
    kind = repository.collection.name
    check_revision(entity, expected_revision, kind)
    if getattr(entity, "archived_at", None) is not None:
        return entity
    record_audit(uow, AuditAction.ARCHIVED, kind, key, name=str(getattr(entity, "name", "")))
    return repository.change(entity, archived_at=uow.context.now)


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
                value=patch[name],
            )


def check_sent_too(patch: Mapping[str, object], name: str, fix: str, *, because: str) -> None:
    """Check that a patch holds a field that another one of it makes wrong.

    A patch changes what was sent and nothing else, so nobody sets such a field in silence.

    Args:
        patch: What was sent.
        name: The field that has to be sent as well.
        fix: What to send in it.
        because: The field that was sent.

    Raises:
        InvalidInputError: It was not sent.
    """
    if name not in patch:
        raise InvalidInputError(
            f"{because} makes what stands in {name} wrong; send {name} too: {fix}.", field=name
        )
