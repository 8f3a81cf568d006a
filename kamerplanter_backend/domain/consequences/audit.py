"""Puts on record what must not be forgotten, in the transaction that does it."""

from pydantic import JsonValue

from kamerplanter_backend.domain.models.tenant import AuditAction, AuditEntryFields
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork


def record_audit(
    uow: UnitOfWork,
    action: AuditAction,
    subject_kind: str,
    subject: str,
    **details: JsonValue,
) -> None:
    """Add an entry to the audit of this garden.

    Args:
        uow: The unit of work; it must be allowed to write `AuditRepository`.
        action: What was done.
        subject_kind: The collection of what it was done to.
        subject: Its key.
        details: What a person needs to understand the entry later, by name.
    """
    fields = AuditEntryFields(
        action=action, subject_kind=subject_kind, subject=subject, details=details
    )
    uow.of(AuditRepository).add(fields)
