"""Ends the ways into a garden that somebody has made and may not use any more."""

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.models.tenant import AuditAction, InvitationState
from kamerplanter_backend.domain.repositories.calendar import CalendarFeedRepository
from kamerplanter_backend.domain.repositories.identity import ApiKeyRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository, InvitationRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork

INVITATIONS = (InvitationRepository, AuditRepository)
"""What `revoke_invitations_of` changes."""

WAYS_IN = (*INVITATIONS, ApiKeyRepository, CalendarFeedRepository)
"""What `end_ways_in_of` changes."""


def revoke_invitations_of(uow: UnitOfWork, user_key: str) -> None:
    """Take back what somebody has invited who may not any more: it would be a way back in."""
    invitations = uow.of(InvitationRepository)
    for invitation in invitations.open_of(uow.context.tenant_key, user_key):
        record_audit(uow, AuditAction.INVITATION_REVOKED, "invitations", invitation.key)
        invitations.change(invitation, state=InvitationState.REVOKED)


def end_ways_in_of(uow: UnitOfWork, user_key: str) -> None:
    """End for good what lets somebody in, or others in the name of somebody, who is no member."""
    revoke_invitations_of(uow, user_key)
    keys, feeds = uow.of(ApiKeyRepository), uow.of(CalendarFeedRepository)
    for key in keys.living(user_key):
        if key.garden_key == uow.context.tenant_key:
            keys.change(key, revoked_at=uow.context.now)
    for feed in feeds.find(Where("created_by", "==", user_key)):
        feeds.remove(feed.key)
