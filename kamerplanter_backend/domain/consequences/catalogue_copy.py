"""Copy on write: what a garden wants to change of the shared catalogue becomes its own first."""

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.base import CatalogueEntity, Model


def own_copy[E: CatalogueEntity](repository: Repository[E], fields: type[Model], key: str) -> E:
    """Add a copy of an entry that belongs to the garden of the repository; return the copy.

    What pointed to the entry still does.

    Raises:
        NotFoundError: There is no such entry for this garden.
        ConflictError: The garden has one of the same name already.
    """
    entry = repository.get(key)
    values = {name: getattr(entry, name) for name in fields.model_fields}
    return repository.add(fields.model_validate(values))


def delete_entry[E: CatalogueEntity](
    uow: UnitOfWork, repository: Repository[E], entry: E, name: str
) -> None:
    """Delete an entry and put that on record.

    Args:
        uow: The unit of work; it must be allowed to write `AuditRepository`.
        repository: Of the entry.
        entry: As it is stored.
        name: What the record calls it.

    Raises:
        ForbiddenError: It belongs to the shared catalogue, and this is a garden.
        BrokenReferenceError: Something points to it; names what.
    """
    repository.remove(entry.key)
    kind = repository.collection.name
    record_audit(uow, AuditAction.DELETED, kind, entry.key, name=name)
